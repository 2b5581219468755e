// What only grows: a straight line through the samples of one process, and whether it looks like a leak (C-72).
import type { Field } from './series.ts';

/** What can leak, and how much of it is too little to speak of. */
const WATCHED = {
  memory_bytes: 16 * 1024 * 1024,
  open_files: 20,
  connections: 20,
  processes: 5,
} as const satisfies Partial<Record<Field, number>>;
export type Growing = keyof typeof WATCHED;

export interface Growth {
  field: Growing;
  perHour: number;
  /** First and last value of the line. */
  from: number;
  to: number;
  hours: number;
  /** It grows steadily, by a fifth or more, and by more than chance. */
  leak: boolean;
}

/** Fewer say nothing; at 30 s each they are ten minutes, in which a server warms up. */
const LEAST_SAMPLES = 20;
/** Share of the variance that a straight line must explain (r²). */
const STEADY = 0.8;
const LEAST_SHARE = 0.2;

/** What is known of one process, sample by sample: a few sums, so that asking costs nothing. */
export class Growths {
  readonly #since: number;
  readonly #lines: Record<Growing, Line>;

  /** `since`: ms since 1970, when the process was first seen. `keep`: after so many samples the oldest hardly count. */
  constructor(since: number, keep: number) {
    this.#since = since;
    const line = (): Line => new Line(1 - 1 / keep);
    this.#lines = { memory_bytes: line(), open_files: line(), connections: line(), processes: line() };
  }

  add(at: number, sample: Readonly<Record<Growing, number | undefined>>): void {
    for (const field of Object.keys(WATCHED) as Growing[]) {
      const value = sample[field];
      if (value !== undefined) this.#lines[field].add(this.#hours(at), value);
    }
  }

  /** `from`: the oldest sample that is kept. */
  show(from: number): Growth[] {
    const start = this.#hours(Math.max(from, this.#since));
    return (Object.keys(WATCHED) as Growing[]).flatMap((field) => {
      const line = this.#lines[field];
      if (line.samples < LEAST_SAMPLES) return [];
      const first = Math.max(0, line.at(start));
      const to = line.at(line.newest);
      const grown = to - first;
      const leak = line.fit >= STEADY && grown >= WATCHED[field] && grown >= LEAST_SHARE * first;
      return [{ field, perHour: line.slope, from: first, to, hours: line.newest - start, leak }];
    });
  }

  #hours(at: number): number {
    return (at - this.#since) / 3_600_000;
  }
}

/** Least squares, old points counting less and less. */
class Line {
  samples = 0;
  newest = 0;
  readonly #forget: number;
  #weight = 0;
  #x = 0;
  #y = 0;
  #xx = 0;
  #xy = 0;
  #yy = 0;

  constructor(forget: number) {
    this.#forget = forget;
  }

  add(x: number, y: number): void {
    const forget = this.#forget;
    this.samples++;
    this.newest = x;
    this.#weight = this.#weight * forget + 1;
    this.#x = this.#x * forget + x;
    this.#y = this.#y * forget + y;
    this.#xx = this.#xx * forget + x * x;
    this.#xy = this.#xy * forget + x * y;
    this.#yy = this.#yy * forget + y * y;
  }

  get slope(): number {
    const { xx, xy } = this.#spread();
    return xx <= 0 ? 0 : xy / xx;
  }

  /** Share of the variance that the line explains. */
  get fit(): number {
    const { xx, xy, yy } = this.#spread();
    return xx <= 0 || yy <= 0 ? 0 : (xy * xy) / (xx * yy);
  }

  at(x: number): number {
    return this.#weight === 0 ? 0 : this.#y / this.#weight + this.slope * (x - this.#x / this.#weight);
  }

  #spread(): { xx: number; xy: number; yy: number } {
    const x = this.#x / this.#weight;
    const y = this.#y / this.#weight;
    return {
      xx: this.#xx - this.#weight * x * x,
      xy: this.#xy - this.#weight * x * y,
      yy: this.#yy - this.#weight * y * y,
    };
  }
}
