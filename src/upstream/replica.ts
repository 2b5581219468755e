// One of several servers behind one name: how it is doing, as far as the choice among them needs to know.
import { Score } from '../core/score.ts';
import type { UpstreamLists } from '../core/upstream.ts';
import { type Candidate, mayLeaveOut, Outlier } from '../resilience/balance.ts';
import type { ReconfigurableUpstream } from './upstream.ts';

/** Weight of the newest call in the mean response time. */
const NEWEST = 0.2;

export class Replica implements Candidate {
  readonly upstream: ReconfigurableUpstream;
  readonly #score = new Score();
  readonly #outlier = new Outlier();
  #responseTime = 0;
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

  good(took: number): void {
    this.#calls++;
    this.#score.good(took);
    this.#outlier.good();
    this.#responseTime = this.#responseTime === 0 ? took : this.#responseTime + NEWEST * (took - this.#responseTime);
  }

  readmit(): void {
    this.#outlier.good();
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
