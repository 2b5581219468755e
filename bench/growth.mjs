// npm run bench -- growth: what the gateway costs as upstreams and tools become more. One table, a JSON file and a plot.
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Bench } from './harness/bench.mjs';
import { describeCommit, describeMachine } from './harness/machine.mjs';
import { plot } from './harness/plot.mjs';
import { cpuMs, killAll, rssMiB } from './harness/processes.mjs';
import { number } from './harness/report.mjs';
import { listTools, Session } from './harness/session.mjs';
import { median } from './harness/statistics.mjs';

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, output: { type: 'string' }, plot: { type: 'string' } },
});
const root = new URL('..', import.meta.url).pathname;
const commit = describeCommit(root);
const UPSTREAMS = [1, 10, 100, 500];
const TOOLS = options.quick ? [1_000] : [10, 1_000, 10_000];
const TIMES = options.quick ? 20 : 60;

/**
 * A few rounds of something, one after the other, after some to warm up: the median time, and the CPU time of the
 * gateway for one, which a busy machine changes less. Milliseconds.
 */
async function cost(pid, times, turn) {
  for (let index = 0; index < times / 2; index++) await turn(index);
  const took = [];
  const before = cpuMs(pid);
  for (let index = 0; index < times; index++) {
    const begin = performance.now();
    await turn(index);
    took.push(performance.now() - begin);
  }
  return { p50: median(took), cpu: (cpuMs(pid) - before) / times };
}

/** One gateway in front of so many upstreams, which have so many tools together. */
async function once(bench, count, tools) {
  const each = Math.max(1, Math.round(tools / count));
  const upstream = await bench.startUpstream({ tools: each });
  const spec = { url: upstream.url, transport: 'streamable-http' };
  const names = Array.from({ length: count }, (_, index) => `s${String(index).padStart(3, '0')}`);
  const gateway = await bench.startGateway(Object.fromEntries(names.map((name) => [name, spec])));
  const session = await new Session(gateway.url).open();
  const answered = performance.now() - gateway.startedAt;
  const listed = await bench.ready(gateway, each * count, 120_000);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const rss = rssMiB(gateway.pid);
  const list = await cost(gateway.pid, Math.max(6, TIMES / 10), () => listTools(gateway.url));
  const call = await cost(gateway.pid, TIMES * 5, async (index) => {
    const name = names[index % names.length];
    const { result } = await session.call(`${name}__echo`, { nonce: name });
    if (result?.content?.[0]?.text !== name) throw new Error(`wrong answer of ${name}`);
  });
  session.close();
  const converged = await new Session(`${gateway.origin}/mcp/converged`).open();
  const search = await cost(gateway.pid, TIMES, async (index) => {
    const { result } = await converged.call('inspect', { query: `look up entries of collection ${index % each}` });
    if (result?.isError === true || result?.content === undefined) throw new Error('the search failed');
  });
  converged.close();
  const costs = { list: list.p50, search: search.p50, call: call.p50 };
  const cpu = { listCpu: list.cpu, searchCpu: search.cpu, callCpu: call.cpu };
  return { upstreams: count, tools: each * count, answered, listed, rss, ...costs, ...cpu };
}

const rows = [];
const bench = new Bench({ rounds: 1, seconds: 1, warmup: 1 });
for (const tools of TOOLS) {
  for (const count of UPSTREAMS) {
    if (count > tools) continue;
    rows.push(await once(bench, count, tools));
    await bench.end();
    process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
  }
}
bench.dispose();
killAll();

const FIGURES = [
  ['answered', 'initialize answered, ms'],
  ['listed', 'all tools listed, ms'],
  ['rss', 'memory, MiB'],
  ['listCpu', 'CPU of a tools/list, ms'],
  ['searchCpu', 'CPU of a search, ms'],
  ['callCpu', 'CPU of a call, ms'],
];
process.stdout.write(`| Upstreams | Tools | ${FIGURES.map(([, title]) => title).join(' | ')} |\n`);
process.stdout.write(`|---:|---:|${FIGURES.map(() => '---:').join('|')}|\n`);
for (const row of rows) {
  const cells = FIGURES.map(([key]) => number(row[key]));
  process.stdout.write(`| ${row.upstreams} | ${row.tools} | ${cells.join(' | ')} |\n`);
}
const date = new Date().toISOString().slice(0, 10);
mkdirSync(new URL('./results/', import.meta.url), { recursive: true });
const path = options.output ?? `${root}bench/results/${date}-${commit.replace('+', '-changed')}-growth.json`;
writeFileSync(path, `${JSON.stringify({ commit, date, machine: describeMachine(), rows }, null, 2)}\n`);
if (options.plot !== undefined) writeFileSync(options.plot, plot(rows, FIGURES));
