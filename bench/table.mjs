// npm run bench -- table FILE.json: a result as the Markdown table of docs/explanation/performance.md.
import { readFileSync } from 'node:fs';
import { number } from './harness/report.mjs';

const { commit, date, quick, rounds, seconds, machine, rows } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const lines = [
  `${commit} of ${date}${quick ? ' (quick)' : ''}: ${rounds} rounds of ${seconds} s on ${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, node ${machine.node}.`,
  '',
  '| # | Scenario | Measure | Value | Goal | Met |',
  '|---|---|---|---:|---|---|',
];
for (const { row, title, skipped, failed, measures = [] } of rows) {
  if (skipped !== undefined) lines.push(`| ${row} | ${title} | skipped: ${skipped} | | | |`);
  if (failed !== undefined) lines.push(`| ${row} | ${title} | failed | | | **no** |`);
  for (const { measure, value, goal, met } of measures) {
    const verdict = met === undefined ? '' : met ? 'yes' : '**no**';
    lines.push(`| ${row} | ${title} | ${measure} | ${number(value)} | ${goal} | ${verdict} |`);
  }
}
process.stdout.write(`${lines.join('\n')}\n`);
