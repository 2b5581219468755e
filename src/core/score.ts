// The figure from 0 to 100 by which an upstream or an endpoint is judged (requirements 10.1, table of 4.2).

const REMEMBERED = 20;

/** One upstream's or endpoint's score. A few integer operations per call, nothing allocated. */
export class Score {
  #value = 100;
  #failuresInARow = 0;
  /** The last results, newest in the lowest bit. */
  #results = 0;
  #known = 0;

  get value(): number {
    return this.#value;
  }

  /** Share of good ones among the last 20; 1 before the first. */
  get successRate(): number {
    return this.#known === 0 ? 1 : ones(this.#results) / this.#known;
  }

  get failuresInARow(): number {
    return this.#failuresInARow;
  }

  /** A good call or check; `ms` is its latency, or undefined where nobody measured it. */
  good(ms: number | undefined): void {
    this.#failuresInARow = 0;
    const gain = ms === undefined || ms >= 1000 ? 2 : ms < 100 ? 10 : ms < 500 ? 7 : 5;
    this.#take(gain, 1);
  }

  /** A call or check that the way to it did not carry. */
  failed(): void {
    const row = ++this.#failuresInARow;
    this.#take(row >= 5 ? -30 : row >= 3 ? -20 : -15, 0);
  }

  /** It could not be connected to or started. */
  connectFailed(): void {
    this.#failuresInARow++;
    this.#take(-20, 0);
  }

  #take(change: number, result: 0 | 1): void {
    this.#results = ((this.#results << 1) | result) & ((1 << REMEMBERED) - 1);
    if (this.#known < REMEMBERED) this.#known++;
    const rate = this.successRate;
    const value = this.#value + change + (rate < 0.5 ? -10 : rate > 0.9 ? 5 : 0);
    this.#value = Math.min(100, Math.max(0, value));
  }
}

function ones(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return (((n + (n >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
