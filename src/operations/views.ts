// /metrics, /status and the overview as JSON: the shapes of B-40 and requirements 12.4, from real counters.
import type { JsonObject } from '../core/json.ts';
import type { UpstreamFigures } from '../core/ports.ts';
import { healthOf, type Upstream } from '../core/upstream.ts';
import type { AlertState } from './alerts.ts';
import type { Growth } from './growth.ts';
import type { ToolMeter, UpstreamMeter } from './meters.ts';
import { FIVE_MINUTES, type Metrics } from './metrics.ts';
import { GATEWAY, memoryLeft, memoryOfMachine, type Sampler } from './sampler.ts';
import { trendOf } from './score.ts';
import type { Series } from './series.ts';

export interface CacheFacts {
  hits: number;
  misses: number;
  size: number;
  max: number;
  /** Bytes. */
  memory: number;
}

export interface ViewState {
  metrics: Metrics;
  sampler: Sampler;
  upstreams: readonly Upstream[];
  openAlerts: readonly AlertState[];
  inFlight: number;
  limit: number;
  systemScore: number;
  caches: Readonly<Record<string, CacheFacts>>;
  now: number;
}

/** What S1's dashboards read; times in seconds, rates from 0 to 1, `hit_rate` in percent. All seven keys, always. */
export function metricsView(state: ViewState): JsonObject {
  const { metrics, upstreams, caches, inFlight, limit, now } = state;
  return {
    performance: Object.fromEntries(upstreams.map((upstream) => [upstream.name, performanceOf(upstream, state)])),
    concurrency: {
      max_concurrent: limit,
      current_concurrent: inFlight,
      peak_concurrent: Math.max(metrics.peak, inFlight),
    },
    cache: Object.fromEntries(
      Object.entries(caches).map(([name, { hits, misses, size, max, memory }]) => [
        name,
        {
          hits,
          misses,
          total_requests: hits + misses,
          hit_rate: hits + misses === 0 ? 0 : round((100 * hits) / (hits + misses)),
          current_size: size,
          max_size: max,
          memory_usage: memory,
        },
      ]),
    ),
    connection: connectionOf(state),
    error_recovery: recoveryOf(state),
    system_health: systemHealthOf(state),
    timestamp: new Date(now).toISOString(),
  };
}

/** `/status` (12.4). */
export function statusView({ upstreams, now }: ViewState): JsonObject {
  return {
    connection: Object.fromEntries(upstreams.map((upstream) => [upstream.name, currentStatus(upstream)])),
    timestamp: new Date(now).toISOString(),
  };
}

export function currentStatus(upstream: Upstream): JsonObject {
  const facts = upstream.facts();
  return {
    status: healthOf(upstream.state.state),
    error_count: facts.errorCount,
    reconnect_attempts: facts.reconnectAttempts,
    last_check: facts.lastCheck === undefined ? null : new Date(facts.lastCheck).toISOString(),
  };
}

export function connectionHealth(upstreams: readonly Upstream[]): Record<string, boolean> {
  return Object.fromEntries(upstreams.map(({ name, state }) => [name, healthOf(state.state) === 'healthy']));
}

function performanceOf(upstream: Upstream, { metrics }: ViewState): JsonObject {
  const meter = metrics.meter(upstream.name);
  const { inFlight, peak, queued } = upstream.facts();
  const all = meter?.totals();
  const calls = all?.calls ?? 0;
  const at = (share: number): number | null => secondsOrNull(meter?.percentile(share, FIVE_MINUTES));
  return {
    endpoint: `/${upstream.name}`,
    total_requests: calls,
    avg_duration: calls === 0 ? 0 : round((all?.total ?? 0) / calls / 1000),
    min_duration: calls === 0 ? 0 : round((meter?.min ?? 0) / 1000),
    max_duration: round((meter?.max ?? 0) / 1000),
    success_rate: calls === 0 ? 1 : round(1 - (all?.errors ?? 0) / calls),
    current_concurrent: inFlight,
    peak_concurrent: Math.max(meter?.peak ?? 0, inFlight, peak ?? 0),
    qps_1s: round(meter?.rate(1) ?? 0),
    qps_5s: round(meter?.rate(5) ?? 0),
    queued,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    bytes: all?.bytes ?? 0,
    tokens_saved: all?.saved ?? 0,
    tools: Object.fromEntries([...(meter?.tools ?? [])].map(([name, tool]) => [name, toolOf(tool)])),
  };
}

function toolOf(tool: ToolMeter): JsonObject {
  return {
    total_requests: tool.calls,
    avg_duration: round(tool.sum / tool.calls / 1000),
    min_duration: round(tool.min / 1000),
    max_duration: round(tool.max / 1000),
  };
}

function connectionOf({ metrics, upstreams }: ViewState): JsonObject {
  const by = upstreams.map((upstream) => {
    const ok = metrics.meter(upstream.name)?.reconnects ?? 0;
    // The first attempt is a start, not a reconnect.
    const attempts = Math.max(ok, upstream.facts().connects - 1);
    return [
      upstream.name,
      { reconnect_attempts: attempts, reconnects_ok: ok, reconnects_failed: attempts - ok },
    ] as const;
  });
  const sum = (key: 'reconnect_attempts' | 'reconnects_ok' | 'reconnects_failed'): number =>
    by.reduce((all, [, one]) => all + one[key], 0);
  return {
    reconnect_attempts: sum('reconnect_attempts'),
    reconnects_ok: sum('reconnects_ok'),
    reconnects_failed: sum('reconnects_failed'),
    by_connection: Object.fromEntries(by),
  };
}

function recoveryOf({ metrics }: ViewState): JsonObject {
  const types: Record<string, number> = {};
  let recovered = 0;
  let lost = 0;
  for (const meter of metrics.upstreams.values()) {
    for (const [fault, count] of meter.faults) types[fault] = (types[fault] ?? 0) + count;
    const totals = meter.totals();
    recovered += totals.recovered + meter.reconnects;
    lost += totals.lost;
  }
  const { rate, status } = errorRate(metrics);
  return {
    total_errors_last_hour: metrics.errorsLastHour(),
    error_types: types,
    recovery_success_rate: recovered + lost === 0 ? 1 : round(recovered / (recovered + lost)),
    total_recovery_attempts: recovered + lost,
    current_error_rate: rate,
    system_status: status,
  };
}

/** Errors a second over the last five minutes, judged as B-16 does. */
function errorRate(metrics: Metrics): { rate: number; status: string } {
  let errors = 0;
  for (const meter of metrics.upstreams.values()) errors += meter.totals(FIVE_MINUTES).errors;
  const rate = round(errors / 300);
  return { rate, status: rate > 0.1 ? 'degraded' : rate > 0.05 ? 'warning' : 'healthy' };
}

function systemHealthOf(state: ViewState): JsonObject {
  const { metrics, sampler, upstreams, openAlerts, caches, inFlight, now } = state;
  const { rate, status } = errorRate(metrics);
  const health = connectionHealth(upstreams);
  const memory = memoryOfMachine();
  const rss = process.memoryUsage.rss();
  const gateway = sampler.series(GATEWAY);
  const critical = openAlerts.some(({ severity }) => severity === 'critical');
  const hits = Object.values(caches).reduce((sum, cache) => sum + cache.hits, 0);
  const asked = Object.values(caches).reduce((sum, cache) => sum + cache.hits + cache.misses, 0);
  return {
    overall_status: critical ? 'critical' : openAlerts.length > 0 && status === 'healthy' ? 'warning' : status,
    connection_health: health,
    error_rate: rate,
    last_check: new Date(now).toISOString(),
    active_errors: openAlerts.length,
    performance_metrics: {
      cpu_usage: round(sampler.cpuPercent),
      memory_usage: round((100 * rss) / memory),
      memory_available: memoryLeft(),
      active_connections: Object.values(health).filter(Boolean).length,
      cache_hit_rate: asked === 0 ? null : round(hits / asked),
      error_rate: errorShare(metrics.upstreams.values()),
      response_time_avg: averageTime(metrics.upstreams.values()),
      response_time_p95: secondsOrNull(metrics.percentile(0.95, FIVE_MINUTES)),
      gc_collections: sampler.collections,
      event_loop_lag: round(sampler.lag.p99 / 1000),
      active_calls: inFlight,
      score: state.systemScore,
      trend: trendOf(gateway),
    },
  };
}

function errorShare(meters: Iterable<UpstreamMeter>): number {
  let calls = 0;
  let errors = 0;
  for (const meter of meters) {
    const totals = meter.totals(FIVE_MINUTES);
    calls += totals.calls;
    errors += totals.errors;
  }
  return calls === 0 ? 0 : round(errors / calls);
}

function averageTime(meters: Iterable<UpstreamMeter>): number | null {
  let calls = 0;
  let total = 0;
  for (const meter of meters) {
    const totals = meter.totals(FIVE_MINUTES);
    calls += totals.calls;
    total += totals.total;
  }
  return calls === 0 ? null : round(total / calls / 1000);
}

/** What stands beside the state of an upstream, over the last five minutes. */
export function figuresView(
  meter: UpstreamMeter | undefined,
  series: Series | undefined,
  growth: readonly Growth[],
): UpstreamFigures {
  const { calls, errors } = meter?.totals(FIVE_MINUTES) ?? { calls: 0, errors: 0 };
  const at = (share: number): number | null => meter?.percentile(share, FIVE_MINUTES) ?? null;
  return {
    score: meter?.score.value ?? 100,
    trend: trendOf(series),
    failuresInRow: meter?.score.failuresInARow ?? 0,
    ...(meter?.lastSuccess !== undefined && { lastSuccess: new Date(meter.lastSuccess).toISOString() }),
    calls: {
      perSecond: round(meter?.rate(5) ?? 0),
      errors,
      errorPercent: calls === 0 ? null : round((100 * errors) / calls),
      p50: at(0.5),
      p95: at(0.95),
      p99: at(0.99),
    },
    growth: growth.map(({ field, perHour, from, to, hours, leak }) => ({
      field,
      perHour: Math.round(perHour),
      from: Math.round(from),
      to: Math.round(to),
      hours: round(hours),
      leak,
    })),
  };
}

/** What a dashboard draws at once (B-34). */
export function overviewView(state: ViewState): JsonObject {
  const { metrics, sampler, upstreams, openAlerts, inFlight } = state;
  const series = sampler.series(GATEWAY);
  let rate = 0;
  for (const meter of metrics.upstreams.values()) rate += meter.rate(5);
  const counted: Record<string, number> = {};
  for (const { state: one } of upstreams) counted[one.state] = (counted[one.state] ?? 0) + 1;
  const recovery = recoveryOf(state);
  return {
    score: state.systemScore,
    trend: trendOf(series),
    upstreams: { total: upstreams.length, states: counted },
    calls: {
      perSecond: round(rate),
      inFlight,
      limit: state.limit,
      errorPercent: round(100 * errorShare(metrics.upstreams.values())),
      p50: metrics.percentile(0.5, FIVE_MINUTES) ?? null,
      p95: metrics.percentile(0.95, FIVE_MINUTES) ?? null,
      p99: metrics.percentile(0.99, FIVE_MINUTES) ?? null,
    },
    recovery: {
      attempts: recovery.total_recovery_attempts,
      successRate: recovery.recovery_success_rate,
    },
    alerts: Object.fromEntries(
      (['warning', 'error', 'critical'] as const).map((severity) => [
        severity,
        openAlerts.filter((alert) => alert.severity === severity).length,
      ]),
    ),
    gateway: {
      cpuPercent: round(sampler.cpuPercent),
      rss: process.memoryUsage.rss(),
      heapUsed: process.memoryUsage().heapUsed,
      eventLoopLag: round(sampler.lag.p99),
    },
  };
}

function secondsOrNull(ms: number | undefined): number | null {
  return ms === undefined ? null : round(ms / 1000);
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
