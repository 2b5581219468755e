// Which replica of one logical upstream gets the next call, and which are left out for a while because they fail more
// than the others (requirements 10.2, table of 4.2). Pure but for the turn that round-robin remembers.

export const STRATEGIES = ['round-robin', 'random', 'health-based', 'least-busy'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** What a choice looks at. */
export interface Candidate {
  /** 0 to 100. */
  readonly score: number;
  /** 0 to 1, of the last calls. */
  readonly successRate: number;
  /** Milliseconds; 0 before the first call. */
  readonly responseTime: number;
  /** Calls in flight and queued. */
  readonly busy: number;
}

/** Chooses among candidates; remembers whose turn it was. */
export class Balancer {
  readonly #random: () => number;
  #turn = 0;

  /** `random` gives [0, 1). */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Undefined where there is nothing to choose from. */
  choose<T extends Candidate>(strategy: Strategy, candidates: readonly T[]): T | undefined {
    if (candidates.length < 2) return candidates[0];
    const turn = this.#turn++ % candidates.length;
    switch (strategy) {
      case 'round-robin':
        return candidates[turn];
      case 'random':
        return candidates[Math.floor(this.#random() * candidates.length)];
      case 'least-busy':
        // From its turn on, so that equally busy ones are taken in turn.
        return candidates.reduce((best, _, offset) => {
          const next = candidates[(turn + offset) % candidates.length] as T;
          return next.busy < best.busy ? next : best;
        }, candidates[turn] as T);
      case 'health-based':
        return this.#byHealth(candidates);
    }
  }

  /** Weighted random, weight = score + 1; among equal scores the better success rate, then the faster comes first. */
  #byHealth<T extends Candidate>(candidates: readonly T[]): T | undefined {
    const sorted = [...candidates].sort(
      (a, b) => b.score - a.score || b.successRate - a.successRate || a.responseTime - b.responseTime,
    );
    let point = this.#random() * sorted.reduce((sum, { score }) => sum + score + 1, 0);
    for (const candidate of sorted) {
      point -= candidate.score + 1;
      if (point < 0) return candidate;
    }
    return sorted[0];
  }
}

/** Failures in a row that make an outlier; success rate below which twenty calls do. */
const IN_A_ROW = 5;
const POOR = 0.5;
const FIRST_TIME = 30_000;
const LONGEST_TIME = 300_000;

/** Whether one replica is left out, and until when; times in milliseconds on the clock given. */
export class Outlier {
  #until = 0;
  #times = 0;

  /** True while it is left out. */
  out(now: number): boolean {
    return now < this.#until;
  }

  get until(): number {
    return this.#until;
  }

  /** A call failed: true when it is to be left out now; each time it is so, for longer, up to 5 minutes. */
  failed(now: number, failuresInARow: number, successRate: number, calls: number): boolean {
    if (this.out(now)) return false;
    if (failuresInARow < IN_A_ROW && (calls < 20 || successRate >= POOR)) return false;
    // One that fails again on its first calls after it was let back in needs no further proof.
    this.begin(now);
    return true;
  }

  /** It is left out from now on; gives until when. */
  begin(now: number): number {
    this.#until = now + Math.min(LONGEST_TIME, FIRST_TIME * 2 ** this.#times++);
    return this.#until;
  }

  /** A good call: it is as the others again. */
  good(): void {
    this.#times = Math.max(0, this.#times - 1);
    this.#until = 0;
  }
}

/** At most half of the replicas are left out at a time: all of them failing is no outlier. */
export function mayLeaveOut(total: number, out: number): boolean {
  return out + 1 <= Math.floor(total / 2);
}

/** So many times the usual time of the others, and so many milliseconds more, is slow: both, or chance would be enough. */
const TIMES_SLOWER = 4;
const MORE = 250;

/** Whether a usual time stands out from those of the others; their middle counts, so that one odd one decides nothing. */
export function isSlow(usual: number, others: readonly number[]): boolean {
  if (others.length === 0) return false;
  const middle = others.toSorted((a, b) => a - b)[Math.floor((others.length - 1) / 2)] as number;
  return usual > TIMES_SLOWER * middle && usual > middle + MORE;
}
