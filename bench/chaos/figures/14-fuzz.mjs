// Made-up inputs of every codec: the property tests of the suite, each with as many inputs as the figure wants.
import { spawn } from 'node:child_process';
import { relative } from 'node:path';
import { exactly, measure, skip } from '../harness/report.mjs';

export const row = 14;
export const title = 'Fuzzed inputs per codec';
export const scaled = 'by npm test';

const root = new URL('../../../', import.meta.url).pathname;
const INPUTS = 100_000;
/** A test fails for an input that throws what it should not, or that costs a second of CPU (test/support/fuzz.ts). */
const CODECS = {
  'stdio framing': ['src/wire/stdio-lines.test.ts'],
  'server-sent events': ['src/wire/sse.test.ts'],
  'JSON-RPC': ['src/wire/envelope.test.ts', 'src/core/json-scan.test.ts', 'src/session/read-request.test.ts'],
  headers: ['src/wire/headers.test.ts'],
  'OpenAPI mapping': ['src/faces/openapi/schema.test.ts'],
  configuration: ['test/config/broken.test.ts'],
};

export async function run(house) {
  const files = Object.values(CODECS).flat();
  if (house.quick) return [skip('crashes and hangs', `npm test runs the property tests: ${files.length} files`)];
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=json', ...files];
  const env = { ...process.env, HOLDFAST_FUZZ_RUNS: String(INPUTS) };
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece) => {
    text += piece;
  });
  await new Promise((resolve) => child.once('close', resolve));
  const { testResults } = JSON.parse(text.slice(text.indexOf('{')));
  return Object.entries(CODECS).map(([codec, own]) => {
    const found = testResults.filter(({ name }) => own.includes(relative(root, name)));
    const tests = found.flatMap(({ assertionResults }) => assertionResults);
    const failed = tests.filter(({ status }) => status === 'failed').length;
    // A file that is missing was not fuzzed, whatever the others say.
    const value = found.length < own.length ? undefined : failed;
    return measure(`${codec}: crashes and hangs`, value, exactly(0), {
      note: `${INPUTS} inputs; ${tests.length} tests`,
    });
  });
}
