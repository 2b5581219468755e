import { afterEach, describe, expect, it, vi } from 'vitest';
import { HeapRoom, watchHeap } from './heap-room.ts';

afterEach(() => void vi.useRealTimers());

describe('HeapRoom (performance rows 9, 10)', () => {
  it('gives room where the whole heap is collected often, and takes it back', () => {
    vi.useFakeTimers();
    const asked: number[] = [];
    const room = new HeapRoom({ grow: (percent) => asked.push(percent), heapUsed: () => 20e6 });
    for (const at of [0, 400, 800, 1_300, 1_600]) room.collected(at);
    expect(asked).toEqual([]);
    for (const at of [1_700, 1_750, 1_800]) room.collected(at);
    expect(asked).toEqual([300]);
    vi.advanceTimersByTime(60_000);
    expect([asked, vi.getTimerCount()]).toEqual([[300, 0], 0]);
    for (const at of [70_000, 70_100, 70_200]) room.collected(at);
    expect(asked).toHaveLength(2);
    room.collected(70_300);
    room.close();
    expect([asked, vi.getTimerCount()]).toEqual([[300, 0, 300, 0], 0]);
  });

  it('leaves a large heap alone', () => {
    const grow = vi.fn();
    const room = new HeapRoom({ grow, heapUsed: () => 200e6 });
    for (let at = 0; at < 20; at++) room.collected(at);
    room.close();
    expect(grow).not.toHaveBeenCalled();
  });

  it('hears of the collections that bytes outside of the heap bring about', async () => {
    const room = new HeapRoom({ grow: () => undefined });
    const collected = vi.spyOn(room, 'collected');
    const stop = watchHeap(room);
    const held: Buffer[] = [];
    await vi.waitFor(
      () => {
        for (let index = 0; index < 64; index++) held.push(Buffer.allocUnsafeSlow(1024 * 1024));
        held.splice(0, held.length - 64);
        expect(collected).toHaveBeenCalled();
      },
      { timeout: 20_000, interval: 10 },
    );
    stop();
  });
});
