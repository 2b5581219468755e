// The structural pass agrees with JSON.parse on every JSON text, and survives every other sequence of bytes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { depthOf, scanObject, skipSpace, skipString, skipValue } from './json-scan.ts';

/** A JSON text of a value, in every legal spelling: white space, escapes, any order. */
const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const text = (value: unknown, indent: number): string => JSON.stringify(value, null, indent);
const escaped = (json: string): string =>
  json.replace(/[^\n\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
const anyObject = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 6 });

describe('scanObject (reliability §4 Content, MP8)', () => {
  it('finds the members that JSON.parse finds, whatever the spelling', () => {
    fc.assert(
      fc.property(anyObject, space, space, fc.nat(3), fc.boolean(), (value, before, after, indent, ascii) => {
        const plain = text(value, indent);
        const json = before + (ascii ? escaped(plain) : plain) + after;
        const bytes = Buffer.from(json);
        const scan = scanObject(bytes);
        const expected = JSON.parse(bytes.toString()) as Record<string, unknown>;
        expect(scan?.members.map(({ key }) => key).sort()).toEqual(Object.keys(expected).sort());
        for (const { key, valueStart, valueEnd } of scan?.members ?? []) {
          expect(JSON.parse(bytes.toString('utf8', valueStart, valueEnd))).toEqual(expected[key]);
        }
        expect(skipSpace(bytes, scan?.end as number)).toBe(bytes.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it('finds keys that are escaped, doubled, empty or called __proto__', () => {
    const bytes = Buffer.from('{"\\u0069d":1,"id":2,"":3,"__proto__":{"x":1},"a\\"b":4,"bad\\q":5}');
    const members = scanObject(bytes)?.members ?? [];
    expect(members.map(({ key }) => key)).toEqual(['id', 'id', '', '__proto__', 'a"b', '"bad\\q"']);
  });

  it('takes no object out of what is none', () => {
    for (const wrong of [
      '',
      ' ',
      '[]',
      '"{}"',
      'null',
      '{',
      '{"a"',
      '{"a":',
      '{"a":}',
      '{"a":1',
      '{"a":1,',
      '{"a":1,}',
      '{"a" 1}',
      '{a:1}',
      '{"a":1 "b":2}',
      '{"a":"x}',
      '{"a":[}',
      '{"a":{]}',
      '{"a\\":1}',
    ]) {
      expect([wrong, scanObject(Buffer.from(wrong))]).toEqual([wrong, undefined]);
    }
  });

  it('never throws and never reads beyond the end, whatever the bytes', () => {
    const pieces = fc.constantFrom(...'{}[]":,\\ \n\t0a-é\u0000'.split(''), '\\"', '"a":', '{"');
    const bytesLike = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.array(pieces, { maxLength: 60 }).map((parts) => Buffer.from(`{${parts.join('')}`)),
    );
    fc.assert(
      fc.property(bytesLike, fc.nat(8), (bytes, at) => {
        const scan = scanObject(bytes, at);
        if (scan !== undefined) expect(scan.end).toBeLessThanOrEqual(bytes.length);
        expect(skipValue(bytes, at)).toBeLessThanOrEqual(bytes.length);
        expect(depthOf(bytes, 64)).toBeLessThanOrEqual(65);
      }),
      { numRuns: 20_000 },
    );
  });
});

describe('skipValue and depthOf (F-I20)', () => {
  it('skip exactly one value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(',', '}', ']', ' ', '\n'), (value, after) => {
        const json = JSON.stringify(value);
        expect(skipValue(Buffer.from(json + after), 0)).toBe(Buffer.byteLength(json));
      }),
      { numRuns: 2_000 },
    );
  });

  it('count what is nested, not what is written in strings', () => {
    const depth = (value: unknown): number =>
      typeof value !== 'object' || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(depth));
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        expect(depthOf(Buffer.from(JSON.stringify(value)), 100)).toBe(depth(value));
      }),
      { numRuns: 2_000 },
    );
    expect(depthOf(Buffer.from('"[[[[\\"[[["'), 10)).toBe(0);
  });

  it('refuse nesting beyond the bound without a stack, and stop counting there', () => {
    const deep = Buffer.from('['.repeat(1_000_000) + ']'.repeat(1_000_000));
    expect(skipValue(deep, 0, 512)).toBe(-1);
    expect(skipValue(deep, 0, Number.POSITIVE_INFINITY)).toBe(deep.length);
    expect(depthOf(deep, 64)).toBe(65);
  });

  it('end strings at the right quote after any number of backslashes, near and far', () => {
    for (const length of [0, 5, 23, 24, 25, 100]) {
      for (let slashes = 0; slashes < 8; slashes++) {
        const string = `"${'x'.repeat(length)}${'\\'.repeat(slashes)}"`;
        const bytes = Buffer.from(`${string}tail`);
        expect(skipString(bytes, 0)).toBe(slashes % 2 === 0 ? string.length : -1);
      }
    }
  });
});
