import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PlainHttp, reply } from '../../test/servers/plain/http.ts';
import { callContext, type UnderTest, upstreamUnderTest } from '../../test/support/upstream-under-test.ts';
import { waitFor } from '../../test/support/wait.ts';
import type { Safety } from '../core/upstream.ts';
import { LocalPorts } from './local-ports.ts';
import type { UpstreamDeps } from './upstream.ts';

let server: PlainHttp;
let made: UnderTest | undefined;
beforeEach(async () => {
  server = new PlainHttp();
  await server.start();
});
afterEach(async () => {
  await made?.stop();
  made = undefined;
  await server.stop();
});

function start(more: Record<string, unknown> = {}, deps: Partial<UpstreamDeps> = {}): UnderTest {
  made = upstreamUnderTest({ url: server.url, transport: 'streamable-http', ...more }, deps);
  made.upstream.start();
  return made;
}
const call = (name: string, safety: Safety, args: Record<string, unknown> = {}, timeout?: number) =>
  (made as UnderTest).upstream.call(
    { method: 'tools/call', params: { name, arguments: args }, subject: name, safety, timeout },
    callContext(),
  );
/** Ends the server, and lets our side see that the idle connections are closed. */
async function gone(): Promise<void> {
  await server.stop();
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const read = () => call('echo', 'read');
const write = () => call('write', 'write');

describe('era over HTTP (MP10)', () => {
  test.each(['legacy', 'modern'] as const)('a %s server', async (era) => {
    server.era = era;
    const { reached, upstream } = start();
    await reached('ready');
    expect(upstream.identity).toMatchObject({ era, transport: 'streamable-http' });
    expect(await read()).toMatchObject({ era });
  });

  test.each([
    ['legacy', 'modern'],
    ['modern', 'legacy'],
  ] as const)(
    'a %s server that comes back as %s is found out, and the call that notices succeeds',
    async (first, then) => {
      server.era = first;
      const { reached, upstream } = start();
      await reached('ready');
      await server.stop();
      const waiting = read();
      await reached('backoff');
      server.era = then;
      server.forgetSessions();
      await server.start();
      expect(await waiting).toMatchObject({ era: then });
      expect(upstream.identity?.era).toBe(then);
    },
  );

  test('5xx and 401 are no evidence of an era', async () => {
    server.era = 'modern';
    let refusals = 0;
    server.intercept = (_, response) => {
      if (refusals++ >= 2) return false;
      reply(response, 503, 'starting');
      return true;
    };
    const { reached, upstream } = start();
    await Promise.all([reached('ready'), read()]);
    expect(upstream.identity?.era).toBe('modern');
    expect(server.methods()).not.toContain('initialize');
  });

  test('F-H4 a URL where no MCP server is, is a permanent failure', async () => {
    server.intercept = (_, response) => {
      reply(response, 404, 'nothing here');
      return true;
    };
    const { reached } = start({ transport: 'auto' });
    expect(await reached('failed')).toMatchObject({ cause: { fault: 'UPSTREAM_START_FAILED' } });
  });
});

describe('a URL that was right before', () => {
  test('is tried again although it says 404 for a while', async () => {
    const { reached } = start({ transport: 'auto' });
    await reached('ready');
    server.intercept = (_, response) => {
      reply(response, 404, 'being replaced');
      return true;
    };
    const waiting = write();
    await reached('backoff');
    const before = server.got.length;
    await waitFor(() => server.got.length > before, { what: 'the next try' });
    server.intercept = undefined;
    expect(await waiting).toHaveProperty('result');
  });
});

describe('lost sessions (F-H5, F-H6)', () => {
  test('404: initialised again, the refused call sent once more, the caller sees success (B-01, B-10, X-21)', async () => {
    const { reached } = start();
    await reached('ready');
    server.forgetSessions();
    expect(await write()).toHaveProperty('result');
    expect(server.ledger.get('write')).toBe(1);
    expect(server.methods().filter((method) => method === 'initialize')).toHaveLength(1 + 1);
  });

  test('404 for many at once: one new session serves them all (B-20)', async () => {
    const { reached } = start();
    await reached('ready');
    server.forgetSessions();
    await Promise.all(Array.from({ length: 10 }, write));
    expect(server.ledger.get('write')).toBe(10);
    expect(server.methods().filter((method) => method === 'initialize')).toHaveLength(2);
  });

  test.each([
    ['HTTP 400', 400, 'Bad Request'],
    ['HTTP 401', 401, 'unauthorized'],
    ['HTTP 422', 422, { id: null, error: { code: -32600, message: 'what session?' } }],
    ['200 with an error', 200, { id: 'of the request', error: { code: -32000, message: 'what session?' } }],
    ['200 with an error that is no JSON-RPC', 200, { error: 'no session' }],
  ] as const)('%s is settled by a ping that is refused too', async (_, status, body) => {
    const { reached } = start();
    await reached('ready');
    const lost = server.got.at(-1)?.session;
    server.intercept = (got, response) => {
      if (got.session !== lost) return false;
      const message =
        typeof body === 'object' && 'id' in body && body.id !== null ? { ...body, id: got.message.id } : body;
      reply(response, status, message as Record<string, unknown>);
      return true;
    };
    expect(await write()).toHaveProperty('result');
    expect(server.ledger.get('write')).toBe(1);
  });

  test('a refusal that was meant stays one: the ping is answered', async () => {
    const { reached } = start();
    await reached('ready');
    server.intercept = (got, response) => {
      if (got.method !== 'tools/call') return false;
      reply(response, 200, { id: got.message.id, error: { code: -32000, message: 'I will not' } });
      return true;
    };
    expect(await write()).toMatchObject({ error: { code: -32000, message: 'I will not' } });
    expect(server.methods().slice(-2)).toEqual(['tools/call', 'ping']);
    expect(server.methods().filter((method) => method === 'initialize')).toHaveLength(1);
  });

  test('F-H24 a meant 401 is needs_auth: no loop, told at once (B-10)', async () => {
    const { reached } = start();
    await reached('ready');
    server.intercept = (_, response) => {
      reply(response, 401, 'go away');
      return true;
    };
    await expect(write()).rejects.toMatchObject({ fault: 'UPSTREAM_UNAUTHORIZED' });
    await reached('needs_auth');
    const before = server.got.length;
    await expect(write()).rejects.toMatchObject({ fault: 'UPSTREAM_UNAUTHORIZED', data: { state: 'needs_auth' } });
    expect(server.got.length).toBe(before);
    server.intercept = undefined;
    made?.upstream.restart({ force: true });
    expect(await write()).toHaveProperty('result');
  });
});

describe('broken ways (F-H1, F-H3, F-H7, F-H23)', () => {
  test('F-H23 executed, then 502: a write runs once and its caller is told, a read is sent again (B-25)', async () => {
    const { reached } = start();
    await reached('ready');
    let broken = 0;
    server.afterwards = (_, response) => {
      if (broken++ % 2 === 1) return false;
      reply(response, 502, 'bad gateway');
      return true;
    };
    await expect(write()).rejects.toMatchObject({ fault: 'UPSTREAM_FAILED', delivery: 'maybe-sent', retryable: false });
    expect(server.ledger.get('write')).toBe(1);
    expect(made?.upstream.facts().errorCount).toBe(1);
    broken = 0;
    const answer = await read();
    expect(made?.upstream.facts().errorCount).toBe(0);
    expect(answer).toMatchObject({ timing: { attempts: 2 } });
    expect(server.ledger.get('echo')).toBe(2);
    const sent = server.got
      .filter((got) => got.message.params?.name === 'echo')
      .map((got) => got.message.params?._meta);
    expect(sent[0]).toBeUndefined();
    expect(sent[1]).toMatchObject({ 'io.github.holdfast/attempt': 2 });
    expect(sent[1]).toHaveProperty(['io.github.holdfast/idempotencyKey']);
  });

  test('F-H1 while every request gets a 502 nobody is sent there; reads wait and succeed afterwards (B-11, B-12)', async () => {
    const { reached } = start();
    await reached('ready');
    server.intercept = (_, response) => {
      reply(response, 502, 'bad gateway');
      return true;
    };
    const before = server.got.length;
    const calls = Array.from({ length: 10 }, read);
    const first = read();
    await reached('backoff');
    const later = [read(), write()];
    const tried = made?.upstream.facts().reconnectAttempts ?? 0;
    await waitFor(() => (made?.upstream.facts().reconnectAttempts ?? 0) > tried + 1, { what: 'two more tries' });
    expect(server.got.slice(before).filter((got) => got.method === 'tools/call').length).toBeLessThanOrEqual(11);
    server.intercept = undefined;
    const began = performance.now();
    await Promise.all([...calls, first, ...later]);
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  test('F-H7 calls wait for an upstream that is refused, and are answered soon after it listens (B-25)', async () => {
    const { reached } = start();
    await reached('ready');
    expect(made?.upstream.facts()).toMatchObject({ errorCount: 0, reconnectAttempts: 0, connects: 1 });
    await server.stop();
    const began = performance.now();
    const waiting = Promise.all([read(), write(), write()]).then(() => performance.now());
    await waitFor(() => (made?.upstream.facts().reconnectAttempts ?? 0) > 1, { what: 'two tries' });
    const listens = performance.now();
    const away = made?.upstream.facts();
    expect(away?.reconnectAttempts).toBeGreaterThan(1);
    expect(away?.errorCount).toBeGreaterThan(0);
    server.forgetSessions();
    await server.start();
    expect((await waiting) - listens).toBeLessThan(10_000); // the figure itself: npm run chaos -- --only 7
    expect(server.ledger.get('write')).toBe(2);
    expect(made?.upstream.facts()).toMatchObject({ errorCount: 0, reconnectAttempts: 0 });
    expect(began).toBeLessThan(listens);
  });

  test.each(['a link that was suspected', 'a dial'])(
    'F-H7 a server of this machine that refused %s is looked for while calls wait, and dialled as soon as it listens',
    async (what) => {
      let looks = 0;
      let listens = false;
      const localPorts = new LocalPorts({
        read: async (places) => {
          looks++;
          return listens ? places : new Set();
        },
      });
      // No second dial by itself within the time of this test, once the first has been refused.
      const dials = { recovery: { connect: { minInterval: '60s' } }, timeouts: { ready: '60s' } };
      if (what === 'a dial') await server.stop();
      const { reached, upstream } = start(dials, { localPorts });
      await reached(what === 'a dial' ? 'backoff' : 'ready');
      if (what !== 'a dial') await gone();
      const answered = read();
      await vi.waitFor(() => expect(looks).toBeGreaterThan(1), 30_000);
      expect(upstream.state.state).toBe('backoff');
      await server.start();
      listens = true;
      expect(await answered).toHaveProperty('result');
    },
  );

  test('a call waits no longer than timeouts.ready', async () => {
    const { reached } = start({ timeouts: { ready: '300ms' } });
    await reached('ready');
    await gone();
    const began = performance.now();
    await expect(write()).rejects.toMatchObject({ delivery: 'not-sent' });
    expect(performance.now() - began).toBeLessThan(8_000); // 10 s unless it is told
  });

  test('F-H3 500 on a call: not sent again for writes, and five of them open the breaker', async () => {
    const { reached, events } = start();
    await reached('ready');
    server.afterwards = (_, response) => {
      reply(response, 500, 'oops');
      return true;
    };
    for (let n = 0; n < 5; n++) await expect(write()).rejects.toMatchObject({ fault: 'UPSTREAM_FAILED' });
    expect(server.ledger.get('write')).toBe(5);
    const began = performance.now();
    await expect(write()).rejects.toMatchObject({ fault: 'CIRCUIT_OPEN', delivery: 'not-sent' });
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(made?.upstream.state.state).toBe('degraded');
    server.afterwards = undefined;
    await reached('ready');
    expect(await write()).toHaveProperty('result');
    expect(events.filter((event) => event.type === 'upstream.state').map((event) => event.to)).toEqual([
      'starting',
      'ready',
      'degraded',
      'ready',
    ]);
  });

  test('F-H2 429 with Retry-After: nobody calls before the time, who cannot wait is told', async () => {
    const { reached } = start();
    await reached('ready');
    let limited = true;
    server.intercept = (got, response) => {
      if (!limited || got.method !== 'tools/call') return false;
      limited = false;
      reply(response, 429, 'slow down', { 'retry-after': '1' });
      return true;
    };
    const began = performance.now();
    const short = () => call('write', 'write', {}, 200);
    // The first one is told by the server, the second one by us, without a request.
    await expect(short()).rejects.toMatchObject({ fault: 'UPSTREAM_RATE_LIMITED' });
    const asked = server.got.length;
    await expect(short()).rejects.toMatchObject({ fault: 'UPSTREAM_RATE_LIMITED', delivery: 'not-sent' });
    expect(server.got.length).toBe(asked);
    await Promise.all([write(), write()]);
    expect(performance.now() - began).toBeGreaterThan(990);
    expect(server.ledger.get('write')).toBe(2);
  });

  test('recovery.enabled: false tells every failure at once', async () => {
    const { reached } = start({ recovery: { enabled: false } });
    await reached('ready');
    await gone();
    for (let n = 0; n < 8; n++) await expect(read()).rejects.toMatchObject({ fault: 'UPSTREAM_UNREACHABLE' });
    await server.start();
    expect(await read()).toHaveProperty('result');
  });
});

describe('what is told apart by type and number, never by words (B-14, X-22)', () => {
  const WORDS = [
    '500 Internal Server Error',
    'session invalid or expired',
    'rate limit: throttled, try later',
    '401 unauthorized, authentication needed',
    'ECONNREFUSED: connection timeout, network unreachable',
  ];

  test.each(WORDS)('a tool that fails with "%s" has answered', async (words) => {
    const { reached, upstream } = start();
    await reached('ready');
    const before = server.got.length;
    server.afterwards = ({ message: { id } }, response) => {
      reply(response, 200, { id, result: { isError: true, content: [{ type: 'text', text: words }] } });
      return true;
    };
    expect(await read()).toMatchObject({ timing: { attempts: 1 } });
    server.afterwards = ({ message: { id } }, response) => {
      reply(response, 200, { id, error: { code: -32603, message: words } });
      return true;
    };
    expect(await read()).toMatchObject({ error: { code: -32603, message: words }, timing: { attempts: 1 } });
    expect(server.methods().slice(before)).toEqual(['tools/call', 'tools/call']);
    expect(upstream.state.state).toBe('ready');
    expect(upstream.facts()).toMatchObject({ circuitOpen: false, errorCount: 0 });
  });
});

describe('lists that fail (A-07)', () => {
  const BROKEN: [string, (response: Parameters<typeof reply>[0], id: unknown) => unknown][] = [
    ['500', (response) => reply(response, 500, 'oops')],
    ['an error of its own', (response, id) => reply(response, 200, { id, error: { code: -32603, message: 'oops' } })],
    ['a result without a list', (response, id) => reply(response, 200, { id, result: { resultType: 'complete' } })],
    ['no JSON', (response) => reply(response, 200, 'hello')],
    ['nothing', () => undefined],
  ];
  /** A modern server that has resources too, whose list is what the test makes of it. */
  const withResources = (list: (response: Parameters<typeof reply>[0], id: unknown) => unknown) => {
    server.era = 'modern';
    server.intercept = ({ method, message: { id } }, response) => {
      if (method === 'server/discover') {
        const capabilities = { tools: {}, resources: {} };
        const result = { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities, ttlMs: 0 };
        reply(response, 200, { id, result });
      } else if (method === 'resources/list') return list(response, id) !== 'as usual';
      else return false;
      return true;
    };
  };

  test.each(BROKEN)('resources/list answers %s: the tools are served, the reason is shown', async (_, list) => {
    withResources(list);
    const { reached, upstream } = start({ timeouts: { list: '200ms' } });
    await reached('ready');
    expect(upstream.lists.tools).toHaveLength(2);
    expect(upstream.lists.excluded).toMatchObject([
      { kind: 'resources', name: '*', reason: expect.stringContaining('resources/list') as string },
    ]);
    expect(await write()).toHaveProperty('result');
  });

  test('resources/list meets an outage: it is read when that is over, not taken for empty', async () => {
    let refusals = 0;
    withResources((response, id) => {
      if (refusals++ < 2) return reply(response, 502, 'bad gateway');
      return reply(response, 200, { id, result: { resultType: 'complete', resources: [{ uri: 'x://a', name: 'a' }] } });
    });
    const { upstream } = start();
    expect(await write()).toHaveProperty('result');
    expect(upstream.lists).toMatchObject({ resources: [{ uri: 'x://a' }], excluded: [] });
  });
});

describe('what is known of the way (B-20, B-23)', () => {
  test('B-23 every failed try is logged with its number, its reason and the next one; the count ends with success', async () => {
    const { reached, upstream, events } = start();
    await reached('ready');
    await server.stop();
    const waiting = read();
    const tries = () => events.flatMap((event) => (event.type === 'log' && event.data?.try ? [event.data] : []));
    await vi.waitFor(() => expect(tries().length).toBeGreaterThan(1), 30_000);
    expect(tries().map((one) => one.try)).toEqual(tries().map((_, at) => at + 1));
    const told = { fault: 'UPSTREAM_UNREACHABLE', reason: expect.stringContaining('ECONNREFUSED') as string };
    for (const one of tries()) expect(one).toMatchObject({ ...told, nextInMs: expect.any(Number) as number });
    expect(upstream.facts().reconnectAttempts).toBeGreaterThan(1);
    server.forgetSessions();
    await server.start();
    await waiting;
    expect(upstream.facts()).toMatchObject({ reconnectAttempts: 0, errorCount: 0 });
  });
});

describe('Mcp-Param headers (MP9)', () => {
  const routed = (header: string): Record<string, unknown> => ({
    name: 'routed',
    inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': header } } },
  });
  beforeEach(() => {
    server.era = 'modern';
  });

  test('arguments are mirrored as the tool wants, and a tool with a bad wish is not offered', async () => {
    server.tools = [routed('Region'), { ...routed('two words'), name: 'bad' }];
    const { reached, upstream } = start();
    await reached('ready');
    expect(upstream.lists.tools.map((tool) => tool.name)).toEqual(['routed']);
    expect(upstream.lists.excluded).toMatchObject([{ kind: 'tools', name: 'bad' }]);
    await call('routed', 'write', { region: 'Zürich' });
    const { headers } = server.got.at(-1) as (typeof server.got)[number];
    expect(headers['mcp-param-region']).toBe(`=?base64?${Buffer.from('Zürich').toString('base64')}?=`);
    expect(headers).toMatchObject({ 'mcp-method': 'tools/call', 'mcp-name': 'routed' });
  });

  test('-32020: the tools are read again and the call is sent once more', async () => {
    server.tools = [routed('Region')];
    const { reached } = start();
    await reached('ready');
    server.tools = [routed('Area')];
    server.intercept = (got, response) => {
      if (got.method !== 'tools/call' || got.headers['mcp-param-area'] !== undefined) return false;
      reply(response, 400, { id: got.message.id, error: { code: -32020, message: 'header mismatch' } });
      return true;
    };
    expect(await call('routed', 'write', { region: 'x' })).toHaveProperty('result');
    expect(server.methods().slice(-3)).toEqual(['tools/call', 'tools/list', 'tools/call']);
  });
});
