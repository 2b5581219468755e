import { describe, expect, test } from 'vitest';
import { type Delivery, GatewayFault } from '../core/fault.ts';
import type { FaultName } from '../core/fault-table.ts';
import { decideRetry, type Failed } from './retry.ts';

const OPTIONS = { retries: 2, baseDelay: 100, maxDelay: 5_000 };
const failed = (
  fault: FaultName,
  delivery: Delivery,
  more: Partial<Failed> & { retryAfterMs?: number } = {},
): Failed => ({
  fault: new GatewayFault(fault, 'test', { delivery, retryAfterMs: more.retryAfterMs }),
  safety: 'write',
  tool: true,
  attempts: 1,
  repeats: 0,
  renewals: 0,
  remaining: 10_000,
  ...more,
});
const again = (...args: Parameters<typeof failed>): boolean => decideRetry(failed(...args), OPTIONS, () => 0.5).again;

/** Who may be sent again: list or read · read-only tool · idempotent tool · everything else. */
const CALLERS: [string, Partial<Failed>][] = [
  ['list', { safety: 'read', tool: false }],
  ['readOnlyHint', { safety: 'read' }],
  ['idempotentHint', { safety: 'idempotent' }],
  ['write', { safety: 'write' }],
];
const TABLE: [FaultName, Delivery, { retryAfterMs?: number }, boolean[]][] = [
  ['UPSTREAM_UNREACHABLE', 'not-sent', {}, [true, true, true, true]],
  ['UPSTREAM_EXITED', 'not-sent', {}, [true, true, true, true]],
  ['UPSTREAM_SESSION_LOST', 'rejected-unprocessed', {}, [true, true, true, true]],
  ['UPSTREAM_FAILED', 'rejected-unprocessed', { retryAfterMs: 500 }, [true, true, true, true]],
  ['UPSTREAM_RATE_LIMITED', 'rejected-unprocessed', { retryAfterMs: 500 }, [true, true, true, true]],
  ['UPSTREAM_RATE_LIMITED', 'rejected-unprocessed', { retryAfterMs: 20_000 }, [false, false, false, false]],
  ['UPSTREAM_RATE_LIMITED', 'rejected-unprocessed', {}, [true, true, true, false]],
  ['UPSTREAM_DISCONNECTED', 'maybe-sent', {}, [true, true, true, false]],
  ['UPSTREAM_EXITED', 'maybe-sent', {}, [true, true, true, false]],
  ['UPSTREAM_FAILED', 'maybe-sent', {}, [true, true, true, false]],
  ['UPSTREAM_TIMEOUT', 'maybe-sent', {}, [true, false, false, false]],
  ['UPSTREAM_PROTOCOL', 'maybe-sent', {}, [true, true, false, false]],
  ['UPSTREAM_UNAUTHORIZED', 'rejected-unprocessed', {}, [false, false, false, false]],
  ['RESULT_TOO_LARGE', 'answered', {}, [false, false, false, false]],
  ['OVERLOADED', 'not-sent', {}, [false, false, false, false]],
  ['COOLING_DOWN', 'not-sent', {}, [false, false, false, false]],
  ['CANCELLED', 'maybe-sent', {}, [false, false, false, false]],
  ['UPSTREAM_START_FAILED', 'not-sent', {}, [false, false, false, false]],
  ['ARGUMENTS_INVALID', 'not-sent', {}, [false, false, false, false]],
  ['TOOL_UNKNOWN', 'not-sent', {}, [false, false, false, false]],
  ['UPSTREAM_UNKNOWN', 'not-sent', {}, [false, false, false, false]],
];

describe('reliability §2: what is sent again (C-11)', () => {
  for (const [fault, delivery, more, expected] of TABLE) {
    const after = more.retryAfterMs === undefined ? '' : ` (after ${more.retryAfterMs} ms)`;
    test(`${fault} ${delivery}${after}`, () => {
      const decided = CALLERS.map(([, caller]) => again(fault, delivery, { ...more, ...caller }));
      expect(Object.fromEntries(CALLERS.map(([name], at) => [name, decided[at]]))).toEqual(
        Object.fromEntries(CALLERS.map(([name], at) => [name, expected[at]])),
      );
    });
  }

  test('after maybe-sent at most once, in all at most three attempts (B-24)', () => {
    expect(again('UPSTREAM_EXITED', 'maybe-sent', { safety: 'read', attempts: 2, repeats: 1 })).toBe(false);
    expect(again('UPSTREAM_UNREACHABLE', 'not-sent', { attempts: 2 })).toBe(true);
    expect(again('UPSTREAM_UNREACHABLE', 'not-sent', { attempts: 3 })).toBe(false);
  });

  test('a lost session is renewed without being counted, but not for ever', () => {
    expect(again('UPSTREAM_SESSION_LOST', 'rejected-unprocessed', { attempts: 3 })).toBe(true);
    expect(again('UPSTREAM_SESSION_LOST', 'rejected-unprocessed', { renewals: 2 })).toBe(false);
  });

  test('the word of the configuration wins', () => {
    expect(again('UPSTREAM_UNREACHABLE', 'not-sent', { mode: 'never', safety: 'read' })).toBe(false);
    expect(again('UPSTREAM_EXITED', 'maybe-sent', { mode: 'always' })).toBe(true);
    expect(again('UPSTREAM_EXITED', 'maybe-sent', { mode: 'safe' })).toBe(false);
  });

  test('full jitter that doubles up to its cap; Retry-After wins (B-13, C-40)', () => {
    const delay = (more: Partial<Failed> & { retryAfterMs?: number }, random: number): unknown => {
      const decision = decideRetry(
        failed('UPSTREAM_FAILED', 'rejected-unprocessed', { safety: 'read', ...more }),
        { ...OPTIONS, retries: 10 },
        () => random,
      );
      return decision.again ? decision.delay : undefined;
    };
    expect(delay({ attempts: 1 }, 1)).toBe(100);
    expect(delay({ attempts: 3 }, 0.5)).toBe(200);
    expect(delay({ attempts: 10 }, 1)).toBe(5_000);
    expect(delay({ retryAfterMs: 1_500 }, 0)).toBe(1_500);
  });

  test('what was not run costs nothing, what may run twice costs five, a timeout ten', () => {
    const cost = (fault: FaultName, delivery: Delivery): unknown => {
      const decision = decideRetry(failed(fault, delivery, { safety: 'read', tool: false }), OPTIONS, () => 0);
      return decision.again ? decision.cost : undefined;
    };
    expect(cost('UPSTREAM_UNREACHABLE', 'not-sent')).toBe(0);
    expect(cost('UPSTREAM_SESSION_LOST', 'rejected-unprocessed')).toBe(0);
    expect(cost('UPSTREAM_EXITED', 'maybe-sent')).toBe(5);
    expect(cost('UPSTREAM_TIMEOUT', 'maybe-sent')).toBe(10);
  });
});
