// Kept samples of one subject, in columns: many of them must stay small (issue: monitoring below 10 MB).

export const FIELDS = [
  'cpu_percent',
  'memory_bytes',
  'memory_percent',
  'open_files',
  'connections',
  'processes',
  'response_time_ms',
  'calls_per_second',
  'error_percent',
  'error_count',
  'restart_count',
  'score',
  'event_loop_lag_ms',
  'event_loop_stall_ms',
] as const;
export type Field = (typeof FIELDS)[number];
export type Sample = Partial<Record<Field, number>>;

/** Rows there is room for at first; it grows up to the limit. */
const FIRST = 32;

export class Series {
  readonly #limit: number;
  #at: Float64Array;
  /** A column for each field that ever had a value. */
  readonly #columns: (Float32Array | undefined)[] = [];
  #rows: number;
  #size = 0;
  #next = 0;

  constructor(limit: number) {
    this.#limit = limit;
    this.#rows = Math.min(FIRST, limit);
    this.#at = new Float64Array(this.#rows);
  }

  /** When the oldest sample was taken; undefined where there is none. */
  get oldest(): number | undefined {
    return this.#size === 0 ? undefined : this.#at[this.#row(this.#size)];
  }

  get size(): number {
    return this.#size;
  }

  /** `at` in milliseconds; what a sample does not say is NaN. */
  add(at: number, sample: Sample): void {
    if (this.#size === this.#rows && this.#rows < this.#limit) this.#grow();
    this.#at[this.#next] = at;
    for (let field = 0; field < FIELDS.length; field++) {
      const value = sample[FIELDS[field] as Field];
      let column = this.#columns[field];
      if (column === undefined) {
        if (value === undefined) continue;
        column = new Float32Array(this.#rows).fill(Number.NaN);
        this.#columns[field] = column;
      }
      column[this.#next] = value ?? Number.NaN;
    }
    this.#next = (this.#next + 1) % this.#rows;
    if (this.#size < this.#rows) this.#size++;
  }

  /** The values of a field since `from`, the oldest first; unknown ones are left out. */
  *since(field: Field, from: number): Generator<{ at: number; value: number }> {
    const column = this.#columns[FIELDS.indexOf(field)];
    if (column === undefined) return;
    let first = 0;
    while (first < this.#size && (this.#at[this.#row(first + 1)] as number) >= from) first++;
    for (let back = first; back >= 1; back--) {
      const row = this.#row(back);
      const value = column[row] as number;
      if (!Number.isNaN(value)) yield { at: this.#at[row] as number, value };
    }
  }

  /** The newest `limit` samples, the oldest of them first. */
  rows(limit: number): { at: number; sample: Sample }[] {
    const found: { at: number; sample: Sample }[] = [];
    for (let back = Math.min(limit, this.#size); back >= 1; back--) {
      const row = this.#row(back);
      const sample: Sample = {};
      FIELDS.forEach((field, index) => {
        const value = this.#columns[index]?.[row];
        if (value !== undefined && !Number.isNaN(value)) sample[field] = value;
      });
      found.push({ at: this.#at[row] as number, sample });
    }
    return found;
  }

  /** Where the newest but `back - 1` stands. */
  #row(back: number): number {
    return (this.#next - back + this.#rows) % this.#rows;
  }

  #grow(): void {
    const rows = Math.min(this.#limit, this.#rows * 2);
    const at = new Float64Array(rows);
    // Full, and never turned over while it could still grow: the rows stand in order.
    at.set(this.#at);
    this.#columns.forEach((column, index) => {
      if (column === undefined) return;
      const grown = new Float32Array(rows).fill(Number.NaN);
      grown.set(column);
      this.#columns[index] = grown;
    });
    this.#at = at;
    this.#next = this.#rows;
    this.#rows = rows;
  }
}

/** The largest value of a field since `from`; 0 where there is none. */
export function largest(series: Series | undefined, field: Field, from: number): number {
  let most = 0;
  for (const { value } of series?.since(field, from) ?? []) most = Math.max(most, value);
  return most;
}

/** Change per hour of a straight line through the values; undefined of fewer than 5. */
export function slope(values: Iterable<{ at: number; value: number }>): number | undefined {
  let n = 0;
  let sumX = 0;
  let sumY = 0;
  let sumXX = 0;
  let sumXY = 0;
  let first: number | undefined;
  for (const { at, value } of values) {
    first ??= at;
    const x = (at - first) / 3_600_000;
    n++;
    sumX += x;
    sumY += value;
    sumXX += x * x;
    sumXY += x * value;
  }
  const spread = n * sumXX - sumX * sumX;
  return n < 5 || spread === 0 ? undefined : (n * sumXY - sumX * sumY) / spread;
}
