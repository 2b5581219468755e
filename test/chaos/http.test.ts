// Faults of HTTP and its relatives (group H of the catalogue) on the whole gateway, each over every transport that can
// have it: streamable HTTP, HTTP+SSE, WebSocket. Who calls is answered or told in his time; nothing runs twice.
import { describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { residentBytes } from '../support/processes.ts';
import { RpcFailure, type ToolResult, textOf } from '../support/rpc.ts';
import {
  executionsOf,
  type FaultyOptions,
  faulty,
  type ListeningUpstream,
  startUpstream,
} from '../support/upstream.ts';
import { inTime, waitFor } from '../support/wait.ts';

type Kind = 'http' | 'sse' | 'ws';
/** What the upstream over each is called in the configuration; `sse` alone is a path of ours. */
const TRANSPORT: Record<Kind, string> = { http: 'streamable-http', sse: 'sse', ws: 'websocket' };
const idOf = (kind: Kind): string => `over-${kind}`;
const ALL: readonly Kind[] = ['http', 'sse', 'ws'];
const CALL = 1_000;

interface Scene {
  gateway: Gateway;
  server(kind: Kind): ListeningUpstream;
  call(kind: Kind, tool: string, args: object): Promise<ToolResult>;
  /** Runs for all transports at the same time. */
  each(run: (kind: Kind) => Promise<void>): Promise<void>;
}

interface SceneOptions {
  set?: FaultyOptions['set'];
  kinds?: readonly Kind[];
  more?: object;
  /** The servers cannot be reached from the start. */
  down?: boolean;
}

async function scene(name: string, options: SceneOptions, body: (scene: Scene) => Promise<void>): Promise<void> {
  const { set, kinds = ALL, more } = options;
  const how = (kind: Kind): FaultyOptions => ({ transport: kind, ...(set !== undefined && { set }) });
  const started = await Promise.all(kinds.map(async (kind) => [kind, await startUpstream(name, how(kind))] as const));
  const servers = new Map(started);
  await using _servers = {
    [Symbol.asyncDispose]: async () => void (await Promise.all(started.map(([, server]) => server.stop()))),
  };
  const upstreams: Record<string, object> = { neighbour: faulty('healthy') };
  for (const [kind, { url }] of started)
    upstreams[idOf(kind)] = { url, transport: TRANSPORT[kind], timeouts: { call: CALL / 1000 }, ...more };
  await using gateway = await startGateway({ config: { upstreams } });
  await gateway.upstreamsIn(options.down ? ['neighbour'] : undefined);
  const clients = new Map(kinds.map((kind) => [kind, new ModernHttpClient(`${gateway.url}/mcp/${idOf(kind)}`)]));
  try {
    await body({
      gateway,
      server: (kind) => servers.get(kind) as ListeningUpstream,
      call: (kind, tool, args) => (clients.get(kind) as ModernHttpClient).call(tool, args as Record<string, unknown>),
      each: async (run) => void (await Promise.all(kinds.map(run))),
    });
    await using neighbour = new ModernHttpClient(`${gateway.url}/mcp/neighbour`);
    expect(textOf(await neighbour.call('read', { nonce: 'alive' }))).toBe('alive');
  } finally {
    await Promise.all([...clients.values()].map((client) => client.close()));
  }
}

async function failureOf(call: Promise<ToolResult>, within = CALL + 20_000): Promise<RpcFailure> {
  const thrown: unknown = await inTime(
    call.catch((error: unknown) => error),
    within,
    'the failure in B',
  );
  expect(thrown).toBeInstanceOf(RpcFailure);
  return thrown as RpcFailure;
}

/** What every failure says (reliability §5, "clear error"); never the page of a proxy. */
function expectClear({ data, message }: RpcFailure, kind: Kind, faults: RegExp, delivery: string): void {
  expect(data, message).toMatchObject({
    upstream: idOf(kind),
    fault: expect.stringMatching(faults) as string,
    delivery,
    correlationId: expect.any(String) as string,
  });
  expect(message).not.toMatch(/<html|<!doctype|<h1|nginx|\n\s+at /i);
}

describe('over HTTP, HTTP+SSE and WebSocket', () => {
  it('F-H1 502 for a while: reads wait, writes are told or answered, back within 5 s', async () => {
    await scene('outage', { more: { timeouts: { call: 20 } } }, async ({ server, call, each }) => {
      await each(async (kind) => {
        await server(kind).control({ status: 502, ms: 1_500 });
        const ends = performance.now() + 1_500;
        const write = call(kind, 'write', { nonce: 'w' }).catch((error: unknown) => error);
        expect(textOf(await call(kind, 'read', { nonce: 'r' })), kind).toBe('r');
        const told = await write;
        if (told instanceof RpcFailure) expectClear(told, kind, /^UPSTREAM_(FAILED|DISCONNECTED)$/, 'maybe-sent');
        expect(textOf(await call(kind, 'write', { nonce: 'back' })), kind).toBe('back');
        expect(performance.now(), kind).toBeLessThan(ends + 15_000);
        expect(executionsOf(await server(kind).ledger(), 'w'), kind).toBeLessThanOrEqual(1);
      });
    });
  });

  it.each(['seconds', 'date'])('F-H2 429 with Retry-After in %s: nobody calls before the time', async (form) => {
    await scene('rate-limited', { more: { timeouts: { call: 20, ready: 15 } } }, async ({ server, call, each }) => {
      await each(async (kind) => {
        await server(kind).control({ ms: 3_000, form });
        const calls = ['a', 'b', 'c'].map((nonce) => call(kind, 'write', { nonce }));
        // As many as were on their way at once are refused, and then none.
        const refused = async () =>
          (await server(kind).ledger()).filter(({ event }) => event === 'refused').map(({ at }) => at);
        expect((await Promise.all(calls)).map(textOf), kind).toEqual(['a', 'b', 'c']);
        const times = await refused();
        expect(times.length, kind).toBeGreaterThan(0);
        expect(Math.max(...times) - Math.min(...times), kind).toBeLessThan(2_500);
        for (const nonce of ['a', 'b', 'c']) expect(await server(kind).executions(nonce), kind).toBe(1);
      });
    });
  });

  it.each([500, 502])(
    'F-H3, F-H23 executed, then %i: a write runs once and its caller is told, a read is answered',
    async (status) => {
      await scene('answers-500', { set: { status } }, async ({ server, call, each }) => {
        await each(async (kind) => {
          const failure = await failureOf(call(kind, 'write', { nonce: 'w', fault: true }));
          expectClear(failure, kind, /^UPSTREAM_(FAILED|DISCONNECTED)$/, 'maybe-sent');
          expect(failure.data, kind).toMatchObject({ retryable: false });
          expect(await server(kind).executions('w'), kind).toBe(1);
          expect(textOf(await call(kind, 'read', { nonce: 'r', fault: true })), kind).toBe('r');
          expect(await server(kind).executions('r'), kind).toBe(2);
        });
      });
    },
  );

  it.each([404, 405])('F-H4 %i at the address: a wrong URL, for good', async (status) => {
    await scene('wrong-url', { set: { status }, down: true }, async ({ gateway, call, each }) => {
      await gateway.upstreamsIn(ALL.map(idOf), 'failed');
      await each(async (kind) => {
        const failure = await failureOf(call(kind, 'read', { nonce: 'r' }));
        expectClear(failure, kind, /^UPSTREAM_START_FAILED$/, 'not-sent');
        expect(failure.message, kind).toMatch(new RegExp(`no MCP server at its URL.*${status}`));
      });
    });
  });

  it.each([404, 400, 401, 422])(
    'F-H5, F-H6 a session that is not known any more, told by %i: the caller sees success',
    async (form) => {
      const kinds = ['http', 'sse'] as const;
      await scene(
        'loses-sessions',
        { set: { form }, kinds, more: { timeouts: { call: 10 } } },
        async ({ server, call, each }) => {
          await each(async (kind) => {
            await server(kind).control({});
            expect(textOf(await call(kind, 'write', { nonce: 'w' })), kind).toBe('w');
            expect(await server(kind).executions('w'), kind).toBe(1);
          });
        },
      );
    },
  );

  it('F-H7 refused for a while: calls wait, and are answered when it listens again', async () => {
    await scene(
      'refuses-connections',
      { more: { timeouts: { call: 20 } } },
      async ({ gateway, server, call, each }) => {
        await each(async (kind) => {
          await server(kind).control({ ms: 1_500, lose: true });
          await gateway.upstreamsIn([idOf(kind)], 'ready'); // it may not be known yet
          const began = performance.now();
          const read = call(kind, 'read', { nonce: 'r' });
          const write = call(kind, 'write', { nonce: 'w' }).catch((error: unknown) => error);
          expect(textOf(await read), kind).toBe('r');
          expect(performance.now() - began, kind).toBeLessThan(1_500 + 15_000);
          const told = await write;
          if (told instanceof RpcFailure) expectClear(told, kind, /^UPSTREAM_DISCONNECTED$/, 'maybe-sent');
          expect(await server(kind).executions('w'), kind).toBeLessThanOrEqual(1);
        });
      },
    );
  });

  it.each([
    ['F-H8', 'resets-mid-request', ALL],
    ['F-H11', 'truncated-body', ALL],
    ['F-H15', 'sse-ends-early', ALL],
  ] as const)('%s %s: told at once, the outcome unknown, a write ran once', async (_, name, kinds) => {
    await scene(name, { kinds, more: { timeouts: { call: 20 } } }, async ({ server, call, each }) => {
      await each(async (kind) => {
        const failure = await failureOf(call(kind, 'write', { nonce: 'w', fault: true }));
        expectClear(failure, kind, /^UPSTREAM_(DISCONNECTED|PROTOCOL)$/, 'maybe-sent');
        expect(failure.data, kind).toMatchObject({ retryable: false });
        expect(await server(kind).executions('w'), kind).toBe(1);
        expect(textOf(await call(kind, 'read', { nonce: 'after' })), kind).toBe('after');
      });
    });
  });

  it.each([
    ['F-H10', 'headers-then-silence', ['http', 'sse']],
    ['F-H16', 'sse-keep-alive-only', ALL],
    ['F-H22', 'slow-bytes', ALL],
  ] as const)('%s %s: the deadline holds', async (_, name, kinds) => {
    await scene(name, { kinds }, async ({ call, each }) => {
      await each(async (kind) => {
        const failure = await failureOf(call(kind, 'write', { nonce: 'w', fault: true }));
        expectClear(failure, kind, /^(UPSTREAM_TIMEOUT|DEADLINE_EXCEEDED)$/, 'maybe-sent');
        // What all share stays full until the last slow byte has come.
        const again = () => call(kind, 'read', { nonce: 'after' }).then(textOf);
        if (kind === 'http' || name !== 'slow-bytes') expect(await again(), kind).toBe('after');
        else await waitFor(() => again().catch(() => false), { within: 15_000 });
      });
    });
  });

  it('F-H9 accepts and never answers: the deadline holds, and it is found when it answers again', async () => {
    const more = { timeouts: { call: 1, connect: 2, dial: 1 }, health: { interval: 1, timeout: 1 } };
    await scene('accepts-in-silence', { more }, async ({ server, call, each }) => {
      await each(async (kind) => {
        await server(kind).control({ on: true });
        expectClear(
          await failureOf(call(kind, 'write', { nonce: 'w' })),
          kind,
          /^(UPSTREAM_TIMEOUT|DEADLINE_EXCEEDED)$/,
          'maybe-sent',
        );
        await server(kind).control({ on: false });
        await waitFor(() => call(kind, 'read', { nonce: 'r' }).then(textOf, () => false), { within: 20_000 });
      });
    });
  });

  it('F-H13 a login page in place of a server: said so, without showing it', async () => {
    await scene(
      'html-login',
      { set: { all: 'yes' }, down: true, more: { timeouts: { ready: 1 } } },
      async ({ call, each }) => {
        await each(async (kind) => {
          const failure = await failureOf(call(kind, 'read', { nonce: 'r' }));
          expectClear(failure, kind, /^UPSTREAM_(NOT_READY|PROTOCOL|START_FAILED|UNREACHABLE)$/, 'not-sent');
          expect(failure.message, kind).toMatch(/text\/html|HTTP 200|200/);
        });
      },
    );
  });

  it('F-H19 a redirect to another origin is not followed', async () => {
    await using other = await startUpstream('healthy');
    const to = `http://localhost:${other.port}/mcp`;
    const headers = { authorization: 'Bearer only-for-the-first' };
    const more = { headers, timeouts: { ready: 1 } };
    await scene('redirects', { set: { all: 'yes', to }, down: true, more }, async ({ call, each }) => {
      await each(async (kind) => {
        const failure = await failureOf(call(kind, 'read', { nonce: 'r' }));
        expectClear(failure, kind, /^UPSTREAM_/, 'not-sent');
      });
    });
    expect((await other.ledger()).filter(({ event }) => event !== 'started')).toEqual([]);
  });

  it('F-H20 an answer that is small on the wire only meets the limit', async () => {
    const options = { set: { mb: 200 }, kinds: ['http', 'sse'] as const, more: { limits: { message: '2MB' } } };
    await scene('gzip-bomb', options, async ({ gateway, call, each }) => {
      const before = residentBytes(gateway.pid);
      await each(async (kind) => {
        const failure = await failureOf(call(kind, 'write', { nonce: 'w', fault: true }));
        expect(failure.data, kind).toMatchObject({ upstream: idOf(kind), retryable: false });
        expect(failure.data?.fault, kind).toMatch(/^(RESULT_TOO_LARGE|UPSTREAM_PROTOCOL|UPSTREAM_TIMEOUT)$/);
        expect(textOf(await call(kind, 'read', { nonce: 'after' })), kind).toBe('after');
      });
      expect(residentBytes(gateway.pid) - before).toBeLessThan(300 * 2 ** 20);
    });
  });

  it('F-H24 credentials that are missing: a state of its own, told at once, never a loop', async () => {
    await scene('needs-auth', { down: true }, async ({ gateway, server, call, each }) => {
      await gateway.upstreamsIn(ALL.map(idOf), 'needs_auth');
      await each(async (kind) => {
        const refusals = async () => (await server(kind).ledger()).filter(({ event }) => event === 'refused').length;
        const before = await refusals();
        for (const nonce of ['a', 'b', 'c']) {
          const failure = await failureOf(call(kind, 'read', { nonce }));
          expectClear(failure, kind, /^UPSTREAM_UNAUTHORIZED$/, 'not-sent');
        }
        expect(await refusals(), kind).toBe(before);
      });
    });
  });
});

describe('eras that do not match (F-H28)', () => {
  const upstreams = [
    ['stdio', 'legacy'],
    ['stdio', 'modern'],
    ['http', 'legacy'],
    ['http', 'modern'],
    ['sse', 'legacy'],
    ['ws', 'legacy'],
    ['ws', 'modern'],
  ] as const;

  it('clients of both eras call servers of both, over every transport', async () => {
    const config: Record<string, object> = {};
    const servers: ListeningUpstream[] = [];
    await using _servers = {
      [Symbol.asyncDispose]: async () => void (await Promise.all(servers.map((server) => server.stop()))),
    };
    for (const [transport, era] of upstreams) {
      if (transport === 'stdio') {
        config[`${transport}-${era}`] = faulty('healthy', { era });
        continue;
      }
      const server = await startUpstream('healthy', { transport, era });
      servers.push(server);
      config[`${transport}-${era}`] = { url: server.url };
    }
    await using gateway = await startGateway({ config: { upstreams: config } });
    await gateway.upstreamsIn();
    for (const name of Object.keys(config)) {
      await using modern = new ModernHttpClient(`${gateway.url}/mcp/${name}`);
      await using legacy = new LegacyHttpClient(`${gateway.url}/mcp/${name}`);
      await legacy.initialize();
      for (const client of [modern, legacy]) {
        expect((await client.toolNames()).sort(), name).toEqual(['put', 'read', 'write']);
        expect(textOf(await client.call('write', { nonce: name })), name).toBe(name);
      }
    }
  });

  it('a version that nobody speaks is told with those that we speak', async () => {
    await scene('unknown-version', { down: true }, async ({ gateway, call, each }) => {
      await gateway.upstreamsIn(ALL.map(idOf), 'failed');
      await each(async (kind) => {
        const failure = await failureOf(call(kind, 'read', { nonce: 'r' }));
        expectClear(failure, kind, /^UPSTREAM_START_FAILED$/, 'not-sent');
        expect(failure.message, kind).toMatch(/1999-12-31.*2025-11-25/);
      });
    });
  });
});
