// Broken variants of real files: the reader never throws and always names a place (F-K1, F-K3).
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FORMATS } from '../../src/config/import/formats.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Problem } from '../../src/config/problem.ts';
import { ends, FUZZ, runs } from '../support/fuzz.ts';

const samples = readdirSync(import.meta.dirname)
  .filter((name) => /\.(json|jsonc|toml)$/.test(name))
  .map((name) => ({ name, text: readFileSync(join(import.meta.dirname, name), 'utf8') }));

const JUNK = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\',
  '\0',
  '\uD800',
  '\u2028',
  '/*',
  '//',
  '-',
  '1e999',
  'null',
  'NaN',
];

/** One way to break a text at a place between 0 and 1. */
const BREAKS: ((text: string, at: number, junk: string) => string)[] = [
  (text, at) => text.slice(0, at),
  (text, at) => text.slice(0, at) + text.slice(at + 1),
  (text, at, junk) => text.slice(0, at) + junk + text.slice(at),
  (text, at, junk) => text.slice(0, at) + junk + text.slice(at + 9),
  (text, at) => text.slice(at),
  (text, at) => text.slice(0, at) + text,
  (text, at) => text.slice(0, at) + text.slice(at).replace(/"[^"]*"/, '{"x": [null, {}]}'),
  (text, at) => text.slice(0, at) + text.slice(at).replace(/: *("[^"]*"|\d+|true|false)/, ': null'),
  (text, at) => text.slice(0, at) + text.slice(at).replace(/: *("[^"]*"|\d+|true|false)/, ': -17.5'),
  (text, at) => text.slice(0, at) + text.slice(at).replace(/"[^"]*" *:/, '"__proto__":'),
  (text, at) => text.slice(0, at) + text.slice(at).replace(/"[^"]*" *:/, '"": '),
  (text, at) => text.slice(0, at) + text.slice(at).replace(/\[[^[\]]*\]/, '{}'),
];

function checkProblems(problems: Problem[], text: string): void {
  expect(problems.length).toBeGreaterThan(0);
  const lines = text.split('\n');
  for (const { file, line, column, message } of problems) {
    expect(file).not.toBe('');
    expect(message).not.toBe('');
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual((lines[(line as number) - 1]?.length ?? 0) + 2);
  }
}

const broken = fc.record({
  sample: fc.constantFrom(...samples),
  breaks: fc.array(
    fc.record({
      how: fc.constantFrom(...BREAKS),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      junk: fc.constantFrom(...JUNK),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});

const apply = ({
  sample,
  breaks,
}: {
  sample: { text: string };
  breaks: { how: (typeof BREAKS)[number]; at: number; junk: string }[];
}) => breaks.reduce((text, { how, at, junk }) => how(text, Math.floor(at * text.length), junk), sample.text);

describe('200 broken variants of the sample files', () => {
  it(
    'are refused with a place, or accepted; nothing is thrown, no prototype is touched',
    async () => {
      let refused = 0;
      await fc.assert(
        fc.asyncProperty(
          broken,
          ends(async (variant) => {
            const text = apply(variant);
            const result = await loadConfig({ text, file: variant.sample.name, env: {} });
            if (!result.ok) {
              refused++;
              checkProblems(result.problems, text);
            }
            expect(Object.keys(Object.prototype)).toEqual([]);
          }),
        ),
        { numRuns: runs(200), seed: 20251101 },
      );
      // Most of them are really broken, so the test above is about something.
      expect(refused).toBeGreaterThan(100);
    },
    FUZZ,
  );

  it('do as little harm under a forced reader', async () => {
    await fc.assert(
      fc.asyncProperty(broken, fc.constantFrom(...FORMATS), async (variant, format) => {
        const text = apply(variant);
        const result = await loadConfig({ text, file: variant.sample.name, env: {}, format });
        if (!result.ok) checkProblems(result.problems, text);
      }),
      { numRuns: 200, seed: 20251102 },
    );
  });

  it('nor does any JSON value at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        const result = await loadConfig({ text, file: 'any.json', env: {} });
        if (!result.ok) checkProblems(result.problems, text);
      }),
      { numRuns: 200, seed: 20251103 },
    );
  });
});
