import { expect, it } from 'vitest';
import { flap } from './flapping.ts';

it('endpoints that flap lose no call that was answerable, and leave nothing behind (issue figure; D-08)', async () => {
  const result = await flap(6_000);
  expect(result.drops).toBeGreaterThan(10);
  expect(result.answered).toBeGreaterThan(40);
  expect(result.lost).toBe(0);
  expect(result.left).toEqual({ inFlight: 0, listeners: 0, timers: 0, sockets: 0 });
});
