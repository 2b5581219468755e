// npm run bench -- table FILE.json: a result as the Markdown table of docs/explanation/performance.md.
import { readFileSync } from 'node:fs';
import { number } from './harness/report.mjs';

const {
  commit,
  date,
  quick,
  rounds,
  seconds,
  times = 1,
  machine,
  rows,
} = JSON.parse(readFileSync(process.argv[2], 'utf8'));
/** A column that there is only where rows ran several times. */
const runsColumn = (text) => (times === 1 ? '' : `${text}|`);
const lines = [
  `${commit} of ${date}${quick ? ' (quick)' : ''}: ${times === 1 ? '' : `${times} times `}${rounds} rounds of ${seconds} s on ${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, node ${machine.node}.`,
  '',
  `| # | Scenario | Measure | Value |${runsColumn(' All runs ')} Goal | Met |`,
  `|---|---|---|---:|${runsColumn('---')}---|---|`,
];
for (const { row, title, skipped, failed, measures = [] } of rows) {
  if (skipped !== undefined) lines.push(`| ${row} | ${title} | skipped: ${skipped} | |${runsColumn(' ')} | |`);
  if (failed !== undefined) lines.push(`| ${row} | ${title} | failed | |${runsColumn(' ')} | **no** |`);
  for (const { measure, value, goal, met, runs = [] } of measures) {
    const verdict = met === undefined ? '' : met ? 'yes' : '**no**';
    const all = runsColumn(` ${runs.map(number).join(', ')} `);
    lines.push(`| ${row} | ${title} | ${measure} | ${number(value)} |${all} ${goal} | ${verdict} |`);
  }
}
// What has figures of its own beside ratios: the peers.
for (const { figures = [] } of rows) {
  if (figures.length === 0) continue;
  lines.push(
    '',
    '| Where | Target | Calls/s | p50, ms | p99, ms | CPU of a call, µs |',
    '|---|---|---:|---:|---:|---:|',
  );
  for (const { where, target, rate, p50, p99, cpu = '' } of figures)
    lines.push(`| ${where} | ${target} | ${[rate, p50, p99, cpu].map(number).join(' | ')} |`);
}
process.stdout.write(`${lines.join('\n')}\n`);
