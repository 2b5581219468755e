// npm run bench: every row of the table of figures, gateway against floors in the same run. See README.md.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Bench } from './harness/bench.mjs';
import { canPin, describeCommit, describeMachine } from './harness/machine.mjs';
import { killAll } from './harness/processes.mjs';
import { number, table } from './harness/report.mjs';
import { middleOf } from './harness/times.mjs';

// Other things than a run: `npm run bench -- compare OLD.json NEW.json`, `-- table FILE.json` and `-- growth`.
const [command] = process.argv.slice(2);
if (['compare', 'growth', 'table'].includes(command)) {
  process.argv.splice(2, 1);
  await import(`./${command}.mjs`);
  process.exit();
}

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    times: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    'stand-in': { type: 'string' },
    program: { type: 'string' },
    against: { type: 'string' },
    'cpu-prof': { type: 'string' },
    peers: { type: 'boolean', default: false },
    output: { type: 'string' },
    pin: { type: 'boolean', default: false },
  },
});
const log = (text) => process.stderr.write(`${text}\n`);
const root = new URL('..', import.meta.url).pathname;
const bench = new Bench({
  rounds: Number(options.rounds ?? (options.quick ? 3 : 5)),
  seconds: Number(options.seconds ?? (options.quick ? 0.5 : 2)),
  warmup: options.quick ? 1.5 : 3,
  standIn: options['stand-in'],
  pin: options.pin && canPin(),
  ...(options.program !== undefined && { program: resolve(options.program) }),
  ...(options.against !== undefined && { against: resolve(options.against) }),
});
bench.quick = options.quick;
bench.profile = options['cpu-prof'];
bench.peers = options.peers;

// However this ends, nothing that it started goes on; programs in a group of their own do not even hear of a Ctrl+C.
process.on('exit', () => {
  killAll();
  bench.dispose();
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

// Of the checkout whose build is measured, and as it is now: a long run may see it move on.
const commit = describeCommit(dirname(dirname(bench.program)));
const folder = new URL('./scenarios/', import.meta.url);
const wanted = options.only?.split(',').map(Number);
const times = Number(options.times ?? (options.quick || options.against !== undefined ? 1 : 3));
const rows = [];
for (const file of readdirSync(folder).sort()) {
  const scenario = await import(new URL(file, folder));
  if (wanted !== undefined && !wanted.includes(scenario.row)) continue;
  if (scenario.optional?.(bench)) continue;
  log(`${scenario.row} ${scenario.title} …`);
  const runs = [];
  for (let turn = 0; turn < (scenario.once ? 1 : times); turn++) runs.push(await runOf(scenario));
  rows.push(middleOf(runs));
}
killAll();

const result = {
  commit,
  date: new Date().toISOString().slice(0, 10),
  quick: options.quick,
  times,
  rounds: bench.rounds,
  seconds: bench.seconds,
  ...(bench.standIn !== undefined && { standIn: bench.standIn }),
  pinned: bench.pin,
  machine: describeMachine(),
  rows: rows.map((row) => ({ ...row, ...(row.failed && { failed: row.failed.split('\n')[0].replaceAll(root, '') }) })),
};
process.stdout.write(`${table(rows)}\n`);
const isPart = wanted !== undefined || bench.against !== undefined;
if (bench.standIn === undefined && (!isPart || options.output !== undefined)) {
  const path =
    options.output ??
    join(
      root,
      'bench/results',
      `${result.date}-${commit.replace('+', '-changed')}${options.quick ? '-quick' : ''}.json`,
    );
  mkdirSync(new URL('./results/', import.meta.url), { recursive: true });
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  log(`written: ${path.replace(root, '')}`);
}
// A wrong answer or a broken run is an error; a goal that is not met is a figure for a reader.
process.exitCode = rows.some((row) => row.failed !== undefined) ? 1 : 0;

/** What one run of a scenario gives; nothing that it started is left. */
async function runOf(scenario) {
  const { row, title } = scenario;
  let found = { skipped: 'dist/main.js is not built' };
  try {
    if (bench.hasGateway) {
      found = await scenario.run(bench);
      if (Array.isArray(found)) found = { measures: [...found, ...bench.takeCompared()] };
    }
  } catch (error) {
    found = { failed: String(error.stack ?? error) };
  }
  await bench.end().catch((error) => log(String(error)));
  for (const { measure, value, goal, met } of found.measures ?? [])
    log(`  ${measure}: ${number(value)} ${goal} ${met ?? ''}`);
  if (found.failed !== undefined) log(`  ${found.failed}`);
  return { row, title, ...found };
}
