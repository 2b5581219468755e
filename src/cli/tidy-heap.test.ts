import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EventStream } from '../core/events.ts';
import { tidyHeap } from './tidy-heap.ts';

afterEach(() => void vi.useRealTimers());

describe('tidyHeap (performance row 13)', () => {
  it('collects once, when no upstream has had news for a while and nobody waits', () => {
    vi.useFakeTimers();
    const events = new EventStream();
    let busy = true;
    let collected = 0;
    tidyHeap(
      events,
      () => !busy,
      () => collected++,
    );
    const news = () => events.emit({ type: 'upstream.state', upstream: 'a', from: 'starting', to: 'ready' });
    vi.advanceTimersByTime(1_000);
    news();
    vi.advanceTimersByTime(1_000);
    expect(collected).toBe(0);
    vi.advanceTimersByTime(2_000);
    expect(collected).toBe(0);
    busy = false;
    vi.advanceTimersByTime(2_000);
    expect(collected).toBe(1);
    news();
    vi.advanceTimersByTime(60_000);
    expect([collected, vi.getTimerCount()]).toEqual([1, 0]);
  });

  it('is called off, and frees what nobody holds', async () => {
    const calledOff = vi.fn();
    tidyHeap(new EventStream(), () => true, calledOff)();
    let freed = 0;
    const registry = new FinalizationRegistry(() => freed++);
    for (let index = 0; index < 10; index++) registry.register(new ArrayBuffer(1024), index);
    tidyHeap(new EventStream(), () => true);
    await vi.waitFor(() => expect(freed).toBe(10), { timeout: 10_000 });
    await sleep(0);
    expect(calledOff).not.toHaveBeenCalled();
  });
});
