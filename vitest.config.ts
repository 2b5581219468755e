import { defineConfig } from 'vitest/config';

// What the person who runs the tests has set for other programs does not lead theirs elsewhere.
const own = new Set(['HOLDFAST_FAST_PATHS', 'HOLDFAST_FUZZ_RUNS', 'HOLDFAST_HELM', 'HOLDFAST_MAIN']);
for (const name of Object.keys(process.env))
  if (/^(HOLDFAST_\w+|(https?|all|no)_proxy|NODE_OPTIONS)$/i.test(name) && !own.has(name)) delete process.env[name];

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['test/browser/**', 'node_modules/**', 'test/conformance/node_modules/**'],
    // Long enough for a machine that does other things beside: what is awaited comes, and what does not come is told late.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    pool: 'forks',
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/*.test.ts'],
      reporter: ['text-summary', 'json-summary'],
    },
  },
});
