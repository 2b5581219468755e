import { expect, test } from 'vitest';
import { isTimeout, TimeLimit } from './time-limit.ts';

/** Lets the clock go on while this process does nothing, as a busy machine does. */
const standStill = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

test('X-08, F-L8: code that works too long is ended', () => {
  const limit = new TimeLimit();
  const before = process.cpuUsage();
  let ended: unknown;
  try {
    limit.run(() => {
      for (;;);
    }, 40);
  } catch (error) {
    ended = error;
  }
  const { user, system } = process.cpuUsage(before);
  expect(isTimeout(ended)).toBe(true);
  expect((user + system) / 1000).toBeLessThan(4_000);
  expect(limit.run(() => 7, 40)).toBe(7);
});

test('X-08: what was not ended by its own work has another chance, but not for ever', () => {
  const limit = new TimeLimit();
  let runs = 0;
  const answer = limit.run(() => {
    runs++;
    standStill(60);
    return 'done';
  }, 40);
  expect([answer, runs]).toEqual(['done', 2]);
  expect(() => limit.run(() => standStill(300), 40)).toThrow('timed out');
});

test('an error of the code itself is handed on at once', () => {
  const limit = new TimeLimit();
  let runs = 0;
  const run = () =>
    limit.run(() => {
      runs++;
      throw new RangeError('mine');
    }, 40);
  expect(run).toThrow('mine');
  expect(runs).toBe(1);
});
