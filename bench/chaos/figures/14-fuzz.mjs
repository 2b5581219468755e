// Made-up inputs of every codec: the property tests of the suite, told as a figure.
import { spawn } from 'node:child_process';
import { exactly, measure, skip } from '../harness/report.mjs';

export const row = 14;
export const title = 'Fuzzed inputs per codec';
export const scaled = 'by npm test';

const root = new URL('../../../', import.meta.url).pathname;
const FILES = [
  'src/wire/stdio-lines.test.ts',
  'src/wire/sse.test.ts',
  'src/wire/envelope.test.ts',
  'src/wire/headers.test.ts',
  'src/core/json-scan.test.ts',
  'src/session/read-request.test.ts',
  'src/faces/openapi/schema.test.ts',
  'test/config/broken.test.ts',
];

export async function run(house) {
  if (house.quick) return [skip('crashes and hangs', `npm test runs the property tests: ${FILES.length} files`)];
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=json', ...FILES];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    text += piece;
  });
  await new Promise((resolve) => child.once('exit', resolve));
  const { numFailedTests, numPassedTests } = JSON.parse(text.slice(text.indexOf('{')));
  return [
    measure('crashes and hangs', numFailedTests, exactly(0), {
      note: `${numPassedTests} tests of ${FILES.length} files`,
    }),
  ];
}
