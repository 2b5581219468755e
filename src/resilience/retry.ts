// Whether a failed call may be sent again, and when: one table over how far it came and how safe it is to repeat
// (reliability §2). Pure.
import type { GatewayFault } from '../core/fault.ts';
import type { Safety } from '../core/upstream.ts';

export interface Failed {
  fault: GatewayFault;
  safety: Safety;
  /** A tool call; lists, reads and prompts run nothing. */
  tool: boolean;
  /** What the configuration says of this tool. */
  mode?: 'never' | 'safe' | 'always' | undefined;
  /** How often it has been sent or tried so far. */
  attempts: number;
  /** Of these, how often it was sent again although it may have run. */
  repeats: number;
  /** How often it was sent again because a session was lost. */
  renewals: number;
  /** Milliseconds left. */
  remaining: number;
}

export interface RetryOptions {
  /** Sends after the first one. */
  retries: number;
  /** Upper bounds of the first and of every delay, in milliseconds. */
  baseDelay: number;
  maxDelay: number;
}

/** `cost` is what the upstream's retry budget is charged. */
export type RetryDecision =
  | { again: false }
  | { again: true; delay: number; why: 'unsent' | 'session' | 'refused' | 'repeat'; cost: 0 | 5 | 10 };

const NO: RetryDecision = { again: false };
const RENEWALS = 2;
const RETRY_COST = 5;
const TIMEOUT_COST = 10;

/** `random` gives [0, 1). */
export function decideRetry(failed: Failed, options: RetryOptions, random: () => number): RetryDecision {
  const { fault, attempts, mode, renewals, remaining } = failed;
  const rule = fault.row.retry;
  if (mode === 'never' || rule === 'no' || rule === 'waits' || remaining <= 0) return NO;
  // Not run and not counted: the caller must not notice that a session was forgotten.
  if (rule === 'new-session') return renewals < RENEWALS ? { again: true, delay: 0, why: 'session', cost: 0 } : NO;
  if (attempts > options.retries) return NO;

  const jitter = Math.min(options.maxDelay, options.baseDelay * 2 ** (attempts - 1)) * random();
  switch (fault.delivery) {
    case 'not-sent':
      return rule === 'reads-once' ? NO : { again: true, delay: jitter, why: 'unsent', cost: 0 };
    case 'rejected-unprocessed':
      return refused(failed, jitter);
    case 'maybe-sent':
      return maybeSent(failed, jitter);
    case 'answered':
      return NO;
  }
}

/** The peer says that it did not run it. */
function refused(failed: Failed, jitter: number): RetryDecision {
  const { fault, remaining, safety, repeats } = failed;
  const again = (delay: number): RetryDecision => ({ again: true, delay, why: 'refused', cost: RETRY_COST });
  if (fault.row.retry === 'reads-once') return safety === 'read' && repeats === 0 ? again(jitter) : NO;
  const after = fault.retryAfterMs;
  if (after !== undefined) return after < remaining ? again(after) : NO;
  return safety === 'write' ? NO : again(jitter);
}

/** Nobody knows whether it ran: only what may run twice is sent twice, and only once more. */
function maybeSent(failed: Failed, jitter: number): RetryDecision {
  const { fault, mode, tool, repeats } = failed;
  const safety: Safety = mode === 'always' && failed.safety === 'write' ? 'idempotent' : failed.safety;
  const again = (cost: 5 | 10): RetryDecision => ({ again: true, delay: jitter, why: 'repeat', cost });
  if (repeats > 0 || safety === 'write') return NO;
  if (fault.fault === 'UPSTREAM_TIMEOUT') return safety === 'read' && !tool ? again(TIMEOUT_COST) : NO;
  if (fault.row.retry === 'reads-once' && safety !== 'read') return NO;
  return again(RETRY_COST);
}
