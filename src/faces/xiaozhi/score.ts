// How well an endpoint is doing, as a figure between 0 and 100 (requirements 10.1; the table of 4.2). Pure.

const HISTORY = 20;

export class Score {
  #value = 100;
  #failuresInRow = 0;
  readonly #checks: boolean[] = [];
  readonly #times: number[] = [];

  get value(): number {
    return this.#value;
  }

  /** Share of good checks among the last 20; 1 before the first. */
  get successRate(): number {
    if (this.#checks.length === 0) return 1;
    return this.#checks.filter((good) => good).length / this.#checks.length;
  }

  /** Mean of the last 20 good checks, in milliseconds; undefined before the first. */
  get responseTime(): number | undefined {
    if (this.#times.length === 0) return undefined;
    return this.#times.reduce((sum, time) => sum + time, 0) / this.#times.length;
  }

  connectFailed(): void {
    this.#record(false);
    this.#add(-20);
  }

  /** A check was answered after so many milliseconds. */
  answered(time: number): void {
    this.#failuresInRow = 0;
    this.#record(true);
    keep(this.#times, time);
    this.#add((time < 100 ? 10 : time < 500 ? 7 : time < 1000 ? 5 : 2) + this.#byRate());
  }

  missed(): void {
    this.#failuresInRow++;
    this.#record(false);
    const loss = this.#failuresInRow > 5 ? -30 : this.#failuresInRow > 3 ? -20 : -15;
    this.#add(loss + this.#byRate());
  }

  #byRate(): number {
    const rate = this.successRate;
    return rate < 0.5 ? -10 : rate > 0.9 ? 5 : 0;
  }

  #record(good: boolean): void {
    keep(this.#checks, good);
  }

  #add(points: number): void {
    this.#value = Math.max(0, Math.min(100, this.#value + points));
  }
}

function keep<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > HISTORY) list.shift();
}

export type Strategy = 'round-robin' | 'random' | 'health-based';

export interface Candidate {
  score: Score;
}

/**
 * Chooses one of several by the strategies of 4.2: `health-based` draws with the weight score + 1. `turn` grows with
 * every choice, `random` gives [0, 1). Undefined of none.
 */
export function choose<T extends Candidate>(
  candidates: readonly T[],
  strategy: Strategy,
  turn: number,
  random: () => number,
): T | undefined {
  if (strategy === 'round-robin') return candidates[turn % Math.max(1, candidates.length)];
  if (strategy === 'random') return candidates[Math.floor(random() * candidates.length)];
  // Equal weights are told apart by success rate, then by speed: the better one comes first and so wins ties.
  const sorted = [...candidates].sort(
    (a, b) =>
      b.score.value - a.score.value ||
      b.score.successRate - a.score.successRate ||
      (a.score.responseTime ?? 0) - (b.score.responseTime ?? 0),
  );
  let left = random() * sorted.reduce((sum, { score }) => sum + score.value + 1, 0);
  return sorted.find(({ score }) => {
    left -= score.value + 1;
    return left < 0;
  });
}
