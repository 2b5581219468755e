import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteRing } from './ring.ts';

describe('ByteRing (F-P19)', () => {
  it('keeps exactly the last bytes, whatever came in which pieces (fuzz)', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 70 })), fc.integer({ min: 1, max: 50 }), (chunks, capacity) => {
        const ring = new ByteRing(capacity);
        for (const chunk of chunks) ring.push(Buffer.from(chunk));
        const all = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));
        expect(ring.bytes().equals(all.subarray(Math.max(0, all.length - capacity)))).toBe(true);
        expect(ring.total).toBe(all.length);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives whole lines, the last ones, none endlessly long', () => {
    const ring = new ByteRing(24);
    ring.push(Buffer.from('the first line\r\nsecond line\n\nthird'));
    expect(ring.lines()).toEqual(['second line', 'third']);
    expect(ring.lines(1)).toEqual(['third']);
    expect(ring.lines(2, 3)).toEqual(['sec…', 'thi…']);
    expect(new ByteRing().lines()).toEqual([]);
  });

  it('shows what there is of one line longer than everything', () => {
    const ring = new ByteRing(8);
    ring.push(Buffer.from('0123456789'));
    expect(ring.lines()).toEqual(['23456789']);
  });
});
