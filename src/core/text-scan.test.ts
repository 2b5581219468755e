import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CUT, CUT_ESCAPE, longTextEnd } from './text-scan.ts';

/** The same, byte by byte. */
function plainly(bytes: Buffer, start: number): number {
  let at = start;
  for (; at < bytes.length; at++) {
    if (bytes[at] === 0x22) return at + 1;
    if (bytes[at] === 0x5c) at++;
  }
  return at > bytes.length ? CUT_ESCAPE : CUT;
}

describe('longTextEnd (performance rows 9, 10)', () => {
  it('finds the quote that a look at every byte finds', () => {
    const piece = fc.oneof(
      fc.constantFrom('\\', '\\\\', '\\"', '\\n', 'a', 'é漢', 'x'.repeat(63), '\\'.repeat(64), '\\'.repeat(65)),
      fc.nat(200).map((length) => 'y'.repeat(length)),
      fc.nat(130).map((length) => '\\'.repeat(length)),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    const text = fc.array(piece, { maxLength: 40 }).map((parts) => Buffer.from(parts.join(''), 'latin1'));
    fc.assert(
      fc.property(text, fc.nat(70), (bytes, start) => {
        const from = Math.min(start, bytes.length);
        expect(longTextEnd(bytes, from)).toBe(plainly(bytes, from));
      }),
      { numRuns: 5_000 },
    );
  });

  it('in any distance, over windows of any size', () => {
    for (const length of [0, 1, 63, 64, 65, 1_023, 1_024, 3_071, 3_072, 3_073, 200_000]) {
      for (let slashes = 0; slashes < 6; slashes++) {
        const bytes = Buffer.from(`"${'z'.repeat(length)}${'\\'.repeat(slashes)}"${' '.repeat(100)}`);
        expect(longTextEnd(bytes, 1)).toBe(plainly(bytes, 1));
        const cut = bytes.subarray(0, 1 + length + slashes);
        expect(longTextEnd(cut, 1)).toBe(slashes % 2 === 0 ? CUT : CUT_ESCAPE);
      }
    }
  });
});
