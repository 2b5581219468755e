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
const PAGES = [
  '/status',
  '/health',
  '/api/v1/status',
  '/api/v1/upstreams',
  '/metrics',
  '/metrics/prometheus',
  '/diagnostics',
];
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

/**
 * Two gateways that watch and two that do not, the second pair in the other order: the same program costs up to a third
 * more or less from process to process, and what comes later in a round has another machine. `noise`: by how much the two
 * that do not watch differ.
 */
async function onAgainstOff() {
  const upstream = await bench.startUpstream();
  const upstreams = { bench: { url: upstream.url, transport: 'streamable-http' } };
  const more = { monitor: { enabled: false }, storage: { callLog: { enabled: false } } };
  const targets = {};
  for (const name of ['on1', 'off1', 'off2', 'on2']) {
    const gateway = await bench.startGateway(upstreams, name.startsWith('on') ? {} : { more });
    await bench.ready(gateway);
    const { url, pid } = gateway;
    targets[name] = { kind: 'http', url, pid, tool: 'bench__echo', args: { text: 'x'.repeat(100) } };
  }
  const rounds = await bench.measure(targets, Number(options.callers));
  const both = (kind, figure) => rounds[`${kind}1`].map((one, n) => (one[figure] + rounds[`${kind}2`][n][figure]) / 2);
  const percent = (above, below) => 100 * (medianOfRounds(above, below, (a, b) => a / b) - 1);
  const line = (title, figure, unit, sign, goal) => {
    const [on, off] = [both('on', figure), both('off', figure)];
    const [first, second] = ['off1', 'off2'].map((name) => rounds[name].map((one) => one[figure]));
    const noise = `noise ${Math.abs(percent(second, first)).toFixed(1)} %`;
    const of = `${title}, ${median(on).toFixed(0)} against ${median(off).toFixed(0)} ${unit}`;
    print(of, `${(sign * percent(on, off)).toFixed(1)} %`, `${goal}${noise}`);
  };
  line('throughput lost', 'rate', 'calls/s', -1, 'goal < 2 %, ');
  line('CPU added per call', 'cpu', 'µs', 1, 'goal < 2 %, ');
  const cheapest = (name) => Math.min(...rounds[name].map(({ cpu }) => cpu));
  const least = ['on', 'off'].map((kind) => (cheapest(`${kind}1`) + cheapest(`${kind}2`)) / 2);
  print(
    `CPU added per call, cheapest rounds: ${least.map((cpu) => cpu.toFixed(1)).join(' against ')} µs`,
    `${(100 * (least[0] / least[1] - 1)).toFixed(1)} %`,
  );
  const rss = rssMiB(targets.on1.pid) + rssMiB(targets.on2.pid) - rssMiB(targets.off1.pid) - rssMiB(targets.off2.pid);
  print('RSS added after these calls', `${(rss / 2).toFixed(1)} MiB`, 'goal < 10 MB');
}

async function pages() {
  const upstream = await bench.startUpstream({ tools: 10 });
  const entry = { url: upstream.url, transport: 'streamable-http' };
  const upstreams = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`server-${n}`, entry]));
  const dataDir = bench.path('data');
  const gateway = await bench.startGateway(upstreams, { dataDir });
  await bench.ready(gateway, 1000);
  const headers = { authorization: `Bearer ${readFileSync(join(dataDir, 'admin-token'), 'utf8').trim()}` };
  for (const path of PAGES) {
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
