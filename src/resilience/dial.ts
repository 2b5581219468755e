// How often a remote upstream is dialled while it is away: eagerly while somebody waits, patiently otherwise, and
// never in step with others (reliability §2, Connect loop). Pure.

export interface DialState {
  /** Milliseconds since somebody began to wait; undefined while nobody does. */
  waitedFor: number | undefined;
  /** Dials of this outage that were paced by the caps. */
  slow: number;
}

export interface DialOptions {
  /** Cap of the longest wait, in milliseconds. */
  maxDelay: number;
  /** No two dials are closer than this, in milliseconds. */
  minInterval: number;
  /** After so many paced dials the cap is `maxDelay`, whatever the doubling says. */
  quickAttempts: number;
}

export interface DialPlan {
  wait: number;
  /** Whether this dial is paced by the caps: it then counts in `DialState.slow`. */
  slow: boolean;
}

const FIRST_CAP = 2_000;

/** Milliseconds to the next dial. `random` gives [0, 1). */
export function planDial(state: DialState, options: DialOptions, random: () => number): DialPlan {
  const { waitedFor, slow } = state;
  const floor = (wait: number): number => Math.max(wait, options.minInterval);
  if (waitedFor !== undefined && waitedFor < 1_000) return { wait: floor(50), slow: false };
  if (waitedFor !== undefined && waitedFor < 5_000) return { wait: floor(150), slow: false };
  const doubled = slow >= options.quickAttempts ? options.maxDelay : FIRST_CAP * 2 ** slow;
  return { wait: floor(Math.min(options.maxDelay, doubled) * random()), slow: true };
}
