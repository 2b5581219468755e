// The walk over pieces finds what the pass over the whole finds, wherever the pieces are cut.
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteList } from './byte-list.ts';
import { scanObject } from './json-scan.ts';
import { walkObject } from './json-walk.ts';

/** Bytes cut at some places, however small the pieces are. */
function cutAt(bytes: Buffer, cuts: readonly number[]): ByteList {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const parts: Buffer[] = [];
  let from = 0;
  for (const to of [...places, bytes.length]) {
    if (to > from) parts.push(Buffer.from(bytes.subarray(from, to)));
    from = to;
  }
  return ByteList.of(parts, bytes.length, 0);
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('\\', '"', '\\\\"', 'ü€😀'.repeat(9), `${'y'.repeat(40)}\\`, '\u0000\n'),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 4 }, fc.jsonValue({ maxDepth: 1 }), text, tie('list'), tie('object')),
  list: fc.array(tie('any'), { maxLength: 4 }),
  object: fc.dictionary(text, tie('any'), { maxKeys: 4 }),
}));

describe('walkObject (MP8; performance rows 9, 10)', () => {
  it('finds the members that scanObject finds, wherever the bytes are cut', () => {
    fc.assert(
      fc.property(value.object, fc.nat(2), cuts, fc.string(), (object, indent, places, behind) => {
        const bytes = Buffer.from(JSON.stringify(object, null, indent) + behind);
        expect(walkObject(cutAt(bytes, places), 0)).toEqual(scanObject(bytes, 0));
      }),
      { numRuns: 3_000 },
    );
  });

  it('agrees on what is broken: bytes changed, cut or doubled anywhere', () => {
    const hurt = fc.record({ at: fc.nat(), byte: fc.constantFrom(...Buffer.from('"\\{}[],: \n0a\xff', 'latin1')) });
    fc.assert(
      fc.property(value.object, fc.array(hurt, { maxLength: 3 }), fc.nat(), cuts, (object, wounds, length, places) => {
        const whole = Buffer.from(JSON.stringify(object));
        for (const { at, byte } of wounds) whole[1 + (at % Math.max(1, whole.length - 1))] = byte;
        whole[0] = 0x7b;
        const bytes = whole.subarray(0, 1 + (length % whole.length));
        expect(walkObject(cutAt(bytes, places), 0)).toEqual(scanObject(bytes, 0));
      }),
      { numRuns: 5_000 },
    );
  });

  it('costs what the bytes cost, however many members there are in however many pieces', () => {
    const bytes = Buffer.from(`{${'"a":1,'.repeat(400_000)}"b":2}`);
    const parts: Buffer[] = [];
    for (let from = 0; from < bytes.length; from += 4_096) parts.push(bytes.subarray(from, from + 4_096));
    // Of this process: what else the machine does is not counted.
    const worked = (from: NodeJS.CpuUsage) => process.cpuUsage(from).user / 1_000;
    const begun = process.cpuUsage();
    const found = walkObject(ByteList.of(parts), 0);
    const took = worked(begun);
    const again = process.cpuUsage();
    scanObject(bytes);
    expect(found?.members).toHaveLength(400_001);
    expect(took).toBeLessThan(20 * worked(again) + 1_000);
  });

  it('begins anywhere, and is as strict about depth', () => {
    const deep = (levels: number): Buffer => Buffer.from(`  {"a":${'['.repeat(levels)}${']'.repeat(levels)}}`);
    for (const levels of [1, 4, 5, 6]) {
      expect(walkObject(cutAt(deep(levels), [3, 9, 11]), 2, 5)).toEqual(scanObject(deep(levels), 2, 5));
    }
    const { length } = deep(3);
    for (let cut = 0; cut < length; cut++) expect(walkObject(cutAt(deep(3), [cut]), 2)).toEqual(scanObject(deep(3), 2));
  });
});

describe('ByteList', () => {
  it('knows UTF-8 as the whole does, with characters over several pieces', () => {
    const bytes = fc.oneof(
      fc.string({ unit: 'grapheme' }).map((one) => Buffer.from(one)),
      fc.uint8Array({ maxLength: 20 }).map((one) => Buffer.from(one)),
      fc
        .array(
          fc.constantFrom(0x41, 0x80, 0xbf, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0xf0, 0x9f, 0x98, 0x80, 0xf8),
        )
        .map((one) => Buffer.from(one)),
    );
    fc.assert(
      fc.property(fc.array(bytes), cuts, (pieces, places) => {
        const whole = Buffer.concat(pieces);
        expect(cutAt(whole, places).isUtf8()).toBe(isUtf8(whole));
      }),
      { numRuns: 5_000 },
    );
  });

  it('gives any range as it lies in the whole; many small pieces are put together', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), cuts, fc.nat(), fc.nat(), (given, places, a, b) => {
        const whole = Buffer.from(given);
        const [from, to] = [a % (whole.length + 1), b % (whole.length + 1)].sort((one, two) => one - two) as [
          number,
          number,
        ];
        const list = cutAt(whole, places);
        expect(list.slice(from, to).equals(whole.subarray(from, to))).toBe(true);
        expect(Buffer.concat(list.between(from, to)).equals(whole.subarray(from, to))).toBe(true);
        expect(list.whole().equals(whole)).toBe(true);
      }),
    );
    expect(ByteList.of([Buffer.from('a'), Buffer.from('b')]).parts).toHaveLength(1);
    expect(ByteList.of([Buffer.alloc(9_000), Buffer.alloc(9_000)]).parts).toHaveLength(2);
  });
});
