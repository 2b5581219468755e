// Retries may not become the load that keeps an upstream down: they are paid for by calls that succeed
// (reliability §2, Numbers).

const CAPACITY = 100;
const WINDOW = 60_000;
const SLICES = 12;
const SHARE = 0.1;
const FREE = 20;

/** Token bucket and share of the calls of the last minute; both have to agree. */
export class RetryBudget {
  readonly #now: () => number;
  #tokens = CAPACITY;
  readonly #calls = new Window(WINDOW, SLICES);
  readonly #retries = new Window(WINDOW, SLICES);

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** One more call, whatever becomes of it. */
  called(): void {
    this.#calls.add(this.#now(), 1);
  }

  succeeded(): void {
    this.#tokens = Math.min(CAPACITY, this.#tokens + 1);
  }

  /** Takes the price of a retry if it can be afforded. A free one always can. */
  take(cost: number): boolean {
    if (cost === 0) return true;
    const now = this.#now();
    const allowed = Math.max(FREE, SHARE * this.#calls.sum(now));
    if (this.#tokens < cost || this.#retries.sum(now) >= allowed) return false;
    this.#tokens -= cost;
    this.#retries.add(now, 1);
    return true;
  }
}

/** A sum over the last so many milliseconds, kept in slices. */
export class Window {
  readonly #slice: number;
  readonly #sums: number[];
  #last = 0;

  constructor(length: number, slices: number) {
    this.#slice = length / slices;
    this.#sums = new Array<number>(slices).fill(0);
  }

  add(now: number, value: number): void {
    this.#turn(now);
    const at = this.#last % this.#sums.length;
    this.#sums[at] = (this.#sums[at] ?? 0) + value;
  }

  sum(now: number): number {
    this.#turn(now);
    return this.#sums.reduce((all, value) => all + value, 0);
  }

  clear(): void {
    this.#sums.fill(0);
  }

  #turn(now: number): void {
    const slice = Math.floor(now / this.#slice);
    const passed = Math.min(slice - this.#last, this.#sums.length);
    for (let step = 0; step < passed; step++) this.#sums[(slice - step) % this.#sums.length] = 0;
    if (slice > this.#last) this.#last = slice;
  }
}
