// One client on a channel that carries both directions: legacy SSE and stdio, both eras (MP1, MP3, MP4, F-C14, F-G12).
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { serveStdio } from '../../src/faces/mcp/stdio.ts';
import { LOCAL } from '../../src/http/auth.ts';
import { keyOf } from '../../src/http/keys.ts';
import { exchange, type SseEvent } from '../support/http-exchange.ts';
import { IDENTITY, openHouse } from '../support/mcp-house.ts';
import type { Json, RpcMessage } from '../support/rpc.ts';
import { hangs, held, result, ScriptedUpstream, text, toolOf } from '../support/scripted-upstream.ts';
import { waitFor } from '../support/wait.ts';

const META = 'io.modelcontextprotocol';
const modern = { [`${META}/protocolVersion`]: '2026-07-28', [`${META}/clientCapabilities`]: {} };

async function stdio(limits = { body: 10_000, depth: 64 }) {
  const upstream = new ScriptedUpstream('u', ['read']);
  const house = await openHouse({ upstreams: [upstream] });
  const input = new PassThrough();
  const output = new PassThrough();
  const messages: RpcMessage[] = [];
  let rest = '';
  output.setEncoding('utf8').on('data', (piece: string) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) messages.push(JSON.parse(line) as RpcMessage);
  });
  const surface = house.surface('u');
  if (surface === undefined) throw new Error('no view u');
  const ended = serveStdio({ input, output, surface, principal: LOCAL, identity: IDENTITY, limits });
  const send = (message: Json | string) =>
    void input.write(`${typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const answer = (id: unknown) => waitFor(() => messages.find((one) => one.method === undefined && one.id === id));
  const initialize = async (revision = '2025-11-25', capabilities: Json = {}) => {
    send({
      id: 'init',
      method: 'initialize',
      params: { protocolVersion: revision, capabilities, clientInfo: { name: 'c' } },
    });
    const done = await answer('init');
    send({ method: 'notifications/initialized' });
    return done;
  };
  return {
    upstream,
    house,
    input,
    output,
    messages,
    ended,
    send,
    answer,
    initialize,
    [Symbol.asyncDispose]: () => house[Symbol.asyncDispose](),
  };
}
const read = { method: 'tools/call', params: { name: 'read', arguments: {} } };

describe('stdio (MP1, F-G10, F-G12)', () => {
  it('serves a legacy session, and modern requests beside it', async () => {
    await using one = await stdio();
    expect((await one.initialize()).result).toMatchObject({ protocolVersion: '2025-11-25' });
    one.send({ id: 1, ...read });
    one.send({ id: '1', method: read.method, params: { ...read.params, _meta: modern } });
    expect((await one.answer(1)).result).toEqual({ content: [{ type: 'text', text: 'ok' }] });
    expect((await one.answer('1')).result).toMatchObject({ resultType: 'complete' });
    one.send({ id: 2, method: 'ping' });
    expect((await one.answer(2)).result).toEqual({});
  });

  it('answers initialize first to who sends everything at once', async () => {
    await using one = await stdio();
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c' } };
    const all = [
      { id: 0, method: 'initialize', params },
      { method: 'notifications/initialized' },
      { id: 1, method: 'tools/list' },
      { id: 2, method: 'ping' },
    ];
    one.input.write(all.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''));
    await Promise.all([0, 1, 2].map(one.answer));
    expect(one.messages[0]).toMatchObject({ id: 0, result: { protocolVersion: '2025-11-25' } });
  });

  it('wants to know who asks: initialize or _meta first, but answers a ping', async () => {
    await using one = await stdio();
    one.send({ id: 1, ...read });
    one.send({ id: 2, method: 'ping' });
    one.send({ id: 3, method: 'server/discover' });
    one.send({ id: 4, method: 'server/discover', params: { _meta: modern } });
    one.send({
      id: 5,
      method: 'tools/list',
      params: { _meta: { ...modern, [`${META}/protocolVersion`]: '2030-01-01' } },
    });
    expect((await one.answer(1)).error?.code).toBe(-32600);
    expect((await one.answer(2)).result).toEqual({});
    expect((await one.answer(3)).error?.code).toBe(-32602);
    expect((await one.answer(4)).result).toMatchObject({ supportedVersions: ['2026-07-28'] });
    expect((await one.answer(5)).error).toMatchObject({ code: -32022, data: { requested: '2030-01-01' } });
  });

  it('answers nonsense in JSON-RPC and goes on; a batch only where its revision has them', async () => {
    await using one = await stdio();
    for (const wrong of ['nonsense', '5', '{"jsonrpc":"2.0","id":9}', '[]', 'x'.repeat(20_000)]) one.send(wrong);
    await waitFor(() => one.messages.length === 5);
    expect(one.messages.map(({ error }) => error?.code)).toEqual([-32700, -32600, -32600, -32600, -32600]);
    await one.initialize('2025-03-26');
    one.send('[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]');
    await one.answer(1);
    await one.answer(2);
  });

  it('cancels by notification, and sends nothing of that call afterwards (MP4)', async () => {
    await using one = await stdio();
    await one.initialize();
    let reason: unknown;
    one.upstream.script = async (call, context) => {
      context.signal.addEventListener('abort', () => {
        reason = context.signal.reason;
        context.notify?.({ method: 'notifications/progress', params: { progressToken: 1, progress: 1 } });
      });
      return await hangs(call, context);
    };
    one.send({ id: 1, ...read });
    await waitFor(() => one.upstream.calls.length === 1);
    one.send({ method: 'notifications/cancelled', params: { requestId: '1' } });
    one.send({ method: 'notifications/cancelled', params: {} });
    one.send({ id: 2, method: 'ping' });
    await one.answer(2);
    expect(reason).toBeUndefined();
    one.send({ method: 'notifications/cancelled', params: { requestId: 1, reason: 'enough' } });
    await waitFor(() => reason !== undefined);
    one.send({ id: 3, method: 'ping' });
    await one.answer(3);
    expect(one.messages.filter(({ id, method }) => id === 1 || method === 'notifications/progress')).toEqual([]);
  });

  it('asks the client, and takes its answer for the right call (MP15)', async () => {
    await using one = await stdio();
    await one.initialize('2025-11-25', { elicitation: {} });
    one.upstream.script = async (_call, context) =>
      text(
        JSON.stringify(
          await context.ask?.(
            { method: 'elicitation/create', params: { message: 'm' } },
            context.signal as AbortSignal,
          ),
        ),
      );
    one.send({ id: 1, ...read });
    const asked = await waitFor(() => one.messages.find(({ method }) => method === 'elicitation/create'));
    one.send({ id: 'holdfast-999', result: { action: 'decline' } });
    one.send({ id: asked.id, error: { code: -1, message: 'no' } });
    const { result: said } = await one.answer(1);
    expect(JSON.stringify(said)).toContain('\\"code\\":-1');
  });

  it('hears changes, updates and log messages, each as asked for; modern ones by subscription (MP16, MP22)', async () => {
    await using one = await stdio();
    await one.initialize();
    one.send({ id: 1, method: 'tools/list' });
    one.send({ id: 2, method: 'resources/subscribe', params: { uri: 'x://1' } });
    one.send({ id: 3, method: 'logging/setLevel', params: { level: 'warning' } });
    one.send({ id: 4, method: 'logging/setLevel', params: { level: 'loud' } });
    one.send({ id: 5, method: 'resources/subscribe', params: {} });
    one.send({
      id: 'sub',
      method: 'subscriptions/listen',
      params: { _meta: modern, notifications: { toolsListChanged: true } },
    });
    for (const id of [1, 2, 3]) await one.answer(id);
    expect([(await one.answer(4)).error?.code, (await one.answer(5)).error?.code]).toEqual([-32602, -32602]);
    await waitFor(() => one.messages.some(({ method }) => method === 'notifications/subscriptions/acknowledged'));
    one.upstream.notify('notifications/resources/updated', { uri: 'x://1' });
    one.upstream.notify('notifications/resources/updated', { uri: 'x://2' });
    one.upstream.notify('notifications/message', { level: 'info', data: 1 });
    one.upstream.notify('notifications/message', { level: 'error', data: 2 });
    one.upstream.list({ tools: [toolOf('new')] });
    await waitFor(
      () => one.messages.filter(({ method }) => method === 'notifications/tools/list_changed').length === 2,
    );
    const told = one.messages.filter(
      ({ method }) => method === 'notifications/resources/updated' || method === 'notifications/message',
    );
    expect(told.map(({ params }) => params?.uri ?? params?.data)).toEqual(['x://1', 2]);
    one.send({ method: 'notifications/cancelled', params: { requestId: 'sub' } });
    one.send({ id: 6, method: 'resources/unsubscribe', params: { uri: 'x://1' } });
    await one.answer(6);
    expect(one.upstream.subscribed.size).toBe(0);
  });

  it('answers what is under way when stdin ends, then is over; leaves nothing behind', async () => {
    await using one = await stdio();
    await one.initialize();
    one.send({ id: 1, method: 'resources/subscribe', params: { uri: 'x://1' } });
    await one.answer(1);
    const hold = held();
    one.upstream.script = hold.script;
    one.send({ id: 2, ...read });
    await hold.called;
    one.input.end();
    hold.answer(text('in time'));
    await one.ended;
    expect((await one.answer(2)).result).toMatchObject({ content: [{ text: 'in time' }] });
    await waitFor(() => one.upstream.subscribed.size === 0 && one.upstream.listeners.notifications === 0);
  });

  it('gives up what takes too long, and ends at once when its output breaks', async () => {
    await using slow = await stdio();
    await slow.initialize();
    slow.upstream.script = hangs;
    slow.send({ id: 1, ...read });
    await waitFor(() => slow.upstream.calls.length === 1);
    const began = performance.now();
    slow.input.end();
    await slow.ended;
    expect(performance.now() - began).toBeLessThan(30_000);
    await using broken = await stdio();
    broken.output.destroy(new Error('EPIPE'));
    await broken.ended;
  });

  it('writes a result of several lines on one (F-G12)', async () => {
    await using one = await stdio();
    await one.initialize();
    const { Payload } = await import('../../src/core/payload.ts');
    one.upstream.script = () => ({
      ...result({}),
      result: Payload.raw(Buffer.from('{\n  "content": [],\r\n  "a": "b\\n"\n}')),
    });
    one.send({ id: 1, ...read });
    expect((await one.answer(1)).result).toEqual({ content: [], a: 'b\n' });
  });
});

describe('HTTP+SSE of 2024-11-05 (MP3)', () => {
  const keys = [keyOf('ann', 'a', ['call']), keyOf('bob', 'b', ['call'])];
  async function connect(url: string, key = 'a', view = '/u') {
    const events: SseEvent[] = [];
    const headers = { authorization: `Bearer ${key}` };
    const stream = await exchange(`${url}/sse${view}`, {
      method: 'GET',
      headers,
      onEvent: (event) => events.push(event),
    });
    const messages = () =>
      events.filter(({ event }) => event === 'message').map(({ data }) => JSON.parse(data) as RpcMessage);
    const endpoint = async () => (await waitFor(() => events.find(({ event }) => event === 'endpoint'))).data;
    const post = async (body: Json | string, as = key) =>
      exchange(url + (await endpoint()), {
        body: typeof body === 'string' ? body : JSON.stringify({ jsonrpc: '2.0', ...body }),
        headers: { authorization: `Bearer ${as}` },
      });
    const answer = (id: unknown) => waitFor(() => messages().find((one) => one.id === id));
    return { stream, events, messages, endpoint, post, answer };
  }
  const house = async (limits: Partial<{ body: number; streams: number }> = {}) => {
    const upstream = new ScriptedUpstream('u', ['read']);
    return { upstream, one: await openHouse({ upstreams: [upstream], keys, limits }) };
  };
  const hello = { id: 0, method: 'initialize', params: { protocolVersion: '2024-11-05', capabilities: {} } };

  it('names where to send to, answers on the stream, ends with it', async () => {
    const { one, upstream } = await house();
    await using _ = one;
    const client = await connect(one.url);
    expect(await client.endpoint()).toMatch(/^\/messages\?session=[\w-]{22}$/);
    expect((await client.post(hello)).status).toBe(202);
    expect((await client.answer(0)).result).toMatchObject({ protocolVersion: '2024-11-05' });
    await client.post({ id: 1, ...read });
    expect((await client.answer(1)).result).toMatchObject({ content: [{ text: 'ok' }] });
    let aborted = false;
    upstream.script = (call, context) => {
      context.signal.addEventListener('abort', () => {
        aborted = true;
      });
      return hangs(call, context);
    };
    await client.post({ id: 2, ...read });
    await waitFor(() => upstream.calls.length === 2);
    expect(one.sse.sessions).toMatchObject([{ kind: 'sse' }]);
    client.stream.leave();
    await waitFor(() => aborted && one.sse.sessions.length === 0);
  });

  it('a session belongs to its key; unknown ones are 404 (F-C10)', async () => {
    const { one } = await house();
    await using _ = one;
    const client = await connect(one.url);
    expect((await client.post(hello, 'b')).status).toBe(404);
    const headers = { authorization: 'Bearer a' };
    expect((await exchange(`${one.url}/messages?session=guess`, { body: '{}', headers })).status).toBe(404);
    expect((await exchange(`${one.url}/messages`, { body: '{}', headers })).status).toBe(404);
    expect((await exchange(`${one.url}/messages`, { method: 'GET', headers })).status).toBe(405);
    expect((await exchange(`${one.url}/sse/u`, { body: '{}', headers })).status).toBe(405);
    expect((await connect(one.url, 'a', '/nope')).stream.status).toBe(404);
    client.stream.leave();
  });

  it('bodies and streams are bounded (F-C2, F-C8)', async () => {
    const { one } = await house({ body: 100, streams: 1 });
    await using _ = one;
    const client = await connect(one.url);
    expect((await client.post('x'.repeat(101))).status).toBe(413);
    expect((await connect(one.url)).stream.status).toBe(429);
    client.stream.leave();
  });

  it('a stop answers what is owed first', async () => {
    const { one, upstream } = await house();
    await using _ = one;
    const client = await connect(one.url);
    await client.post(hello);
    await client.answer(0);
    const hold = held();
    upstream.script = hold.script;
    await client.post({ id: 1, ...read });
    await hold.called;
    one.sse.close();
    hold.answer(text('owed'));
    await client.stream.body;
    expect((await client.answer(1)).result).toMatchObject({ content: [{ text: 'owed' }] });
  });
});
