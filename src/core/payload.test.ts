// A payload is the same object whether it was bytes or a value, and an edit changes what it names and nothing else.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteList } from './byte-list.ts';
import { isObject, type JsonObject } from './json.ts';
import { checkObject } from './json-check.ts';
import { scanObject } from './json-scan.ts';
import { Payload } from './payload.ts';

const key = fc.oneof(
  fc.constantFrom('a', 'b', '_meta', 'resultType', '__proto__', 'constructor', 'toString', ''),
  fc.string({ unit: 'binary' }),
);
const object = fc.dictionary(key, fc.jsonValue({ maxDepth: 2, stringUnit: 'binary' }), {
  maxKeys: 5,
  noNullPrototype: true,
}) as fc.Arbitrary<JsonObject>;
const raw = (value: JsonObject, indent = 0): Payload => Payload.raw(Buffer.from(JSON.stringify(value, null, indent)));
const checked = (value: JsonObject, indent = 0): Payload => {
  const bytes = Buffer.from(JSON.stringify(value, null, indent));
  return Payload.raw(bytes, undefined, checkObject(bytes, 0)?.members);
};
const kind = (value: unknown): string | undefined =>
  value === undefined ? undefined : Array.isArray(value) ? 'array' : isObject(value) ? 'object' : 'scalar';
const fresh = (value: JsonObject): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

/** What an edit means. */
function edited(value: JsonObject, set: JsonObject, remove: readonly string[]): JsonObject {
  const left = Object.entries(fresh(value)).filter(([name]) => !remove.includes(name) || Object.hasOwn(set, name));
  const next = new Map(left);
  for (const [name, one] of Object.entries(fresh(set))) next.set(name, one);
  return Object.fromEntries(next);
}

describe('Payload (MP8)', () => {
  it('says the same from bytes and from the value', () => {
    fc.assert(
      fc.property(object, fc.nat(2), key, (value, indent, name) => {
        const expected = fresh(value);
        for (const payload of [raw(value, indent), checked(value, indent), Payload.of(expected)]) {
          expect(payload.kindOf(name)).toBe(Object.hasOwn(expected, name) ? kind(expected[name]) : undefined);
          expect(payload.has(name)).toBe(Object.hasOwn(expected, name));
          expect(payload.get(name)).toEqual(Object.hasOwn(expected, name) ? expected[name] : undefined);
          expect(JSON.parse(payload.bytes.toString())).toEqual(expected);
          expect(payload.value).toEqual(expected);
          expect(payload.size).toBe(payload.bytes.length);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('edits as an object would be edited, from bytes and from the value', () => {
    fc.assert(
      fc.property(object, object, fc.array(key, { maxLength: 4 }), fc.nat(2), (value, set, remove, indent) => {
        const expected = edited(value, set, remove);
        for (const payload of [raw(value, indent), checked(value, indent), Payload.of(fresh(value))]) {
          const next = payload.edit({ set: fresh(set), remove });
          expect(JSON.parse(next.bytes.toString())).toEqual(expected);
          expect(next.value).toEqual(expected);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('leaves every byte of what it does not name: numbers, white space, escapes, order', () => {
    const kept = '"n" : 12345678901234567890, "f":1.0 ,"e":1e5,  "u":"\\u00e9\\/", "o":{"z":1,"a":[1.50 ]}';
    const payload = Payload.raw(Buffer.from(`{ "resultType":"complete", ${kept} }`));
    const without = payload.edit({ remove: ['resultType', 'ttlMs'] }).bytes.toString();
    for (const part of kept.split(/\s*,\s*(?="[nfeuo]")/)) expect(without).toContain(part.trim());
    const more = payload.edit({ set: { ttlMs: 0 } }).bytes.toString();
    expect(more).toContain(kept);
    expect((JSON.parse(more) as JsonObject).ttlMs).toBe(0);
  });

  it('is itself when nothing changes', () => {
    const payload = Payload.raw(Buffer.from('{"a":1}'));
    expect(payload.edit({ remove: ['b'] })).toBe(payload);
    expect(payload.edit({})).toBe(payload);
  });

  it('reads the last of two members of one name, as JSON.parse does', () => {
    const payload = Payload.raw(Buffer.from('{"a":1,"a":2}'));
    expect(payload.get('a')).toBe(2);
    expect(payload.edit({ remove: ['a'] }).value).toEqual({});
  });

  it('does not parse before somebody asks, and says so when the bytes are no object', () => {
    const payload = Payload.raw(Buffer.from('{"a":[1,2]}'));
    expect([payload.has('a'), payload.get('a'), payload.parsed]).toEqual([true, [1, 2], false]);
    expect([payload.value.a, payload.parsed]).toEqual([[1, 2], true]);
    expect(() => Payload.raw(Buffer.from('[1]')).value).toThrow(SyntaxError);
  });

  it('in pieces it is what it is as one, edits too (performance rows 9, 10)', () => {
    const large = { start: 'x'.repeat(9_000), isError: false, content: ['é'.repeat(40_000)], last: { a: 1 } };
    const bytes = Buffer.from(JSON.stringify(large));
    const parts: Buffer[] = [];
    for (let from = 0; from < bytes.length; from += 8_001) parts.push(bytes.subarray(from, from + 8_001));
    const members = scanObject(bytes)?.members ?? [];
    const make = (): Payload => Payload.pieces(ByteList.of(parts), members);
    expect(make().parts).toEqual(parts);
    expect(make().size).toBe(bytes.length);
    expect(make().get('isError')).toBe(false);
    expect(['last', 'content', 'isError', 'none'].map((name) => make().kindOf(name))).toEqual([
      'object',
      'array',
      'scalar',
      undefined,
    ]);
    expect(make().value).toEqual(large);
    expect(make().bytes.equals(bytes)).toBe(true);
    for (const change of [
      { set: { isError: true, more: 1 } },
      { remove: ['content'] },
      { remove: ['start', 'last'] },
    ]) {
      const one = Payload.raw(bytes).edit(change);
      const edited = make().edit(change);
      expect(Buffer.concat(edited.parts).equals(one.bytes)).toBe(true);
      expect(edited.value).toEqual(one.value);
      expect(edited.get('isError')).toEqual(one.get('isError'));
    }
    expect(make().edit({ remove: ['nothing'] }).parts).toEqual(parts);
  });
});
