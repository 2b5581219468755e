// Sessions of the 2025 revisions on a real listener: life, streams, resumption, cancellation (MP1, MP3, MP4, MP6, MP7).
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SessionRate } from '../../src/faces/mcp/session-rate.ts';
import { LOCAL } from '../../src/http/auth.ts';
import { keyOf } from '../../src/http/keys.ts';
import { exchange, type SseEvent } from '../support/http-exchange.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { openHouse } from '../support/mcp-house.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import type { Json } from '../support/rpc.ts';
import { textOf } from '../support/rpc.ts';
import { error, hangs, held, result, ScriptedUpstream, text, toolOf } from '../support/scripted-upstream.ts';
import { waitFor } from '../support/wait.ts';

const house = async (more: Partial<Parameters<typeof openHouse>[0]> = {}) => {
  const upstream = new ScriptedUpstream('u', ['read']);
  return { upstream, house: await openHouse({ upstreams: [upstream], ...more }) };
};
async function opened(url: string, options: ConstructorParameters<typeof LegacyHttpClient>[1] = {}) {
  const client = new LegacyHttpClient(`${url}/mcp/u`, options);
  await client.initialize();
  return client;
}
const toolCall = (id: number | string, more: Json = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'read', arguments: {}, ...more } });

describe('initialize (MP1, MP14)', () => {
  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('answers %s as asked', async (revision) => {
    const { house: one } = await house();
    await using _ = one;
    await using client = new LegacyHttpClient(`${one.url}/mcp/u`, { revision });
    const { protocolVersion, serverInfo, capabilities } = (await client.initialize()) as Record<string, Json>;
    expect(protocolVersion).toBe(revision);
    expect('title' in (serverInfo as Json)).toBe(revision >= '2025-06-18');
    expect(capabilities).toMatchObject({ tools: { listChanged: true }, resources: { subscribe: true } });
    expect(client.sessionId).toMatch(/^[\x21-\x7e]{20,1024}$/);
  });

  it('answers one that nobody knows with the newest there is, and refuses one without a version', async () => {
    const { house: one } = await house();
    await using _ = one;
    await using client = new LegacyHttpClient(`${one.url}/mcp/u`, { revision: '1999-01-01' });
    expect((await client.initialize()).protocolVersion).toBe('2025-11-25');
    const bad = await client.post(JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'initialize', params: {} }));
    expect([bad.status, JSON.parse(await bad.body)]).toMatchObject([400, { id: 9, error: { code: -32602 } }]);
  });
});

describe('sessions (MP3, 10.18, F-C10)', () => {
  it('end with DELETE, for good, with what they listened to', async () => {
    const { house: one, upstream } = await house();
    await using _ = one;
    const client = await opened(one.url);
    await client.request('resources/subscribe', { uri: 'x://1' });
    await client.request('resources/subscribe', { uri: 'x://1' });
    expect([...upstream.subscribed]).toEqual([['x://1', 1]]);
    const stream = await client.openStream();
    expect(await client.endSession()).toBe(204);
    await stream.body;
    expect(upstream.subscribed.size).toBe(0);
    for (const again of [client.request('ping'), client.openStream()]) {
      const failed = await Promise.resolve(again).then(
        (reply) => (reply as { status?: number }).status,
        (reason: { status?: number }) => reason.status,
      );
      expect(failed).toBe(404);
    }
    expect(await client.endSession()).toBe(404);
  });

  it('belong to one key: another key gets 404, no key 401', async () => {
    const keys = [keyOf('ann', 'secret-of-ann', ['call']), keyOf('bob', 'secret-of-bob', ['call'])];
    const { house: one } = await house({ keys });
    await using _ = one;
    const headers = (secret: string) => ({ authorization: `Bearer ${secret}` });
    const client = await opened(one.url, { headers: headers('secret-of-ann') });
    const stolen = new LegacyHttpClient(`${one.url}/mcp/u`, { headers: headers('secret-of-bob') });
    stolen.sessionId = client.sessionId;
    await expect(stolen.request('tools/list')).rejects.toMatchObject({ status: 404 });
    expect((await stolen.openStream()).status).toBe(404);
    expect(await stolen.endSession()).toBe(404);
    const nobody = new LegacyHttpClient(`${one.url}/mcp/u`);
    nobody.sessionId = client.sessionId;
    expect((await nobody.post(toolCall(1))).status).toBe(401);
    expect(await client.toolNames()).toEqual(['read']);
  });

  it('live over a restart, their subscriptions too (10.18)', async () => {
    let kept: unknown;
    const store = {
      load: () => kept as never,
      save: (read: () => unknown) => {
        kept = structuredClone(read());
      },
    };
    const secret = randomBytes(32);
    const first = await house({ store, secret });
    const client = await opened(first.house.url);
    await client.request('resources/subscribe', { uri: 'x://1' });
    await client.request('logging/setLevel', { level: 'error' });
    await first.house[Symbol.asyncDispose]();

    const second = await house({ store, secret });
    await using _ = second.house;
    const again = new LegacyHttpClient(`${second.house.url}/mcp/u`);
    again.sessionId = client.sessionId;
    again.revision = '2025-11-25';
    await again.openStream();
    await waitFor(() => second.upstream.subscribed.get('x://1') === 1);
    second.upstream.notify('notifications/resources/updated', { uri: 'x://1' });
    second.upstream.notify('notifications/message', { level: 'info', data: 'quiet' });
    second.upstream.notify('notifications/message', { level: 'error', data: 'loud' });
    await again.notification('notifications/resources/updated');
    await again.notification('notifications/message', ({ data }) => data === 'loud');
    expect(again.notifications.some(({ params }) => params?.data === 'quiet')).toBe(false);
    await again.request('resources/unsubscribe', { uri: 'x://1' });
    expect(second.upstream.subscribed.size).toBe(0);
  });

  it('1,000 idle ones keep nothing (F-C8)', async () => {
    const { house: one, upstream } = await house();
    await using _ = one;
    for (let index = 0; index < 1_000; index += 50) {
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          const client = new LegacyHttpClient(`${one.url}/mcp/u`);
          await client.initialize();
          await client.close();
        }),
      );
    }
    expect(one.mcp.open).toEqual({ answers: 0, streams: 0 });
    expect(upstream.listeners).toEqual({ notifications: 0, changes: 1 });
  });

  it('a key opens so many in a minute, then 429 with the time to wait; another key is not its affair (F-C8)', async () => {
    const keys = [keyOf('ann', 'a', ['call']), keyOf('bob', 'b', ['call'])];
    const { house: one } = await house({ keys, limits: { sessions: 2 } });
    await using _ = one;
    const open = (secret: string) =>
      new LegacyHttpClient(`${one.url}/mcp/u`, { headers: { authorization: `Bearer ${secret}` } }).exchange(
        'initialize',
        {
          protocolVersion: '2025-11-25',
          capabilities: {},
        },
      );
    expect([(await open('a')).status, (await open('a')).status]).toEqual([200, 200]);
    const third = await open('a');
    expect([third.status, third.message.error]).toMatchObject([429, { code: -31001, data: { fault: 'RATE_LIMITED' } }]);
    expect(Number(third.headers?.['retry-after'])).toBeGreaterThan(0);
    expect((await open('b')).status).toBe(200);
    const rate = new SessionRate(1);
    const ann = { id: 'ann', roles: [] };
    expect([rate.take(ann, 0), rate.take(ann, 1_000), rate.take(ann, 60_000), rate.take(LOCAL, 60_000)]).toEqual([
      undefined,
      59_000,
      undefined,
      undefined,
    ]);
  });

  it('open streams are bounded: 429 with the time to wait (F-C8)', async () => {
    const { house: one } = await house({ limits: { streams: 3 } });
    await using _ = one;
    const client = await opened(one.url);
    const streams = await Promise.all([1, 2, 3].map(() => client.openStream()));
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200]);
    const fourth = await client.openStream();
    expect([fourth.status, fourth.headers['retry-after']]).toEqual([429, '5']);
    await client.close();
  });
});

describe('ids (MP6)', () => {
  it('come back with their type, and equal ids of two clients never mix', async () => {
    const { house: one, upstream } = await house();
    await using _ = one;
    upstream.script = async ({ params }) => {
      await new Promise((resolve) => setImmediate(resolve));
      return text(String((params.arguments as Json).who));
    };
    const clients = await Promise.all([opened(one.url), opened(one.url)]);
    const ids = [0, 1, '1', '', -5, 'a\u0000b', Number.MAX_SAFE_INTEGER];
    await Promise.all(
      clients.flatMap((client, who) =>
        ids.map(async (id) => {
          const { message } = await client.exchange('tools/call', { name: 'read', arguments: { who } }, { id });
          expect(message.id).toBe(id);
          expect(textOf(message.result as never)).toBe(String(who));
        }),
      ),
    );
  });

  it('numbers go up and down as they were spelled (MP8)', async () => {
    const { house: one, upstream } = await house();
    await using _ = one;
    const client = await opened(one.url);
    const numbers = '{"big":12345678901234567890,"one":1.0,"e":1e5}';
    const reply = await client.post(toolCall(1).replace('"arguments":{}', `"arguments":${numbers}`), {
      headers: { 'mcp-session-id': client.sessionId as string },
    });
    await reply.body;
    expect(upstream.calls[0]?.exactArguments).toBe(numbers);
  });
});

describe('JSON or a stream (10.28, MP7)', () => {
  it('is JSON when the answer is the first thing to say', async () => {
    const { house: one } = await house();
    await using _ = one;
    const client = await opened(one.url);
    const reply = await client.post(toolCall(1), { headers: { 'mcp-session-id': client.sessionId as string } });
    expect(reply.type).toBe('application/json');
  });

  it.each([
    ['2025-11-25', true],
    ['2025-06-18', false],
  ])('is a stream when a notification comes first; revision %s primes it: %s (SEP-1699)', async (revision, primes) => {
    const { house: one, upstream } = await house();
    await using _ = one;
    upstream.script = (_call, context) => {
      context.notify?.({ method: 'notifications/progress', params: { progressToken: 't', progress: 1 } });
      context.notify?.({ method: 'notifications/progress', params: { progressToken: 't', progress: 2 } });
      return text('done');
    };
    const client = await opened(one.url, { revision });
    const events: SseEvent[] = [];
    const reply = await exchange(`${one.url}/mcp/u`, {
      body: toolCall(7),
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': client.sessionId as string,
      },
      onEvent: (event) => events.push(event),
    });
    await reply.body;
    expect(reply.type).toBe('text/event-stream');
    const [first] = events;
    expect(first?.data === '' && first.retry !== undefined && first.id !== undefined).toBe(primes);
    const messages = events.filter(({ data }) => data !== '').map(({ data }) => JSON.parse(data) as Json);
    expect(messages.map(({ method, id }) => method ?? id)).toEqual([
      'notifications/progress',
      'notifications/progress',
      7,
    ]);
  });

  it('is what Accept allows: only JSON, only SSE, neither', async () => {
    const { house: one, upstream } = await house();
    await using _ = one;
    upstream.script = (_call, context) => {
      context.notify?.({ method: 'notifications/message', params: { level: 'info', data: 'x' } });
      return text('done');
    };
    const client = await opened(one.url);
    const session = { 'mcp-session-id': client.sessionId as string };
    const types = [];
    for (const accept of ['application/json', 'text/event-stream', '*/*', 'APPLICATION/JSON', 'image/png']) {
      const reply = await client.post(toolCall(1), { headers: { ...session, accept } });
      types.push([accept, reply.status, reply.type]);
      await reply.body;
    }
    expect(types).toEqual([
      ['application/json', 200, 'application/json'],
      ['text/event-stream', 200, 'text/event-stream'],
      ['*/*', 200, 'text/event-stream'],
      ['APPLICATION/JSON', 200, 'application/json'],
      ['image/png', 406, 'application/json'],
    ]);
  });
});

describe('going away and cancelling (MP4, F-C6, F-C14)', () => {
  it('a client that goes away has not cancelled; its answer can be fetched with Last-Event-ID', async () => {
    const { house: one, upstream } = await house();
    await using _ = one;
    const hold = held();
    upstream.script = (call, context) => {
      context.notify?.({ method: 'notifications/progress', params: { progressToken: 1, progress: 1 } });
      return hold.script(call, context);
    };
    const client = await opened(one.url);
    let last: string | undefined;
    const leave = new AbortController();
    const reply = await exchange(`${one.url}/mcp/u`, {
      body: toolCall(3),
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': client.sessionId as string,
      },
      onEvent: ({ id }) => {
        last = id ?? last;
      },
      signal: leave.signal,
    });
    reply.body.catch(() => undefined);
    const context = await hold.called;
    await waitFor(() => last?.endsWith('_2'));
    leave.abort();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(context.signal.aborted).toBe(false);
    hold.answer(text('kept'));
    const seen: Json[] = [];
    const resumed = await exchange(`${one.url}/mcp/u`, {
      method: 'GET',
      headers: {
        accept: 'text/event-stream',
        'mcp-session-id': client.sessionId as string,
        'last-event-id': last as string,
      },
      onMessage: (message) => seen.push(message),
    });
    await resumed.body;
    expect(seen).toMatchObject([{ id: 3, result: { content: [{ text: 'kept' }] } }]);
  });

  it('notifications/cancelled cancels within 100 ms and gets no answer', async () => {
    const { house: one, upstream } = await house();
    await using _ = one;
    let reason: unknown;
    upstream.script = async (call, context) => {
      context.signal.addEventListener('abort', () => {
        reason = context.signal.reason;
      });
      return await hangs(call, context);
    };
    const client = await opened(one.url);
    const reply = client.post(toolCall('c1'), { headers: { 'mcp-session-id': client.sessionId as string } });
    await waitFor(() => upstream.calls.length === 1);
    const began = performance.now();
    await client.cancel('c1', 'changed my mind');
    const { body } = await reply;
    expect(await body).toBe('');
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(String(reason)).toContain('changed my mind');
  });

  it('an id of another session, or of no call, cancels nothing', async () => {
    const { house: one, upstream } = await house();
    await using _ = one;
    const hold = held();
    upstream.script = hold.script;
    const [owner, other] = [await opened(one.url), await opened(one.url)];
    const answer = owner.exchange('tools/call', { name: 'read' }, { id: 5 });
    const context = await hold.called;
    await other.cancel(5);
    await owner.cancel('5');
    await owner.cancel(6);
    await owner.notify('notifications/cancelled', {});
    expect(context.signal.aborted).toBe(false);
    hold.answer(text('mine'));
    expect((await answer).message.id).toBe(5);
  });
});

describe('the stream of what is sent unasked (MP3, MP16, MP23)', () => {
  it('carries list changes and only the updates subscribed to', async () => {
    const { house: one, upstream } = await house();
    await using _ = one;
    const client = await opened(one.url);
    await client.toolNames();
    await client.openStream();
    await client.request('resources/subscribe', { uri: 'x://1' });
    upstream.notify('notifications/resources/updated', { uri: 'x://2' });
    upstream.notify('notifications/resources/updated', { uri: 'x://1' });
    upstream.notify('notifications/message', { level: 'emergency', data: 'nobody asked' });
    upstream.list({ tools: [toolOf('read'), toolOf('new')] });
    await client.notification('notifications/tools/list_changed');
    expect(client.notifications.map(({ method, params }) => params?.uri ?? method)).toEqual([
      'x://1',
      'notifications/tools/list_changed',
    ]);
    await client.close();
    await waitFor(() => one.mcp.open.streams === 1);
  });

  it('that reconnects within 30 s loses nothing, gets nothing twice, and only in its own session', async () => {
    const { house: one, upstream } = await house();
    await using _ = one;
    const client = await opened(one.url);
    await client.request('resources/subscribe', { uri: 'x://1' });
    let last = '';
    const stream = await client.openStream({
      onEvent: ({ id }) => {
        last = id ?? last;
      },
    });
    upstream.notify('notifications/resources/updated', { uri: 'x://1', n: 1 });
    await client.notification('notifications/resources/updated');
    stream.leave();
    await new Promise((resolve) => setTimeout(resolve, 30));
    upstream.notify('notifications/resources/updated', { uri: 'x://1', n: 2 });
    upstream.notify('notifications/resources/updated', { uri: 'x://1', n: 3 });

    const other = await opened(one.url);
    const foreign = await other.openStream({ lastEventId: last });
    expect(foreign.status).toBe(200);

    await client.openStream({ lastEventId: last });
    upstream.notify('notifications/resources/updated', { uri: 'x://1', n: 4 });
    await client.notification('notifications/resources/updated', ({ n }) => n === 4);
    expect(client.notifications.map(({ params }) => params?.n)).toEqual([1, 2, 3, 4]);
    expect(other.notifications).toEqual([]);
    for (const strange of ['x', '0123456789abcdef_1', `${last}9`, '_']) {
      const fresh = await client.openStream({ lastEventId: strange });
      expect(fresh.status).toBe(200);
    }
    await client.close();
    await other.close();
  });

  it('has no place in a session that is modern or missing, nor without SSE', async () => {
    const { house: one } = await house();
    await using _ = one;
    const get = async (headers: Record<string, string>) => {
      const reply = await exchange(`${one.url}/mcp/u`, { method: 'GET', headers });
      reply.leave();
      return reply.status;
    };
    const client = await opened(one.url);
    const session = { 'mcp-session-id': client.sessionId as string };
    expect(await get({ accept: 'text/event-stream' })).toBe(400);
    expect(await get({ ...session, accept: 'application/json' })).toBe(406);
    expect(await get({ ...session, accept: 'text/event-stream', 'mcp-protocol-version': '2026-07-28' })).toBe(405);
    expect(await get({ 'mcp-session-id': 'x', accept: 'text/event-stream' })).toBe(404);
  });
});

describe('batches (MP3, F-C16)', () => {
  it('of 2025-03-26 are answered as one array, in order; notifications alone with 202', async () => {
    const { house: one } = await house();
    await using _ = one;
    const client = await opened(one.url, { revision: '2025-03-26' });
    const headers = { 'mcp-session-id': client.sessionId as string };
    const both = await client.post(`[${toolCall(1)},{"jsonrpc":"2.0","method":"notifications/x"},${toolCall('b')}]`, {
      headers,
    });
    expect((JSON.parse(await both.body) as Json[]).map(({ id }) => id)).toEqual([1, 'b']);
    const none = await client.post('[{"jsonrpc":"2.0","method":"notifications/x"}]', { headers });
    expect([none.status, await none.body]).toEqual([202, '']);
  });
});

describe('what an upstream says (MP14, MP17)', () => {
  it('loses what only the modern era has', async () => {
    const modern = new ScriptedUpstream('u', ['read'], 'modern');
    await using one = await openHouse({ upstreams: [modern] });
    modern.script = () =>
      result(
        { resultType: 'complete', ttlMs: 5, cacheScope: 'public', content: [], structuredContent: [1], x: 1 },
        'modern',
      );
    const client = await opened(one.url);
    expect(await client.call('read')).toEqual({ content: [], x: 1 });
    modern.script = () => error(-32020, 'header', undefined, 'modern');
    await expect(client.call('read')).rejects.toMatchObject({ code: -32603, data: { code: -32020 } });
    modern.script = () => error(-32602, 'no such resource', undefined, 'modern');
    await expect(client.request('resources/read', { uri: 'x://1' })).rejects.toMatchObject({ code: -32002 });
  });

  it('two eras at once on one path, over one upstream (MP1)', async () => {
    const { house: one, upstream } = await house();
    await using _ = one;
    upstream.script = (_call, context) => text(context.client.era);
    const legacy = await opened(one.url);
    await using modern = new ModernHttpClient(`${one.url}/mcp/u`);
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => textOf(await (index % 2 === 0 ? legacy : modern).call('read'))),
    );
    expect(answers).toEqual(Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? 'legacy' : 'modern')));
  });

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'the method %s is unknown, not a bug',
    async (method) => {
      const { house: one } = await house();
      await using _ = one;
      const client = await opened(one.url);
      await expect(client.request(method)).rejects.toMatchObject({ code: -32601 });
      const { status, message } = await new ModernHttpClient(`${one.url}/mcp/u`).exchange(method);
      expect([status, message.error?.code]).toEqual([404, -32601]);
    },
  );
});
