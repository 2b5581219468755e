// When a process is started again: at once after an honest life, quickly after a stumble, rarely after many
// (requirements 10.3). Pure: the clock and the dice are given.

export interface CooldownOptions {
  /** Milliseconds. */
  base: number;
  cap: number;
}

/** Where the count of failures in a row leads. */
export interface RestartPlan {
  tier: 'fast' | 'cooldown';
  /** Milliseconds until the next start. */
  wait: number;
}

/** Upper bounds of the first three waits, in milliseconds: the first is none, the others have full jitter. */
const FAST = [0, 500, 1_000];

/** The wait after failure number `failures` in a row (1 = the first). `random` gives [0, 1). */
export function planRestart(failures: number, { base, cap }: CooldownOptions, random: () => number): RestartPlan {
  const fast = FAST[failures - 1];
  if (fast !== undefined) return { tier: 'fast', wait: fast * random() };
  const wait = Math.min(cap, base * 2 ** (failures - FAST.length - 1));
  return { tier: 'cooldown', wait: Math.round(wait * (1 + 0.1 * random())) };
}

const STORM_WINDOW = 60_000;
const STORM_EXITS = 30;
const STORM_SPACING = 1_000;

/** Exits that are no failures: more than thirty a minute are spaced and told. */
export class StormWatch {
  #exits: number[] = [];

  /** Notes an exit at `now` (ms); gives the wait before the next start, and whether this is the storm's beginning. */
  exited(now: number): { wait: number; began: boolean } {
    const before = this.#exits.length;
    this.#exits = [...this.#exits.filter((at) => at > now - STORM_WINDOW), now].slice(-STORM_EXITS - 1);
    const storm = this.#exits.length > STORM_EXITS;
    return { wait: storm ? STORM_SPACING : 0, began: storm && before <= STORM_EXITS };
  }
}
