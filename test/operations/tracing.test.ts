// Spans as a collector gets them: joined to the caller's trace, handed on upstream, without secrets; nothing when off.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CallContext } from '../../src/core/context.ts';
import { EventStream, type GatewayEvent } from '../../src/core/events.ts';
import { GatewayFault } from '../../src/core/fault.ts';
import type { Operation } from '../../src/core/operation.ts';
import type { UpstreamAnswer } from '../../src/core/outcome.ts';
import { Payload } from '../../src/core/payload.ts';
import { createRedactor } from '../../src/core/redact.ts';
import { createTracing, type Tracing } from '../../src/operations/tracing.ts';
import { configOf } from './support/fixture.ts';

interface SpanJson {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: Record<string, unknown> }[];
  status: { code?: number; message?: string };
}

let collector: Server;
let bodies: {
  headers: Record<string, unknown>;
  body: { resourceSpans: [{ resource: { attributes: unknown[] }; scopeSpans: [{ spans: SpanJson[] }] }] };
}[];
let answers: number[];
let tracing: Tracing | undefined;
let sent: Operation[];
const seen: GatewayEvent[] = [];

beforeEach(async () => {
  bodies = [];
  answers = [];
  sent = [];
  seen.length = 0;
  collector = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => {
      body += piece;
    });
    request.on('end', () => {
      const status = answers.shift() ?? 200;
      if (status === 200)
        bodies.push({ headers: request.headers, body: JSON.parse(body) as (typeof bodies)[number]['body'] });
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await tracing?.close();
  await new Promise((resolve) => collector.close(resolve));
});

const context = (more: Partial<CallContext> = {}): CallContext => ({
  id: 'call-1',
  face: 'mcp',
  principal: { id: 'alice', roles: ['call'] },
  client: { era: 'legacy', revision: '2025-11-25', capabilities: {}, info: {}, key: 'k' },
  deadline: Number.POSITIVE_INFINITY,
  signal: new AbortController().signal,
  ...more,
});
const tool = (meta?: object): Operation => ({
  kind: 'call-tool',
  upstream: 'a',
  name: 'echo',
  params: { name: 'echo', arguments: { x: 1 }, ...(meta !== undefined && { _meta: meta }) },
});
const answered = (result: object = {}): UpstreamAnswer => ({
  result: Payload.of({ content: [], ...result }),
  era: 'legacy',
  timing: { attempts: 2, queue: 1, connect: 0, upstream: 3 },
});

function start(answer: () => UpstreamAnswer | Promise<UpstreamAnswer>, settings: object = {}) {
  const { port } = collector.address() as AddressInfo;
  const config = configOf({
    tracing: { enabled: true, endpoint: `http://127.0.0.1:${port}/v1/traces`, headers: { 'x-key': 'k1' }, ...settings },
  });
  const events = new EventStream();
  events.subscribe((event) => seen.push(event));
  tracing = createTracing({
    config: config.tracing,
    version: '1.2.3',
    events,
    redact: createRedactor(() => ['s3cret-value']),
    every: 20,
  });
  return tracing.wrap(async (operation) => {
    sent.push(operation);
    return answer();
  });
}

const spans = async (count: number): Promise<SpanJson[]> => {
  const all = () => bodies.flatMap(({ body }) => body.resourceSpans[0].scopeSpans[0].spans);
  await expect.poll(() => all().length, { timeout: 30_000 }).toBe(count);
  return all();
};
const attributes = (span: SpanJson | undefined) =>
  Object.fromEntries(span?.attributes.map(({ key, value }) => [key, Object.values(value)[0]]) ?? []);

const PARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

describe('spans', () => {
  it('joins the trace that stands in _meta, and hands its own span on upstream', async () => {
    const dispatch = start(() => answered());
    await dispatch(tool({ traceparent: PARENT, tracestate: 'x=1', other: 'kept' }), context());
    const [server, client] = await spans(2);
    expect(server).toMatchObject({
      traceId: 'a'.repeat(32),
      parentSpanId: 'b'.repeat(16),
      name: 'tools/call echo',
      kind: 2,
      status: {},
    });
    expect(client).toMatchObject({ traceId: 'a'.repeat(32), parentSpanId: server?.spanId, kind: 3 });
    expect(sent[0]?.params._meta).toEqual({
      traceparent: `00-${'a'.repeat(32)}-${client?.spanId}-01`,
      tracestate: 'x=1',
      other: 'kept',
    });
    expect(sent[0]?.params.arguments).toEqual({ x: 1 });
    expect(attributes(server)).toMatchObject({
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': 'echo',
      'holdfast.upstream': 'a',
      'holdfast.call.id': 'call-1',
      'holdfast.principal': 'alice',
    });
    expect(attributes(client)).toMatchObject({ 'holdfast.attempts': '2', 'holdfast.queue.ms': '1' });
    expect(Number(server?.endTimeUnixNano)).toBeGreaterThanOrEqual(Number(server?.startTimeUnixNano));
    expect(Math.abs(Number(server?.startTimeUnixNano) / 1e6 - Date.now())).toBeLessThan(60_000);
    expect(bodies[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'x-key': 'k1' });
    expect(bodies[0]?.body.resourceSpans[0].resource.attributes).toContainEqual({
      key: 'service.name',
      value: { stringValue: 'holdfast' },
    });
  });

  it('joins the trace of a header where _meta says nothing', async () => {
    const dispatch = start(() => answered());
    await dispatch(tool(), context({ trace: { traceparent: PARENT } }));
    expect((await spans(2))[0]?.traceId).toBe('a'.repeat(32));
  });

  it('begins a trace of its own where there is none, or none that can be read', async () => {
    const dispatch = start(() => answered());
    for (const traceparent of [undefined, 'nonsense', `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`, 17])
      await dispatch(tool({ traceparent }), context());
    const all = await spans(8);
    const servers = all.filter(({ kind }) => kind === 2);
    expect(new Set(servers.map(({ traceId }) => traceId)).size).toBe(4);
    for (const { traceId, parentSpanId } of servers)
      expect([traceId, parentSpanId]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), undefined]);
  });

  it('tells faults, errors of the upstream and isError', async () => {
    let answer: () => UpstreamAnswer = () => {
      throw new GatewayFault('UPSTREAM_TIMEOUT', 'no answer, s3cret-value', { delivery: 'maybe-sent' });
    };
    const dispatch = start(() => answer());
    await expect(dispatch(tool(), context())).rejects.toThrow('no answer');
    const { timing, era } = answered();
    answer = () => ({ error: { code: -32602, message: 'bad' }, era, timing });
    await dispatch(tool(), context());
    answer = () => answered({ isError: true });
    await dispatch(tool(), context());
    const servers = (await spans(5)).filter(({ kind }) => kind === 2);
    expect(servers.map((span) => [attributes(span)['error.type'], span.status])).toEqual([
      ['UPSTREAM_TIMEOUT', { code: 2, message: 'no answer, ***' }],
      ['-32602', { code: 2, message: 'bad' }],
      ['tool_error', { code: 2, message: 'echo said isError' }],
    ]);
    expect(attributes(servers[0])['holdfast.delivery']).toBe('maybe-sent');
  });

  it('sends nothing of what the caller or the ratio left out, and hands the decision on', async () => {
    const dispatch = start(() => answered(), { sampleRatio: 0 });
    await dispatch(tool(), context());
    await dispatch(tool({ traceparent: PARENT.replace(/01$/, '00') }), context());
    expect(sent.map(({ params }) => (params._meta as { traceparent: string }).traceparent.slice(-2))).toEqual([
      '00',
      '00',
    ]);
    await dispatch(tool({ traceparent: PARENT }), context());
    expect(await spans(2)).toHaveLength(2);
  });

  it('takes a busy collector with patience and a broken one with one word', async () => {
    answers = [503];
    const dispatch = start(() => answered());
    await dispatch(tool(), context());
    await spans(2);
    answers = [400, 400];
    await dispatch(tool(), context());
    await expect.poll(() => seen.length).toBe(1);
    await dispatch(tool(), context());
    await expect.poll(() => answers.length).toBe(0);
    expect(seen).toEqual([
      { type: 'log', level: 'warn', text: 'the trace collector does not take spans: the receiver answered 400' },
    ]);
  });

  it('sends what is left when it stops', async () => {
    const { port } = collector.address() as AddressInfo;
    const config = configOf({ tracing: { enabled: true, endpoint: `http://127.0.0.1:${port}/` } });
    const own = createTracing({
      config: config.tracing,
      version: '1',
      events: new EventStream(),
      redact: (text) => text,
    });
    await own.wrap(async () => answered())(tool(), context());
    await own.close();
    expect(bodies).toHaveLength(1);
  });
});
