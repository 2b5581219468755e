// npm run chaos: every figure of steadfastness, measured on the real gateway. `--quick` for CI, `--only 3,7` for some,
// `--minutes 10` for figure 8 in place of its 30. A whole run writes its values to bench/results, as npm run bench does;
// with `--output FILE` some figures go there too, beside those that the same commit already has in it.
// Each figure is one file in figures/: {row, title, background?, run(house) → measures}.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeCommit, describeMachine } from '../harness/machine.mjs';
import { claims } from './claims.mjs';
import { House } from './harness/house.mjs';
import { atMost, claimsTable, exactly, figuresTable, measure, shown } from './harness/report.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    minutes: { type: 'string' },
    program: { type: 'string' },
    output: { type: 'string' },
  },
});
const log = (text) => process.stderr.write(`${text}\n`);
const program = resolve(options.program ?? new URL('../../dist/main.js', import.meta.url).pathname);
if (!existsSync(program)) {
  log(`${program} is missing: npm run build`);
  process.exit(1);
}

const folder = new URL('./figures/', import.meta.url);
const wanted = options.only?.split(',').map(Number);
const figures = [];
for (const file of readdirSync(folder).sort()) {
  if (!file.endsWith('.mjs')) continue;
  const figure = await import(new URL(file, folder));
  if (wanted === undefined || wanted.includes(figure.row)) figures.push(figure);
}

const account = { calls: 0, late: 0, wrong: 0 };
const began = performance.now();

async function run(figure) {
  const house = new House({ quick: options.quick, program, minutes: options.minutes && Number(options.minutes) });
  const start = performance.now();
  const result = {
    row: figure.row,
    title: figure.title,
    scaled: options.quick ? figure.scaled : undefined,
    // What else the machine was doing: processes that wanted to run in the minute before.
    load: Number(loadavg()[0].toFixed(1)),
    measures: [],
  };
  log(`${figure.row} ${figure.title} …`);
  try {
    result.measures = await figure.run(house);
  } catch (error) {
    result.failed = String(error.stack ?? error);
  }
  try {
    await house.end();
  } catch (error) {
    result.failed ??= String(error.message);
  }
  for (const key of Object.keys(account)) account[key] += house.client.account[key];
  result.seconds = (performance.now() - start) / 1000;
  for (const found of result.measures) log(`  ${figure.row} ${found.name}: ${shown(found)} ${found.met}`);
  if (result.failed) log(`  ${figure.row} FAILED ${result.failed}`);
  return result;
}

// Those that mostly wait go on beside the others; those that measure time or throughput have the machine to themselves
// as far as that is possible.
const background = figures.filter((figure) => figure.background).map(run);
const results = [];
for (const figure of figures.filter((figure) => !figure.background)) results.push(await run(figure));
results.push(...(await Promise.all(background)));

results.push({
  row: 2,
  title: `Calls without an answer, over ${wanted === undefined ? 'all' : 'these'} figures`,
  seconds: (performance.now() - began) / 1000,
  measures: [
    measure('calls beyond their deadline + 1 s', account.late, exactly(0), { note: `of ${account.calls} calls` }),
    measure('answers that belong to another call', account.wrong, atMost(0)),
  ],
});
results.sort((a, b) => a.row - b.row);

process.stdout.write(`${figuresTable(results)}\n\nWhat the designs claimed, and what was measured\n`);
process.stdout.write(`${claimsTable(claims, results)}\n\n`);
if (wanted === undefined || options.output !== undefined) write();
const all = results.flatMap(({ measures, failed }) => [...measures, ...(failed ? [{ met: 'NO' }] : [])]);
const count = (...values) => all.filter(({ met }) => values.includes(met)).length;
const failed = count('NO');
process.stdout.write(`${count('yes', 'allowed')} passed, ${failed} failed, ${count('skipped')} skipped\n`);
process.exitCode = failed > 0 ? 1 : 0;

function write() {
  const commit = describeCommit(dirname(dirname(program)));
  const date = new Date().toISOString().slice(0, 10);
  const name = `${date}-${commit.replace('+', '-changed')}-chaos${options.quick ? '-quick' : ''}.json`;
  const file = resolve(options.output ?? new URL(`../results/${name}`, import.meta.url).pathname);
  const earlier = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  const same = earlier?.commit === commit && earlier.quick === options.quick;
  const key = ({ row, title }) => `${row} ${title}`;
  const now = new Set(results.map(key));
  const rows = [...(same ? earlier.rows.filter((row) => !now.has(key(row))) : []), ...results];
  rows.sort((a, b) => a.row - b.row);
  const minutes = options.minutes && Number(options.minutes);
  const result = { commit, date, quick: options.quick, minutes, machine: describeMachine(), rows };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  log(`written: ${file}`);
}
