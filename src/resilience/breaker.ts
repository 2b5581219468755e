// Refuses calls at once while the way to an upstream is broken, and looks by itself whether it still is; a caller's
// request is never the probe (reliability §2, Breaker).
import { Window } from './retry-budget.ts';

export interface BreakerOptions {
  /** Failures in a row that open it. */
  failures: number;
  /** Share of failures that opens it, from ten calls in the window on. */
  ratio: number;
  /** Milliseconds. */
  window: number;
  /** Whether the way is open again; never rejects. */
  probe(signal: AbortSignal): Promise<boolean>;
  changed(open: boolean): void;
  random?: (() => number) | undefined;
}

const SLICES = 12;
const ENOUGH = 10;
const FIRST_PROBE = 500;
const SECOND_CAP = 1_000;
/** Cap of the later probes, by how often it has opened lately; in milliseconds. */
const CAPS = [2_000, 5_000, 10_000, 30_000];
/** Closed for this long, earlier openings are forgotten. */
const FORGIVEN = 60_000;

export class Breaker {
  readonly #options: BreakerOptions;
  readonly #random: () => number;
  readonly #good: Window;
  readonly #bad: Window;
  #inARow = 0;
  #opened = 0;
  #closedAt = Number.NEGATIVE_INFINITY;
  #open: { stop: AbortController; next: number; probes: number } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#good = new Window(options.window, SLICES);
    this.#bad = new Window(options.window, SLICES);
  }

  get open(): boolean {
    return this.#open !== undefined;
  }

  /** Milliseconds to the next look. */
  get retryAfterMs(): number {
    return this.#open === undefined ? 0 : Math.max(0, this.#open.next - performance.now());
  }

  /** One attempt has ended: did the path carry it? Answers, also bad ones, are `true`. */
  vote(carried: boolean): void {
    const now = performance.now();
    (carried ? this.#good : this.#bad).add(now, 1);
    if (carried) {
      this.#inARow = 0;
      return;
    }
    this.#inARow++;
    if (this.#open !== undefined) return;
    const bad = this.#bad.sum(now);
    const all = bad + this.#good.sum(now);
    if (this.#inARow >= this.#options.failures || (all >= ENOUGH && bad / all >= this.#options.ratio)) this.#trip(now);
  }

  /** A probe was answered, the upstream was connected anew, or somebody insists. */
  close(): void {
    this.#inARow = 0;
    this.#good.clear();
    this.#bad.clear();
    const open = this.#open;
    if (open === undefined) return;
    clearTimeout(this.#timer);
    this.#open = undefined;
    open.stop.abort();
    this.#closedAt = performance.now();
    this.#options.changed(false);
  }

  /** Ends what it does in the background; it stays as it is. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#open?.stop.abort();
  }

  #trip(now: number): void {
    this.#opened = now - this.#closedAt > FORGIVEN ? 1 : this.#opened + 1;
    this.#open = { stop: new AbortController(), next: 0, probes: 0 };
    this.#arm();
    this.#options.changed(true);
  }

  #arm(): void {
    const open = this.#open;
    if (open === undefined) return;
    const last = CAPS[Math.min(this.#opened, CAPS.length) - 1] as number;
    const cap = open.probes === 1 ? SECOND_CAP : last;
    const wait = open.probes === 0 ? FIRST_PROBE : cap * this.#random();
    open.next = performance.now() + wait;
    this.#timer = setTimeout(() => void this.#look(open), wait);
  }

  async #look(open: { stop: AbortController; probes: number }): Promise<void> {
    open.probes++;
    const carried = await this.#options.probe(open.stop.signal);
    if (this.#open !== open) return;
    if (carried) this.close();
    else this.#arm();
  }
}
