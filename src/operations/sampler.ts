// Looks at processes and at the gateway itself now and then, without blocking: what no event tells (C-50, X-26).
import { freemem, totalmem } from 'node:os';
import {
  type EventLoopUtilization,
  performance as hooks,
  type IntervalHistogram,
  monitorEventLoopDelay,
  PerformanceObserver,
} from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import type { GroupUsage } from '../core/ports.ts';
import type { Upstream } from '../core/upstream.ts';
import { type Descriptors, descriptorsOf, Sockets } from './descriptors.ts';
import { type Growth, Growths } from './growth.ts';
import { FIVE_MINUTES, type Metrics } from './metrics.ts';
import { type Sample, Series } from './series.ts';

/** The subject of what concerns no single upstream. */
export const GATEWAY = 'gateway';

export interface SamplerOptions {
  metrics: Metrics;
  upstreams(): readonly Upstream[];
  /** Memory and CPU time of process groups, by their leaders. */
  usage(pids: readonly number[]): Promise<ReadonlyMap<number, GroupUsage>>;
  /** `supervisor.memoryLimit` of an upstream. */
  memoryLimit(upstream: string): number | undefined;
  systemScore(): number;
  /** Samples kept. */
  keep: number;
}

/** What was seen last of one process group. */
export interface Seen {
  pid: number;
  rss: number;
  /** Milliseconds since its start. */
  cpu: number;
  /** Percent of one core between the last two looks. */
  cpuPercent: number | undefined;
  processes: number;
  files: number | undefined;
  /** TCP connections, listening ones left out. */
  connections: number | undefined;
}

export class Sampler {
  readonly #options: SamplerOptions;
  readonly #series = new Map<string, Series>();
  readonly #seen = new Map<string, Seen & { at: number; growths: Growths }>();
  readonly #lastCheck = new Map<string, number>();
  readonly #sockets = new Sockets();
  readonly #lag: IntervalHistogram;
  #loop: EventLoopUtilization = hooks.eventLoopUtilization();
  #cpu = process.cpuUsage();
  #cpuAt = performance.now();
  #looking: Promise<void> | undefined;
  /** Of the interval before: milliseconds, and share of the time the loop was busy. */
  lag = { p50: 0, p99: 0, max: 0, utilization: 0 };
  cpuPercent = 0;
  /** Collections of garbage since the start (B-30). */
  collections = 0;
  readonly #collected = new PerformanceObserver((list) => {
    this.collections += list.getEntries().length;
  });

  constructor(options: SamplerOptions) {
    this.#options = options;
    // Fine enough for what a person notices; finer would wake an idle process more often.
    this.#lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION });
    this.#lag.enable();
    this.#collected.observe({ entryTypes: ['gc'] });
  }

  series(subject: string): Series | undefined {
    return this.#series.get(subject);
  }

  seen(upstream: string): Seen | undefined {
    return this.#seen.get(upstream);
  }

  /** How the processes of an upstream grew since they were first seen. */
  growth(upstream: string): Growth[] {
    return this.#seen.get(upstream)?.growths.show(this.#series.get(upstream)?.oldest ?? 0) ?? [];
  }

  /** One look at everything; a look that still runs is not joined by another. `at` in milliseconds since 1970. */
  sample(at: number): Promise<void> {
    this.#looking ??= this.#look(at).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  close(): void {
    this.#lag.disable();
    this.#collected.disconnect();
  }

  async #look(at: number): Promise<void> {
    // After a stall every timer is due at once; the histogram's must come before the reset, or the stall is lost.
    await setImmediate();
    this.#gateway(at);
    const upstreams = this.#options.upstreams();
    const pids = upstreams.flatMap((upstream) => upstream.facts().pid ?? []);
    const usage = pids.length === 0 ? new Map<number, GroupUsage>() : await this.#options.usage(pids);
    const open = new Map<number, Descriptors>();
    for (const [pid, { pids = [pid] }] of usage) {
      const descriptors = await descriptorsOf(pid, pids);
      if (descriptors !== undefined) open.set(pid, descriptors);
    }
    await this.#sockets.look(open.values());
    for (const upstream of upstreams) this.#upstream(upstream, usage, open, at);
    const names = new Set(upstreams.map(({ name }) => name));
    for (const name of this.#series.keys()) {
      if (name === GATEWAY || names.has(name)) continue;
      for (const map of [this.#series, this.#seen, this.#lastCheck]) map.delete(name);
    }
  }

  #upstream(
    upstream: Upstream,
    usage: ReadonlyMap<number, GroupUsage>,
    descriptors: ReadonlyMap<number, Descriptors>,
    at: number,
  ): void {
    const { name } = upstream;
    const { metrics, memoryLimit } = this.#options;
    const facts = upstream.facts();
    const meter = metrics.meter(name);
    if (meter !== undefined) meter.peak = Math.max(meter.peak, facts.inFlight, facts.peak ?? 0);
    this.#checked(name, facts.lastCheck);
    const group = facts.pid === undefined ? undefined : usage.get(facts.pid);
    const now = performance.now();
    let seen: Seen | undefined;
    if (group !== undefined && facts.pid !== undefined) {
      const before = this.#seen.get(name);
      const same = before !== undefined && before.pid === facts.pid && group.cpu >= before.cpu;
      const cpuPercent = same ? (100 * (group.cpu - before.cpu)) / Math.max(1, now - before.at) : undefined;
      const { rss, cpu, processes } = group;
      const open = descriptors.get(facts.pid);
      const connected = open && this.#sockets.connections(open);
      const growths = before?.pid === facts.pid ? before.growths : new Growths(at, this.#options.keep);
      seen = { pid: facts.pid, rss, cpu, cpuPercent, processes, files: open?.files, connections: connected };
      growths.add(at, { memory_bytes: rss, open_files: open?.files, connections: connected, processes });
      this.#seen.set(name, { ...seen, at: now, growths });
    } else this.#seen.delete(name);
    const window = meter?.totals(FIVE_MINUTES);
    this.#add(name, at, {
      cpu_percent: seen?.cpuPercent,
      memory_bytes: seen?.rss,
      memory_percent: seen && (100 * seen.rss) / (memoryLimit(name) ?? memoryOfMachine()),
      open_files: seen?.files,
      connections: seen?.connections,
      processes: seen?.processes,
      response_time_ms: meter?.percentile(0.95, FIVE_MINUTES),
      calls_per_second: meter?.rate(5) ?? 0,
      error_percent: window === undefined || window.calls === 0 ? undefined : (100 * window.errors) / window.calls,
      error_count: window?.errors ?? 0,
      restart_count: facts.restarts,
      score: meter?.score.value ?? 100,
    });
  }

  /** A check that was answered since the last look is good news about an upstream nobody calls. */
  #checked(name: string, lastCheck: number | undefined): void {
    if (lastCheck === undefined) return;
    const before = this.#lastCheck.get(name);
    this.#lastCheck.set(name, lastCheck);
    const meter = this.#options.metrics.meter(name);
    if (before !== undefined && lastCheck > before && meter !== undefined && meter.downAt === undefined)
      meter.score.good(undefined);
  }

  #gateway(at: number): void {
    const now = performance.now();
    const cpu = process.cpuUsage(this.#cpu);
    this.cpuPercent = (cpu.user + cpu.system) / 10 / Math.max(1, now - this.#cpuAt);
    this.#cpu = process.cpuUsage();
    this.#cpuAt = now;
    const loop = hooks.eventLoopUtilization();
    const late = (ns: number): number => Math.max(0, ns / 1e6 - LAG_RESOLUTION);
    this.lag = {
      p50: late(this.#lag.percentile(50)),
      p99: late(this.#lag.percentile(99)),
      max: late(this.#lag.max),
      utilization: hooks.eventLoopUtilization(loop, this.#loop).utilization,
    };
    this.#loop = loop;
    this.#lag.reset();
    const { metrics, systemScore } = this.#options;
    const rss = process.memoryUsage.rss();
    let calls = 0;
    let errors = 0;
    let rate = 0;
    for (const meter of metrics.upstreams.values()) {
      const totals = meter.totals(FIVE_MINUTES);
      calls += totals.calls;
      errors += totals.errors;
      rate += meter.rate(5);
    }
    this.#add(GATEWAY, at, {
      cpu_percent: this.cpuPercent,
      memory_bytes: rss,
      memory_percent: (100 * rss) / memoryOfMachine(),
      response_time_ms: metrics.percentile(0.95, FIVE_MINUTES),
      calls_per_second: rate,
      error_percent: calls === 0 ? undefined : (100 * errors) / calls,
      error_count: errors,
      score: systemScore(),
      event_loop_lag_ms: this.lag.p99,
      event_loop_stall_ms: this.lag.max,
    });
  }

  #add(subject: string, at: number, sample: { [field in keyof Sample]: number | undefined }): void {
    let series = this.#series.get(subject);
    if (series === undefined) {
      series = new Series(this.#options.keep);
      this.#series.set(subject, series);
    }
    series.add(at, sample as Sample);
  }
}

const LAG_RESOLUTION = 100;

/** Bytes; the limit of the container where there is one. */
export function memoryOfMachine(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  const all = totalmem();
  return limit > 0 && limit < all ? limit : all;
}

/** Bytes that are left to the gateway: of its container, or of the machine. */
export function memoryLeft(): number {
  return process.availableMemory?.() ?? freemem();
}
