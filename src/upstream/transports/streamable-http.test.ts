import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Answer,
  json,
  type Listener,
  listen,
  resultFor,
  rpc,
  stream,
} from '../../../test/servers/http/listener.ts';
import { RecordingSink } from '../../../test/servers/http/sink.ts';
import { GatewayFault } from '../../core/fault.ts';
import { writeNotification, writeRequest } from '../../wire/envelope.ts';
import { encodeHeaderValue } from '../../wire/headers.ts';
import type { Transport } from '../transport.ts';
import type { HttpUpstreamConfig } from './http-requests.ts';
import { createStreamableHttpTransport } from './streamable-http.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

interface Setup {
  server: Listener;
  sink: RecordingSink;
  transport: Transport;
  logs: unknown[];
  call(id: number, method?: string, params?: Record<string, unknown>, more?: object): void;
}

async function setUp(answer: Answer, config: Partial<HttpUpstreamConfig> = {}, path = '/mcp'): Promise<Setup> {
  const server = await listen(answer);
  cleanup.push(() => server.close());
  const sink = new RecordingSink();
  const logs: unknown[] = [];
  const transport = createStreamableHttpTransport({
    upstream: 'far',
    config: {
      url: server.url + path,
      headers: {},
      limits: { message: 1_000_000 },
      timeouts: { dial: 2_000, connect: 2_000 },
      ...config,
    },
    log: (...entry) => logs.push(entry),
  });
  cleanup.push(() => transport.close(0));
  await transport.open(sink, AbortSignal.timeout(5_000));
  const call: Setup['call'] = (id, method = 'tools/call', params = {}, more = {}) =>
    transport.request({ id, method, text: writeRequest(id, method, params), ...more });
  return { server, sink, transport, logs, call };
}

/** A server of the 2025 era with sessions; `onCall` answers what is neither handshake nor GET. */
function legacy(onCall: Answer, onGet?: Answer): Answer {
  return (request, response, raw) => {
    if (request.method === 'GET') return onGet === undefined ? json(response, {}, 405) : onGet(request, response, raw);
    if (request.method === 'DELETE') return response.writeHead(200).end();
    const { method, id } = rpc(request);
    if (method === 'initialize') return json(response, resultFor(request), 200, { 'mcp-session-id': 'session-1' });
    if (id === undefined) return response.writeHead(202).end();
    return onCall(request, response, raw);
  };
}

async function handshake({ transport, sink, call }: Setup, revision = '2025-11-25'): Promise<void> {
  call(1, 'initialize');
  await sink.result(1);
  transport.negotiated({ era: 'legacy', revision });
  await transport.post(writeNotification('notifications/initialized'));
}

describe('requests and answers', () => {
  it('answers by JSON, on the stream of the request, bytes untouched', async () => {
    const { sink, call, server } = await setUp((request, response) =>
      json(response, `{"jsonrpc":"2.0","id":${rpc(request).id},"result":{"n":1.0,"big":12345678901234567890}}`),
    );
    call(7);
    const end = await sink.when(({ message }) => message?.kind === 'result');
    expect(end.stream).toBe(7);
    if (end.message?.kind !== 'result') throw new Error('no result');
    expect(end.message.result.bytes.toString()).toBe('{"n":1.0,"big":12345678901234567890}');
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      path: '/mcp',
      headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json' },
    });
  });

  it('keeps its connection, and opens more for calls at the same time', async () => {
    const held: (() => void)[] = [];
    const { sink, call, server } = await setUp((request, response) => {
      if (rpc(request).id < 10) json(response, resultFor(request));
      else {
        held.push(() => json(response, resultFor(request)));
        if (held.length === 20) for (const release of held) release();
      }
    });
    for (let id = 1; id < 6; id++) {
      call(id);
      await sink.result(id);
    }
    // A second one, because a connection is free again only a turn after its answer.
    expect(server.connections()).toBeLessThanOrEqual(2);
    for (let id = 10; id < 30; id++) call(id);
    for (let id = 10; id < 30; id++) await sink.result(id);
    expect(server.connections()).toBeGreaterThanOrEqual(20);
    expect(server.connections()).toBeLessThanOrEqual(22);
  });

  it('reads an event stream: progress first, then the answer, in order (MP7)', async () => {
    const { sink, call } = await setUp((request, response) => {
      stream(response);
      for (let n = 1; n <= 3; n++) {
        response.write(
          `event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":{"n":${n}}}\n\n`,
        );
      }
      response.end(`: ping\n\ndata: ${resultFor(request)}\n\n`);
    });
    call(4);
    await sink.result(4);
    expect(sink.heard.map(({ message, stream }) => [message?.kind, stream])).toEqual([
      ['notification', 4],
      ['notification', 4],
      ['notification', 4],
      ['result', 4],
    ]);
  });

  it('reads a large answer cut into single bytes and one of 900 KB', async () => {
    const text = 'ü'.repeat(450_000);
    const { sink, call } = await setUp(async (request, response) => {
      const body = Buffer.from(resultFor(request, { text: rpc(request).id === 1 ? '漢字' : text }));
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
      if (rpc(request).id === 1) {
        for (const byte of body) {
          response.write(Buffer.from([byte]));
          await new Promise((resolve) => setImmediate(resolve));
        }
        response.end();
      } else response.end(body);
    });
    call(1);
    expect(await sink.result(1)).toEqual({ text: '漢字' });
    call(2);
    expect(await sink.result(2)).toEqual({ text });
  });

  it('takes a batch as an answer (2025-03-26), and an id written as text (F-I12)', async () => {
    const { sink, call } = await setUp((request, response) => {
      const { id } = rpc(request);
      if (id === 1) json(response, `[{"jsonrpc":"2.0","method":"x"},${resultFor(request)}]`);
      else json(response, { jsonrpc: '2.0', id: String(id), result: { text: true } });
    });
    call(1);
    expect(await sink.result(1)).toEqual({ ok: true });
    call(2);
    const heard = await sink.when(({ message }) => message?.kind === 'result' && message.id === '2');
    expect(heard.stream).toBe(2);
    expect(sink.heard.some(({ failed }) => failed !== undefined)).toBe(false);
  });

  it('knows when the last byte came', async () => {
    const { sink, call, transport } = await setUp((request, response) => json(response, resultFor(request)));
    const before = performance.now();
    call(1);
    await sink.result(1);
    expect(transport.lastByteAt).toBeGreaterThan(before);
  });
});

describe('headers', () => {
  it('modern: revision from _meta before and from the handshake after it, method, encoded name, parameters', async () => {
    const { sink, call, transport, server } = await setUp((request, response) =>
      json(response, resultFor(request), 200, { 'mcp-session-id': 'never-used' }),
    );
    call(1, 'server/discover', { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } });
    await sink.result(1);
    transport.negotiated({ era: 'modern', revision: '2026-07-28' });
    const headers = { 'Mcp-Param-Region': encodeHeaderValue('东京\r\nx: y') };
    call(2, 'tools/call', {}, { subject: 'söng\r\nx-evil: 1', headers });
    await sink.result(2);
    await transport.post(writeNotification('notifications/cancelled'));
    const [discover, called, cancelled] = server.requests;
    expect(discover?.headers).toMatchObject({ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'server/discover' });
    expect(called?.headers).toMatchObject({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': '=?base64?c8O2bmcNCngtZXZpbDogMQ==?=',
      'mcp-param-region': '=?base64?5Lic5LqsDQp4OiB5?=',
    });
    expect(called?.headers['x-evil']).toBeUndefined();
    expect(called?.headers['mcp-session-id']).toBeUndefined();
    expect(cancelled?.headers['mcp-method']).toBe('notifications/cancelled');
  });

  it.each([
    ['2025-03-26', undefined],
    ['2025-06-18', '2025-06-18'],
    ['2025-11-25', '2025-11-25'],
  ])('legacy %s: session id, and the version header since 2025-06-18', async (revision, expected) => {
    const setup = await setUp(legacy((request, response) => json(response, resultFor(request))));
    await handshake(setup, revision);
    setup.call(2, 'tools/call', {}, { subject: 'echo' });
    await setup.sink.result(2);
    const [initialize, initialized] = setup.server.requests;
    expect(initialize?.headers['mcp-session-id']).toBeUndefined();
    expect(initialize?.headers['mcp-protocol-version']).toBeUndefined();
    expect(initialized?.headers['mcp-session-id']).toBe('session-1');
    const called = setup.server.requests.find(({ body }) => body.includes('tools/call'));
    expect(called?.headers['mcp-session-id']).toBe('session-1');
    expect(called?.headers['mcp-protocol-version']).toBe(expected);
    expect(called?.headers['mcp-name']).toBeUndefined();
  });

  it('sends the configured headers, but none of the protocol’s own and no broken one', async () => {
    const answer: Answer = (request, response) => json(response, resultFor(request));
    const { sink, call, server } = await setUp(answer, {
      headers: { Authorization: 'Bearer ours', 'X-Team': 'a', Accept: 'text/plain', 'Content-Length': '3' },
    });
    call(1);
    await sink.result(1);
    expect(server.requests[0]?.headers).toMatchObject({
      authorization: 'Bearer ours',
      'x-team': 'a',
      accept: 'application/json, text/event-stream',
    });
    await expect(setUp(answer, { headers: { 'X-A': 'b\r\nc: d' } })).rejects.toMatchObject({
      fault: 'UPSTREAM_START_FAILED',
    });
  });

  it('sends the credentials and the query of the URL', async () => {
    const { server, sink, call } = await setUp(
      (request, response) => json(response, resultFor(request)),
      {},
      '/m?key=1',
    );
    call(1);
    await sink.result(1);
    expect(server.requests[0]?.path).toBe('/m?key=1');
    const again = createStreamableHttpTransport({
      upstream: 'far',
      config: {
        url: server.url.replace('//', '//me:p%40ss@'),
        headers: {},
        limits: { message: 1000 },
        timeouts: { dial: 1000, connect: 1000 },
      },
      log: () => {},
    });
    cleanup.push(() => again.close(0));
    const other = new RecordingSink();
    await again.open(other, AbortSignal.timeout(5_000));
    again.request({ id: 1, method: 'ping', text: writeRequest(1, 'ping', {}) });
    await other.result(1);
    expect(server.requests[1]?.headers.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
  });
});

describe('what an HTTP status means (C-14, X-22)', () => {
  const refused = (status: number, headers: Record<string, string> = {}, body: unknown = { error: 'no' }): Answer =>
    legacy((_request, response) => json(response, body, status, headers));

  async function faultOf(answer: Answer, session = true): Promise<GatewayFault> {
    const setup = await setUp(answer);
    if (session) await handshake(setup);
    setup.call(2);
    return setup.sink.fault(2);
  }

  it.each([
    [404, {}, 'UPSTREAM_SESSION_LOST', 'rejected-unprocessed', {}],
    [400, {}, 'UPSTREAM_PROTOCOL', 'maybe-sent', { ambiguous: true, contentType: 'application/json' }],
    [422, {}, 'UPSTREAM_PROTOCOL', 'maybe-sent', { ambiguous: true }],
    [
      401,
      { 'www-authenticate': 'Bearer x="y"' },
      'UPSTREAM_UNAUTHORIZED',
      'rejected-unprocessed',
      { ambiguous: true, wwwAuthenticate: 'Bearer x="y"' },
    ],
    [403, {}, 'UPSTREAM_UNAUTHORIZED', 'rejected-unprocessed', {}],
    [405, {}, 'UPSTREAM_PROTOCOL', 'rejected-unprocessed', {}],
    [500, {}, 'UPSTREAM_FAILED', 'maybe-sent', {}],
    [502, {}, 'UPSTREAM_FAILED', 'maybe-sent', {}],
    [503, {}, 'UPSTREAM_FAILED', 'maybe-sent', {}],
    [524, {}, 'UPSTREAM_FAILED', 'maybe-sent', {}],
    [302, { location: '/elsewhere' }, 'UPSTREAM_PROTOCOL', 'rejected-unprocessed', {}],
  ])('F-H1, F-H3 … F-H6, F-H24: %i in a session', async (status, headers, name, delivery, data) => {
    const fault = await faultOf(refused(status, headers as Record<string, string>));
    expect(fault).toMatchObject({ fault: name, delivery, upstream: 'far' });
    expect(fault.data).toMatchObject({ httpStatus: status, ...data });
    expect('ambiguous' in (fault.data ?? {})).toBe('ambiguous' in data);
    expect(fault.message).not.toContain('no session');
  });

  it.each([[404], [405], [400]])('F-H4: %i without a session tells its status and is not ambiguous', async (status) => {
    const fault = await faultOf((_request, response) => json(response, '<html>', status), false);
    expect(fault).toMatchObject({ fault: 'UPSTREAM_PROTOCOL', data: { httpStatus: status } });
    expect(fault.data).not.toHaveProperty('ambiguous');
  });

  it('F-H2: 429 with seconds, with a date and with nothing', async () => {
    expect(await faultOf(refused(429, { 'retry-after': '7' }))).toMatchObject({
      fault: 'UPSTREAM_RATE_LIMITED',
      delivery: 'rejected-unprocessed',
      retryAfterMs: 7_000,
    });
    const date = new Date(Date.now() + 20_000).toUTCString();
    const { retryAfterMs } = await faultOf(refused(429, { 'retry-after': date }));
    expect(retryAfterMs).toBeGreaterThan(17_000);
    expect(retryAfterMs).toBeLessThanOrEqual(20_000);
    expect((await faultOf(refused(429))).retryAfterMs).toBeUndefined();
  });

  it('F-H1: 503 with Retry-After was not run', async () => {
    expect(await faultOf(refused(503, { 'retry-after': '2' }))).toMatchObject({
      fault: 'UPSTREAM_FAILED',
      delivery: 'rejected-unprocessed',
      retryAfterMs: 2_000,
    });
  });

  it('F-H5: 404 means a lost session even with a JSON-RPC body, unless that answers this very request', async () => {
    const body = { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } };
    expect(await faultOf(refused(404, {}, body))).toMatchObject({ fault: 'UPSTREAM_SESSION_LOST' });
    const own = { jsonrpc: '2.0', id: 2, error: { code: -32601, message: 'Method not found' } };
    const setup = await setUp(refused(404, {}, own));
    await handshake(setup);
    setup.call(2);
    expect(await setup.sink.end(2)).toMatchObject({ kind: 'error', error: { code: -32601 } });
  });

  it.each([
    [400, -32600, null],
    [400, -32000, null],
    [404, -32601, 2],
    [400, -32022, 2],
    [500, -32603, 2],
  ])('delivers a JSON-RPC error with HTTP %i, code %i and id %s as an answer', async (status, code, id) => {
    const setup = await setUp((_request, response) =>
      json(response, { jsonrpc: '2.0', id, error: { code, message: 'm' } }, status),
    );
    setup.call(2);
    const heard = await setup.sink.when(({ message, failed }) => message?.kind === 'error' || failed !== undefined);
    expect(heard).toMatchObject({ stream: 2, message: { kind: 'error', error: { code } } });
    expect(setup.sink.heard).toHaveLength(1);
  });

  it('does not take a 500 without the id of the request for an answer', async () => {
    const body = { jsonrpc: '2.0', id: null, error: { code: -32603, message: 'Internal error' } };
    expect(await faultOf(refused(500, {}, body))).toMatchObject({
      fault: 'UPSTREAM_FAILED',
      delivery: 'maybe-sent',
      data: { rpcError: { code: -32603 } },
    });
  });

  it('F-H13: an HTML page is not an MCP answer; its text is in the log only, and cut', async () => {
    const page = `<html>${'secret '.repeat(100)}</html>`;
    const setup = await setUp((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
    });
    setup.call(1);
    const fault = await setup.sink.fault(1);
    expect(fault).toMatchObject({ fault: 'UPSTREAM_PROTOCOL', delivery: 'maybe-sent' });
    expect(fault.message).toBe('not an MCP answer (text/html)');
    expect(JSON.stringify(fault.describe())).not.toContain('secret');
    expect(setup.logs).toContainEqual(['warn', 'not an MCP answer (text/html)', { sample: page.slice(0, 100) }]);
  });

  it('F-H6: 200 with an object that is no JSON-RPC is ambiguous in a session; empty and broken JSON are protocol faults', async () => {
    const bodies: Record<number, string> = { 2: '{"error":"unknown session"}', 3: '', 4: '{"jsonrpc":"2.0","id":4,' };
    const setup = await setUp(legacy((request, response) => json(response, bodies[rpc(request).id] ?? '')));
    await handshake(setup);
    for (const id of [2, 3, 4]) setup.call(id);
    expect(await setup.sink.fault(2)).toMatchObject({
      fault: 'UPSTREAM_PROTOCOL',
      data: { ambiguous: true, httpStatus: 200 },
    });
    expect(await setup.sink.fault(3)).toMatchObject({ fault: 'UPSTREAM_PROTOCOL', delivery: 'maybe-sent' });
    expect(await setup.sink.fault(4)).toMatchObject({ fault: 'UPSTREAM_PROTOCOL', delivery: 'maybe-sent' });
  });

  it('F-I11, F-I18: an answer to another id, or without result and error, fails the request at once', async () => {
    const setup = await setUp((request, response) => {
      if (rpc(request).id === 1) json(response, { jsonrpc: '2.0', id: 99, result: {} });
      else json(response, { jsonrpc: '2.0', id: 2 });
    });
    setup.call(1);
    expect(await setup.sink.fault(1)).toMatchObject({ fault: 'UPSTREAM_PROTOCOL' });
    setup.call(2);
    expect(await setup.sink.fault(2)).toMatchObject({ fault: 'UPSTREAM_PROTOCOL' });
  });

  it('throws from post what a request would have failed with', async () => {
    const setup = await setUp(legacy(() => {}));
    await handshake(setup);
    await setup.server.close();
    await expect(setup.transport.post(writeNotification('notifications/x'))).rejects.toMatchObject({
      fault: expect.stringMatching(/^UPSTREAM_(UNREACHABLE|DISCONNECTED)$/),
    });
    const other = await setUp((_request, response) => json(response, {}, 503));
    await expect(other.transport.post(writeNotification('notifications/x'))).rejects.toMatchObject({
      fault: 'UPSTREAM_FAILED',
    });
  });
});

describe('limits', () => {
  it('answers RESULT_TOO_LARGE for JSON and for an event over limits.message, and closes the connection', async () => {
    const setup = await setUp(
      (request, response) => {
        const body = resultFor(request, { text: 'x'.repeat(100_000) });
        if (rpc(request).id === 1) return json(response, body);
        stream(response);
        response.write(`data: ${body}\n\n`);
      },
      { limits: { message: 50_000 } },
    );
    for (const id of [1, 2]) {
      setup.call(id);
      expect(await setup.sink.fault(id)).toMatchObject({ fault: 'RESULT_TOO_LARGE', delivery: 'answered' });
      await setup.server.requests[id - 1]?.closed;
    }
    setup.call(3);
    expect(await setup.sink.fault(3)).toMatchObject({ fault: 'RESULT_TOO_LARGE' });
  });

  it('F-H20: reads gzip it did not ask for, stops at the decompressed limit, survives broken gzip', async () => {
    const setup = await setUp(
      (request, response) => {
        const { id } = rpc(request);
        const headers = { 'content-encoding': 'gzip' };
        const body = gzipSync(resultFor(request, id === 2 ? { text: 'x'.repeat(30_000_000) } : { ok: id }));
        response.writeHead(200, { 'content-type': id === 4 ? 'text/event-stream' : 'application/json', ...headers });
        if (id === 3) response.end(body.subarray(0, body.length - 12));
        else if (id === 4) response.end(gzipSync(`data: ${resultFor(request)}\n\n`));
        else if (id === 5) response.end('this is not gzip at all');
        else response.end(body);
      },
      { limits: { message: 1_000_000 } },
    );
    for (const id of [1, 2, 3, 4, 5]) setup.call(id);
    expect(setup.server.requests[0]?.headers['accept-encoding'] ?? 'identity').toBe('identity');
    expect(await setup.sink.result(1)).toEqual({ ok: 1 });
    expect(await setup.sink.fault(2)).toMatchObject({ fault: 'RESULT_TOO_LARGE' });
    expect(await setup.sink.fault(3)).toMatchObject({ fault: 'UPSTREAM_PROTOCOL', delivery: 'maybe-sent' });
    expect(await setup.sink.result(4)).toEqual({ ok: true });
    expect(await setup.sink.fault(5)).toMatchObject({ fault: 'UPSTREAM_PROTOCOL', delivery: 'maybe-sent' });
  });
});

describe('broken connections', () => {
  it('refused and unknown host: UPSTREAM_UNREACHABLE, not sent (F-H7, F-H26)', async () => {
    const gone = await listen(() => {});
    await gone.close();
    for (const [url, code] of [
      [gone.url, 'ECONNREFUSED'],
      ['http://no-such-host.invalid/', /^(ENOTFOUND|EAI_AGAIN)$/],
    ] as const) {
      const setup = await setUp(() => {}, { url });
      setup.call(1);
      const fault = await setup.sink.fault(1);
      expect(fault).toMatchObject({ fault: 'UPSTREAM_UNREACHABLE', delivery: 'not-sent', retryable: true });
      expect(fault.data?.errno).toMatch(code);
    }
  });

  it('F-H8, F-T5, F-H11: reset before and within the answer, cut body: maybe sent', async () => {
    const setup = await setUp((request, response, raw) => {
      const { id } = rpc(request);
      if (id === 1) raw.socket.resetAndDestroy();
      else if (id === 2) raw.socket.end();
      else {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
        response.write('{"jsonrpc":"2.0",', () => raw.socket.destroy());
      }
    });
    for (const id of [1, 2, 3]) {
      setup.call(id);
      expect(await setup.sink.fault(id)).toMatchObject({
        fault: 'UPSTREAM_DISCONNECTED',
        delivery: 'maybe-sent',
        retryable: false,
      });
    }
  });

  it('F-T1: a connection that the server closed while idle is not used again', async () => {
    const setup = await setUp((request, response) => json(response, resultFor(request)));
    setup.call(1);
    await setup.sink.result(1);
    setup.server.reset();
    while (setup.server.open() > 0) await new Promise((resolve) => setImmediate(resolve));
    setup.call(2);
    expect(await setup.sink.result(2)).toEqual({ ok: true });
    expect(setup.server.connections()).toBe(2);
  });

  it('F-T7: an idle connection is closed by us, before the time the server gives it', async () => {
    const setup = await setUp((request, response) =>
      json(response, resultFor(request), 200, { 'keep-alive': 'timeout=3' }),
    );
    setup.call(1);
    await setup.sink.result(1);
    const at = performance.now();
    expect(setup.server.open()).toBe(1);
    while (setup.server.open() > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(performance.now() - at).toBeLessThan(3_500); // after 4 s of its own, after 2 s because of the hint
  });

  it('answers that are no HTTP are a protocol fault', async () => {
    const setup = await setUp((_request, _response, raw) => raw.socket.end('SSH-2.0-OpenSSH\r\n'));
    setup.call(1);
    expect(await setup.sink.fault(1)).toMatchObject({ fault: 'UPSTREAM_PROTOCOL', delivery: 'maybe-sent' });
  });

  it('F-H15: a stream that ends before the answer fails at once: modern, and legacy without an event id', async () => {
    const cut: Answer = (request, response) => {
      stream(response);
      response.end(`${rpc(request).id === 2 ? 'id: 5\n' : ''}data: {"jsonrpc":"2.0","method":"x"}\n\n`);
    };
    const modern = await setUp(cut);
    modern.transport.negotiated({ era: 'modern', revision: '2026-07-28' });
    modern.call(2);
    expect(await modern.sink.fault(2)).toMatchObject({ fault: 'UPSTREAM_DISCONNECTED', delivery: 'maybe-sent' });
    const old = await setUp(legacy(cut));
    await handshake(old);
    old.call(3);
    expect(await old.sink.fault(3)).toMatchObject({ fault: 'UPSTREAM_DISCONNECTED', delivery: 'maybe-sent' });
    expect(old.sink.heard.filter(({ message }) => message?.kind === 'notification')).toMatchObject([{ stream: 3 }]);
  });

  it('F-I18: an event that is no message is noise, unless it names the request; the answer after it counts', async () => {
    const setup = await setUp((request, response) => {
      stream(response);
      response.end(`data: {"cut":\n\ndata: {"jsonrpc":"2.0","id":1}\n\ndata: ${resultFor(request)}\n\n`);
    });
    setup.call(1);
    expect(await setup.sink.result(1)).toEqual({ ok: true });
    expect(setup.sink.heard[0]).toMatchObject({ stream: 1, message: { kind: 'invalid', id: 1 } });
    expect(setup.sink.samples).toEqual(['{"cut":']);
  });
});

describe('resuming a legacy stream', () => {
  const isResume = (id: string) => (request: { method: string; headers: Record<string, unknown> }) =>
    request.method === 'GET' && request.headers['last-event-id'] === id;

  it('F-H15: asks for the rest by GET with Last-Event-ID; the answer belongs to the call', async () => {
    const setup = await setUp(
      legacy(
        (_request, response, raw) => {
          stream(response);
          response.write('id: ev-1\ndata: {"jsonrpc":"2.0","method":"a"}\n\n', () => raw.socket.destroy());
        },
        (request, response) => {
          if (request.headers['last-event-id'] !== 'ev-1') return json(response, {}, 405);
          stream(response);
          response.end('id: ev-2\ndata: {"jsonrpc":"2.0","id":2,"result":{"resumed":true}}\n\n');
        },
      ),
    );
    await handshake(setup);
    setup.call(2);
    expect(await setup.sink.result(2)).toEqual({ resumed: true });
    expect(setup.sink.heard.slice(1).map(({ message, stream }) => [message?.kind, stream])).toEqual([
      ['notification', 2],
      ['result', 2],
    ]);
    const resume = setup.server.requests.find(isResume('ev-1'));
    expect(resume?.headers).toMatchObject({
      accept: 'text/event-stream',
      'mcp-session-id': 'session-1',
      'mcp-protocol-version': '2025-11-25',
    });
  });

  it('SEP-1699: waits as long as `retry` says, over several polls', async () => {
    let polls = 0;
    const setup = await setUp(
      legacy(
        (_request, response) => {
          stream(response);
          response.end('id: p0\nretry: 120\ndata: \n\n');
        },
        (request, response) => {
          if (request.headers['last-event-id'] === undefined) return json(response, {}, 405);
          stream(response);
          polls++;
          if (polls < 4) response.end(`id: p${polls}\nretry: 120\ndata: \n\n`);
          else response.end('data: {"jsonrpc":"2.0","id":2,"result":{"polls":4}}\n\n');
        },
      ),
    );
    await handshake(setup);
    const before = performance.now();
    setup.call(2);
    expect(await setup.sink.result(2)).toEqual({ polls: 4 });
    const times = setup.server.requests
      .filter(({ headers }) => headers['last-event-id'] !== undefined)
      .map(({ at }) => at);
    expect(times).toHaveLength(4);
    for (const [n, at] of times.entries()) expect(at - (times[n - 1] ?? before)).toBeGreaterThanOrEqual(115);
  });

  it('gives up when the server does not resume, and does not go on for ever', async () => {
    let gets = 0;
    const setup = await setUp(
      legacy(
        (_request, response) => {
          stream(response);
          response.end('id: x\ndata: \n\n');
        },
        (request, response) => {
          if (request.headers['last-event-id'] === undefined) return json(response, {}, 405);
          gets++;
          if (rpc(setup.server.requests.findLast(({ method }) => method === 'POST') as never).id === 2)
            json(response, {}, 404);
          else {
            stream(response);
            response.end();
          }
        },
      ),
    );
    await handshake(setup);
    setup.call(2);
    expect(await setup.sink.fault(2)).toMatchObject({ fault: 'UPSTREAM_DISCONNECTED', delivery: 'maybe-sent' });
    expect(gets).toBe(1);
    setup.call(3);
    expect(await setup.sink.fault(3)).toMatchObject({ fault: 'UPSTREAM_DISCONNECTED', delivery: 'maybe-sent' });
    expect(gets).toBe(2);
  });
});

describe('giving up a request', () => {
  it('modern: abandon closes the stream, which is the cancellation, within 1 s (MP4)', async () => {
    const setup = await setUp((_request, response) => stream(response));
    setup.transport.negotiated({ era: 'modern', revision: '2026-07-28' });
    setup.call(1);
    const seen = await setup.server.seen(() => true);
    const at = performance.now();
    setup.transport.abandon(1);
    await seen.closed;
    expect(performance.now() - at).toBeLessThan(5_000);
    expect(setup.sink.heard).toEqual([]);
  });

  it('a request abandoned before it was written is never sent', async () => {
    const setup = await setUp((request, response) => json(response, resultFor(request)));
    setup.transport.negotiated({ era: 'modern', revision: '2026-07-28' });
    setup.call(1);
    setup.transport.abandon(1);
    setup.call(2);
    await setup.sink.result(2);
    expect(setup.server.requests.map((request) => rpc(request).id)).toEqual([2]);
  });

  it('legacy: abandon leaves the stream to end by itself, says nothing more, and closes it in the end', async () => {
    let finish: (() => void) | undefined;
    const setup = await setUp(
      legacy((request, response) => {
        stream(response);
        if (rpc(request).id === 2) finish = () => response.end(`data: ${resultFor(request)}\n\n`);
      }),
    );
    await handshake(setup);
    setup.call(2);
    setup.call(3);
    await setup.server.seen(({ body }) => body.includes('"id":2'));
    const silent = await setup.server.seen(({ body }) => body.includes('"id":3'));
    const before = setup.server.open();
    setup.transport.abandon(2);
    setup.transport.abandon(3);
    finish?.();
    await silent.closed;
    expect(setup.server.open()).toBeLessThan(before);
    expect(setup.sink.heard).toHaveLength(1);
  });

  it('a stream that stays open behind its answer is closed', async () => {
    const setup = await setUp((request, response) => {
      stream(response);
      response.write(`data: ${resultFor(request)}\n\n`);
    });
    setup.call(1);
    await setup.sink.result(1);
    await setup.server.requests[0]?.closed;
  });

  it('close ends everything, tells nobody, ends the session by DELETE and leaves no connection', async () => {
    const setup = await setUp(
      legacy(
        (_request, response) => stream(response),
        (_request, response) => stream(response),
      ),
    );
    await handshake(setup);
    setup.call(2);
    await setup.server.seen(({ body }) => body.includes('"id":2'));
    await setup.server.seen(({ method }) => method === 'GET');
    await setup.transport.close();
    expect(setup.server.requests.at(-1)).toMatchObject({
      method: 'DELETE',
      headers: { 'mcp-session-id': 'session-1' },
    });
    while (setup.server.open() > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(setup.sink.heard).toHaveLength(1);
    setup.call(3);
    await expect(setup.transport.post('{}')).rejects.toMatchObject({ fault: 'UPSTREAM_DISCONNECTED' });
  });

  it('close does not wait long for a server that does not answer the DELETE, and rejects a post under way', async () => {
    const setup = await setUp((request, response) => {
      if (request.method === 'POST' && rpc(request).method === 'initialize') {
        json(response, resultFor(request), 200, { 'mcp-session-id': 's' });
      }
    });
    setup.call(1, 'initialize');
    await setup.sink.result(1);
    setup.transport.negotiated({ era: 'legacy', revision: '2025-06-18' });
    const posted = expect(setup.transport.post(writeNotification('notifications/x'))).rejects.toMatchObject({
      fault: 'UPSTREAM_DISCONNECTED',
    });
    await setup.server.seen(({ body }) => body.includes('notifications/x'));
    const at = performance.now();
    await setup.transport.close(100);
    expect(performance.now() - at).toBeLessThan(10_000);
    await posted;
  });
});

describe('the GET stream of a legacy session', () => {
  it('opens after notifications/initialized and hands on what belongs to no request', async () => {
    const setup = await setUp(
      legacy(
        (request, response) => json(response, resultFor(request)),
        (_request, response) => {
          stream(response);
          response.write('data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n');
        },
      ),
    );
    await handshake(setup);
    const heard = await setup.sink.when(({ message }) => message?.kind === 'notification');
    expect(heard.stream).toBeUndefined();
    expect(setup.server.requests.map(({ method }) => method)).toEqual(['POST', 'POST', 'GET']);
  });

  it('modern has none, and sends no DELETE', async () => {
    const setup = await setUp((request, response) => json(response, resultFor(request)));
    setup.transport.negotiated({ era: 'modern', revision: '2026-07-28' });
    setup.call(1);
    await setup.sink.result(1);
    await setup.transport.close();
    expect(setup.server.requests.map(({ method }) => method)).toEqual(['POST']);
  });

  it('405: there is none, and nobody asks again', async () => {
    const setup = await setUp(legacy((request, response) => json(response, resultFor(request))));
    await handshake(setup);
    await setup.server.seen(({ method }) => method === 'GET');
    setup.call(2);
    await setup.sink.result(2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(setup.server.requests.filter(({ method }) => method === 'GET')).toHaveLength(1);
  });

  it('comes back as `retry` says, behind the last event', async () => {
    const setup = await setUp(
      legacy(
        () => {},
        (request, response) => {
          stream(response);
          if (request.headers['last-event-id'] === undefined) response.end('id: e1\nretry: 80\ndata: \n\n');
        },
      ),
    );
    await handshake(setup);
    const first = await setup.server.seen(({ method }) => method === 'GET');
    const second = await setup.server.seen(
      ({ method, headers }) => method === 'GET' && headers['last-event-id'] === 'e1',
    );
    expect(second.at - first.at).toBeGreaterThanOrEqual(75);
  });
});

describe('redirects (F-H19)', () => {
  it('follows 307 and 308 within the origin, with method and body, and remembers where to', async () => {
    const setup = await setUp(
      (request, response) => {
        if (request.path === '/mcp') response.writeHead(307, { location: '/mcp/' }).end('moved');
        else json(response, resultFor(request));
      },
      { headers: { authorization: 'Bearer x' } },
    );
    setup.call(1);
    expect(await setup.sink.result(1)).toEqual({ ok: true });
    setup.call(2);
    await setup.sink.result(2);
    expect(setup.server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /mcp',
      'POST /mcp/',
      'POST /mcp/',
    ]);
  });

  it('never goes to another origin, and not round in circles', async () => {
    const canary = await listen((_request, response) => json(response, {}));
    cleanup.push(() => canary.close());
    const setup = await setUp((request, response) => {
      const location = rpc(request).id === 1 ? `${canary.url}/mcp` : '/mcp?again';
      response.writeHead(307, { location }).end();
    });
    setup.call(1);
    expect(await setup.sink.fault(1)).toMatchObject({
      fault: 'UPSTREAM_PROTOCOL',
      delivery: 'rejected-unprocessed',
      data: { httpStatus: 307 },
    });
    setup.call(2);
    expect(await setup.sink.fault(2)).toMatchObject({ fault: 'UPSTREAM_PROTOCOL' });
    expect(canary.requests).toEqual([]);
    expect(setup.server.requests).toHaveLength(1 + 4);
  });
});

it('whatever a server does, every request ends once, or not at all when it was abandoned; no connection is left', async () => {
  const behaviours: Answer[] = [
    (request, response) => json(response, resultFor(request)),
    (request, response) => {
      stream(response);
      response.write('id: 1\ndata: {"jsonrpc":"2.0","method":"x"}\n\n');
      setTimeout(() => response.end(`data: ${resultFor(request)}\n\n`), 5);
    },
    (_request, _response, raw) => raw.socket.resetAndDestroy(),
    (_request, response, raw) =>
      response.writeHead(200, { 'content-length': '99' }).write('{', () => raw.socket.destroy()),
    (_request, response) => {
      stream(response);
      response.end('data: {"cut');
    },
    (_request, response) => json(response, 'nonsense', 500),
    (_request, response) => json(response, {}, 404),
    (_request, response) => response.writeHead(202).end(),
    (_request, response) => response.writeHead(307, { location: '/mcp' }).end(),
    (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip'),
    (_request, _response, raw) => raw.socket.end('nonsense\r\n\r\n'),
    (_request, response) => stream(response), // never ends: abandoned below
  ];
  const setup = await setUp((request, response, raw) =>
    behaviours[rpc(request).id % behaviours.length]?.(request, response, raw),
  );
  setup.transport.negotiated({ era: 'modern', revision: '2026-07-28' });
  const ended = new Map<number, number>();
  const count = 600;
  for (let id = 0; id < count; id++) setup.call(id);
  const endless = (id: number): boolean => id % behaviours.length === behaviours.length - 1;
  for (let id = 0; id < count; id++) if (!endless(id)) await setup.sink.end(id);
  for (let id = 0; id < count; id++) if (endless(id)) setup.transport.abandon(id);
  for (const { failed, message } of setup.sink.heard) {
    const id = failed ?? (message?.kind === 'result' ? Number(message.id) : undefined);
    if (id !== undefined) ended.set(id, (ended.get(id) ?? 0) + 1);
  }
  expect([...ended.values()].every((times) => times === 1)).toBe(true);
  expect(ended.size).toBe(count - count / behaviours.length);
  await setup.transport.close();
  while (setup.server.open() > 0) await new Promise((resolve) => setImmediate(resolve));
});

it('open: a URL that is none, and an abort, are faults', async () => {
  await expect(setUp(() => {}, { url: 'ftp://x' })).rejects.toMatchObject({ fault: 'UPSTREAM_START_FAILED' });
  await expect(setUp(() => {}, { url: undefined })).rejects.toMatchObject({ fault: 'UPSTREAM_START_FAILED' });
  const transport = createStreamableHttpTransport({
    upstream: 'far',
    config: { url: 'http://127.0.0.1:1', headers: {}, limits: { message: 1 }, timeouts: { dial: 1, connect: 1 } },
    log: () => {},
  });
  await expect(transport.open(new RecordingSink(), AbortSignal.abort())).rejects.toBeInstanceOf(GatewayFault);
});
