// Why a connection ended, and what that means for the next one (X-62; reliability F-X1, F-X2, F-X3). Pure.

/** How one life of an endpoint's connection ended. */
export type Ending =
  /** The dial failed: no TCP, no TLS, no name, no time. */
  | { kind: 'unreachable'; code: string }
  /** The upgrade was answered with an HTTP status. */
  | { kind: 'refused'; status: number }
  /** A close frame, or none: then the code is 1006. */
  | { kind: 'closed'; code: number; reason: string; open: number; initialised: boolean }
  /** We gave it up: nobody answers our pings, or nothing ever comes. */
  | { kind: 'deaf'; why: 'no-pong' | 'no-message' | 'stuck'; open: number }
  /** We closed it for a reason of our own. */
  | { kind: 'ours'; redial: boolean };

/** `heals`: dial again soon; `replaced`: another client has the place; `permanent`: only a person can help. */
export type Verdict = 'heals' | 'replaced' | 'permanent';

/** Close codes that speak about the token (1008, and 4001-like ones of the application). */
const POLICY_CODES: ReadonlySet<number> = new Set([1008, 4001, 4003, 4401, 4403]);

const MEANINGS: Readonly<Record<number, string>> = {
  1000: 'the peer closed the connection',
  1001: 'the peer went away',
  1002: 'the peer met something that is not WebSocket',
  1003: 'the peer does not take this kind of data',
  1005: 'the peer closed the connection without a code',
  1006: 'the connection broke',
  1007: 'the peer got text that is not UTF-8',
  1008: 'the peer refuses the token',
  1009: 'a message was too large',
  1011: 'the peer failed inside',
  1012: 'the peer restarts',
  1013: 'the peer has too much to do',
  1015: 'TLS failed',
  4001: 'the peer refuses the token',
  4003: 'the peer forbids the connection',
  4004: 'the peer failed inside, or got no answer in time',
  4401: 'the peer refuses the token',
  4403: 'the peer forbids the connection',
};

/** Whether the peer says that another client took the place; its only sign of that is the reason text (D-26). */
export function isReplaced(ending: Ending): boolean {
  return ending.kind === 'closed' && ending.code === 1000 && /替换|replac/i.test(ending.reason);
}

/**
 * What is to be done after an ending.
 * @param refusals HTTP 401 and 403 in a row within ten minutes, this one included
 */
export function judge(ending: Ending, refusals: number): Verdict {
  if (isReplaced(ending)) return 'replaced';
  if (ending.kind === 'closed' && POLICY_CODES.has(ending.code)) return 'permanent';
  return isRefusal(ending) && refusals >= 3 ? 'permanent' : 'heals';
}

/** HTTP 401 and 403: one may be a hiccup of the peer, three are meant. */
export function isRefusal(ending: Ending): boolean {
  return ending.kind === 'refused' && (ending.status === 401 || ending.status === 403);
}

/** Whether the peer may still believe in the connection, so that its late clean-up can hit the next one (D-26). */
export function isUnclean(ending: Ending): boolean {
  if (ending.kind === 'deaf') return ending.why !== 'no-message';
  return ending.kind === 'closed' && ending.code === 1006;
}

/** An ending in a few words; `reason` of the peer is not in it. */
export function describeEnding(ending: Ending): string {
  switch (ending.kind) {
    case 'unreachable':
      return `cannot be reached (${ending.code})`;
    case 'refused':
      return isRefusal(ending) ? `the token is refused (HTTP ${ending.status})` : `HTTP ${ending.status}`;
    case 'closed':
      return isReplaced(ending)
        ? 'another client with the same token took the place (1000)'
        : `${MEANINGS[ending.code] ?? 'the peer closed the connection'} (${ending.code})`;
    case 'deaf':
      return DEAF[ending.why];
    case 'ours':
      return ending.redial ? 'dialled again' : 'disconnected';
  }
}

const DEAF = {
  'no-pong': 'nobody answers any more',
  'no-message': 'the connection is open, but nothing comes through it',
  stuck: 'the peer does not take what is sent',
} as const;

export interface Pace {
  baseDelay: number;
  maxDelay: number;
  quickAttempts: number;
  replacedDelay: number;
}

/** Once an hour, also for what only a person can help: tokens do get repaired (F-X1). */
export const SLOW_PROBE = 3_600_000;

/**
 * Milliseconds to the next dial. `attempt` counts failures since the last stable connection, from 1; full jitter, so
 * that nobody is in step with others. `random` gives [0, 1).
 */
export function waitAfter(verdict: Verdict, attempt: number, pace: Pace, random: () => number): number {
  switch (verdict) {
    case 'permanent':
      return SLOW_PROBE;
    case 'replaced':
      return Math.min(SLOW_PROBE, pace.replacedDelay * 2 ** Math.min(20, attempt - 1)) * (1 + random() / 10);
    case 'heals': {
      const cap = attempt > pace.quickAttempts ? pace.maxDelay : pace.baseDelay * 2 ** Math.min(20, attempt - 1);
      return Math.min(pace.maxDelay, cap) * random();
    }
  }
}
