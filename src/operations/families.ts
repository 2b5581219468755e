// Every metric that is exposed, with its name, type and help: docs/reference/metrics.md is made from this list's output.
import { setImmediate } from 'node:timers/promises';
import type { ExposedPage } from '../core/ports.ts';
import type { Upstream } from '../core/upstream.ts';
import type { AlertState } from './alerts.ts';
import { Exposition } from './exposition.ts';
import { BOUNDS } from './latency.ts';
import { FACES, OUTCOMES, type Totals } from './meters.ts';
import type { Metrics } from './metrics.ts';
import type { EndpointFacts } from './operations.ts';
import { GATEWAY, type Sampler } from './sampler.ts';
import { largest } from './series.ts';

export interface ExposedState {
  now: number;
  version: string;
  startedAt: number;
  metrics: Metrics;
  sampler: Sampler;
  upstreams: readonly Upstream[];
  openAlerts: readonly AlertState[];
  inFlight: number;
  limit: number;
  streams: number | undefined;
  sessions: number | undefined;
  systemScore: number;
  configVersion: number;
  callsKept: number;
  endpoints: readonly EndpointFacts[];
  sinkFailures: number;
  droppedLines: number;
  /** By name of the store. */
  caches: Readonly<Record<string, { hits: number; misses: number; size: number }>>;
}

/** Scrapes are seldom further apart than this, in milliseconds. */
const STALL_WINDOW = 60_000;

const SECONDS = BOUNDS.map((ms) => ms / 1000);
const STATES = [
  'disabled',
  'stopped',
  'starting',
  'ready',
  'degraded',
  'draining',
  'stopping',
  'backoff',
  'cooling_down',
  'failed',
  'needs_auth',
  'quarantined',
] as const;

/** How long the page may be written before others have their turn, in milliseconds. */
const SLICE = 5;

/** Writes the page; with many tools it has megabytes, and a scrape must not hold up calls. */
export async function expose(state: ExposedState, openMetrics: boolean): Promise<ExposedPage> {
  const page = new Exposition(openMetrics);
  let begun = performance.now();
  for (const _ of pieces(page, state)) {
    if (performance.now() - begun < SLICE) continue;
    await setImmediate();
    begun = performance.now();
  }
  return page.end();
}

function* pieces(page: Exposition, state: ExposedState): Generator<void> {
  gateway(page, state);
  yield* calls(page, state);
  upstreams(page, state);
  yield;
  processes(page, state);
  endpoints(page, state);
}

function gateway(page: Exposition, state: ExposedState): void {
  const { metrics, sampler, openAlerts } = state;
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  page.family('holdfast_build', 'info', 'Version of the gateway.', ({ value }) =>
    value(1, { version: state.version, node: process.version }),
  );
  page.family('process_start_time_seconds', 'gauge', 'When the gateway was started, since 1970.', ({ value }) =>
    value(state.startedAt / 1000),
  );
  page.family('process_cpu_seconds', 'counter', 'CPU time that the gateway itself has used.', ({ value }) =>
    value((cpu.user + cpu.system) / 1e6),
  );
  page.family('process_resident_memory_bytes', 'gauge', 'Resident memory of the gateway itself.', ({ value }) =>
    value(memory.rss),
  );
  page.family('holdfast_heap_used_bytes', 'gauge', 'Heap in use.', ({ value }) => value(memory.heapUsed));
  page.family(
    'holdfast_event_loop_lag_seconds',
    'gauge',
    'How late the event loop was, last interval; `max`: the longest stall of the last minute.',
    ({ value }) => {
      value(sampler.lag.p50 / 1000, { of: 'p50' });
      value(sampler.lag.p99 / 1000, { of: 'p99' });
      const from = state.now - STALL_WINDOW;
      value(largest(sampler.series(GATEWAY), 'event_loop_stall_ms', from) / 1000, { of: 'max' });
    },
  );
  page.family('holdfast_event_loop_utilization_ratio', 'gauge', 'Share of time the event loop was busy.', ({ value }) =>
    value(sampler.lag.utilization),
  );
  page.family('holdfast_heap_full', 'gauge', '1 while calls are refused for want of memory.', ({ value }) =>
    value(metrics.heapFull === undefined ? 0 : 1),
  );
  page.family('holdfast_heap_filled', 'counter', 'Times the heap was nearly full.', ({ value }) =>
    value(metrics.heapFilled),
  );
  page.family('holdfast_unexpected', 'counter', 'Mistakes of the gateway that no call owns.', ({ value }) => {
    for (const [kind, count] of Object.entries(metrics.unexpected)) value(count, { kind });
  });
  page.family('holdfast_score', 'gauge', 'Health score of the whole gateway, 0 to 100.', ({ value }) =>
    value(state.systemScore),
  );
  page.family('holdfast_in_flight', 'gauge', 'Calls in flight, over all upstreams.', ({ value }) =>
    value(state.inFlight),
  );
  page.family('holdfast_in_flight_limit', 'gauge', 'limits.gateway: calls that may be in flight.', ({ value }) =>
    value(state.limit),
  );
  page.family('holdfast_in_flight_peak', 'gauge', 'Most calls in flight since the start.', ({ value }) =>
    value(metrics.peak),
  );
  page.family('holdfast_streams', 'gauge', 'Notification streams open to clients.', ({ value }) =>
    value(state.streams),
  );
  page.family('holdfast_sessions', 'gauge', 'Client sessions for which something is kept.', ({ value }) =>
    value(state.sessions),
  );
  page.family('holdfast_config_version', 'gauge', 'Number of the running configuration.', ({ value }) =>
    value(state.configVersion),
  );
  page.family('holdfast_config_changes', 'counter', 'Configurations applied and refused.', ({ value }) => {
    value(metrics.configsApplied, { result: 'applied' });
    value(metrics.configsRejected, { result: 'rejected' });
  });
  page.family('holdfast_auth_refused', 'counter', 'Requests refused for their key, or for having none.', ({ value }) =>
    value(metrics.refusedKeys),
  );
  page.family('holdfast_alerts', 'gauge', 'Open alerts.', ({ value }) => {
    for (const severity of ['warning', 'error', 'critical'] as const)
      value(openAlerts.filter((alert) => alert.severity === severity).length, { severity });
  });
  page.family('holdfast_alert', 'gauge', 'Open alerts, one by one; 1, 2, 3 by severity.', ({ value }) => {
    for (const { rule, subject, level } of openAlerts) value(level + 1, { rule, subject });
  });
  page.family('holdfast_sink_failures', 'counter', 'Messages about alerts that no try could deliver.', ({ value }) =>
    value(state.sinkFailures),
  );
  page.family('holdfast_call_log_calls', 'counter', 'Calls taken into the history.', ({ value }) =>
    value(state.callsKept),
  );
  page.family('holdfast_dropped_lines', 'counter', 'Batches of lines that could not be written to disk.', ({ value }) =>
    value(state.droppedLines),
  );
  page.family('holdfast_cache_requests', 'counter', 'Look-ups of kept results.', ({ value }) => {
    for (const [store, { hits, misses }] of Object.entries(state.caches)) {
      value(hits, { store, result: 'hit' });
      value(misses, { store, result: 'miss' });
    }
  });
  page.family('holdfast_cache_entries', 'gauge', 'Results that are kept.', ({ value }) => {
    for (const [store, { size }] of Object.entries(state.caches)) value(size, { store });
  });
}

function* calls(page: Exposition, { metrics }: ExposedState): Generator<void> {
  const meters = [...metrics.upstreams.values()];
  const { value: finished } = page.begin('holdfast_calls', 'counter', 'Finished calls.');
  for (const { name, tools } of meters) {
    for (const [tool, meter] of tools)
      for (const face of FACES)
        for (const outcome of OUTCOMES) {
          const count = meter.count(face, outcome);
          if (count > 0) finished(count, { upstream: name, tool, face, outcome });
        }
    yield;
  }
  const { histogram } = page.begin('holdfast_call_duration_seconds', 'histogram', 'From acceptance to answer.');
  for (const { name, tools } of meters) {
    for (const [tool, meter] of tools)
      histogram({
        bounds: SECONDS,
        count: (index) => meter.buckets[index] as number,
        sum: meter.sum / 1000,
        labels: { upstream: name, tool },
      });
    yield;
  }
  page.family(
    'holdfast_faults',
    'counter',
    'Calls that ended in a fault of the gateway, by its class.',
    ({ value }) => {
      for (const { name, faults } of meters)
        for (const [fault, count] of faults) value(count, { upstream: name, fault });
    },
  );
  const sums = meters.map((meter) => ({ name: meter.name, totals: meter.totals() }));
  const family = (name: string, help: string, read: (totals: Totals) => number) =>
    page.family(name, 'counter', help, ({ value }) => {
      for (const sum of sums) value(read(sum.totals), { upstream: sum.name });
    });
  family('holdfast_call_attempts', 'Requests sent upstream for answered calls.', ({ attempts }) => attempts);
  family('holdfast_call_retried', 'Answered calls that were sent more than once.', ({ retried }) => retried);
  family('holdfast_call_recovered', 'Of these, the ones that got an answer.', ({ recovered }) => recovered);
  family('holdfast_call_lost', 'Calls that the way to the upstream failed in the end.', ({ lost }) => lost);
  family('holdfast_call_queue_seconds', 'Time that calls waited for a place.', ({ queue }) => queue / 1000);
  family('holdfast_call_upstream_seconds', 'Time that calls spent upstream.', ({ upstream }) => upstream / 1000);
  family('holdfast_result_bytes', 'Bytes of results.', ({ bytes }) => bytes);
  family('holdfast_tokens_saved', 'Tokens that converged views spared, estimated.', ({ saved }) => saved);
}

function upstreams(page: Exposition, { metrics, upstreams: all }: ExposedState): void {
  const facts = all.map((upstream) => ({ upstream: upstream.name, ...upstream.facts() }));
  page.family('holdfast_upstream_state', 'gauge', '1 for the state an upstream is in.', ({ value }) => {
    for (const { name, state } of all)
      for (const one of STATES) value(state.state === one ? 1 : 0, { upstream: name, state: one });
  });
  page.family('holdfast_upstream_score', 'gauge', 'Health score, 0 to 100.', ({ value }) => {
    for (const { name } of all) value(metrics.meter(name)?.score.value ?? 100, { upstream: name });
  });
  page.family('holdfast_upstream_in_flight', 'gauge', 'Calls in flight.', ({ value }) => {
    for (const { upstream, inFlight } of facts) value(inFlight, { upstream });
  });
  page.family('holdfast_upstream_queued', 'gauge', 'Calls that wait for a place.', ({ value }) => {
    for (const { upstream, queued } of facts) value(queued, { upstream });
  });
  page.family(
    'holdfast_upstream_sessions',
    'gauge',
    'Sessions kept for callers of their own (pooled, isolated): in use and idle; and callers that wait for one.',
    ({ value }) => {
      for (const { upstream, pool } of facts) {
        if (pool === undefined) continue;
        value(pool.inUse, { upstream, state: 'in_use' });
        value(pool.idle, { upstream, state: 'idle' });
        value(pool.waiting, { upstream, state: 'waiting' });
      }
    },
  );
  page.family('holdfast_upstream_circuit_open', 'gauge', '1 while calls are refused at once.', ({ value }) => {
    for (const { upstream, circuitOpen } of facts) value(circuitOpen === true ? 1 : 0, { upstream });
  });
  page.family('holdfast_upstream_restarts', 'counter', 'Starts and connections after the first.', ({ value }) => {
    for (const { upstream, restarts } of facts) value(restarts, { upstream });
  });
  page.family('holdfast_upstream_connects', 'counter', 'Attempts to start or connect.', ({ value }) => {
    for (const { upstream, connects } of facts) value(connects, { upstream });
  });
  page.family('holdfast_upstream_recoveries', 'counter', 'Times it came up after it was down.', ({ value }) => {
    for (const { name } of all) value(metrics.meter(name)?.reconnects ?? 0, { upstream: name });
  });
  page.family('holdfast_upstream_exits', 'counter', 'Exits of its process.', ({ value }) => {
    for (const { name } of all) value(metrics.meter(name)?.totals().exits ?? 0, { upstream: name });
  });
  page.family('holdfast_upstream_noise', 'counter', 'Messages that were not MCP.', ({ value }) => {
    for (const { upstream, noise } of facts) value(noise, { upstream });
  });
  page.family('holdfast_upstream_tools', 'gauge', 'Tools it lists.', ({ value }) => {
    for (const { name, lists } of all) value(lists.tools.length, { upstream: name });
  });
}

function processes(page: Exposition, { sampler, upstreams: all }: ExposedState): void {
  const seen = all.map(({ name }) => ({ upstream: name, seen: sampler.seen(name) }));
  page.family('holdfast_upstream_cpu_seconds', 'counter', 'CPU time of its process group.', ({ value }) => {
    for (const { upstream, seen: one } of seen) value(one && one.cpu / 1000, { upstream });
  });
  page.family('holdfast_upstream_resident_memory_bytes', 'gauge', 'Memory of its process group.', ({ value }) => {
    for (const { upstream, seen: one } of seen) value(one?.rss, { upstream });
  });
  page.family('holdfast_upstream_processes', 'gauge', 'Processes in its group.', ({ value }) => {
    for (const { upstream, seen: one } of seen) value(one?.processes, { upstream });
  });
  page.family('holdfast_upstream_open_files', 'gauge', 'Descriptors of its processes.', ({ value }) => {
    for (const { upstream, seen: one } of seen) value(one?.files, { upstream });
  });
  page.family('holdfast_upstream_connections', 'gauge', 'TCP connections of its processes.', ({ value }) => {
    for (const { upstream, seen: one } of seen) value(one?.connections, { upstream });
  });
}

function endpoints(page: Exposition, { endpoints: all }: ExposedState): void {
  page.family('holdfast_endpoint_connected', 'gauge', '1 while an endpoint is connected.', ({ value }) => {
    for (const { name, connected } of all) value(connected ? 1 : 0, { endpoint: name });
  });
  page.family('holdfast_endpoint_score', 'gauge', 'Health score of an endpoint, 0 to 100.', ({ value }) => {
    for (const { name, healthScore } of all) value(healthScore, { endpoint: name });
  });
  page.family('holdfast_endpoint_dials', 'gauge', 'Attempts to connect again since it was last well.', ({ value }) => {
    for (const { name, reconnectAttempts } of all) value(reconnectAttempts, { endpoint: name });
  });
  page.family('holdfast_endpoint_calls', 'counter', 'Calls that came over an endpoint.', ({ value }) => {
    for (const { name, calls: count } of all) value(count, { endpoint: name });
  });
}
