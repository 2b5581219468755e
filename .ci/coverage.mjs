// Holds the coverage of lines to its floors: the whole, and the folders on which everything else stands.
import { readFileSync } from 'node:fs';

const FLOORS = { src: 85, 'src/core': 90, 'src/upstream': 90, 'src/resilience': 90, 'src/faces/xiaozhi': 90 };

const { total: _, ...files } = JSON.parse(readFileSync(process.argv[2] ?? 'coverage/coverage-summary.json', 'utf8'));
for (const [folder, floor] of Object.entries(FLOORS)) {
  let covered = 0;
  let total = 0;
  for (const [file, { lines }] of Object.entries(files)) {
    if (!file.startsWith(`${process.cwd()}/${folder}/`)) continue;
    covered += lines.covered;
    total += lines.total;
  }
  if (total === 0) continue;
  const percent = (100 * covered) / total;
  process.stdout.write(`${percent < floor ? '✗' : '✓'} ${folder}: ${percent.toFixed(1)} % of ${total} lines, wanted ${floor} %\n`);
  if (percent < floor) process.exitCode = 1;
}
