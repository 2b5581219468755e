// The figures of the Xiaozhi face; run by `node scripts/figures-xiaozhi.mjs [--flap SECONDS]`.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Program } from '../support/program.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { flap } from './flapping.ts';
import { CloudSimulator, type Message } from './simulators/cloud.ts';
import { configured, rig } from './support.ts';

/** Milliseconds to the peer and back; the real cloud is farther away. */
const DISTANCE = 40;
const changed = (message: Message) => message.method === 'notifications/tools/list_changed';

async function figures(): Promise<void> {
  await programStart();
  await start();
  await memory();
  await failover();
  await spread();
  const at = process.argv.indexOf('--flap');
  await flapping(at === -1 ? 20 : Number(process.argv[at + 1]));
}

/** A peer in a process of its own, so that neither its time nor its memory is measured. */
async function peer(distance: number): Promise<{ url(token: string): string; stop(): void }> {
  const child = fork(process.argv[1] as string, ['peer', String(distance)]);
  const [url] = (await once(child, 'message')) as [string];
  return { url: (token) => url.replace('=X', `=${token}`), stop: () => child.disconnect() };
}

const urls = (from: { url(token: string): string }, count: number) =>
  Array.from({ length: count }, (_, n) => from.url(`token-${n}`));

async function running(from: { url(token: string): string }, count: number) {
  const began = performance.now();
  let left = count;
  const made = rig([]);
  const all = new Promise<void>((resolve) => {
    void (async () => {
      while (left > 0) {
        await made.event((event) => event.type === 'endpoint.state' && event.to === 'initialised');
        left--;
      }
      resolve();
    })();
  });
  made.face.apply(configured(urls(from, count)));
  await all;
  return { ...made, time: performance.now() - began };
}

async function start(): Promise<void> {
  for (const distance of [0, DISTANCE]) {
    const from = await peer(distance);
    await (await running(from, 20)).face.close(0);
    const times = new Map<number, number>();
    for (const count of [1, 10, 100]) {
      const runs: number[] = [];
      for (let run = 0; run < 5; run++) {
        const { face, time } = await running(from, count);
        runs.push(time);
        await face.close(0);
      }
      times.set(count, runs.sort((a, b) => a - b)[2] as number);
    }
    const [one = 1, ten = 0, hundred = 0] = [...times.values()];
    say(
      `start, peer ${distance} ms away`,
      `1: ${one.toFixed(1)} ms, 10: ${ten.toFixed(1)} ms, 100: ${hundred.toFixed(1)} ms; 10 / 1 = ${(ten / one).toFixed(2)}`,
      '10 ≤ 2 × 1',
    );
    from.stop();
  }
}

/** From the start of the program until the last of its endpoints has been asked for its tools. */
async function programStart(): Promise<void> {
  const times = new Map<number, number[]>([
    [1, []],
    [10, []],
    [100, []],
  ]);
  // By turns, so that a slow moment of the machine meets all of them.
  for (let round = 0; round < 6; round++) {
    for (const [count, runs] of times) {
      const cloud = await CloudSimulator.start();
      const dir = await makeTempDir();
      const file = join(dir, 'holdfast.json');
      writeFileSync(file, JSON.stringify({ endpoints: urls(cloud, count).map((url, n) => ({ name: `e${n}`, url })) }));
      const began = performance.now();
      const program = new Program(process.execPath, {
        args: ['dist/main.js', 'serve', '--config', file, '--port', '0', '--data-dir', join(dir, 'data')],
      });
      const asked = () => cloud.connections.filter(({ initialiseTime }) => initialiseTime !== undefined).length;
      while (asked() < count) await new Promise((resolve) => setTimeout(resolve, 1));
      if (round > 0) runs.push(performance.now() - began);
      await program.stop();
      await cloud.stop();
      await removeDir(dir);
    }
  }
  const [one = 1, ten = 0, hundred = 0] = [...times.values()].map((runs) => runs.sort((a, b) => a - b)[2] as number);
  say(
    'start of the program to the last answer',
    `1: ${one.toFixed(0)} ms, 10: ${ten.toFixed(0)} ms, 100: ${hundred.toFixed(0)} ms; 10 / 1 = ${(ten / one).toFixed(2)}`,
    '10 ≤ 2 × 1',
  );
}

async function memory(): Promise<void> {
  const from = await peer(0);
  await (await running(from, 100)).face.close(0);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const made = rig([]);
  for (let n = 0; n < 40; n++) made.view.tool(`tool-${n}`);
  const each: string[] = [];
  let [before, least] = [0, await used()];
  for (const count of [10, 100, 500]) {
    made.face.apply(configured(urls(from, count)));
    while (made.face.healthy().length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    made.events.length = 0;
    const now = await used();
    each.push(`${before} to ${count}: ${((now - least) / (count - before) / 1024).toFixed(1)} KiB each`);
    [before, least] = [count, now];
  }
  say('memory of endpoints', each.join(', '), 'linear');
  await made.face.close(0);
  from.stop();
}

async function used(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n < 10; n++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    least = Math.min(least, heapUsed + external);
  }
  return least;
}

async function failover(): Promise<void> {
  for (const standby of ['warm', 'cold'] as const) {
    const times: number[] = [];
    const cloud = await CloudSimulator.start();
    const made = rig(
      [
        { url: cloud.url('active'), name: 'active', group: 'g' },
        { url: cloud.url('standby'), name: 'standby', group: 'g', role: 'standby', standby },
      ],
      { reconnect: { baseDelay: '20ms', maxDelay: '20ms' }, standDownAfter: '10ms' },
    );
    for (let run = 0; run < 20; run++) {
      const ready = () => made.face.status().every(({ initialised, state }) => initialised || state === 'idle');
      while (!ready()) await new Promise((resolve) => setTimeout(resolve, 5));
      const dials = cloud.dials;
      const serves =
        standby === 'warm'
          ? cloud.of('standby')[0]?.next(changed)
          : made.event(
              (event) => event.type === 'endpoint.state' && event.to === 'dialling' && event.endpoint === 'standby',
            );
      const back = made.event(({ type }) => type === 'endpoint.stood_down');
      const closed = performance.now();
      cloud.of('active')[0]?.close(1011);
      await serves;
      // Cold: the first byte of its dial has left when the peer has seen it.
      while (standby === 'cold' && cloud.dials === dials) await new Promise(setImmediate);
      times.push(performance.now() - closed);
      await back;
    }
    times.sort((a, b) => a - b);
    say(
      `failover from the close, ${standby}`,
      `median ${(times[10] ?? 0).toFixed(1)} ms, worst ${(times[19] ?? 0).toFixed(1)} ms`,
      '< 100 ms',
    );
    await made.face.close(0);
    await cloud.stop();
  }
}

async function spread(): Promise<void> {
  const cloud = await CloudSimulator.start();
  const made = rig(urls(cloud, 10));
  while (made.face.healthy().length < 10) await new Promise((resolve) => setTimeout(resolve, 5));
  const slowest = Math.max(...cloud.connections.map(({ initialiseTime }) => initialiseTime ?? 0));
  say('initialize answered', `slowest of 10 at once ${slowest.toFixed(1)} ms`, '≤ 100 ms');
  cloud.dialTimes.length = 0;
  for (const connection of cloud.connections) connection.break();
  while (cloud.dialTimes.length < 10) await new Promise((resolve) => setTimeout(resolve, 20));
  const width = Math.max(...cloud.dialTimes) - Math.min(...cloud.dialTimes);
  say('reconnect of 10 after a common loss', `spread over ${(width / 1000).toFixed(1)} s`, '≥ 3 s');
  await made.face.close(0);
  await cloud.stop();
}

async function flapping(seconds: number): Promise<void> {
  await flap(seconds * 200);
  const result = await flap(seconds * 1000);
  const grown = (result.heapAfter - result.heapBefore) / 1024;
  say(
    `flapping, ${seconds} s`,
    `${result.drops} drops, ${result.calls} calls, ${result.answered} answered, ${result.unanswerable} cut off by their peer, ${result.lost} lost; left ${JSON.stringify(result.left)}; heap ${grown.toFixed(0)} KiB`,
    '0 lost, 0 leaks',
  );
}

function say(what: string, measured: string, goal: string): void {
  process.stdout.write(`${what.padEnd(38)} ${measured}   (goal: ${goal})\n`);
}

if (process.argv[2] === 'peer') {
  const cloud = await CloudSimulator.start({ distance: Number(process.argv[3]) });
  process.send?.(cloud.url('X'));
  process.on('disconnect', () => process.exit());
} else await figures();
