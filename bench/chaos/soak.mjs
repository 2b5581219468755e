// npm run soak -- --minutes N: drives mixed calls and faults for as long as that, watches what must not grow, prints the
// slope of each, and fails where one grows.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { inspect, inspectArgs } from '../harness/inspect.mjs';
import { callers, pause } from './harness/client.mjs';
import { faulty, House } from './harness/house.mjs';
import { descriptors, processesUnder, rssBytes, zombiesUnder } from './harness/proc.mjs';

const { values: options } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, program: { type: 'string' } },
});
const minutes = Number(options.minutes);
const program = resolve(options.program ?? new URL('../../dist/main.js', import.meta.url).pathname);
if (!(minutes > 0) || !existsSync(program)) {
  process.stderr.write(minutes > 0 ? `${program} is missing: npm run build\n` : '--minutes wants a number above 0\n');
  process.exit(2);
}

/** What is watched: unit, and by how much the last fifth may lie above the first, as a share and in its own unit. */
const WATCHED = {
  heap: { unit: 'MiB', share: 0.1, least: 2 },
  rss: { unit: 'MiB', share: 0.2, least: 15 },
  handles: { unit: '', share: 0, least: 4 },
  timers: { unit: '', share: 0, least: 6 },
  descriptors: { unit: '', share: 0, least: 4 },
  children: { unit: '', share: 0, least: 2 },
  zombies: { unit: '', share: 0, least: 0 },
};

const house = new House({ quick: false, program });
process.exitCode = await soak().finally(() => house.end());

async function soak() {
  const remote = await house.upstream('outage');
  const broken = await house.upstream('answers-500');
  const patient = { recovery: { breaker: { failures: 1_000, ratio: 1 } } };
  const upstreams = {
    local: faulty('healthy'),
    slow: faulty('slow-tool', { set: { ms: 50 } }),
    noisy: faulty('noise-lines'),
    killed: faulty('grandchild-in-group'),
    hangs: { ...faulty('hangs'), timeouts: { call: '500ms' } },
    remote: { url: remote.url, transport: 'streamable-http' },
    broken: { url: broken.url, transport: 'streamable-http', ...patient },
    crashes: faulty('crashes-at-every-start'),
  };
  const config = (version) => ({
    // A small ring, full before the first look: what it holds is meant to stay.
    storage: { callLog: { maxRecords: 200 } },
    upstreams: { ...upstreams, changes: { ...faulty('healthy'), env: { VERSION: String(version) } } },
  });
  const gateway = await house.gateway(config(0), { nodeArgs: inspectArgs, wait: false });
  await gateway.reached(
    'ready',
    Object.keys(upstreams).filter((name) => name !== 'crashes'),
  );
  const session = await inspect(gateway);
  const names = ['local', 'slow', 'noisy', 'killed', 'hangs', 'remote', 'broken', 'changes'];
  const load = callers(names.length, async (index, turn) => {
    const fault = turn % 5 === 0;
    const record = await house.client.call(gateway, names[index], turn % 2 === 0 ? 'read' : 'write', {
      nonce: `${index}-${turn}`,
      fault,
      always: fault,
    });
    if (load !== undefined && load.records.length > 1_000) totals(load.records.splice(0));
    await pause(10);
    return record;
  });
  const sum = { calls: 0, ok: 0 };
  function totals(records) {
    sum.calls += records.length;
    sum.ok += records.filter(({ ok }) => ok).length;
  }
  const end = performance.now() + minutes * 60_000;
  let version = 0;
  const every = (ms, what) => setInterval(() => void Promise.resolve(what()).catch(() => {}), ms);
  const faults = [
    every(5_000, () => kill(gateway, 'grandchild-in-group')),
    every(7_000, () => remote.control({ status: 502, ms: 700 })),
    every(11_000, () => gateway.write(config(++version))),
  ];
  const samples = [];
  const warmup = Math.min(60_000, minutes * 60_000 * 0.3);
  const step = Math.max(1_000, Math.min(30_000, (minutes * 60_000 - warmup) / 40));
  await pause(warmup);
  while (performance.now() < end) {
    const sample = await look(gateway, session);
    samples.push(sample);
    const shown = Object.entries(WATCHED).map(
      ([name, { unit }]) => `${name} ${sample[name].toFixed(unit === '' ? 0 : 1)}`,
    );
    process.stderr.write(`${((end - performance.now()) / 1000).toFixed(0)} s left: ${shown.join(', ')}\n`);
    await pause(step);
  }
  for (const timer of faults) clearInterval(timer);
  totals(await load.stop());
  session.close();
  const exit = await gateway.stop();
  process.stdout.write(`${sum.calls} calls, ${sum.ok} answered; ${version} reloads; exit ${exit.code}\n`);
  return judge(samples, exit);
}

function kill(gateway, part) {
  const victim = processesUnder(gateway.pid).find(
    ({ ppid, command }) => ppid === gateway.pid && command.includes(part),
  );
  if (victim !== undefined) process.kill(victim.pid, 'SIGKILL');
}

async function look(gateway, session) {
  await session.ask('HeapProfiler.collectGarbage');
  const { usedSize } = await session.ask('Runtime.getHeapUsage');
  const { result } = await session.ask('Runtime.evaluate', {
    expression: 'JSON.stringify(process.getActiveResourcesInfo())',
  });
  const resources = JSON.parse(result.value);
  const timers = resources.filter((name) => name === 'Timeout' || name === 'Immediate').length;
  return {
    at: performance.now(),
    heap: usedSize / 2 ** 20,
    rss: rssBytes(gateway.pid) / 2 ** 20,
    handles: resources.length - timers,
    timers,
    descriptors: descriptors(gateway.pid),
    children: processesUnder(gateway.pid).length,
    zombies: zombiesUnder(gateway.pid).length,
  };
}

/** The medians of the first and the last fifth, which no single sample can move; and what is still growing at the end. */
function judge(samples, exit) {
  const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
  const fifth = Math.max(1, Math.floor(samples.length / 5));
  const half = samples.slice(samples.length >> 1);
  let failed = exit.code === 0 ? 0 : 1;
  for (const [name, { unit, share, least }] of Object.entries(WATCHED)) {
    const values = samples.map((sample) => sample[name]);
    const [first, last] = [median(values.slice(0, fifth)), median(values.slice(-fifth))];
    const grows = last - first > Math.max(least, first * share);
    if (grows) failed++;
    const text = `${name.padEnd(12)} ${first.toFixed(1)} → ${last.toFixed(1)} ${unit}`.padEnd(40);
    const slopes = [slope(samples, name), slope(half, name)].map((perHour) => perHour.toFixed(1));
    process.stdout.write(
      `${text} slope ${slopes[0]} ${unit}/h, of the second half ${slopes[1]}  ${grows ? 'GROWS' : 'ok'}\n`,
    );
  }
  const count = Object.keys(WATCHED).length + 1;
  process.stdout.write(`${count - failed} passed, ${failed} failed, 0 skipped\n`);
  return failed > 0 ? 1 : 0;
}

/** Least squares, per hour. */
function slope(samples, name) {
  const mid = samples.reduce((total, { at }) => total + at, 0) / samples.length;
  const mean = samples.reduce((total, sample) => total + sample[name], 0) / samples.length;
  const above = samples.reduce((total, sample) => total + (sample.at - mid) * (sample[name] - mean), 0);
  const below = samples.reduce((total, { at }) => total + (at - mid) ** 2, 0);
  return below === 0 ? 0 : (above / below) * 3_600_000;
}
