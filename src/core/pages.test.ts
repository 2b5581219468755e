import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { pages } from './pages.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const resident = (): number => process.memoryUsage.rss() / 2 ** 20;

describe('pages', () => {
  it('are given back to the system whatever was allocated after them (reliability figure 13)', async () => {
    let large: Buffer[] = [];
    const stays: Buffer[] = [];
    collect();
    const before = resident();
    for (let taken = 0; taken < 64; taken++) {
      large.push(pages().fill(1));
      stays.push(Buffer.allocUnsafeSlow(2_000).fill(1));
    }
    const size = large.reduce((sum, { length }) => sum + length, 0) / 2 ** 20;
    expect(size).toBeGreaterThanOrEqual(64);
    expect(resident() - before).toBeGreaterThan(0.5 * size);
    large = [];
    // Another thread of V8 does it.
    const until = performance.now() + 60_000;
    for (collect(); resident() - before > size / 3 && performance.now() < until; collect()) await pause(10);
    expect(resident() - before).toBeLessThan(size / 3);
    expect(stays).toHaveLength(64);
  });

  it('are bytes as any others for whoever writes, reads and compares them', () => {
    const bytes = pages();
    bytes.write('né\n');
    expect(bytes.indexOf('\n')).toBe(3);
    expect(bytes.subarray(0, 3).toString()).toBe('né');
    expect(Buffer.concat([bytes.subarray(1, 3), Buffer.from('x')]).equals(Buffer.from('éx'))).toBe(true);
  });
});
