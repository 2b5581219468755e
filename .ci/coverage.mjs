// Holds the coverage of lines to its floors: the whole, and the folders on which everything else stands.
//   node .ci/coverage.mjs COVERAGE-FINAL.JSON V8-FOLDER
// What ran inside the test runner is in the first; the gateways it started as programs wrote theirs (NODE_V8_COVERAGE)
// to the second, in terms of dist/, and is taken back to the sources by the source maps.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const FLOORS = { src: 85, 'src/core': 90, 'src/upstream': 90, 'src/resilience': 90, 'src/faces/xiaozhi': 90 };
const [report, folder] = process.argv.slice(2);

/** Lines that hold the start of a statement, by file: whether one was reached. */
const lines = new Map();
for (const [file, { statementMap, s }] of Object.entries(JSON.parse(readFileSync(report, 'utf8')))) {
  const own = new Map();
  for (const [id, { start }] of Object.entries(statementMap)) own.set(start.line, own.get(start.line) || s[id] > 0);
  lines.set(file, own);
}

for (const [file, reached] of reachedInBundles(folder)) {
  const spots = sourcesOf(file);
  for (const { offset, source, line } of spots) {
    const own = lines.get(source);
    if (reached[offset] === 1 && own?.has(line)) own.set(line, true);
  }
}

let missed = false;
for (const [name, floor] of Object.entries(FLOORS)) {
  const own = [...lines].filter(([file]) => file.startsWith(`${resolve(name)}/`)).flatMap(([, one]) => [...one.values()]);
  if (own.length === 0) continue;
  const percent = (100 * own.filter(Boolean).length) / own.length;
  missed ||= percent < floor;
  process.stdout.write(`${percent < floor ? '✗' : '✓'} ${name}: ${percent.toFixed(1)} % of ${own.length} lines, wanted ${floor} %\n`);
}
process.exitCode = missed ? 1 : 0;

/** Which characters of each bundled file were reached by any of the programs. */
function reachedInBundles(from) {
  const files = new Map();
  for (const name of from === undefined || !existsSync(from) ? [] : readdirSync(from)) {
    let dump;
    try {
      dump = JSON.parse(readFileSync(join(from, name), 'utf8'));
    } catch {
      continue; // a program that was killed while it wrote
    }
    for (const { url, functions } of dump.result) {
      if (!url.startsWith('file:') || dirname(fileURLToPath(url)) !== resolve('dist')) continue;
      const file = fileURLToPath(url);
      if (!existsSync(`${file}.map`)) continue;
      // Ranges come outermost first; an inner one corrects what stands around it.
      const once = new Uint8Array(readFileSync(file, 'utf8').length);
      for (const { ranges } of functions) for (const { startOffset, endOffset, count } of ranges) once.fill(count > 0 ? 1 : 0, startOffset, endOffset);
      const all = files.get(file);
      if (all === undefined) files.set(file, once);
      else for (let at = 0; at < once.length; at++) all[at] |= once[at];
    }
  }
  return files;
}

/** Every mapped place of a bundled file: its offset there, and file and line it came from. */
function sourcesOf(file) {
  const { mappings, sources } = JSON.parse(readFileSync(`${file}.map`, 'utf8'));
  const paths = sources.map((source) => resolve(dirname(file), source));
  const text = readFileSync(file, 'utf8');
  const spots = [];
  let start = 0;
  let [source, line] = [0, 0];
  for (const group of mappings.split(';')) {
    let column = 0;
    for (const segment of group === '' ? [] : group.split(',')) {
      const [step, sourceStep, lineStep] = numbersOf(segment);
      column += step;
      if (sourceStep === undefined) continue;
      source += sourceStep;
      line += lineStep;
      spots.push({ offset: start + column, source: paths[source], line: line + 1 });
    }
    start = text.indexOf('\n', start) + 1;
  }
  return spots;
}

/** Base64 VLQ, as source maps write numbers. */
function numbersOf(segment) {
  const numbers = [];
  let [value, shift] = [0, 0];
  for (const letter of segment) {
    const digit = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(letter);
    value |= (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}
