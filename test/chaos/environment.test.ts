// What surrounds the gateway: slow and wild processes, its own death, clocks, locales and users (F-P, F-G2, F-D).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { isAlive, processesUnder, waitGone } from '../support/processes.ts';
import { textOf } from '../support/rpc.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { faulty } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

const client = (gateway: Gateway, upstream: string) => new ModernHttpClient(`${gateway.url}/mcp/${upstream}`);

it('F-P10 a slow start: the others are served meanwhile, its tools come by list_changed', async () => {
  const upstreams = { slow: faulty('slow-start', { set: { ms: 2_500 } }), quick: faulty('healthy') };
  await using gateway = await startGateway({ config: { upstreams, defaultView: 'passthrough' } });
  await gateway.upstreamsIn(['quick']);
  await using caller = new ModernHttpClient(`${gateway.url}/mcp`);
  const { close } = await caller.listen({ toolsListChanged: true });
  const names = async () =>
    ((await caller.request('tools/list')) as { tools: { name: string }[] }).tools.map(({ name }) => name);
  expect(textOf(await caller.call('quick__read', { nonce: 'meanwhile' }))).toBe('meanwhile');
  const health = await gateway.health();
  expect(health.upstreams.slow?.state).toBe('starting');
  expect(await names()).not.toContain('slow__read');
  await caller.notification('notifications/tools/list_changed', () => true, 15_000);
  await gateway.upstreamsIn(['slow']);
  expect(await names()).toContain('slow__read');
  close();
});

it('F-P24 a process that spins: its neighbour does not notice', async () => {
  await using gateway = await startGateway({
    config: { upstreams: { spins: faulty('spins'), calm: faulty('healthy') } },
  });
  await gateway.upstreamsIn();
  await using wild = client(gateway, 'spins');
  await wild.call('write', { nonce: 'go', fault: true });
  await using calm = client(gateway, 'calm');
  for (let n = 0; n < 20; n++) expect(textOf(await calm.call('read', { nonce: `${n}` }))).toBe(`${n}`);
  expect(textOf(await wild.call('read', { nonce: 'answers on' }))).toBe('answers on');
});

it('F-P17, F-P18 a launcher that ignores signals and puts its server into a session of its own: nothing stays', async () => {
  // What `docker run`-like wrappers do: the child of ours is not the server, and neither cares for SIGTERM or EOF.
  const server = `${process.execPath} ${faulty('ignores-term').args.join(' ')}`;
  const launcher = `trap "" TERM HUP INT; setsid -w ${server}; sleep 60`;
  await using gateway = await startGateway({
    config: {
      upstreams: {
        wrapped: { command: 'bash', args: ['-c', launcher] },
        neighbour: faulty('healthy'),
      },
    },
  });
  await gateway.upstreamsIn();
  await using caller = client(gateway, 'wrapped');
  expect(textOf(await caller.call('read', { nonce: 'through' }))).toBe('through');
  const below = processesUnder(gateway.pid);
  expect(below.some(({ command }) => command.includes('setsid'))).toBe(true);
  const began = performance.now();
  expect(await gateway.stop()).toMatchObject({ code: 0 });
  expect(performance.now() - began).toBeLessThan(50_000);
  await waitGone(below);
});

it('F-G2 after SIGKILL of the gateway, what stayed is ended by the next one, and nothing else', async () => {
  await withTempDir(async (dataDir) => {
    const config = {
      upstreams: {
        group: faulty('grandchild-in-group'),
        own: faulty('grandchild-in-own-session'),
        deaf: faulty('ignores-term'),
      },
    };
    const first = await startGateway({ config, dataDir });
    await first.upstreamsIn();
    // Of the same command, and not ours.
    const stranger = spawn(process.execPath, faulty('ignores-term').args, { stdio: ['pipe', 'ignore', 'ignore'] });
    const below = processesUnder(first.pid);
    first.program.signal('SIGKILL');
    await first.program.exited;
    try {
      await using second = await startGateway({ config, dataDir });
      await second.upstreamsIn();
      await waitGone(below, 15_000);
      expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
      await using caller = client(second, 'deaf');
      expect(textOf(await caller.call('write', { nonce: 'again' }))).toBe('again');
    } finally {
      stranger.kill('SIGKILL');
      await once(stranger, 'exit');
      await first.stop().catch(() => undefined);
    }
  });
});

it('F-D4 a wall clock that jumps an hour either way moves no deadline and ends no session', async () => {
  const preload = `
    const real = Date.now;
    let shift = 0;
    globalThis.Date = class extends Date {
      constructor(...args) { super(...(args.length === 0 ? [real() + shift] : args)); }
      static now() { return real() + shift; }
    };
    process.on('SIGUSR2', () => { shift = shift === 0 ? 3_600_000 : -shift; });
  `;
  await using gateway = await startGateway({
    config: {
      monitor: { interval: '1s' },
      upstreams: { u: { ...faulty('slow-tool', { set: { ms: 1_500 } }), timeouts: { call: '5s' } } },
    },
    nodeArgs: ['--import', `data:text/javascript,${encodeURIComponent(preload)}`],
  });
  await gateway.upstreamsIn();
  const [child] = processesUnder(gateway.pid);
  await using caller = client(gateway, 'u');
  for (const jump of ['+1 h', '-2 h', '+2 h']) {
    const began = performance.now();
    const call = caller.call('write', { nonce: jump, fault: true });
    gateway.program.signal('SIGUSR2');
    expect(textOf(await call)).toBe(jump);
    expect(performance.now() - began).toBeLessThan(30_000);
  }
  expect(child !== undefined && isAlive(child)).toBe(true);
  expect((await gateway.health()).upstreams.u).toMatchObject({ state: 'ready', health: 'healthy' });
  const metrics = await (await fetch(`${gateway.url}/metrics/prometheus`)).text();
  expect(metrics).not.toMatch(/\s(?:NaN|-\d+(?:\.\d+)?)$/m);
});

it('F-D7 Chinese names come through whole in a locale without UTF-8 and an odd time zone', async () => {
  const env = { LANG: 'C', LC_ALL: 'POSIX', TZ: 'Asia/Kathmandu' };
  const upstreams = { 天气: faulty('healthy'), 查询: { ...faulty('healthy'), alias: 'ask' } };
  await using gateway = await startGateway({ config: { upstreams }, env });
  await gateway.upstreamsIn();
  await using caller = new ModernHttpClient(`${gateway.url}/mcp/${encodeURIComponent('天气')}`);
  const nonce = '北京的天气怎么样？🌤️';
  expect(textOf(await caller.call('write', { nonce }))).toBe(nonce);
  expect(Object.keys((await gateway.health()).upstreams)).toEqual(['天气', '查询']);
  expect(gateway.stderr).not.toContain('\uFFFD');
});

it.runIf(process.getuid?.() === 0)(
  'F-D8 as a user that nobody knows, without a home; and as root, with a word of warning',
  async () => {
    await withTempDir(async (folder) => {
      await chmod(folder, 0o777);
      const unknown = 54_321;
      const dataDir = join(folder, 'data');
      const bin = new URL('../../dist/main.js', import.meta.url).pathname;
      const child = spawn(
        'setpriv',
        [
          '--reuid',
          `${unknown}`,
          '--regid',
          `${unknown}`,
          '--clear-groups',
          process.execPath,
          bin,
          'serve',
          '--port',
          '0',
          '--data-dir',
          dataDir,
          '--',
          ...((u) => [u.command, ...u.args])(faulty('healthy')),
        ],
        { env: { PATH: process.env.PATH ?? '' }, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      try {
        const url = await waitFor(() => /holdfast ready (http\S+)/.exec(said)?.[1], {
          within: 15_000,
          what: () => said,
        });
        await waitFor(
          async () => {
            const { status } = (await (await fetch(`${url}/health`)).json()) as { status: string };
            return status === 'healthy';
          },
          { within: 15_000, every: 50, what: () => said },
        );
        expect(said).not.toMatch(/root/);
      } finally {
        const ended = once(child, 'exit');
        if (child.exitCode === null && child.kill('SIGTERM')) await ended;
      }
    });
    await using gateway = await startGateway({ config: { upstreams: { u: faulty('healthy') } } });
    await waitFor(() => /started as root/.test(gateway.stderr));
  },
);
