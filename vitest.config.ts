import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// What the person who runs the tests has set for other programs does not lead theirs elsewhere.
const own = new Set(['HOLDFAST_FAST_PATHS', 'HOLDFAST_FUZZ_RUNS', 'HOLDFAST_HELM', 'HOLDFAST_MAIN']);
for (const name of Object.keys(process.env))
  if (/^(HOLDFAST_\w+|(https?|all|no)_proxy|HOST|PORT|NODE_OPTIONS)$/i.test(name) && !own.has(name))
    delete process.env[name];

/** What takes longest is begun first, so that no worker is left with it when the others are done. */
const LONG = [
  'operations/real-faults',
  'chaos/',
  'examples',
  'cluster/',
  'openapi/outages',
  'package',
  'e2e/',
  'session-modes',
];
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => LONG.findIndex((name) => moduleId.includes(`/${name}`));
    const rank = (file: TestSpecification) => (place(file) === -1 ? LONG.length : place(file));
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['test/browser/**', 'node_modules/**', 'test/conformance/node_modules/**'],
    // Long enough for a machine that does other things beside: what is awaited comes, and what does not come is told late.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 30_000 } },
    pool: 'forks',
    sequence: { sequencer: LongFirst },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/*.test.ts'],
      reporter: ['text-summary', 'json-summary'],
    },
  },
});
