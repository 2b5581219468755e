// Faults of the catalogue on the whole gateway, seen as a client sees them; a neighbour answers through all of them.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { processesUnder } from '../support/processes.ts';
import { RpcFailure, textOf } from '../support/rpc.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { faulty, readLedger, startUpstream } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

const client = (gateway: Gateway, upstream: string) => new ModernHttpClient(`${gateway.url}/mcp/${upstream}`);
const childrenOf = ({ pid }: Gateway, part: string) =>
  processesUnder(pid).filter(({ ppid, command }) => ppid === pid && command.includes(part));

async function admin(gateway: Gateway, path: string, method = 'POST'): Promise<Response> {
  const token = (await readFile(join(gateway.dataDir, 'admin-token'), 'utf8')).trim();
  return await fetch(`${gateway.url}/api/v1${path}`, { method, headers: { authorization: `Bearer ${token}` } });
}

it('on-demand and stopWhenIdle: its tools stay listed, a call wakes it (8.2, 10.17)', async () => {
  await withTempDir(async (dataDir) => {
    for (const start of ['eager', 'on-demand']) {
      const run = start;
      const u = { ...faulty('healthy'), start, stopWhenIdle: '500ms' };
      await using gateway = await startGateway({ config: { upstreams: { u } }, dataDir });
      await using caller = client(gateway, 'u');
      await gateway.upstreamsIn(['u'], 'stopped');
      expect(childrenOf(gateway, 'healthy.mjs'), run).toHaveLength(0);
      const { tools } = (await caller.request('tools/list')) as { tools: unknown[] };
      expect(tools).toHaveLength(3);
      expect(textOf(await caller.call('write', { nonce: run }))).toBe(run);
      expect(childrenOf(gateway, 'healthy.mjs')).toHaveLength(1);
      await gateway.upstreamsIn(['u'], 'stopped');
      await waitFor(() => childrenOf(gateway, 'healthy.mjs').length === 0);
      expect(textOf(await caller.call('write', { nonce: 'again' }))).toBe('again');
    }
  });
});

it('memoryLimit counts the whole group and restarts between calls (F-P23)', async () => {
  const grows = faulty('grows', { set: { mb: 80 } });
  const shell = `${process.execPath} ${grows.args.join(' ')}; true`;
  const u = { command: 'sh', args: ['-c', shell], supervisor: { memoryLimit: '200MB' } };
  await using gateway = await startGateway({ config: { upstreams: { u } } });
  await gateway.upstreamsIn();
  await using caller = client(gateway, 'u');
  const [before] = childrenOf(gateway, 'grows.mjs');
  for (const nonce of ['a', 'b', 'c']) await caller.call('write', { nonce, fault: true });
  await waitFor(() => childrenOf(gateway, 'grows.mjs').some(({ pid }) => pid !== before?.pid), { within: 25_000 });
  expect(textOf(await caller.call('write', { nonce: 'after' }))).toBe('after');
  expect(gateway.stderr).toMatch(/memoryLimit/);
});

it('force starts a server that is cooling down; without force it is told to wait (10.3, C-02, X-47)', async () => {
  await withTempDir(async (folder) => {
    const set = { times: 7 };
    const u = faulty('crashes-at-first-starts', { ledger: join(folder, 'ledger'), set });
    await using gateway = await startGateway({ config: { upstreams: { u } } });
    await gateway.upstreamsIn(['u'], 'cooling_down');
    const starts = () => readLedger(join(folder, 'ledger')).filter(({ event }) => event === 'started').length;
    const before = starts();
    await admin(gateway, '/upstreams/u/restart');
    expect(starts()).toBe(before);
    expect((await admin(gateway, '/upstreams/u/restart?force=true')).status).toBeLessThan(300);
    await waitFor(() => starts() > before);
    await waitFor(
      async () => {
        const state = (await gateway.health()).upstreams.u?.state;
        if (state === 'cooling_down') await admin(gateway, '/upstreams/u/restart?force=true');
        return state === 'ready';
      },
      { within: 10_000, every: 50 },
    );
  });
});

it('C-71: a process of ours that is reached by its URL comes back after a kill', async () => {
  const port = await new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as { port: number };
      probe.close(() => resolve(free));
    });
  });
  const u = { ...faulty('healthy', { transport: 'http', port }), url: `http://127.0.0.1:${port}/mcp` };
  await using gateway = await startGateway({ config: { upstreams: { u } } });
  await gateway.upstreamsIn();
  await using caller = client(gateway, 'u');
  expect(textOf(await caller.call('write', { nonce: 'first' }))).toBe('first');
  process.kill(childrenOf(gateway, 'healthy.mjs')[0]?.pid as number, 'SIGKILL');
  await waitFor(async () => (await gateway.health()).upstreams.u?.state !== 'ready');
  expect(textOf(await caller.call('write', { nonce: 'second' }))).toBe('second');
});

it('F-P25: six servers die together: one alarm, all come back, a neighbour answers meanwhile', async () => {
  const upstreams: Record<string, object> = { neighbour: faulty('slow-tool') };
  for (let index = 0; index < 6; index++) upstreams[`u${index}`] = faulty('healthy');
  await using gateway = await startGateway({ config: { upstreams } });
  await gateway.upstreamsIn();
  for (let index = 0; index < 6; index++) {
    await using caller = client(gateway, `u${index}`);
    await caller.call('read', { nonce: 'warm' }); // an exit after an answer is no failed start
  }
  const before = childrenOf(gateway, 'healthy.mjs');
  for (const { pid } of before) process.kill(pid, 'SIGKILL');
  await using neighbour = client(gateway, 'neighbour');
  expect(textOf(await neighbour.call('write', { nonce: 'n' }))).toBe('n');
  await gateway.upstreamsIn(undefined, 'ready', 10_000);
  await waitFor(() => gateway.stderr.includes('upstreams fail together'));
  expect(gateway.stderr.match(/upstreams fail together/g)).toHaveLength(1);
});

it('F-H1: 502 for 2 s: reads wait and succeed, writes are told clearly without HTML, back within 5 s', async () => {
  await using upstream = await startUpstream('outage');
  const u = { url: upstream.url, transport: 'streamable-http' };
  await using gateway = await startGateway({ config: { upstreams: { u } } });
  await gateway.upstreamsIn();
  await using caller = client(gateway, 'u');
  await upstream.control({ status: 502, ms: 2_000 });
  const ends = performance.now() + 2_000;
  const [write, read] = await Promise.allSettled([
    caller.call('write', { nonce: 'w' }),
    caller.call('read', { nonce: 'r' }),
  ]);
  expect(read).toMatchObject({ status: 'fulfilled' });
  if (write.status === 'rejected') {
    expect(write.reason).toBeInstanceOf(RpcFailure);
    const { message, data } = write.reason as RpcFailure;
    expect(message).not.toMatch(/<html|nginx/i);
    expect(data).toMatchObject({ upstream: 'u', delivery: 'maybe-sent', correlationId: expect.any(String) });
  }
  expect(textOf(await caller.call('write', { nonce: 'back' }))).toBe('back');
  expect(performance.now()).toBeLessThan(ends + 15_000);
});

it('F-H1: of 60 reads that get a 502, 20 are sent again and no more: the retry budget (reliability §2)', async () => {
  await using upstream = await startUpstream('outage');
  const u = { url: upstream.url, transport: 'streamable-http' };
  await using gateway = await startGateway({ config: { upstreams: { u } } });
  await gateway.upstreamsIn();
  await using caller = client(gateway, 'u');
  await upstream.control({ status: 502, ms: 60_000 });
  const calls = Array.from({ length: 60 }, (_, n) => caller.call('read', { nonce: `r${n}` }));
  const ended = Promise.allSettled(calls);
  await waitFor(async () => (await gateway.health()).upstreams.u?.state !== 'ready');
  await upstream.control({ ms: 0 });
  for (const call of await ended)
    if (call.status === 'rejected')
      expect(call.reason).toMatchObject({ data: { fault: 'UPSTREAM_FAILED', delivery: 'maybe-sent' } });
  const { calls: rows } = (await (await admin(gateway, '/calls?limit=100', 'GET')).json()) as {
    calls: { attempts: number }[];
  };
  expect(rows).toHaveLength(60);
  expect(rows.every(({ attempts }) => attempts <= 3)).toBe(true);
  // A full budget of 100, 5 for each; what succeeds afterwards pays for no more than a tenth of the calls, or 20.
  expect(rows.filter(({ attempts }) => attempts > 1).length).toBeLessThanOrEqual(20);
});

it.each([
  ['F-P5', 'freezes'],
  ['F-I27', 'hangs-entirely'],
])('%s: %s in a call: the call ends by its deadline, the server is replaced', async (_id, name) => {
  const u = { ...faulty(name), timeouts: { call: '2s' }, health: { interval: '1s', timeout: '1s' } };
  await using gateway = await startGateway({ config: { upstreams: { u, neighbour: faulty('healthy') } } });
  await gateway.upstreamsIn();
  const [before] = childrenOf(gateway, `${name}.mjs`);
  await using caller = client(gateway, 'u');
  await using neighbour = client(gateway, 'neighbour');
  const began = performance.now();
  const call = caller.call('write', { nonce: 'frozen', fault: true }).catch((error: unknown) => error);
  expect(textOf(await neighbour.call('read', { nonce: 'n' }))).toBe('n');
  expect(await call).toMatchObject({ data: { upstream: 'u', delivery: 'maybe-sent', retryable: false } });
  expect(performance.now() - began).toBeLessThan(15_000);
  const replaced = () => childrenOf(gateway, `${name}.mjs`).some(({ pid }) => pid !== before?.pid);
  await waitFor(replaced, { within: 30_000 });
  expect(textOf(await caller.call('read', { nonce: 'back' }))).toBe('back');
});

it('F-G9: a mistake that no call owns is told and counted; the gateway goes on, or ends in order', async () => {
  await withTempDir((folder) => mistakes(join(folder, 'ledger')));
});

async function mistakes(ledger: string): Promise<void> {
  const preload = `
    import { connect } from 'node:net';
    process.on('SIGUSR2', () => {
      Promise.reject(new Error('nobody waits for this'));
      connect(1, '127.0.0.1');
    });
    process.on('SIGPIPE', () => { throw new TypeError('a mistake in the middle of our work'); });
  `;
  await using gateway = await startGateway({
    config: { upstreams: { u: faulty('slow-tool', { ledger }) } },
    nodeArgs: ['--import', `data:text/javascript,${encodeURIComponent(preload)}`],
  });
  await gateway.upstreamsIn();
  await using caller = client(gateway, 'u');
  gateway.program.signal('SIGUSR2');
  await waitFor(() => /unexpected rejection.*nobody waits/.test(gateway.stderr) && /ECONNREFUSED/.test(gateway.stderr));
  expect(textOf(await caller.call('write', { nonce: 'goes on' }))).toBe('goes on');
  const metrics = await (await fetch(`${gateway.url}/metrics/prometheus`)).text();
  expect(metrics).toMatch(/holdfast_unexpected_total\{kind="rejection"\} 1\n/);
  expect(metrics).toMatch(/holdfast_unexpected_total\{kind="exception"\} 1\n/);
  const accepted = caller.call('write', { nonce: 'accepted', fault: true });
  await waitFor(() => readLedger(ledger).some(({ event, nonce }) => event === 'received' && nonce === 'accepted'));
  gateway.program.signal('SIGPIPE');
  expect(textOf(await accepted)).toBe('accepted');
  expect(await gateway.program.exited).toEqual({ code: 1, signal: null });
  expect(gateway.stderr).toMatch(/unexpected exception.*in the middle of our work/);
}

it('F-G11: a stall of the gateway itself is measured, not fatal', async () => {
  await using gateway = await startGateway({
    config: { monitor: { interval: '1s' }, upstreams: { u: faulty('healthy') } },
  });
  await gateway.upstreamsIn();
  await using caller = client(gateway, 'u');
  gateway.program.signal('SIGSTOP');
  const waiting = caller.call('read', { nonce: 'stalled' });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  gateway.program.signal('SIGCONT');
  expect(textOf(await waiting)).toBe('stalled');
  const lag = async () => {
    const text = await (await fetch(`${gateway.url}/metrics/prometheus`)).text();
    return Number(/holdfast_event_loop_lag_seconds\{of="max"\} (\S+)/.exec(text)?.[1] ?? 0);
  };
  let most = 0;
  await waitFor(
    async () => {
      most = Math.max(most, await lag());
      return most > 1;
    },
    { within: 10_000, every: 100, what: () => `a lag above 1 s; most ${most}` },
  );
  expect(textOf(await caller.call('read', { nonce: 'after' }))).toBe('after');
});
