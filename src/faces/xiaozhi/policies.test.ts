// The rules of reconnecting, scoring and doubting, without sockets (X-62, 10.1, 4.2, D-26, F-X2, F-X8).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeEnding, type Ending, isUnclean, judge, SLOW_PROBE, waitAfter } from './ending.ts';
import { Evidence } from './evidence.ts';
import { choose, Score } from './score.ts';
import { Spread } from './spread.ts';
import { readToken, shownText, shownUrl } from './token.ts';

const closed = (code: number, reason = ''): Ending => ({ kind: 'closed', code, reason, open: 10, initialised: true });
const PACE = { baseDelay: 1_000, maxDelay: 60_000, quickAttempts: 10, replacedDelay: 300_000 };

describe('what an ending means (X-62, F-X3)', () => {
  it.each([
    [closed(1008), 'permanent'],
    [closed(4001), 'permanent'],
    [closed(4003), 'permanent'],
    [closed(4401), 'permanent'],
    [closed(4403), 'permanent'],
    [closed(1000, '新连接替换'), 'replaced'],
    [closed(1000, 'Replaced by a new connection'), 'replaced'],
    [closed(1000), 'heals'],
    [closed(1006), 'heals'],
    [closed(1011), 'heals'],
    [closed(4004, 'Internal server error'), 'heals'],
    [closed(4999), 'heals'],
    [{ kind: 'unreachable', code: 'ENOTFOUND' }, 'heals'],
    [{ kind: 'refused', status: 503 }, 'heals'],
    [{ kind: 'deaf', why: 'no-pong', open: 1 }, 'heals'],
  ] as [Ending, string][])('%j: %s', (ending, verdict) => {
    expect(judge(ending, 1)).toBe(verdict);
    expect(describeEnding(ending)).not.toBe('');
  });

  it('401 and 403 are meant from the third on; a 503 never is (F-X1)', () => {
    for (const status of [401, 403]) {
      expect(judge({ kind: 'refused', status }, 2)).toBe('heals');
      expect(judge({ kind: 'refused', status }, 3)).toBe('permanent');
    }
    expect(judge({ kind: 'refused', status: 503 }, 99)).toBe('heals');
  });

  it('is unclean where the peer may still believe in the connection (D-26)', () => {
    const deaf = (why: 'no-pong' | 'no-message') => ({ kind: 'deaf', why, open: 1 }) as const;
    expect([closed(1006), deaf('no-pong'), closed(1000), deaf('no-message')].map(isUnclean)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(describeEnding({ kind: 'ours', redial: true })).not.toBe(describeEnding({ kind: 'ours', redial: false }));
  });
});

describe('how long to wait', () => {
  it('doubles from 1 s to 60 s with full jitter (8.1)', () => {
    const longest = [1, 2, 3, 6, 7, 8, 11, 500].map((attempt) => waitAfter('heals', attempt, PACE, () => 0.999999));
    expect(longest.map(Math.round)).toEqual([1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000, 60_000]);
    expect(waitAfter('heals', 9, PACE, () => 0)).toBe(0);
  });

  it('is at the cap after the quick attempts, whatever the doubling says', () => {
    expect(waitAfter('heals', 3, { ...PACE, quickAttempts: 2 }, () => 0.5)).toBe(30_000);
  });

  it('is long after a replacement, and an hour where only a person can help', () => {
    expect(waitAfter('replaced', 1, PACE, () => 0)).toBe(300_000);
    expect(waitAfter('replaced', 9, PACE, () => 0)).toBe(SLOW_PROBE);
    expect(waitAfter('permanent', 1, PACE, () => 0.7)).toBe(SLOW_PROBE);
  });

  it('never leaves its bounds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 0.999999, noNaN: true }), (n, r) => {
        const wait = waitAfter('heals', n, PACE, () => r);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(60_000);
      }),
    );
  });
});

describe('spread after a common loss (F-X8)', () => {
  it('ten endpoints come back over at least 3 s, whatever the jitter; one alone does not wait', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 0.999999, noNaN: true }), { minLength: 20, maxLength: 20 }),
        (draws) => {
          const spread = new Spread();
          const draw = () => draws.shift() ?? 0.5;
          const waits = Array.from(
            { length: 10 },
            (_, n) => spread.next(`e${n}`, n * 10, 1_000, draw) + waitAfter('heals', 1, PACE, draw),
          );
          expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThanOrEqual(3_000);
        },
      ),
    );
    const spread = new Spread();
    const alone = (who: string, at: number) => spread.next(who, at, 1_000, () => 0.9);
    expect([alone('a', 0), alone('b', 5_000), alone('b', 5_001), alone('c', 10_000)]).toEqual([0, 0, 0, 0]);
    expect(spread.next('d', 10_001, 20, () => 0.5)).toBe(15);
  });
});

describe('score (10.1)', () => {
  it('follows the table of 4.2 and stays between 0 and 100', () => {
    const score = new Score();
    expect(score.value).toBe(100);
    score.connectFailed();
    expect(score.value).toBe(80);
    for (let n = 0; n < 9; n++) score.connectFailed();
    expect(score.value).toBe(0);
    expect(score.responseTime).toBeUndefined();
    const fresh = new Score();
    fresh.missed();
    // −15, and −10 for a success rate below one half.
    expect(fresh.value).toBe(75);
    const steps: number[] = [];
    for (const time of [50, 200, 700, 5_000]) {
      const before = fresh.value;
      fresh.answered(time);
      steps.push(fresh.value - before);
    }
    // Rates 0.5, 0.67, 0.75, 0.8 give nothing; the last step meets the limit.
    expect(steps).toEqual([10, 7, 5, 2]);
    expect(fresh.responseTime).toBe((50 + 200 + 700 + 5_000) / 4);
  });

  it('failures in a row cost more from the fourth, more again from the sixth', () => {
    const score = new Score();
    for (let n = 0; n < 20; n++) score.answered(10);
    const costs: number[] = [];
    for (let n = 0; n < 6; n++) {
      const before = score.value;
      score.missed();
      costs.push(before - score.value);
    }
    // The first is softened by a success rate still above 0.9.
    expect(costs).toEqual([10, 15, 15, 20, 20, 20]);
    expect(score.value).toBe(0);
  });

  it('chooses by strategy (4.2)', () => {
    const good = { name: 'good', score: new Score() };
    const bad = { name: 'bad', score: new Score() };
    for (let n = 0; n < 5; n++) bad.score.connectFailed();
    const all = [bad, good];
    expect([0, 1, 2].map((turn) => choose(all, 'round-robin', turn, () => 0)?.name)).toEqual(['bad', 'good', 'bad']);
    expect(choose(all, 'random', 0, () => 0.9)?.name).toBe('good');
    // Weights 101 and 1.
    expect(choose(all, 'health-based', 0, () => 0.98)?.name).toBe('good');
    expect(choose(all, 'health-based', 0, () => 0.995)?.name).toBe('bad');
    for (const strategy of ['random', 'health-based', 'round-robin'] as const)
      expect(choose([], strategy, 0, () => 0.5)).toBeUndefined();
    const slow = { name: 'slow', score: new Score() };
    slow.score.answered(90);
    const fast = { name: 'fast', score: new Score() };
    fast.score.answered(10);
    expect(choose([slow, fast], 'health-based', 0, () => 0)?.name).toBe('fast');
  });
});

describe('evidence that somebody speaks (X-61, D-26)', () => {
  const TIMES = { interval: 30_000, silence: 1_800_000 };
  const NOTHING = { unclean: false, spokeWithin: undefined, doubts: 0 };

  it('a peer that never spoke is only doubted after long silence, or never', () => {
    expect(new Evidence(0, TIMES, NOTHING).deafAt()).toBe(1_800_000);
    expect(new Evidence(0, { ...TIMES, silence: 0 }, NOTHING).deafAt()).toBe(Number.POSITIVE_INFINITY);
  });

  it('after an unclean loss it has two intervals; where it used to speak early, one; patience doubles', () => {
    expect(new Evidence(0, TIMES, { ...NOTHING, unclean: true }).deafAt()).toBe(60_000);
    expect(new Evidence(0, TIMES, { ...NOTHING, spokeWithin: 20 }).deafAt()).toBe(30_000);
    expect(new Evidence(0, TIMES, { ...NOTHING, spokeWithin: 20_000 }).deafAt()).toBe(80_000);
    expect(new Evidence(0, TIMES, { ...NOTHING, spokeWithin: 20, doubts: 3 }).deafAt()).toBe(240_000);
  });

  it('a message ends that doubt; regular pings that stop raise another', () => {
    const evidence = new Evidence(0, TIMES, { unclean: true, spokeWithin: 5, doubts: 0 });
    evidence.message(1_000, false);
    expect(evidence.deafAt()).toBe(1_801_000);
    for (const at of [10_000, 50_000, 95_000]) evidence.message(at, true);
    expect(evidence.deafAt()).toBe(95_000 + 3 * 45_000);
    evidence.message(100_000, false);
    expect(evidence.deafAt()).toBe(100_000 + 3 * 45_000);
    expect(evidence.lastMessage).toBe(100_000);
  });
});

describe('tokens (X-67, D-20)', () => {
  const jwt = (payload: unknown) => `x.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.y`;

  it('are read where they are JWTs, and never fail', () => {
    const url = `wss://h/?token=${jwt({ agentId: 12, endpointId: 'agent_12', exp: 10 })}`;
    expect(readToken(url)).toEqual({ agent: '12', endpointId: 'agent_12', expiresAt: 10_000 });
    for (const odd of [
      'nonsense',
      'wss://h/',
      'wss://h/?token=a.b',
      'wss://h/?token=a.%00.c',
      `wss://h/?token=${jwt(3)}`,
    ])
      expect(readToken(odd)).toEqual({});
    expect(readToken(`wss://h/?token=${jwt({ agentId: {}, endpointId: '\n<>', exp: 'x' })}`)).toEqual({});
    expect(readToken(`wss://h/?token=${jwt({ agentId: 'x'.repeat(65) })}`).agent).toBeUndefined();
  });

  it('are never shown', () => {
    expect(shownUrl('wss://user:pw@h:1/a/?token=secret&x=y#z')).toBe('wss://h:1/a/?token=***&x=***');
    expect(shownUrl('nonsense')).toBe('(not a URL)');
    const url = 'wss://h/?token=abc%2Bdefghijklmno';
    expect(shownText(`bad ${url} and abc+defghijklmno`, url)).toBe('bad *** and ***');
    expect(shownText('quoted defghijk only\n\u0007', url)).toBe('quoted *** only');
    expect(shownText('x'.repeat(500), 'nonsense')).toHaveLength(201);
  });
});
