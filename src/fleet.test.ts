// One set of upstreams becomes the next: what did not change is not touched, what changed is up before the old one goes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { processesUnder } from '../test/support/processes.ts';
import { makeTempDir, removeDir } from '../test/support/temp-dir.ts';
import { faulty } from '../test/support/upstream.ts';
import { callContext, PLAIN } from '../test/support/upstream-under-test.ts';
import { waitFor } from '../test/support/wait.ts';
import { parseConfig } from './config/load.ts';
import type { Config, ConfigInput } from './config/schema.ts';
import { EventStream } from './core/events.ts';
import type { RpcNotification } from './core/rpc.ts';
import { Fleet } from './fleet.ts';
import { DataDir } from './store/data-dir.ts';

const plain = (version: string, ...flags: string[]) => ({
  command: process.execPath,
  args: [PLAIN, `--version=${version}`, ...flags],
});
function config(upstreams: NonNullable<ConfigInput['upstreams']>): Config {
  const parsed = parseConfig({ upstreams }, { env: process.env });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}
let open: { fleet: Fleet; dir: DataDir; path: string }[] = [];
async function fleetOf(first: Config) {
  const path = await makeTempDir('fleet');
  const dir = DataDir.open(path, () => undefined);
  const fleet = new Fleet({
    events: new EventStream(),
    dataDir: dir,
    clientInfo: { name: 'holdfast', version: '0' },
    dispatch: () => Promise.reject(new Error('no custom tools here')),
  });
  open.push({ fleet, dir, path });
  let swaps = 0;
  const swapped = () => void swaps++;
  fleet.apply(first, swapped);
  fleet.start();
  const version = (name = 'u') => fleet.get(name)?.identity?.serverInfo.version;
  const ready = (name = 'u') => waitFor(() => fleet.get(name)?.state.state === 'ready', { within: 10_000 });
  const pid = (name = 'u') => fleet.get(name)?.facts().pid;
  return { fleet, swapped, version, ready, pid, swaps: () => swaps, path };
}
afterEach(async () => {
  for (const { fleet, dir, path } of open) {
    await fleet.stop(0);
    dir.close();
    await removeDir(path);
  }
  open = [];
  await waitFor(() => processesUnder(process.pid).every(({ command }) => !command.includes('servers/plain')));
});

describe('Fleet (X-07, F-K6, F-K7, F-K8)', () => {
  it('keeps the process where only settings or the order of variables changed', async () => {
    const { fleet, swapped, ready, pid } = await fleetOf(config({ u: { ...plain('1'), env: { A: '1', B: '2' } } }));
    await ready();
    const before = pid();
    const next = config({
      u: { ...plain('1'), env: { B: '2', A: '1' }, timeouts: { call: '7s' }, tools: { disabled: ['x'] } },
    });
    expect(fleet.plan(next)).toEqual({ added: [], removed: [], restarted: [], updated: ['u'] });
    fleet.apply(next, swapped);
    expect([pid(), fleet.config('u')?.timeouts.call]).toEqual([before, 7_000]);
  });

  it('has the new one up before the old one goes: no call fails between', async () => {
    const { fleet, swapped, ready, version } = await fleetOf(config({ u: plain('1') }));
    await ready();
    const seen = new Set<unknown>();
    let failed = 0;
    let done = false;
    const calling = (async () => {
      while (!done) {
        const call = { method: 'tools/call', params: { name: 'echo', arguments: {} }, safety: 'write' as const };
        await fleet
          .get('u')
          ?.call(call, callContext())
          .catch(() => failed++);
        seen.add(version());
      }
    })();
    fleet.apply(config({ u: plain('2') }), swapped);
    await waitFor(() => version() === '2', { within: 10_000 });
    done = true;
    await calling;
    expect([failed, [...seen]]).toEqual([0, ['1', '2']]);
  });

  it('ends at the last of several changes that come quickly, and leaves none of the others', async () => {
    const { fleet, swapped, ready, version, pid } = await fleetOf(config({ u: plain('1') }));
    await ready();
    for (const next of ['2', '3', '4', '5']) fleet.apply(config({ u: plain(next) }), swapped);
    expect(fleet.plan(config({ u: plain('5') })).restarted).toEqual([]);
    await waitFor(() => version() === '5', { within: 10_000 });
    await waitFor(
      () => processesUnder(process.pid).filter(({ command }) => command.includes('--version=')).length === 1,
      { within: 10_000 },
    );
    expect(pid()).toBeDefined();
    expect(version()).toBe('5');
  });

  it('goes back to what runs when a change is taken back before it is up', async () => {
    const { fleet, swapped, ready, version, pid } = await fleetOf(config({ u: plain('1') }));
    await ready();
    const before = pid();
    fleet.apply(config({ u: plain('2') }), swapped);
    fleet.apply(config({ u: plain('1') }), swapped);
    await waitFor(
      () => processesUnder(process.pid).filter(({ command }) => command.includes('--version=')).length === 1,
      { within: 10_000 },
    );
    expect([version(), pid()]).toEqual(['1', before]);
  });

  it('keeps the old one while the new one fails to start, and takes its place once that is final', async () => {
    const { fleet, swapped, ready, version } = await fleetOf(config({ u: plain('1') }));
    await ready();
    fleet.apply(config({ u: { command: '/does/not/exist' } }), swapped);
    await waitFor(() => fleet.get('u')?.state.state === 'failed', { within: 10_000 });
    fleet.apply(config({ u: plain('3') }), swapped);
    fleet.start();
    await waitFor(() => version() === '3', { within: 10_000 });
  });

  it('a change that fails its first start does not cost the one that serves', async () => {
    const failures = join(await makeTempDir('count'), 'left');
    const { fleet, swapped, ready, version } = await fleetOf(config({ u: plain('1') }));
    await ready();
    const { writeFile } = await import('node:fs/promises');
    await writeFile(failures, '2');
    fleet.apply(config({ u: plain('2', `--fail-starts=${failures}`) }), swapped);
    await waitFor(() => readFileSync(failures, 'utf8') === '1', { within: 10_000 });
    expect([version(), fleet.get('u')?.state.state]).toEqual(['1', 'ready']);
    await waitFor(() => version() === '2', { within: 10_000 });
    await removeDir(join(failures, '..'));
  });

  it('leaves nothing when one that is on its way is removed, or everything stops (F-K7)', async () => {
    const { fleet, swapped, ready } = await fleetOf(config({ u: plain('1') }));
    await ready();
    const slow = config({ u: faulty('never-handshakes') });
    fleet.apply(slow, swapped);
    fleet.apply(config({}), swapped);
    expect(fleet.names()).toEqual([]);
    await waitFor(() => processesUnder(process.pid).every(({ command }) => !command.includes('servers/')), {
      within: 10_000,
    });
    fleet.apply(config({ u: plain('1') }), swapped);
    fleet.start();
    await ready();
    fleet.apply(slow, swapped);
    await fleet.stop(0);
    expect(processesUnder(process.pid).filter(({ command }) => command.includes('servers/'))).toEqual([]);
  });

  it('hands subscriptions and listeners on to the one that follows', async () => {
    const { fleet, swapped, ready, version, path } = await fleetOf(config({ u: plain('1') }));
    const heard: [string, RpcNotification][] = [];
    const stop = fleet.onNotification((upstream, notification) => heard.push([upstream, notification]));
    await ready();
    const record = join(path, 'record');
    await fleet.get('u')?.subscribe('test://a', callContext());
    fleet.apply(config({ u: plain('2', `--record=${record}`) }), swapped);
    await waitFor(() => version() === '2', { within: 10_000 });
    await waitFor(() => readFileSync(record, 'utf8').includes('resources/subscribe'));
    await fleet.get('u')?.unsubscribe('test://a');
    await waitFor(() => readFileSync(record, 'utf8').includes('resources/unsubscribe'));
    stop();
  });

  it('disabled and on-demand ones are not started; switching on starts', async () => {
    const { fleet, swapped, ready } = await fleetOf(config({ u: { ...plain('1'), enabled: false } }));
    expect(fleet.get('u')?.state.state).toBe('disabled');
    fleet.apply(config({ u: plain('1') }), swapped);
    fleet.start();
    await ready();
    fleet.apply(config({ u: { ...plain('1'), enabled: false } }), swapped);
    await waitFor(() => fleet.get('u')?.state.state === 'disabled', { within: 10_000 });
  });
});
