// What counts as a leak, and what does not (C-72).
import { describe, expect, it } from 'vitest';
import { Growths } from './growth.ts';

const MINUTE = 60_000;
const MIB = 2 ** 20;

/** Samples a minute apart: what `memory` says of each minute. */
function after(minutes: number, memory: (minute: number) => number, keep = 1000) {
  const growths = new Growths(0, keep);
  for (let minute = 0; minute < minutes; minute++)
    growths.add(minute * MINUTE, {
      memory_bytes: memory(minute),
      open_files: 20,
      connections: undefined,
      processes: 1,
    });
  return growths.show(Math.max(0, minutes - keep) * MINUTE);
}
const memoryOf = (...given: Parameters<typeof after>) => after(...given).find(({ field }) => field === 'memory_bytes');

describe('growth (C-72)', () => {
  it('tells slope, ends and time of what grows', () => {
    const grown = memoryOf(61, (minute) => 100 * MIB + minute * MIB);
    expect(grown?.perHour).toBeCloseTo(60 * MIB, -3);
    expect(grown?.hours).toBeCloseTo(1, 5);
    expect([grown?.from, grown?.to].map((value) => Math.round((value ?? 0) / MIB))).toEqual([100, 160]);
    expect(grown?.leak).toBe(true);
    expect(after(61, () => 1).map(({ field, leak }) => [field, leak])).toEqual([
      ['memory_bytes', false],
      ['open_files', false],
      ['processes', false],
    ]);
  });

  it('says nothing of few samples, of little, of what goes up and down, and of a level that was reached', () => {
    expect(memoryOf(19, (minute) => minute * 100 * MIB)).toBeUndefined();
    expect(memoryOf(60, (minute) => 10 * MIB + (minute * MIB) / 10)?.leak).toBe(false);
    expect(memoryOf(60, (minute) => 500 * MIB + minute * MIB)?.leak).toBe(false);
    expect(memoryOf(120, (minute) => 100 * MIB + (minute % 20) * 5 * MIB)?.leak).toBe(false);
    expect(memoryOf(500, (minute) => 100 * MIB + Math.min(minute, 15) * 10 * MIB)?.leak).toBe(false);
  });

  it('sees a leak that begins late, and forgets one that has ended', () => {
    const late = (minute: number): number => 100 * MIB + Math.max(0, minute - 5000) * MIB;
    expect(memoryOf(5000, late, 200)?.leak).toBe(false);
    expect(memoryOf(5600, late, 200)?.leak).toBe(true);
    const ended = (minute: number): number => 100 * MIB + Math.min(minute, 600) * MIB;
    expect(memoryOf(600, ended, 200)?.leak).toBe(true);
    expect(memoryOf(2500, ended, 200)?.leak).toBe(false);
  });
});
