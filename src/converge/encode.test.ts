import { decode } from '@toon-format/toon';
import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, test } from 'vitest';
import { encodeText } from './encode.ts';

const table = Array.from({ length: 20 }, (_, index) => ({
  id: index,
  name: `user ${index}`,
  email: `u${index}@example.com`,
  active: index % 2 === 0,
}));

describe('JSON in a text', () => {
  test('indented JSON loses its white space and nothing else: numbers keep their spelling', async () => {
    const text = '{\n  "a": 1.0,\n  "big": 12345678901234567890,\n  "e": 1E5,\n  "s": "two  spaces",\n  "a": 2\n}';
    expect(await encodeText(text)).toMatchObject({
      text: '{"a":1.0,"big":12345678901234567890,"e":1E5,"s":"two  spaces","a":2}',
      format: 'json',
      compressed: false,
    });
  });

  test('escaped characters are written out', async () => {
    expect((await encodeText('{"a": "\\u4e2d\\u6587 \\/ \\n"}')).text).toBe('{"a":"中文 / \\n"}');
  });

  test('A-34: JSON inside a string is unwrapped, twice', async () => {
    const once = JSON.stringify(JSON.stringify({ a: [1] }));
    expect((await encodeText(once)).text).toBe('{"a":[1]}');
    expect((await encodeText(JSON.stringify(once))).text).toBe('{"a":[1]}');
    const thrice = JSON.stringify(JSON.stringify(once));
    expect((await encodeText(thrice)).text).toBe(thrice);
    expect((await encodeText('"only text"')).text).toBe('"only text"');
  });

  test.each(['plain text', '', '{ not json', '[1, 2', '42', 'true', '"x"', '  \n'])(
    'A-30: %j stays as it is',
    async (text) => {
      expect(await encodeText(text)).toEqual({ text, format: 'text', compressed: false, savedTokens: 0 });
    },
  );

  test('minified JSON means the same, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.constantFrom(0, 1, 2, '\t'), async (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const seen = await encodeText(text, { toon: false });
        if (seen.format === 'json') {
          let expected: unknown = JSON.parse(text);
          while (typeof expected === 'string') expected = JSON.parse(expected);
          expect(JSON.parse(seen.text)).toEqual(expected);
        } else expect(seen.text).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  test('takes time in proportion to the text', async () => {
    const long = JSON.stringify({ a: Array.from({ length: 50_000 }, (_, index) => `row ${index}`), last: '\\"' });
    const start = performance.now();
    await encodeText(long);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

describe('TOON', () => {
  test('A-11, A-35: at least 30 % fewer tokens on a table', async () => {
    const seen = await encodeText(JSON.stringify(table));
    expect(seen).toMatchObject({ format: 'toon', compressed: true });
    expect(decode(seen.text, { indentSize: 1 })).toEqual(table);
    expect(countTokens(seen.text)).toBeLessThan(0.7 * countTokens(JSON.stringify(table)));
    expect(seen.savedTokens).toBeGreaterThan(0);
  });

  test('A-18: with two spaces a decoder at its defaults reads it', async () => {
    const seen = await encodeText(JSON.stringify(table), { indent: 2 });
    expect(decode(seen.text)).toEqual(table);
  });

  test('an object around a table is a table', async () => {
    expect((await encodeText(JSON.stringify({ total: 20, users: table }))).format).toBe('toon');
  });

  test.each<[string, unknown]>([
    ['mixed list', [1, { a: 1 }, 'x', { b: 2 }]],
    ['rows with lists', table.map((row) => ({ ...row, tags: ['a', 'b'] }))],
    ['rows of other shapes', table.map((row, index) => (index % 2 ? row : { other: index }))],
    ['image content', { type: 'image', data: 'aGk=', mimeType: 'image/png' }],
    [
      'a list of content',
      [
        { type: 'image', data: 'aGk=', mimeType: 'image/png' },
        { type: 'image', data: 'aGk=', mimeType: 'image/png' },
      ],
    ],
    ['deep configuration', { a: { b: { c: { d: [1, 2, { e: 1 }] } } } }],
    ['a single object', { a: 1, b: 'x', c: true }],
  ])('A-30, X-13: never for %s', async (_, value) => {
    expect((await encodeText(JSON.stringify(value))).format).toBe('json');
  });

  test('A-33: not below the least size, not when switched off', async () => {
    expect((await encodeText(JSON.stringify(table), { minSize: 100 })).format).toBe('json');
    expect((await encodeText(JSON.stringify(table), { toon: false })).format).toBe('json');
  });

  test('a number that parsing would change keeps the JSON', async () => {
    const text = JSON.stringify(table).replace('"id":3,', '"id":12345678901234567890,');
    expect(await encodeText(text)).toMatchObject({ format: 'json', text });
  });

  test('X-13: what becomes TOON reads back as the same value and is never larger than compact JSON', async () => {
    const cell = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom('- a', 'a: b', '"q"', 'true', '12', ' pad ', 'a,b', '中文', '[2]: x'),
    );
    const rows = fc
      .uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 5 })
      .chain((columns) =>
        fc.array(
          fc
            .tuple(...columns.map(() => cell))
            .map((cells) => Object.fromEntries(columns.map((column, at) => [column, cells[at]]))),
          { maxLength: 15 },
        ),
      );
    const value = fc.oneof(
      rows,
      rows.map((items) => ({ items, total: items.length })),
      fc.jsonValue(),
    );
    let toons = 0;
    await fc.assert(
      fc.asyncProperty(value, async (thing) => {
        const json = JSON.stringify(thing);
        const seen = await encodeText(json);
        expect(countTokens(seen.text)).toBeLessThanOrEqual(countTokens(json));
        if (seen.format !== 'toon') return;
        toons++;
        expect(decode(seen.text, { indentSize: 1 })).toEqual(JSON.parse(json));
      }),
      { numRuns: 400 },
    );
    expect(toons).toBeGreaterThan(10);
  });
});
