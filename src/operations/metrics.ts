// The counters of the gateway, fed by the event stream. Unknown names of callers never become series (cardinality).
import type { CallFinished, EventStream, GatewayEvent } from '../core/events.ts';
import { FAULTS } from '../core/fault-table.ts';
import type { StateName } from '../core/upstream.ts';
import { percentile } from './latency.ts';
import { MOST_SERIES, type RowTimes, UNKNOWN, UpstreamMeter } from './meters.ts';

export interface MetricsOptions {
  events: EventStream;
  /** Whether an upstream of this name is configured. */
  knows(upstream: string): boolean;
  /** Calls in flight, over all upstreams. */
  inFlight(): number;
  /** The longest window that is asked for, in milliseconds. */
  window: number;
}

const SHORTEST_STEP = 5_000;
const MOST_ROWS = 120;
/** Windows of the views. */
export const FIVE_MINUTES = 300_000;
const HOUR_ROWS = 60;
/** Milliseconds within which failures count as one problem of the host. */
const TOGETHER = 10_000;

const UP: ReadonlySet<StateName> = new Set<StateName>(['ready', 'degraded']);
const DOWN: ReadonlySet<StateName> = new Set<StateName>(['backoff', 'cooling_down', 'failed', 'needs_auth']);

export class Metrics {
  readonly upstreams = new Map<string, UpstreamMeter>();
  /** Refusals by the listener, by what was missing. */
  refusedKeys = 0;
  configsApplied = 0;
  configsRejected = 0;
  /** Share of the heap that was used when calls began to be refused; undefined while they are taken (F-G8). */
  heapFull: number | undefined;
  /** Calls begin to be refused for want of memory, so many times. */
  heapFilled = 0;
  /** Mistakes of the gateway that no call owns, by kind (F-G9). */
  readonly unexpected = { rejection: 0, exception: 0 };
  /** Calls in flight seen at most. */
  peak = 0;
  /** When an upstream last failed, on the clock of the ticks. */
  readonly #failedAt = new Map<string, number>();
  #together: { at: number; names: readonly string[] } = { at: Number.NEGATIVE_INFINITY, names: [] };
  readonly #options: MetricsOptions;
  readonly #stop: () => void;
  readonly #room = { left: MOST_SERIES };
  #times: RowTimes;
  #last: UpstreamMeter | undefined;
  #sinceKept = 0;
  #now = 0;
  /** Errors per minute of the last hour. */
  readonly #minutes = new Float64Array(HOUR_ROWS);
  #minute = 0;
  #sinceMinute = 0;
  #errors = 0;

  constructor(options: MetricsOptions) {
    this.#options = options;
    this.#times = timesFor(options.window);
    this.#stop = options.events.subscribe((event) => this.#take(event));
  }

  /** `ms` since the last one; once a second. */
  tick(ms: number): void {
    this.#now += ms;
    this.#sinceKept += ms;
    this.#sinceMinute += ms;
    const keeps = this.#sinceKept >= this.#times.step - 1;
    if (keeps) this.#sinceKept = 0;
    const now = Date.now();
    for (const meter of this.upstreams.values()) {
      meter.second(now);
      if (keeps) meter.keep();
    }
    if (this.#sinceMinute < 60_000) return;
    this.#sinceMinute = 0;
    this.#minute = (this.#minute + 1) % HOUR_ROWS;
    this.#minutes[this.#minute] = this.#errors;
  }

  /** Rules ask for other windows now. */
  retime(window: number): void {
    this.#times = timesFor(window);
    for (const meter of this.upstreams.values()) meter.retime(this.#times);
  }

  meter(upstream: string): UpstreamMeter | undefined {
    return this.upstreams.get(upstream);
  }

  /** Milliseconds, over all upstreams. */
  percentile(share: number, window: number): number | undefined {
    const meters = [...this.upstreams.values()];
    return percentile((index) => meters.reduce((sum, meter) => sum + meter.bucket(index, window), 0), share);
  }

  errorsLastHour(): number {
    return this.#errors - (this.#minutes[(this.#minute + 1) % HOUR_ROWS] as number);
  }

  /** Most upstreams that failed within 10 s of each other, if that was lately (requirements 10.3, host problem). */
  failedTogether(): readonly string[] {
    return this.#now - this.#together.at <= TOGETHER ? this.#together.names : [];
  }

  close(): void {
    this.#stop();
  }

  #take(event: GatewayEvent): void {
    switch (event.type) {
      case 'call.finished':
        return this.#call(event);
      case 'upstream.state':
        return this.#state(event.upstream, event.from, event.to);
      case 'process.exited':
        return this.#meterOf(event.upstream).exited();
      case 'tokens.saved':
        return this.#meterOf(event.upstream).saved(event.tokens);
      case 'gateway.heap':
        this.heapFull = event.full ? event.used : undefined;
        if (event.full) this.heapFilled++;
        return;
      case 'gateway.unexpected':
        this.unexpected[event.kind]++;
        return;
      case 'auth.refused':
        this.refusedKeys++;
        return;
      case 'config.applied':
        this.configsApplied++;
        for (const name of event.removed) {
          this.upstreams.get(name)?.gone();
          this.upstreams.delete(name);
          this.#failedAt.delete(name);
        }
        this.#last = undefined;
        return;
      case 'config.rejected':
        this.configsRejected++;
        return;
      default:
    }
  }

  #call(event: CallFinished): void {
    const meter = this.#last?.name === event.upstream ? this.#last : this.#meterOf(event.upstream);
    this.#last = meter;
    const { fault } = event;
    meter.record(event, fault !== undefined && FAULTS[fault].breakerVote);
    if (fault !== undefined) this.#errors++;
    const inFlight = this.#options.inFlight() + 1;
    if (inFlight > this.peak) this.peak = inFlight;
  }

  #state(upstream: string, from: StateName, to: StateName): void {
    const meter = this.#meterOf(upstream);
    if (UP.has(to) && !UP.has(from)) {
      if (meter.downAt !== undefined) meter.reconnects++;
      meter.downAt = undefined;
      meter.score.good(undefined);
      return;
    }
    if (to === 'stopped' || to === 'disabled') meter.downAt = undefined;
    if (!DOWN.has(to) && !(UP.has(from) && to === 'starting')) return;
    meter.downAt ??= Date.now();
    if (!DOWN.has(to)) return;
    this.#failedAt.set(upstream, this.#now);
    const names = [...this.#failedAt].filter(([, at]) => this.#now - at <= TOGETHER).map(([name]) => name);
    if (names.length >= this.failedTogether().length) this.#together = { at: this.#now, names };
    if (UP.has(from)) meter.score.failed();
    else meter.score.connectFailed();
  }

  #meterOf(upstream: string): UpstreamMeter {
    const known = this.upstreams.get(upstream);
    if (known !== undefined) return known;
    const name = this.#options.knows(upstream) ? upstream : UNKNOWN;
    let meter = this.upstreams.get(name);
    if (meter === undefined) {
      meter = new UpstreamMeter(name, this.#times, this.#room);
      this.upstreams.set(name, meter);
    }
    return meter;
  }
}

/** Rows enough for the longest window, however long it is. */
function timesFor(window: number): RowTimes {
  const longest = Math.max(window, FIVE_MINUTES);
  const step = Math.max(SHORTEST_STEP, Math.ceil(longest / MOST_ROWS / 1000) * 1000);
  return { step, rows: Math.ceil(longest / step) + 1 };
}
