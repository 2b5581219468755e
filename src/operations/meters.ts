// Counters of one upstream and its tools. They only grow; a window is the difference to a row kept earlier, so that a
// call costs a few additions and nothing else (X-46, performance: pre-bound children).
import type { FaceName } from '../core/context.ts';
import type { CallFinished } from '../core/events.ts';
import type { FaultName } from '../core/fault-table.ts';
import type { OutcomeKind } from '../core/outcome.ts';
import { Score } from '../core/score.ts';
import { BUCKETS, bucketOf, percentile } from './latency.ts';

export const FACES: readonly FaceName[] = ['mcp', 'openapi', 'xiaozhi', 'admin', 'cli'];
export const OUTCOMES: readonly OutcomeKind[] = ['result', 'tool-error', 'rpc-error', 'fault'];

const FACE_INDEX: Readonly<Record<FaceName, number>> = { mcp: 0, openapi: 1, xiaozhi: 2, admin: 3, cli: 4 };
const OUTCOME_INDEX: Readonly<Record<OutcomeKind, number>> = { result: 0, 'tool-error': 1, 'rpc-error': 2, fault: 3 };

/** Tools that get a series of their own, per upstream and in all; the others of an upstream share one, `_other`. */
export const MOST_TOOLS = 200;
export const MOST_SERIES = 2000;
export const OTHER = '_other';
export const UNKNOWN = '_unknown';

/** Faults by which a caller's own mistake is told: they say nothing about the gateway or the upstream. */
const CALLERS_OWN: ReadonlySet<FaultName> = new Set<FaultName>([
  'UPSTREAM_UNKNOWN',
  'TOOL_UNKNOWN',
  'RESOURCE_UNKNOWN',
  'ARGUMENTS_INVALID',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'CANCELLED',
]);
/** Names that only the caller knows must not become series. */
const NAMELESS: ReadonlySet<FaultName> = new Set<FaultName>(['UPSTREAM_UNKNOWN', 'TOOL_UNKNOWN', 'RESOURCE_UNKNOWN']);

export class ToolMeter {
  /** By face and outcome. */
  readonly counts = new Float64Array(FACES.length * OUTCOMES.length);
  readonly buckets = new Float64Array(BUCKETS);
  calls = 0;
  /** Milliseconds. */
  sum = 0;
  min = Number.POSITIVE_INFINITY;
  max = 0;

  count(face: FaceName, outcome: OutcomeKind): number {
    return this.counts[FACE_INDEX[face] * OUTCOMES.length + OUTCOME_INDEX[outcome]] as number;
  }

  record(face: FaceName, outcome: OutcomeKind, ms: number, bucket: number): void {
    const at = FACE_INDEX[face] * OUTCOMES.length + OUTCOME_INDEX[outcome];
    this.counts[at] = (this.counts[at] as number) + 1;
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1;
    this.calls++;
    this.sum += ms;
    if (ms < this.min) this.min = ms;
    if (ms > this.max) this.max = ms;
  }
}

/** Places in the row of an upstream; the buckets stand behind them. */
const CALLS = 0;
const ERRORS = 1;
const RETRIED = 2;
const RECOVERED = 3;
const LOST = 4;
const BYTES = 5;
const SAVED = 6;
const ATTEMPTS = 7;
const QUEUE = 8;
const UPSTREAM = 9;
const TOTAL = 10;
const EXITS = 11;
const FIRST_BUCKET = 12;
const WIDTH = FIRST_BUCKET + BUCKETS;

/** What happened in a window, or since the start. */
export interface Totals {
  calls: number;
  /** Faults that are not the caller's own mistake; a tool's own error is an answer. */
  errors: number;
  /** Calls that were sent more than once. */
  retried: number;
  /** Of these, the ones that were answered in the end. */
  recovered: number;
  /** Calls that the way to the upstream failed in the end. */
  lost: number;
  bytes: number;
  saved: number;
  attempts: number;
  /** Milliseconds. */
  queue: number;
  upstream: number;
  total: number;
  exits: number;
}

export interface RowTimes {
  /** Milliseconds between two rows. */
  step: number;
  /** Rows kept. */
  rows: number;
}

export class UpstreamMeter {
  readonly name: string;
  readonly tools = new Map<string, ToolMeter>();
  readonly faults = new Map<FaultName, number>();
  readonly score = new Score();
  /** Calls in flight seen at most, up to the last sample. */
  peak = 0;
  min = Number.POSITIVE_INFINITY;
  max = 0;
  /** Came up again after it was down. */
  reconnects = 0;
  /** Since when it is away, in milliseconds since 1970. */
  downAt: number | undefined;
  readonly #room: { left: number };
  #times: RowTimes;
  readonly #row = new Float64Array(WIDTH);
  #kept: Float64Array | undefined;
  /** Where windows begin that are older than every kept row; undefined: at zero. */
  #origin: Float64Array | undefined;
  #newest = -1;
  #filled = 0;
  /** When a call last went through, to the second, in milliseconds since 1970. */
  lastSuccess: number | undefined;
  /** Calls and faults of the second before. */
  #before = { calls: 0, faults: 0 };
  /** Calls so far, of the last seconds. */
  readonly #seconds = new Float64Array(8);
  #second = 0;

  /** `room`: how many more tools may get a series, shared by all upstreams. */
  constructor(name: string, times: RowTimes, room: { left: number }) {
    this.name = name;
    this.#times = times;
    this.#room = room;
  }

  /** Takes one finished call. `votes`: the fault speaks of the way to the upstream. */
  record(event: CallFinished, votes: boolean): void {
    const { total, outcome, fault } = event;
    const bucket = bucketOf(total);
    const row = this.#row;
    row[CALLS] = (row[CALLS] as number) + 1;
    row[FIRST_BUCKET + bucket] = (row[FIRST_BUCKET + bucket] as number) + 1;
    row[TOTAL] = (row[TOTAL] as number) + total;
    row[QUEUE] = (row[QUEUE] as number) + event.queue;
    row[UPSTREAM] = (row[UPSTREAM] as number) + event.upstreamTime;
    row[BYTES] = (row[BYTES] as number) + event.bytes;
    row[ATTEMPTS] = (row[ATTEMPTS] as number) + event.attempts;
    if (event.tokensSaved !== undefined) row[SAVED] = (row[SAVED] as number) + event.tokensSaved;
    if (event.attempts > 1) {
      row[RETRIED] = (row[RETRIED] as number) + 1;
      if (outcome !== 'fault') row[RECOVERED] = (row[RECOVERED] as number) + 1;
    }
    if (total < this.min) this.min = total;
    if (total > this.max) this.max = total;
    if (fault === undefined) this.score.good(total);
    else this.#fault(fault, votes);
    this.#tool(event).record(event.face, outcome, total, bucket);
  }

  #fault(fault: FaultName, votes: boolean): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
    const row = this.#row;
    if (!CALLERS_OWN.has(fault)) row[ERRORS] = (row[ERRORS] as number) + 1;
    if (!votes) return;
    row[LOST] = (row[LOST] as number) + 1;
    this.score.failed();
  }

  #tool({ method, subject, fault }: CallFinished): ToolMeter {
    // A URI is anybody's text; tools and prompts are as many as the upstream has.
    const named = method === 'tools/call' || method === 'prompts/get';
    const name = !named ? method : fault !== undefined && NAMELESS.has(fault) ? UNKNOWN : subject;
    const known = this.tools.get(name);
    if (known !== undefined) return known;
    const label = this.tools.size >= MOST_TOOLS || this.#room.left <= 0 ? OTHER : name;
    let meter = this.tools.get(label);
    if (meter === undefined) {
      meter = new ToolMeter();
      this.#room.left--;
      this.tools.set(label, meter);
    }
    return meter;
  }

  /** It is not shown any more: others may have its room. */
  gone(): void {
    this.#room.left += this.tools.size;
  }

  saved(tokens: number): void {
    this.#row[SAVED] = (this.#row[SAVED] as number) + tokens;
  }

  exited(): void {
    this.#row[EXITS] = (this.#row[EXITS] as number) + 1;
  }

  /** Once a second; `now` in milliseconds since 1970. */
  second(now: number): void {
    const calls = this.#row[CALLS] as number;
    if (calls > this.#before.calls) {
      let faults = 0;
      for (const count of this.faults.values()) faults += count;
      if (calls - this.#before.calls > faults - this.#before.faults) this.lastSuccess = now;
      this.#before = { calls, faults };
    }
    this.#second++;
    this.#seconds[this.#second & 7] = this.#row[CALLS] as number;
  }

  /** Calls a second, over the last full seconds (at most 7). */
  rate(seconds: number): number {
    const span = Math.min(seconds, this.#second, 7);
    if (span === 0) return 0;
    const now = this.#seconds[this.#second & 7] as number;
    return (now - (this.#seconds[(this.#second - span) & 7] as number)) / span;
  }

  /** Once a step: keeps the counters as they are now. Nothing is kept of an upstream that was never called. */
  keep(): void {
    if (this.#kept === undefined) {
      if (this.#row[CALLS] === 0 && this.#row[EXITS] === 0) return;
      this.#kept = new Float64Array(WIDTH * this.#times.rows);
    }
    this.#newest = (this.#newest + 1) % this.#times.rows;
    this.#kept.set(this.#row, this.#newest * WIDTH);
    this.#filled = Math.min(this.#filled + 1, this.#times.rows);
  }

  /** Windows of another length are wanted; what was kept is given up. */
  retime(times: RowTimes): void {
    if (times.step === this.#times.step && times.rows === this.#times.rows) return;
    this.#times = times;
    this.#origin = this.#row.slice();
    this.#kept = undefined;
    this.#newest = -1;
    this.#filled = 0;
  }

  /** What happened in the last `ms` milliseconds (to the step), or since the start. */
  totals(ms?: number): Totals {
    const base = this.#base(ms);
    const value = (place: number): number => this.#since(base, place);
    return {
      calls: value(CALLS),
      errors: value(ERRORS),
      retried: value(RETRIED),
      recovered: value(RECOVERED),
      lost: value(LOST),
      bytes: value(BYTES),
      saved: value(SAVED),
      attempts: value(ATTEMPTS),
      queue: value(QUEUE),
      upstream: value(UPSTREAM),
      total: value(TOTAL),
      exits: value(EXITS),
    };
  }

  /** Milliseconds; undefined where nothing was called. */
  percentile(share: number, ms?: number): number | undefined {
    const base = this.#base(ms);
    return percentile((index) => this.#since(base, FIRST_BUCKET + index), share);
  }

  bucket(index: number, ms?: number): number {
    return this.#since(this.#base(ms), FIRST_BUCKET + index);
  }

  #since(base: Base, place: number): number {
    const now = this.#row[place] as number;
    if (base === 'start') return now;
    if (base === 'origin') return now - (this.#origin?.[place] ?? 0);
    return now - (this.#kept?.[base * WIDTH + place] as number);
  }

  /** The kept row that began the window. */
  #base(ms: number | undefined): Base {
    if (ms === undefined) return 'start';
    const { step, rows } = this.#times;
    const back = Math.ceil(ms / step);
    if (back <= this.#filled) return (this.#newest - back + 1 + rows) % rows;
    return this.#filled < rows ? 'origin' : (this.#newest + 1) % rows;
  }
}

/** A kept row, or the beginning: of everything, or of the rows. */
type Base = number | 'start' | 'origin';
