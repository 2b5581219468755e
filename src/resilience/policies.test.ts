import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Breaker } from './breaker.ts';
import { DeadlineWheel } from './deadline.ts';
import { planDial } from './dial.ts';
import { HostWatch } from './host-watch.ts';
import { Limiter } from './limiter.ts';
import { planRestart, StormWatch } from './restart.ts';
import { RetryBudget } from './retry-budget.ts';
import { StartSlots } from './start-slots.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('restart and cool-down (10.3, C-41, X-48)', () => {
  test('0 s, then jitter up to 0.5 s and 1 s, then 60 s doubling to 900 s with up to 10 % more', () => {
    const waits = (random: number): number[] =>
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => planRestart(n, { base: 60_000, cap: 900_000 }, () => random).wait);
    expect(waits(0)).toEqual([0, 0, 0, 60_000, 120_000, 240_000, 480_000, 900_000, 900_000]);
    expect(waits(1)).toEqual([0, 500, 1_000, 66_000, 132_000, 264_000, 528_000, 990_000, 990_000]);
    expect(planRestart(3, { base: 1, cap: 1 }, () => 0).tier).toBe('fast');
    expect(planRestart(4, { base: 1, cap: 1 }, () => 0).tier).toBe('cooldown');
  });

  test('more than 30 exits in 60 s are a storm: told once, spaced by 1 s, forgotten when it is over', () => {
    const storm = new StormWatch();
    const exits = Array.from({ length: 33 }, (_, n) => storm.exited(n * 100));
    expect(exits.filter((exit) => exit.wait === 1_000)).toHaveLength(3);
    expect(exits.filter((exit) => exit.began)).toHaveLength(1);
    expect(storm.exited(120_000)).toEqual({ wait: 0, began: false });
  });

  test('host problem: at least four and more than half within 10 s, told once, spread up to 2 s', () => {
    const alarms: string[][] = [];
    let now = 0;
    const watch = new HostWatch({
      total: () => 6,
      alarm: (failed) => alarms.push(failed),
      random: () => 1,
      now: () => now,
    });
    expect(['a', 'b', 'c'].map((name) => watch.failed(name))).toEqual([0, 0, 0]);
    expect(watch.failed('d')).toBe(2_000);
    expect(watch.failed('e')).toBe(2_000);
    expect(alarms).toEqual([['a', 'b', 'c', 'd']]);
    now = 10_001;
    expect(watch.failed('a')).toBe(0);
  });
});

describe('connect loop (reliability §2)', () => {
  const options = { maxDelay: 30_000, minInterval: 0, quickAttempts: 5 };
  test('every 50 ms in the first second of waiting, every 150 ms up to 5 s, then caps 2, 4 … 30 s (B-22)', () => {
    expect(planDial({ waitedFor: 0, slow: 0 }, options, () => 1)).toEqual({ wait: 50, slow: false });
    expect(planDial({ waitedFor: 1_000, slow: 0 }, options, () => 1)).toEqual({ wait: 150, slow: false });
    const caps = [0, 1, 2, 3, 4, 5].map((slow) => planDial({ waitedFor: 5_000, slow }, options, () => 1).wait);
    expect(caps).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });
  test('with nobody waiting the caps only, with full jitter; never closer than minInterval (B-21)', () => {
    expect(planDial({ waitedFor: undefined, slow: 0 }, options, () => 0.25)).toEqual({ wait: 500, slow: true });
    expect(planDial({ waitedFor: 0, slow: 0 }, { ...options, minInterval: 700 }, () => 0).wait).toBe(700);
  });
  test('F-H7 fewer than 40 dials in the first three seconds', () => {
    let at = 0;
    let dials = 0;
    for (; at < 3_000; dials++) at += planDial({ waitedFor: at, slow: 0 }, options, Math.random).wait;
    expect(dials).toBeLessThan(40);
  });
});

describe('breaker (reliability §2)', () => {
  const make = (probe: () => Promise<boolean>, random = 1) => {
    const changes: boolean[] = [];
    const breaker = new Breaker({
      failures: 5,
      ratio: 0.5,
      window: 60_000,
      probe,
      changed: (open) => changes.push(open),
      random: () => random,
    });
    return { breaker, changes };
  };
  const fail = (breaker: Breaker, times: number): void => {
    for (let n = 0; n < times; n++) breaker.vote(false);
  };

  test('opens on five failures in a row, looks after 0.5 s, closes on the first answer (X-03)', async () => {
    let answers = false;
    const { breaker, changes } = make(() => Promise.resolve(answers));
    fail(breaker, 4);
    breaker.vote(true);
    fail(breaker, 4);
    expect(breaker.open).toBe(false);
    breaker.vote(false);
    expect(breaker.open).toBe(true);
    expect(breaker.retryAfterMs).toBe(500);
    await vi.advanceTimersByTimeAsync(500);
    expect(breaker.open).toBe(true);
    expect(breaker.retryAfterMs).toBe(1_000);
    answers = true;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(breaker.open).toBe(false);
    expect(changes).toEqual([true, false]);
  });

  test('opens on half of at least ten calls in the window (X-24)', async () => {
    const { breaker } = make(() => Promise.resolve(true));
    for (let n = 0; n < 4; n++) {
      breaker.vote(true);
      breaker.vote(false);
    }
    breaker.vote(true);
    expect(breaker.open).toBe(false);
    breaker.vote(false);
    expect(breaker.open).toBe(true);
    await vi.advanceTimersByTimeAsync(500);
    for (let n = 0; n < 9; n++) breaker.vote(n % 3 > 0);
    await vi.advanceTimersByTimeAsync(70_000);
    fail(breaker, 4);
    expect(breaker.open).toBe(false);
  });

  test('each opening soon after the last lengthens the cap of its probes; a quiet minute forgives (X-24)', async () => {
    let answers = false;
    const { breaker } = make(() => Promise.resolve(answers));
    const caps: number[] = [];
    for (let round = 0; round < 5; round++) {
      if (round === 4) await vi.advanceTimersByTimeAsync(60_001);
      answers = false;
      fail(breaker, 5);
      await vi.advanceTimersByTimeAsync(500);
      await vi.advanceTimersByTimeAsync(1_000);
      caps.push(breaker.retryAfterMs);
      answers = true;
      await vi.advanceTimersByTimeAsync(30_000);
      expect(breaker.open).toBe(false);
    }
    expect(caps).toEqual([2_000, 5_000, 10_000, 30_000, 2_000]);
  });

  test('a force closes it, and a probe that comes back late changes nothing', async () => {
    let finish: (answer: boolean) => void = () => undefined;
    const { breaker, changes } = make(() => new Promise((resolve) => (finish = resolve)));
    fail(breaker, 5);
    await vi.advanceTimersByTimeAsync(500);
    breaker.close();
    finish(false);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(breaker.open).toBe(false);
    expect(changes).toEqual([true, false]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('retry budget (reliability §2)', () => {
  test('twenty retries are paid by a full bucket, then successes earn more', () => {
    const budget = new RetryBudget(() => 1_000_000);
    for (let n = 0; n < 1_000; n++) budget.called();
    expect(Array.from({ length: 21 }, () => budget.take(5)).filter(Boolean)).toHaveLength(20);
    for (let n = 0; n < 5; n++) budget.succeeded();
    expect(budget.take(5)).toBe(true);
    expect(budget.take(5)).toBe(false);
    expect(budget.take(0)).toBe(true);
  });

  test('at most a tenth of the calls of the last minute, at least twenty (X-81)', () => {
    let now = 1_000_000;
    const budget = new RetryBudget(() => now);
    const spend = (): number => {
      let spent = 0;
      for (let n = 0; n < 100; n++) {
        for (let m = 0; m < 5; m++) budget.succeeded();
        if (budget.take(5)) spent++;
      }
      return spent;
    };
    expect(spend()).toBe(20);
    for (let n = 0; n < 500; n++) budget.called();
    expect(spend()).toBe(30);
    now += 60_001;
    expect(spend()).toBe(20);
  });
});

describe('limiter (Bulkhead, X-26)', () => {
  const make = (inFlight: number, queue: number) =>
    new Limiter({ inFlight, queue, wheel: new DeadlineWheel(), upstream: 'u' });
  const never = Number.POSITIVE_INFINITY;

  test('first come, first served', async () => {
    const limiter = make(1, 5);
    expect(limiter.acquire(never)).toBeUndefined();
    const order: number[] = [];
    const waits = [1, 2, 3].map((n) => limiter.acquire(never)?.then(() => order.push(n)));
    expect(limiter.queued).toBe(3);
    for (const wait of waits) {
      limiter.release();
      await wait;
    }
    expect(order).toEqual([1, 2, 3]);
    limiter.release();
    expect(limiter.inFlight).toBe(0);
  });

  test('a queued call that is aborted frees its place, and the others are still served (X-82)', async () => {
    const limiter = make(1, 2);
    expect(limiter.acquire(never)).toBeUndefined();
    const gone = new AbortController();
    const first = limiter.acquire(never, gone.signal);
    const second = limiter.acquire(never);
    await expect(limiter.acquire(never)).rejects.toMatchObject({ fault: 'OVERLOADED' });
    gone.abort();
    await expect(first).rejects.toMatchObject({ fault: 'CANCELLED' });
    const third = limiter.acquire(never);
    limiter.release();
    await second;
    limiter.release();
    await third;
    limiter.release();
    expect(limiter).toMatchObject({ inFlight: 0, queued: 0 });
  });

  test('resized: more are let in at once; with fewer, those inside end first', async () => {
    const options = { inFlight: 1, queue: 9, wheel: new DeadlineWheel(), upstream: 'u' };
    const limiter = new Limiter(options);
    expect(limiter.acquire(never)).toBeUndefined();
    const waiting = [limiter.acquire(never), limiter.acquire(never), limiter.acquire(never)];
    options.inFlight = 3;
    limiter.resized();
    await Promise.all(waiting.slice(0, 2));
    expect(limiter).toMatchObject({ inFlight: 3, queued: 1, peak: 3 });
    options.inFlight = 1;
    limiter.release();
    limiter.release();
    expect(limiter).toMatchObject({ inFlight: 1, queued: 1 });
    limiter.release();
    await waiting[2];
    expect(limiter).toMatchObject({ inFlight: 1, queued: 0 });
  });

  test('nobody waits longer than half of the time he has (X-81)', async () => {
    const limiter = make(1, 2);
    expect(limiter.acquire(never)).toBeUndefined();
    const late = limiter.acquire(performance.now() + 1_000);
    const told = expect(late).rejects.toMatchObject({ fault: 'OVERLOADED', delivery: 'not-sent' });
    await vi.advanceTimersByTimeAsync(480);
    expect(limiter.queued).toBe(1);
    await vi.advanceTimersByTimeAsync(60);
    expect(limiter.queued).toBe(0);
    await told;
  });
});

describe('deadlines', () => {
  test('fire once passed, never early, never when cancelled; none leaves a timer behind', async () => {
    const wheel = new DeadlineWheel(20);
    const fired: string[] = [];
    const start = performance.now();
    wheel.add(start + 100, () => fired.push('a'));
    wheel.add(start + 100, () => fired.push('cancelled')).cancel();
    const moved = wheel.add(start + 50, () => fired.push('moved'));
    moved.move(start + 300);
    const sooner = wheel.add(start + 10_000, () => fired.push('sooner'));
    sooner.move(start + 200);
    wheel.add(Number.POSITIVE_INFINITY, () => fired.push('never'));
    await vi.advanceTimersByTimeAsync(99);
    expect(fired).toEqual([]);
    await vi.advanceTimersByTimeAsync(41);
    expect(fired).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(100);
    expect(fired).toEqual(['a', 'sooner']);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(fired).toEqual(['a', 'sooner', 'moved']);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('start slots', () => {
  test('so many at once, the next when one is freed; freeing twice frees once', async () => {
    const slots = new StartSlots(2);
    const signal = new AbortController().signal;
    const first = await slots.take(signal);
    await slots.take(signal);
    const gone = new AbortController();
    const aborted = slots.take(gone.signal);
    let third = false;
    const waiting = slots.take(signal).then(() => (third = true));
    gone.abort();
    await expect(aborted).rejects.toThrow();
    expect(third).toBe(false);
    first();
    first();
    await waiting;
    let fourth = false;
    void slots.take(signal).then(() => (fourth = true));
    await vi.advanceTimersByTimeAsync(0);
    expect(fourth).toBe(false);
  });

  test('one that calls wait for goes before the others, who keep their order', async () => {
    const slots = new StartSlots(1);
    const { signal } = new AbortController();
    const began: string[] = [];
    let called = false;
    const start = async (name: string, wanted?: () => boolean): Promise<void> => {
      const free = await slots.take(signal, wanted);
      began.push(name);
      await vi.advanceTimersByTimeAsync(0);
      free();
    };
    const all = [start('first'), start('second'), start('third'), start('called', () => called)];
    called = true;
    await Promise.all(all);
    expect(began).toEqual(['first', 'called', 'second', 'third']);
  });
});
