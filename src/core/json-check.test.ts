// The check takes for JSON what JSON.parse takes for it, and nothing else.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkObject } from './json-check.ts';
import { scanObject } from './json-scan.ts';

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Each byte as one letter: what JSON.parse makes of bytes that need be no UTF-8, as strictly. */
function agrees(bytes: Buffer): void {
  const text = bytes.toString('latin1');
  const value = parse(text);
  const found = checkObject(bytes, 0);
  const isWhole = found !== undefined && /^[ \t\r\n]*$/.test(text.slice(found.end));
  expect([text, isWhole]).toEqual([text, value !== undefined]);
  // What is followed by something else is an object by itself.
  if (found === undefined) return;
  expect(parse(text.slice(0, found.end))).toBeDefined();
  expect(found).toEqual(scanObject(bytes, 0));
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '\\', '"', '\\"', '\ud800', 'ü€😀'.repeat(9), '\u0000\n\u001f\u007f', '/'),
  fc.tuple(fc.nat(200), fc.string({ unit: 'binary' })).map(([length, end]) => 'y'.repeat(length) + end),
  fc
    .array(fc.constantFrom('\\', '"', 'a', '\n', 'é漢', 'x'.repeat(31), '\\'.repeat(64)), { maxLength: 30 })
    .map(String),
);
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom(1e300, 5e-324),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 4 }, text, number, fc.constantFrom(true, false, null), tie('list'), tie('object')),
  list: fc.array(tie('any'), { maxLength: 4 }),
  object: fc.dictionary(text, tie('any'), { maxKeys: 4, noNullPrototype: true }),
}));
/** Of letters beyond ASCII both spellings. */
const written = fc.tuple(value.object, fc.constantFrom(0, 1, '\t'), fc.boolean()).map(([object, indent, escaped]) => {
  const json = JSON.stringify(object, null, indent);
  return Buffer.from(
    escaped
      ? json.replace(/[^\p{ASCII}]/gu, (one) =>
          JSON.stringify(one)
            .slice(1, -1)
            .replace(/[^\\\w]/g, '\\u00e9'),
        )
      : json,
  );
});

describe('checkObject (MP8, F-I4; performance row 8)', () => {
  it('takes what is JSON, and finds the members that scanObject finds', () => {
    fc.assert(
      fc.property(written, fc.constantFrom('', ' \t\r\n', '}', 'x'), (bytes, behind) => {
        agrees(Buffer.concat([bytes, Buffer.from(behind)]));
      }),
      { numRuns: 3_000 },
    );
  });

  it('refuses what JSON.parse refuses: bytes changed, left out or added anywhere', () => {
    const alphabet = Buffer.from('"\\{}[],:. \t\n\r\v\f\0\x1f\x7f0123456789-+eEuntfalsr/b\xff\xa0', 'latin1');
    const hurt = fc.record({
      at: fc.nat(),
      put: fc.array(fc.constantFrom(...alphabet), { maxLength: 3 }),
      cut: fc.nat(2),
    });
    fc.assert(
      fc.property(written, fc.array(hurt, { minLength: 1, maxLength: 3 }), (bytes, wounds) => {
        let text = bytes.toString('latin1');
        for (const { at, put, cut } of wounds) {
          const place = 1 + (at % Math.max(1, text.length - 1));
          text = text.slice(0, place) + Buffer.from(put).toString('latin1') + text.slice(place + cut);
        }
        agrees(Buffer.from(text, 'latin1'));
      }),
      { numRuns: 20_000 },
    );
  });

  it('refuses every beginning of an object', () => {
    const object = { 'a\n"b': ['x'.repeat(100), -1.5e-7, true, null, { é: '\\'.repeat(40) }], c: '\u0001' };
    const bytes = Buffer.from(JSON.stringify(object, null, 1));
    for (let length = 0; length < bytes.length; length++)
      expect(checkObject(bytes.subarray(0, length), 0)).toBeUndefined();
    expect(checkObject(bytes, 0)?.end).toBe(bytes.length);
  });

  it('knows numbers, words and escapes', () => {
    const values = [
      '0',
      '-0',
      '10',
      '1.0',
      '1e5',
      '1E+5',
      '1e-05',
      '0.10',
      '-0.0e0',
      '9'.repeat(400),
      '1e999',
      'true',
      'null',
    ];
    values.push(
      '01',
      '1.',
      '.5',
      '-',
      '+1',
      '1e',
      '1e+',
      '-01',
      '0x1',
      '1_0',
      'NaN',
      'Infinity',
      'tru',
      'nulll',
      'True',
      '00',
    );
    const inner = ['\\u00e9', '\\uD800', '\\uD83D\\uDE00', '\\b\\f\\n\\r\\t\\/\\\\\\"', '\u007f', '\u2028', '\\u000'];
    inner.push('\\u00g0', '\\U0041', '\\x41', "\\'", '\\', '\\\\\\', '\t', '\n', '\0', '\\\n', '\\u', '\\u 041', '"');
    for (const distance of [0, 1, 26, 31, 32, 33, 95, 96, 97, 200]) {
      const [before, behind] = ['x'.repeat(distance), 'y'.repeat(distance)];
      for (const one of inner) values.push(`"${before}${one}"`, `"${before}${one}${behind}"`, `"${before}\\n${one}`);
    }
    for (const one of values) {
      agrees(Buffer.from(`{"a":${one}}`));
      agrees(Buffer.from(`{"a":[${one} , ${one}]}`));
    }
    for (const one of [
      '{}',
      '{ }',
      '{,}',
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      '{"a":1 "b":2}',
      '{"a":[,]}',
      '{"a":[1,]}',
      '{a:1}',
    ])
      agrees(Buffer.from(one));
    for (const one of [
      '{"a":1,"a":2}',
      '{"__proto__":1}',
      '{"a":1}//',
      '{"a":/**/1}',
      "{'a':1}",
      '\ufeff{}',
      ' {}',
      '[]',
      '1',
    ])
      if (one.startsWith('{')) agrees(Buffer.from(one));
      else expect(checkObject(Buffer.from(one), 0)).toBeUndefined();
  });

  it('at every length of text, where a block of the search ends', () => {
    for (let length = 0; length < 300; length++) {
      for (const end of ['"', '\\"', '\\\\"', '\\u00e9"', '\\u00eg"', '\u001f"', '\\', '']) {
        const bytes = Buffer.from(`{"a":"${'\\n'.repeat(length % 7)}${'z'.repeat(length)}${end}}`);
        expect([end, length, checkObject(bytes, 0)?.end === bytes.length]).toEqual([
          end,
          length,
          parse(bytes.toString()) !== undefined,
        ]);
      }
    }
  });

  it('goes as deep as is asked for and no deeper; what is larger than the search takes is looked at byte by byte', () => {
    const nested = (depth: number): Buffer => Buffer.from(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`);
    expect(checkObject(nested(512), 0)).toEqual(scanObject(nested(512), 0));
    expect(checkObject(nested(513), 0)).toBeUndefined();
    for (const length of [65_500, 65_536, 70_000]) {
      const bytes = Buffer.from(JSON.stringify({ a: `${'x'.repeat(length)}\n`, b: 1 }));
      expect(checkObject(bytes, 0)).toEqual(scanObject(bytes, 0));
      bytes[length] = 0x1f;
      expect(checkObject(bytes, 0)).toBeUndefined();
    }
  });
});
