// URI templates decide who is asked; no template and no URI makes that slow (CVE-2026-0621).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchTemplate } from './template.ts';

const literal = fc.stringMatching(/^[a-z/:.]{0,6}$/);

describe('matchTemplate (CVE-2026-0621, 10.12)', () => {
  it.each([
    ['file:///{path}', 'file:///a/b', 8],
    ['file:///{path}', 'http://a', -1],
    ['db://{table}/rows/{id}', 'db://users/rows/7', 11],
    ['db://{table}/rows/{id}', 'db://users/columns/7', -1],
    ['x://a', 'x://a', 5],
    ['x://a', 'x://ab', -1],
    ['{+any}', 'anything', 0],
    ['a{b}a', 'aa', 2],
    ['a{b}a', 'a', -1],
    ['a{unclosed', 'a{unclosed', 10],
    ['', '', 0],
    ['', 'x', -1],
  ])('%s against %s: %i', (template, uri, score) => {
    expect(matchTemplate(template, uri)).toBe(score);
  });

  it('fits every URI that is made from it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(literal, fc.stringMatching(/^[A-Z0-9,]{0,8}$/)), { maxLength: 6 }),
        literal,
        (parts, end) => {
          const template = parts.map(([text], index) => `${text}{v${index}}`).join('') + end;
          const uri = parts.map(([text, value]) => text + value).join('') + end;
          expect(matchTemplate(template, uri)).toBe(parts.reduce((sum, [text]) => sum + text.length, end.length));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('never fits what lacks one of its literals', () => {
    fc.assert(
      fc.property(fc.string(), (uri) => {
        expect(matchTemplate('a://{x}/\u0001/{y}', uri.replaceAll('\u0001', ''))).toBe(-1);
      }),
    );
  });

  it.each([
    ['{/id*}', ','.repeat(50_000)],
    ['x{/id*}{?q*}{&r*}x', `x${','.repeat(50_000)}`],
    [`${'{a}a'.repeat(1_000)}b`, 'a'.repeat(100_000)],
    ['{'.repeat(50_000), '{'.repeat(50_000)],
    ['{}'.repeat(50_000), ','.repeat(50_000)],
  ])('is done at once with %.20s', (template, uri) => {
    const began = performance.now();
    matchTemplate(template, uri);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
