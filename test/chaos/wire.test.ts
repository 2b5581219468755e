// Faults of messages (group I of the catalogue) on the whole gateway, each over every transport at once: who calls is
// answered or told in his time, the next call is answered, a neighbour notices nothing.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Gateway, type GatewayOptions, startGateway } from '../support/gateway.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { residentBytes } from '../support/processes.ts';
import { RpcFailure, type ToolResult, textOf } from '../support/rpc.ts';
import { withTempDir } from '../support/temp-dir.ts';
import {
  executionsOf,
  type FaultyOptions,
  faulty,
  type LedgerEntry,
  readLedger,
  startUpstream,
} from '../support/upstream.ts';
import { inTime, waitFor } from '../support/wait.ts';

type Kind = 'stdio' | 'http' | 'sse' | 'ws';
/** Its upstream; `sse` alone is a path of ours. */
const idOf = (kind: Kind): string => `over-${kind}`;
const ALL: readonly Kind[] = ['stdio', 'http', 'sse', 'ws'];
/** The deadline of a call in these tests, in milliseconds. B is a second more, and a busy machine has its part. */
const CALL = 1_000;
const BOUND = CALL + 20_000;

interface Scene {
  gateway: Gateway;
  kinds: readonly Kind[];
  call(kind: Kind, tool: string, args: object): Promise<ToolResult>;
  ledger(kind: Kind): Promise<LedgerEntry[]>;
  control(kind: Kind, order: object): Promise<void>;
}

interface SceneOptions {
  set?: FaultyOptions['set'];
  era?: FaultyOptions['era'];
  kinds?: readonly Kind[];
  /** Further settings of every upstream. */
  more?: object;
  gateway?: Partial<GatewayOptions>;
}

/** One misbehaving server per transport behind one gateway, and a neighbour that is called all the time. */
async function scene(name: string, options: SceneOptions, body: (scene: Scene) => Promise<void>): Promise<void> {
  const { set, era = 'legacy', kinds = ALL, more } = options;
  await withTempDir(async (folder) => {
    const file = join(folder, 'ledger');
    const common = { timeouts: { call: CALL / 1000 }, ...more };
    const upstreams: Record<string, object> = { neighbour: faulty('healthy') };
    const servers = new Map<Kind, Awaited<ReturnType<typeof startUpstream>>>();
    const started = kinds.map(async (kind) => {
      const how: FaultyOptions = { transport: kind, era, ...(set !== undefined && { set }) };
      if (kind === 'stdio') {
        upstreams[idOf(kind)] = { ...faulty(name, { ...how, ledger: file }), ...common };
        return;
      }
      const server = await startUpstream(name, how);
      servers.set(kind, server);
      upstreams[idOf(kind)] = { url: server.url, ...common };
    });
    await Promise.all(started);
    await using _servers = {
      [Symbol.asyncDispose]: async () => void (await Promise.all([...servers.values()].map((server) => server.stop()))),
    };
    await using gateway = await startGateway({ config: { upstreams }, ...options.gateway });
    await gateway.upstreamsIn(kinds.map(idOf));
    const clients = new Map(
      [...kinds.map(idOf), 'neighbour'].map((id) => [id, new ModernHttpClient(`${gateway.url}/mcp/${id}`)]),
    );
    const call = (id: string, tool: string, args: object) =>
      (clients.get(id) as ModernHttpClient).call(tool, args as Record<string, unknown>);
    let over = false;
    const neighbour = (async () => {
      let slowest = 0;
      for (let n = 0; !over; n++) {
        const began = performance.now();
        expect(textOf(await call('neighbour', 'read', { nonce: `n${n}` }))).toBe(`n${n}`);
        slowest = Math.max(slowest, performance.now() - began);
        await new Promise((resolve) => setTimeout(resolve, 20)); // fifty a second, not as many as there can be
      }
      return slowest;
    })();
    neighbour.catch(() => undefined);
    try {
      await body({
        gateway,
        kinds,
        call: (kind, tool, args) => call(idOf(kind), tool, args),
        ledger: async (kind) => servers.get(kind)?.ledger() ?? readLedger(file),
        control: async (kind, order) => servers.get(kind)?.control(order),
      });
    } finally {
      over = true;
      await neighbour.catch(() => undefined);
      await Promise.all([...clients.values()].map((client) => client.close()));
    }
    expect(await neighbour).toBeLessThan(10_000);
  });
}

const settled = (call: Promise<ToolResult>): Promise<ToolResult | RpcFailure> =>
  inTime(
    call.catch((error: unknown) => {
      expect(error).toBeInstanceOf(RpcFailure);
      return error as RpcFailure;
    }),
    BOUND,
    'an answer in B',
  );

/** A failure that says all that it must (reliability §5, "clear error"). */
function expectClear(failure: ToolResult | RpcFailure, kind: Kind, faults: RegExp): void {
  const upstream = idOf(kind);
  expect(failure, upstream).toBeInstanceOf(RpcFailure);
  const { data, message } = failure as RpcFailure;
  expect(data, message).toMatchObject({
    upstream,
    fault: expect.stringMatching(faults) as string,
    correlationId: expect.any(String) as string,
    retryable: false,
  });
  expect(message).not.toMatch(/\n\s+at |<html/);
}

async function facts(gateway: Gateway, kind: Kind): Promise<{ noise: number; pid?: number; restarts: number }> {
  const token = (await readFile(join(gateway.dataDir, 'admin-token'), 'utf8')).trim();
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${gateway.url}/api/v1/upstreams/${idOf(kind)}`, { headers });
  return (await answer.json()) as { noise: number; pid?: number; restarts: number };
}

const LATE = /^(UPSTREAM_TIMEOUT|DEADLINE_EXCEEDED)$/;
const PROTOCOL = /^UPSTREAM_PROTOCOL$/;

interface Row {
  id: string;
  server: string;
  options?: SceneOptions;
  /** What the faulty call gives: this text, or this fault, or for some transports another one. */
  gives: RegExp | { fault: RegExp; but?: Partial<Record<Kind, RegExp>> };
  /** The link stays: nothing is started or dialled anew. */
  stays?: boolean;
}
const late = { fault: LATE };
const wrong = { fault: PROTOCOL };
const envelope = (kind: string): Row => ({
  id: 'F-I18',
  server: 'bad-envelope',
  options: { set: { kind } },
  gives: wrong,
  stays: true,
});
const result = (kind: string): Row => ({
  id: 'F-I19',
  server: 'bad-result',
  options: { set: { kind } },
  gives: wrong,
  stays: true,
});

const ROWS: Row[] = [
  { id: 'F-I1', server: 'noise-lines', gives: /^n$/, stays: true },
  { id: 'F-I2', server: 'banner', options: { kinds: ['stdio', 'sse', 'ws'] }, gives: /^n$/, stays: true },
  { id: 'F-I3', server: 'cut-line', gives: { fault: PROTOCOL }, stays: true },
  { id: 'F-I5', server: 'split-multibyte', gives: /^n 敏捷的棕色狐狸 🦊 über$/, stays: true },
  {
    id: 'F-I7',
    server: 'big-message',
    options: { set: { mb: 8 }, more: { timeouts: { call: 20 } } },
    gives: /^n x{100}/,
  },
  {
    id: 'F-I7',
    server: 'big-message',
    options: { set: { mb: 6 }, more: { limits: { message: '4MB' } } },
    gives: { fault: /^RESULT_TOO_LARGE$/ },
    stays: true,
  },
  // Only HTTP says to what an answer belongs, and so at once that this one belongs to nothing.
  { id: 'F-I11', server: 'wrong-id', gives: { fault: LATE, but: { http: PROTOCOL } }, stays: true },
  { id: 'F-I12', server: 'string-id', gives: /^n$/, stays: true },
  // Of a single request in flight it is known as well.
  {
    id: 'F-I13',
    server: 'null-id',
    gives: { fault: /^(UPSTREAM_TIMEOUT|DEADLINE_EXCEEDED|UPSTREAM_PROTOCOL)$/ },
    stays: true,
  },
  envelope('neither'),
  envelope('both'),
  envelope('version'),
  result('text'),
  result('list'),
  result('content'),
  {
    ...result('result-type'),
    options: { set: { kind: 'result-type' }, era: 'modern', kinds: ['stdio', 'http', 'ws'] },
  },
  { id: 'F-I25', server: 'asks-client', gives: /^n \{"roots":\[\]\}$/, stays: true },
  { id: 'F-I26', server: 'hangs', gives: late, stays: true },
];

describe('over every transport', () => {
  it.each(ROWS)('$id $server $options.set: answered or told in time, the next call works', async (row) => {
    await scene(row.server, row.options ?? {}, async ({ gateway, kinds, call, ledger }) => {
      const before = new Map(await Promise.all(kinds.map(async (kind) => [kind, await facts(gateway, kind)] as const)));
      const long = row.options?.more !== undefined && 'timeouts' in row.options.more;
      const faultyCalls = kinds.map(async (kind) => {
        const faultyCall = call(kind, 'write', { nonce: 'n', fault: true });
        const beside = call(kind, 'read', { nonce: 'beside' });
        const outcome = long ? await faultyCall : await settled(faultyCall);
        // Others on the same link do not suffer.
        expect(textOf(await beside), kind).toBe('beside');
        const { gives } = row;
        if (gives instanceof RegExp) expect(textOf(outcome as ToolResult), kind).toMatch(gives);
        else expectClear(outcome, kind, gives.but?.[kind] ?? gives.fault);
        expect(textOf(await call(kind, 'write', { nonce: 'next' })), kind).toBe('next');
        const runs = await ledger(kind);
        expect(executionsOf(runs, 'n'), kind).toBeLessThanOrEqual(1);
        if (row.id === 'F-I26')
          await waitFor(async () => (await ledger(kind)).some(({ event }) => event === 'cancelled'));
        const after = await facts(gateway, kind);
        if (row.stays)
          expect([kind, after.restarts, after.pid]).toEqual([kind, before.get(kind)?.restarts, before.get(kind)?.pid]);
        if (['F-I1', 'F-I2'].includes(row.id)) expect(after.noise, kind).toBeGreaterThan(0);
      });
      await Promise.all(faultyCalls);
      if (row.id === 'F-I1') expect(gateway.stderr).toMatch(/\[over-stdio\].*not MCP/);
    });
  });

  it('F-I4 bytes that are no UTF-8: replaced or refused, and ids still fit', async () => {
    await scene('invalid-utf8', {}, async ({ kinds, call }) => {
      await Promise.all(
        kinds.map(async (kind) => {
          const outcome = await settled(call(kind, 'write', { nonce: 'n', fault: true }));
          if (outcome instanceof RpcFailure) expectClear(outcome, kind, /^UPSTREAM_(PROTOCOL|DISCONNECTED)$/);
          else expect(textOf(outcome)).toMatch(/^n \ufffd/);
          const more = ['a', 'b', 'c'].map((nonce) => call(kind, 'read', { nonce }));
          expect((await Promise.all(more)).map(textOf), kind).toEqual(['a', 'b', 'c']);
        }),
      );
    });
  });

  it('F-I6, X-83 a message without an end: memory is bounded, the error names the limit', async () => {
    const options = { set: { mb: 300 }, more: { limits: { message: '2MB' }, timeouts: { call: 20 } } };
    await scene('endless-line', options, async ({ gateway, kinds, call }) => {
      const before = residentBytes(gateway.pid);
      for (const kind of kinds) {
        const failure: unknown = await call(kind, 'write', { nonce: 'n', fault: true }).catch(
          (error: unknown) => error,
        );
        expectClear(failure as RpcFailure, kind, /^(RESULT_TOO_LARGE|UPSTREAM_(PROTOCOL|EXITED|DISCONNECTED))$/);
        expect((failure as RpcFailure).message, kind).toMatch(/limit|larger|2 ?MB|2000000|2097152/i);
        expect(textOf(await call(kind, 'read', { nonce: 'after' })), kind).toBe('after');
      }
      expect(residentBytes(gateway.pid) - before).toBeLessThan(150 * 2 ** 20);
    });
  });

  it('F-I16 fifty answers in the wrong order: everybody gets his own', async () => {
    await scene('out-of-order', { set: { n: 50 }, more: { timeouts: { call: 20 } } }, async ({ kinds, call }) => {
      await Promise.all(
        kinds.map(async (kind) => {
          const nonces = Array.from({ length: 50 }, (_, n) => `${kind} ${n}`);
          const answers = await Promise.all(nonces.map((nonce) => call(kind, 'write', { nonce, fault: true })));
          expect(answers.map(textOf)).toEqual(nonces);
        }),
      );
    });
  });

  it('F-I17 an answer behind its deadline is given to nobody', async () => {
    await scene('late-answer', { set: { ms: CALL + 500 } }, async ({ gateway, kinds, call }) => {
      await Promise.all(
        kinds.map(async (kind) => {
          const { noise } = await facts(gateway, kind);
          expectClear(await settled(call(kind, 'write', { nonce: 'late', fault: true })), kind, LATE);
          // Others are under way when it comes; it is theirs as little as anybody's.
          const came = async () => kind === 'http' || (await facts(gateway, kind)).noise > noise;
          for (let n = 0, heard = false; !heard; n++) {
            heard = await came();
            const nonces = [`${n} a`, `${n} b`];
            const answers = await Promise.all(nonces.map((nonce) => call(kind, 'write', { nonce })));
            expect(answers.map(textOf), kind).toEqual(nonces);
            expect(n).toBeLessThan(1_000);
          }
        }),
      );
    });
  });

  it('F-I20 an answer nested 50,000 deep is delivered or refused', async () => {
    await scene('deep-json', {}, async ({ kinds, call }) => {
      await Promise.all(
        kinds.map(async (kind) => {
          const outcome = await settled(call(kind, 'write', { nonce: 'n', fault: true }));
          if (outcome instanceof RpcFailure) expectClear(outcome, kind, /^(UPSTREAM_PROTOCOL|RESULT_TOO_LARGE)$/);
          else expect(textOf(outcome)).toBe('n');
          expect(textOf(await call(kind, 'read', { nonce: 'after' })), kind).toBe('after');
        }),
      );
    });
  });

  it('F-I21 keys that objects have by birth change nothing in the gateway', async () => {
    const look = `process.on('SIGUSR2', () => process.stderr.write('polluted: ' + ({}).polluted + '\\n'))`;
    const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(look)}`];
    await scene('proto-keys', { gateway: { nodeArgs } }, async ({ gateway, kinds, call }) => {
      for (const kind of kinds) expect(textOf(await call(kind, 'write', { nonce: 'n', fault: true })), kind).toBe('n');
      gateway.program.signal('SIGUSR2');
      await waitFor(() => gateway.stderr.includes('polluted: undefined'));
    });
  });

  it('F-I24 progress for ever ends with the time of its caller, and is cancelled upstream', async () => {
    await scene('progress-forever', {}, async ({ gateway, kinds, ledger }) => {
      await Promise.all(
        kinds.map(async (kind) => {
          const asked = fetch(`${gateway.url}/${idOf(kind)}/write`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', 'x-request-timeout': '2' },
            body: JSON.stringify({ nonce: 'n', fault: true }),
          });
          expect((await inTime(asked, 30_000, `${kind} in B`)).status, kind).toBe(504);
          await waitFor(async () => (await ledger(kind)).some(({ event }) => event === 'cancelled'), {
            what: `the cancellation over ${kind}`,
          });
        }),
      );
    });
  });

  it('F-I27 a server that answers nothing any more is given up and found again', async () => {
    const more = { timeouts: { call: 1, connect: 2, start: 10 }, health: { interval: 1, timeout: 1 } };
    await scene('hangs-entirely', { more }, async ({ gateway, kinds, call, control }) => {
      await Promise.all(
        kinds.map(async (kind) => {
          expectClear(await settled(call(kind, 'write', { nonce: 'n', fault: true })), kind, LATE);
          await waitFor(async () => (await gateway.health()).upstreams[idOf(kind)]?.state !== 'ready', {
            within: 30_000,
            every: 5,
            what: `${kind} to be given up`,
          });
          await control(kind, {});
          await waitFor(() => call(kind, 'read', { nonce: 'back' }).then(textOf, () => false), { within: 20_000 });
        }),
      );
    });
  });
});
