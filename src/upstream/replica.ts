// One of several servers behind one name: how it is doing, as far as the choice among them needs to know.
import { Score } from '../core/score.ts';
import type { UpstreamLists } from '../core/upstream.ts';
import { type Candidate, isSlow, mayLeaveOut, Outlier } from '../resilience/balance.ts';
import type { ReconfigurableUpstream } from './upstream.ts';

/** Calls after which a replica's usual time is known. */
const ENOUGH = 20;
/** Weight of the newest call in the mean response time. */
const NEWEST = 0.2;

export class Replica implements Candidate {
  readonly upstream: ReconfigurableUpstream;
  readonly #score = new Score();
  readonly #outlier = new Outlier();
  #responseTime = 0;
  readonly #times = new Times();
  #busy = 0;
  #calls = 0;
  #known: { lists: UpstreamLists; names: ReadonlySet<unknown> } | undefined;

  constructor(upstream: ReconfigurableUpstream) {
    this.upstream = upstream;
  }

  get score(): number {
    return this.#score.value;
  }
  get successRate(): number {
    return this.#score.successRate;
  }
  get responseTime(): number {
    return this.#responseTime;
  }
  get busy(): number {
    return this.#busy;
  }

  get up(): boolean {
    const { state } = this.upstream.state;
    return state === 'ready' || state === 'degraded';
  }

  /** Up, its circuit closed, and not left out as an outlier. */
  get usable(): boolean {
    return this.upstream.state.state === 'ready' && !this.out;
  }

  get out(): boolean {
    return this.#outlier.out(performance.now());
  }

  begin(): void {
    this.#busy++;
  }

  end(): void {
    this.#busy--;
  }

  /** The median of its last calls, in milliseconds; undefined before there are enough to say. */
  get usualTime(): number | undefined {
    return this.#times.median;
  }

  good(took: number): void {
    this.#calls++;
    this.#times.add(took);
    this.#score.good(took);
    // A call that was on its way when it was left out does not bring it back.
    if (!this.out) this.#outlier.good();
    this.#responseTime = this.#responseTime === 0 ? took : this.#responseTime + NEWEST * (took - this.#responseTime);
  }

  readmit(): void {
    this.#outlier.good();
    this.#times.clear();
  }

  /** Leaves it out for its slowness; what it took before says nothing when it is back. Gives until when. */
  slow(): number {
    this.#times.clear();
    return this.#outlier.begin(performance.now());
  }

  /** Whether it lists this tool; unknown where it lists nothing yet. */
  lists(tool: string | undefined): boolean {
    const { lists } = this.upstream;
    if (this.#known?.lists !== lists) this.#known = { lists, names: new Set(lists.tools.map(({ name }) => name)) };
    return this.#known.names.has(tool);
  }

  /** Counts a failure of the way to it; true when it is an outlier from now on, if `may`. */
  failed(may: boolean): number | undefined {
    this.#calls++;
    this.#score.failed();
    const { failuresInARow, successRate } = this.#score;
    const now = performance.now();
    return may && this.#outlier.failed(now, failuresInARow, successRate, this.#calls) ? this.#outlier.until : undefined;
  }
}

/** Counts a failure; gives until when the replica is left out, where that begins now. */
export function leaveOut(replica: Replica, all: readonly Replica[]): number | undefined {
  return replica.failed(mayLeaveOut(all.length, all.filter(({ out }) => out).length));
}

/** Leaves the replica out if it has become much slower than the others; gives until when, where that begins now. */
export function leaveOutSlow(replica: Replica, all: readonly Replica[]): number | undefined {
  const { usualTime } = replica;
  if (usualTime === undefined || replica.out) return undefined;
  const others = all.flatMap((one) => (one === replica || !one.usable ? [] : (one.usualTime ?? [])));
  if (!isSlow(usualTime, others) || !mayLeaveOut(all.length, all.filter(({ out }) => out).length)) return undefined;
  return replica.slow();
}

/** Response times of the last calls. */
class Times {
  readonly #kept: number[] = [];
  #next = 0;

  add(milliseconds: number): void {
    this.#kept[this.#next] = milliseconds;
    this.#next = (this.#next + 1) % ENOUGH;
  }

  clear(): void {
    this.#kept.length = 0;
    this.#next = 0;
  }

  get median(): number | undefined {
    if (this.#kept.length < ENOUGH) return undefined;
    return this.#kept.toSorted((a, b) => a - b)[ENOUGH / 2];
  }
}
