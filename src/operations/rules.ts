// The alert rules: those of the designs as defaults (C-52, B-31, requirements 10.22), and what a configuration changes.
import type { MonitorConfig, RuleMetric, Severity } from '../config/schema-monitor.ts';
import type { JsonObject } from '../core/json.ts';

export interface Rule {
  name: string;
  metric: RuleMetric;
  enabled: boolean;
  /** Names or globs of upstreams. */
  upstreams: readonly string[];
  /** Thresholds of warning, error and critical; a severity without one is not reached. */
  levels: readonly (number | undefined)[];
  /** Milliseconds. */
  window: number;
  minCalls: number;
  minErrors: number;
  action: 'none' | 'restart';
}

export const SEVERITY: readonly Severity[] = ['warning', 'error', 'critical'];

/** How a metric is told, and what it is of, where that is no upstream. */
export const METRICS: Readonly<Record<RuleMetric, { title: string; unit: string; of?: 'gateway' | 'endpoint' }>> = {
  cpu_percent: { title: 'CPU of the processes', unit: '% of a core' },
  memory_percent: { title: 'memory of the processes', unit: '% of its limit' },
  response_time_ms: { title: 'response time (p95)', unit: ' ms' },
  error_percent: { title: 'failed calls', unit: ' %' },
  error_count: { title: 'failed calls', unit: '' },
  upstream_down: { title: 'not available', unit: ' s' },
  endpoint_down: { title: 'endpoint not connected', unit: ' s', of: 'endpoint' },
  exits: { title: 'exits of the process', unit: '' },
  host_failures: { title: 'upstreams that failed together', unit: ' %', of: 'gateway' },
  surviving_processes: { title: 'processes that no signal has ended', unit: '', of: 'gateway' },
  gateway_cpu_percent: { title: 'CPU of the gateway', unit: '% of a core', of: 'gateway' },
  gateway_memory_percent: { title: 'memory of the gateway', unit: ' %', of: 'gateway' },
  gateway_heap_percent: { title: 'calls refused: heap of the gateway', unit: ' %', of: 'gateway' },
  event_loop_stall_ms: { title: 'stall of the event loop', unit: ' ms', of: 'gateway' },
  event_loop_lag_ms: { title: 'event loop lag (p99)', unit: ' ms', of: 'gateway' },
  state_not_written: { title: 'state cannot be written', unit: ' s', of: 'gateway' },
  shared_store_down: { title: 'the shared store cannot be used', unit: ' s', of: 'gateway' },
};

const rule = (
  name: string,
  metric: RuleMetric,
  levels: Rule['levels'],
  seconds: number,
  more?: Partial<Rule>,
): Rule => ({
  name,
  metric,
  enabled: true,
  upstreams: ['*'],
  levels,
  window: seconds * 1000,
  minCalls: 0,
  minErrors: 0,
  action: 'none',
  ...more,
});

export const DEFAULT_RULES: readonly Rule[] = [
  rule('high_cpu_usage', 'cpu_percent', [80, 150, 300], 300),
  rule('high_memory_usage', 'memory_percent', [85, 92, 97], 300),
  rule('slow_response_time', 'response_time_ms', [5000, 7500, 10_000], 180, { minCalls: 3 }),
  rule('high_error_rate', 'error_percent', [5, 15, 30], 120, { minErrors: 10 }),
  rule('upstream_down', 'upstream_down', [10, 30, 120], 10),
  rule('endpoint_down', 'endpoint_down', [30, 120, 600], 10),
  rule('restart_storm', 'exits', [undefined, 30, 60], 60),
  rule('host_problem', 'host_failures', [undefined, undefined, 50], 10),
  rule('surviving_processes', 'surviving_processes', [0, 5, 10], 10),
  rule('gateway_cpu', 'gateway_cpu_percent', [80, 95, undefined], 300),
  rule('gateway_memory', 'gateway_memory_percent', [undefined, undefined, 90], 300),
  rule('gateway_heap', 'gateway_heap_percent', [undefined, undefined, 50], 10),
  rule('event_loop_stall', 'event_loop_stall_ms', [1000, 10_000, undefined], 60),
  rule('event_loop_lag', 'event_loop_lag_ms', [200, 1000, 5000], 60),
  rule('shared_store', 'shared_store_down', [5, 30, 300], 10),
  rule('state_writes', 'state_not_written', [0, 60, 600], 10),
];

/** The default rules with the configured ones laid over them by name; a rule of one's own needs a metric. */
export function rulesOf(configured: MonitorConfig['rules']): Rule[] {
  const rules = new Map(DEFAULT_RULES.map((one) => [one.name, one]));
  for (const given of configured) {
    const { name, metric, warning, error, critical } = given;
    const base = rules.get(name) ?? (metric && rule(name, metric, [undefined, undefined, undefined], 300));
    if (base === undefined) continue;
    const own = metric !== undefined && metric !== base.metric;
    const [w, e, c] = own ? [] : base.levels;
    rules.set(name, {
      name,
      metric: metric ?? base.metric,
      enabled: given.enabled ?? base.enabled,
      upstreams: given.upstreams ?? base.upstreams,
      levels: [warning ?? w, error ?? e, critical ?? c],
      window: given.window ?? base.window,
      minCalls: given.minCalls ?? base.minCalls,
      minErrors: given.minErrors ?? base.minErrors,
      action: given.action ?? base.action,
    });
  }
  return [...rules.values()];
}

/** Rules of one's own that name no metric: they can do nothing, and the operator should know. */
export function rulesWithoutMetric(configured: MonitorConfig['rules']): string[] {
  const known = new Set(DEFAULT_RULES.map(({ name }) => name));
  return configured.filter(({ name, metric }) => metric === undefined && !known.has(name)).map(({ name }) => name);
}

export function showRule(shown: Rule): JsonObject {
  const [warning, error, critical] = shown.levels;
  return {
    name: shown.name,
    metric: shown.metric,
    title: METRICS[shown.metric].title,
    unit: METRICS[shown.metric].unit.trim(),
    enabled: shown.enabled,
    upstreams: shown.upstreams,
    warning: warning ?? null,
    error: error ?? null,
    critical: critical ?? null,
    window: `${shown.window / 1000}s`,
    minCalls: shown.minCalls,
    minErrors: shown.minErrors,
    action: shown.action,
    default: DEFAULT_RULES.some(({ name }) => name === shown.name),
  };
}
