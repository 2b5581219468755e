// Prints what watching costs: in the gateway's own process (test/operations/figures.ts), and on whole gateways, one that
// watches everything against one that watches nothing, in turns; then how long its pages take with 100 upstreams.
//   --rounds N (9)   --seconds S (2)   --callers N (32)   --only process|throughput|pages
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';
import { Bench } from '../bench/harness/bench.mjs';
import { cpuMs, rssMiB } from '../bench/harness/processes.mjs';
import { median, medianOfRounds } from '../bench/harness/statistics.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '2' },
    callers: { type: 'string', default: '32' },
    only: { type: 'string' },
  },
});
const WARM = 10;
const MEASURED = 60;
const root = new URL('..', import.meta.url).pathname;
const print = (name, value, goal = '') => process.stdout.write(`${name.padEnd(72)} ${value.padStart(12)}  ${goal}\n`);

const wanted = (part) => options.only === undefined || options.only === part;
if (wanted('process')) await inProcess();
const bench = new Bench({ rounds: Number(options.rounds), seconds: Number(options.seconds), warmup: 2 });
try {
  if (wanted('throughput')) await onAgainstOff();
  await bench.end();
  if (wanted('pages')) await pages();
} finally {
  await bench.end();
  bench.dispose();
}

async function inProcess() {
  const dir = mkdtempSync(join(root, 'node_modules', '.figures-'));
  try {
    const input = 'test/operations/figures.ts';
    const bundle = await rolldown({ cwd: root, input, platform: 'node', external: [/^[^./]/] });
    await bundle.write({ dir, format: 'esm', entryFileNames: 'figures.js' });
    await bundle.close();
    const { status } = spawnSync(process.execPath, ['--expose-gc', join(dir, 'figures.js')], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** `again` is a second gateway that watches nothing: by how much it differs is what the machine cannot tell apart. */
async function onAgainstOff() {
  const upstream = await bench.startUpstream();
  const upstreams = { bench: { url: upstream.url, transport: 'streamable-http' } };
  const more = { monitor: { enabled: false }, storage: { callLog: { enabled: false } } };
  const targets = {};
  for (const [name, settings] of Object.entries({ on: {}, off: { more }, again: { more } })) {
    const gateway = await bench.startGateway(upstreams, settings);
    await bench.ready(gateway);
    const { url, pid } = gateway;
    targets[name] = { kind: 'http', url, pid, tool: 'bench__echo', args: { text: 'x'.repeat(100) } };
  }
  const rounds = await bench.measure(targets, Number(options.callers));
  const added = (name, figure) => 100 * (medianOfRounds(rounds[name], rounds.off, (a, b) => a[figure] / b[figure]) - 1);
  const of = (name, figure) => median(rounds[name].map((round) => round[figure])).toFixed(0);
  const line = (title, figure, sign, goal) =>
    print(title, `${(sign * added('on', figure)).toFixed(1)} %`, `${goal}noise ${added('again', figure).toFixed(1)} %`);
  line(`throughput lost, ${of('on', 'rate')} of ${of('off', 'rate')} calls/s`, 'rate', -1, 'goal < 2 %, ');
  line(`CPU added per call, ${of('on', 'cpu')} for ${of('off', 'cpu')} µs`, 'cpu', 1, '');
  const rss = (rssMiB(targets.on.pid) - rssMiB(targets.off.pid)).toFixed(1);
  print('RSS added after these calls', `${rss} MiB`, 'goal < 10 MB');
}

async function pages() {
  const upstream = await bench.startUpstream({ tools: 10 });
  const entry = { url: upstream.url, transport: 'streamable-http' };
  const upstreams = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`server-${n}`, entry]));
  const dataDir = bench.path('data');
  const gateway = await bench.startGateway(upstreams, { dataDir });
  await bench.ready(gateway, 1000);
  const headers = { authorization: `Bearer ${readFileSync(join(dataDir, 'admin-token'), 'utf8').trim()}` };
  for (const path of ['/status', '/health', '/api/v1/status', '/api/v1/upstreams', '/metrics', '/diagnostics']) {
    const times = [];
    let before = 0;
    for (let n = 0; n < WARM + MEASURED; n++) {
      if (n === WARM) before = cpuMs(gateway.pid);
      const start = performance.now();
      await (await fetch(gateway.origin + path, { headers })).arrayBuffer();
      if (n >= WARM) times.push(performance.now() - start);
    }
    const cpu = (cpuMs(gateway.pid) - before) / MEASURED;
    const goal = `CPU ${cpu.toFixed(1)} ms, worst ${Math.max(...times).toFixed(1)} ms, goal < 50 ms`;
    print(`GET ${path} with 100 upstreams, median of ${MEASURED}`, `${median(times).toFixed(1)} ms`, goal);
  }
}
