import { afterEach, expect, it, vi } from 'vitest';
import { HeapGuard } from './heap-guard.ts';

afterEach(() => void vi.useRealTimers());

it('refuses calls before the heap is full, and takes them again when there is room (F-G8)', () => {
  vi.useFakeTimers();
  let used = 0.5;
  const told: boolean[] = [];
  const guard = new HeapGuard({ used: () => used, changed: (full) => told.push(full) });
  guard.admit();
  used = 0.93;
  vi.advanceTimersByTime(1_000);
  expect(() => guard.admit()).toThrow(expect.objectContaining({ fault: 'OVERLOADED', delivery: 'not-sent' }));
  used = 0.85;
  vi.advanceTimersByTime(1_000);
  expect(guard.full).toBe(true);
  used = 0.7;
  vi.advanceTimersByTime(1_000);
  guard.admit();
  expect(told).toEqual([true, false]);
  guard.close();
  used = 1;
  vi.advanceTimersByTime(5_000);
  expect(guard.full).toBe(false);
});

it('looks at the real heap', () => {
  const guard = new HeapGuard({ changed: () => {} });
  guard.look();
  expect(guard.full).toBe(false);
  guard.close();
});
