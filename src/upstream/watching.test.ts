import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GatewayFault } from '../core/fault.ts';
import type { Link } from './link.ts';
import { Liveness } from './liveness.ts';
import { Upkeep } from './upkeep.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A link whose server answers, or does not; `cpu` grows as the test says. */
class Fake {
  answers = true;
  /** CPU milliseconds used per millisecond. */
  load = 0;
  frozen = false;
  inFlight = 0;
  pings = 0;
  looks = 0;
  readonly era = 'legacy';
  readonly ended = undefined;
  readonly transport = {
    lastByteAt: performance.now(),
    usage: () => {
      this.looks++;
      return Promise.resolve({ rss: 0, cpu: performance.now() * this.load, frozen: this.frozen });
    },
  };
  request({ deadline }: { deadline: number }): Promise<unknown> {
    this.pings++;
    if (this.answers) {
      this.transport.lastByteAt = performance.now();
      return Promise.resolve({ result: { value: {} } });
    }
    return new Promise((_, reject) => {
      const late = (): void => reject(new GatewayFault('UPSTREAM_TIMEOUT', 'late', { delivery: 'maybe-sent' }));
      setTimeout(late, deadline - performance.now());
    });
  }
  get link(): Link {
    return this as unknown as Link;
  }
}

function watch(fake: Fake) {
  const dead: string[] = [];
  const liveness = new Liveness({
    interval: 30_000,
    timeout: 5_000,
    failureThreshold: 2,
    dead: (_, why) => {
      dead.push(why);
      liveness.stop();
    },
  });
  liveness.watch(fake.link);
  return { dead, liveness };
}

describe('liveness (reliability §3)', () => {
  test('asked after 30 s of silence, not before, and not while bytes come', async () => {
    const fake = new Fake();
    const { dead, liveness } = watch(fake);
    await vi.advanceTimersByTimeAsync(20_000);
    fake.transport.lastByteAt = performance.now();
    await vi.advanceTimersByTimeAsync(29_000);
    expect(fake.pings).toBe(0);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(fake.pings).toBe(1);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(fake.pings).toBeGreaterThan(8);
    expect(dead).toEqual([]);
    // One that answers costs no look at /proc (performance row 13).
    expect(fake.looks).toBe(0);
    liveness.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('two misses in a row, the second at once: replaced within 40 s of silence (X-03)', async () => {
    const fake = new Fake();
    fake.answers = false;
    const { dead } = watch(fake);
    await vi.advanceTimersByTimeAsync(39_000);
    expect(dead).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(dead).toHaveLength(1);
  });

  test('a stopped process is proof: replaced after the first miss', async () => {
    const fake = new Fake();
    fake.answers = false;
    fake.frozen = true;
    fake.inFlight = 3;
    const { dead } = watch(fake);
    await vi.advanceTimersByTimeAsync(35_100);
    expect(dead).toEqual(['its process is stopped']);
  });

  test('never while a call is inside its deadline', async () => {
    const fake = new Fake();
    fake.answers = false;
    fake.inFlight = 1;
    const { dead } = watch(fake);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(dead).toEqual([]);
    fake.inFlight = 0;
    await vi.advanceTimersByTimeAsync(41_000);
    expect(dead).toHaveLength(1);
  });

  test('a process that uses its CPU is at work: up to 60 s', async () => {
    const fake = new Fake();
    fake.answers = false;
    fake.load = 0.9;
    const { dead } = watch(fake);
    await vi.advanceTimersByTimeAsync(80_000);
    expect(dead).toEqual([]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(dead).toHaveLength(1);
  });

  test('a call that timed out in total silence starts the probe at once, and other calls are no excuse', async () => {
    const fake = new Fake();
    fake.answers = false;
    fake.inFlight = 2;
    const { dead, liveness } = watch(fake);
    const sentAt = performance.now() + 1;
    await vi.advanceTimersByTimeAsync(1_000);
    liveness.suspect(fake.link, sentAt);
    await vi.advanceTimersByTimeAsync(10_100);
    expect(dead).toHaveLength(1);
  });

  test('a byte since the call was sent: no suspicion', async () => {
    const fake = new Fake();
    fake.answers = false;
    const { liveness } = watch(fake);
    await vi.advanceTimersByTimeAsync(1_000);
    fake.transport.lastByteAt = performance.now();
    liveness.suspect(fake.link, performance.now() - 500);
    await vi.advanceTimersByTimeAsync(100);
    expect(fake.pings).toBe(0);
    liveness.stop();
  });
});

describe('upkeep', () => {
  test('F-P23 too large: told between calls, not during one', async () => {
    const large: number[] = [];
    let busy = true;
    const upkeep = new Upkeep({
      stopWhenIdle: false,
      memoryLimit: 100,
      busy: () => busy,
      idle: () => undefined,
      tooLarge: (rss) => large.push(rss),
    });
    const usage = () => Promise.resolve({ rss: 150, cpu: 0, frozen: false });
    upkeep.begin({ usage } as never, false);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(large).toEqual([]);
    busy = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(large).toEqual([150]);
    upkeep.end();
    expect(vi.getTimerCount()).toBe(0);
  });
});
