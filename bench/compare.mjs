// node bench/compare.mjs OLD.json NEW.json: what changed between two results of the same bench, measure by measure.
import { readFileSync } from 'node:fs';
import { number } from './harness/report.mjs';

const [oldFile, newFile] = process.argv.slice(2);
if (newFile === undefined) {
  process.stderr.write('usage: node bench/compare.mjs OLD.json NEW.json\n');
  process.exit(2);
}
const [before, after] = [oldFile, newFile].map((file) => JSON.parse(readFileSync(file, 'utf8')));
const print = (text) => process.stdout.write(`${text}\n`);
const describe = ({ commit, date, quick, machine }) =>
  `${commit} of ${date}${quick ? ' (quick)' : ''} on ${machine.cores} × ${machine.cpu}, node ${machine.node}`;
print(`old: ${describe(before)}\nnew: ${describe(after)}`);
if (JSON.stringify(before.machine) !== JSON.stringify(after.machine))
  print('Different machines: only ratios can be compared.');
if (before.quick !== after.quick) print('One of the two is a quick run: differences under 20 % mean nothing.');

const flat = ({ rows }) =>
  new Map(
    rows.flatMap(({ row, title, measures = [] }) => measures.map((one) => [`${row} ${title}: ${one.measure}`, one])),
  );
const olds = flat(before);
const news = flat(after);
for (const [name, one] of news) {
  const old = olds.get(name);
  if (old === undefined) print(`+ ${name}: ${number(one.value)}`);
  else if (typeof one.value === 'number' && typeof old.value === 'number') {
    const change =
      old.value === 0 ? '' : ` (${one.value >= old.value ? '+' : ''}${number((one.value / old.value - 1) * 100)} %)`;
    const turned = old.met === one.met || one.met === undefined ? '' : one.met ? '  now met' : '  NO LONGER MET';
    print(`  ${name}: ${number(old.value)} → ${number(one.value)}${change}  goal ${one.goal}${turned}`);
  } else print(`  ${name}: ${old.value} → ${one.value}`);
}
for (const name of olds.keys()) if (!news.has(name)) print(`- ${name}: not measured any more`);
