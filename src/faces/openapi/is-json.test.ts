import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { isJson } from './is-json.ts';

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

it('takes exactly what JSON.parse takes', async () => {
  const sign = fc.constantFrom(
    ...'{}[]:,"\\ntrue false01-.eE+u\n\t/ab',
    '\u0001',
    '"a"',
    '1.5',
    '{"a":1}',
    '\\u00e9',
    'null',
  );
  await fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc.array(sign, { maxLength: 12 }).map((signs) => signs.join('')),
      ),
      (text) => {
        expect([text, isJson(text)]).toEqual([text, parses(text)]);
      },
    ),
    { numRuns: 20_000 },
  );
  await fc.assert(
    // A legal text with one sign put in, taken out or changed.
    fc.property(fc.json(), fc.nat(), fc.nat({ max: 1 }), fc.option(sign), (text, where, gone, put) => {
      const at = where % (text.length + 1);
      const broken = text.slice(0, at) + (put ?? '') + text.slice(at + gone);
      expect([broken, isJson(broken)]).toEqual([broken, parses(broken)]);
    }),
    { numRuns: 20_000 },
  );
});

it('is as fast as a large or deep text needs', () => {
  const rows = JSON.stringify(
    Array.from({ length: 100_000 }, (_, id) => ({ id, name: `name ${id}`, tags: ['a', 'b'], on: true })),
  );
  const started = performance.now();
  expect(isJson(rows)).toBe(true);
  expect(isJson('['.repeat(500_000) + ']'.repeat(500_000))).toBe(true);
  expect(isJson('['.repeat(500_000))).toBe(false);
  expect(performance.now() - started).toBeLessThan(10_000);
});
