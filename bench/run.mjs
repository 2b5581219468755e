// npm run bench: every row of the table of figures, gateway against floors in the same run. See README.md.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Bench } from './harness/bench.mjs';
import { canPin, describeCommit, describeMachine } from './harness/machine.mjs';
import { killAll } from './harness/processes.mjs';
import { number, table } from './harness/report.mjs';

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
const rows = [];
for (const file of readdirSync(folder).sort()) {
  const scenario = await import(new URL(file, folder));
  if (wanted !== undefined && !wanted.includes(scenario.row)) continue;
  const base = { row: scenario.row, title: scenario.title };
  if (scenario.optional?.(bench)) continue;
  log(`${scenario.row} ${scenario.title} …`);
  try {
    if (!bench.hasGateway) rows.push({ ...base, skipped: 'dist/main.js is not built' });
    else {
      const found = await scenario.run(bench);
      const compared = bench.takeCompared();
      rows.push(Array.isArray(found) ? { ...base, measures: [...found, ...compared] } : { ...base, ...found });
    }
  } catch (error) {
    rows.push({ ...base, failed: String(error.stack ?? error) });
  }
  await bench.end().catch((error) => log(String(error)));
  const last = rows.at(-1);
  for (const { measure, value, goal, met } of last.measures ?? [])
    log(`  ${measure}: ${number(value)} ${goal} ${met ?? ''}`);
  if (last.failed) log(`  ${last.failed}`);
}
killAll();

const result = {
  commit,
  date: new Date().toISOString().slice(0, 10),
  quick: options.quick,
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
