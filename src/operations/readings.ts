// What the rules look at: rates from the counters, shares of the kept samples, how long an upstream has been away.
import type { Upstream, UpstreamState } from '../core/upstream.ts';
import type { Reading } from './alerts.ts';
import type { Metrics } from './metrics.ts';
import type { Rule } from './rules.ts';
import { GATEWAY } from './sampler.ts';
import { type Field, largest, type Series } from './series.ts';

export interface ReadingSources {
  metrics: Metrics;
  sampler: { series(subject: string): Series | undefined };
  upstream(name: string): Upstream | undefined;
  upstreams(): readonly Upstream[];
  endpoint?: ((name: string) => { initialised: boolean; lastError?: string } | undefined) | undefined;
  /** Seconds for which the shared store could not be used, and why; undefined where none is shared. */
  sharedDown?: (() => { seconds: number; reason: string | undefined } | undefined) | undefined;
  /** Seconds for which some of the state could not be written, and what; undefined while all is well. */
  notWritten?: (() => { seconds: number; reason: string } | undefined) | undefined;
  /** Processes that no signal has ended. */
  survivors?: (() => readonly { upstream: string; pid: number }[]) | undefined;
  /** Milliseconds since 1970. */
  now(): number;
}

export function createReader(sources: ReadingSources): (rule: Rule, subject: string) => Reading | undefined {
  const { metrics, sampler } = sources;
  /** Since when an endpoint is not well; its own state changes with every dial. */
  const unwellSince = new Map<string, number>();
  return (rule, subject) => {
    const meter = metrics.meter(subject);
    const { window } = rule;
    switch (rule.metric) {
      case 'cpu_percent':
      case 'memory_percent':
        return sampled(sampler.series(subject), rule.metric, window, sources.now());
      case 'gateway_cpu_percent':
        return sampled(sampler.series(GATEWAY), 'cpu_percent', window, sources.now());
      case 'gateway_memory_percent':
        return sampled(sampler.series(GATEWAY), 'memory_percent', window, sources.now());
      case 'event_loop_lag_ms':
        return sampled(sampler.series(GATEWAY), 'event_loop_lag_ms', window, sources.now());
      case 'event_loop_stall_ms':
        return plain(largest(sampler.series(GATEWAY), 'event_loop_stall_ms', sources.now() - window));
      case 'gateway_heap_percent':
        return plain(100 * (metrics.heapFull ?? 0));
      case 'response_time_ms': {
        if (meter === undefined || meter.totals(window).calls < rule.minCalls) return undefined;
        return plain(meter.percentile(0.95, window));
      }
      case 'error_percent':
      case 'error_count': {
        const totals = meter?.totals(window);
        if (totals === undefined || totals.calls === 0) return undefined;
        if (totals.calls < rule.minCalls || totals.errors < rule.minErrors) return undefined;
        if (rule.metric === 'error_count') return plain(totals.errors);
        return plain((100 * totals.errors) / totals.calls, `${totals.errors} of ${totals.calls}`);
      }
      case 'exits':
        return plain(meter?.totals(window).exits);
      case 'upstream_down':
        return away(sources.upstream(subject)?.state, meter?.downAt, sources.now());
      case 'endpoint_down': {
        const endpoint = sources.endpoint?.(subject);
        if (endpoint === undefined || endpoint.initialised) {
          unwellSince.delete(subject);
          return plain(0);
        }
        const since = unwellSince.get(subject) ?? sources.now();
        unwellSince.set(subject, since);
        return plain((sources.now() - since) / 1000, endpoint.lastError);
      }
      case 'shared_store_down': {
        const down = sources.sharedDown?.();
        return plain(down?.seconds, down?.reason);
      }
      case 'state_not_written': {
        const trouble = sources.notWritten?.();
        return plain(trouble?.seconds ?? 0, trouble?.reason);
      }
      case 'surviving_processes': {
        const found = sources.survivors?.() ?? [];
        const shown = found.slice(0, 10).map(({ upstream, pid }) => `${upstream} (pid ${pid})`);
        return plain(found.length, found.length === 0 ? undefined : shown.join(', '));
      }
      case 'host_failures': {
        const all = sources.upstreams().length;
        const failed = metrics.failedTogether();
        if (failed.length < LEAST_TOGETHER || all === 0) return undefined;
        return plain((100 * failed.length) / all, failed.slice(0, 10).join(', '));
      }
    }
  };
}

/** Fewer upstreams that fail at once may be chance (requirements 10.3). */
const LEAST_TOGETHER = 4;

function plain(value: number | undefined, detail?: string): Reading | undefined {
  if (value === undefined) return undefined;
  return { value, latest: value, above: (threshold) => value > threshold, detail };
}

/** More than half of the samples in the window are above (C-51), and the window is at least half full of them. */
function sampled(series: Series | undefined, field: Field, window: number, now: number): Reading | undefined {
  if (series === undefined) return undefined;
  const found = [...series.since(field, now - window)];
  const latest = found.at(-1)?.value;
  const oldest = found[0]?.at;
  if (latest === undefined || oldest === undefined) return undefined;
  const enough = found.length > 1 && now - oldest >= window / 2;
  const sorted = found.map(({ value }) => value).sort((a, b) => a - b);
  return {
    value: sorted[Math.floor(sorted.length / 2)] as number,
    latest,
    above: (threshold) => enough && sorted.filter((value) => value > threshold).length > sorted.length / 2,
  };
}

/** What does not heal by itself counts at once as long away. */
const PERMANENT_SECONDS = 30;

function away(state: UpstreamState | undefined, downAt: number | undefined, now: number): Reading | undefined {
  if (state === undefined) return undefined;
  const seconds = (now - Math.min(downAt ?? state.since, state.since)) / 1000;
  switch (state.state) {
    case 'backoff':
    case 'cooling_down':
      return plain(seconds, state.cause.message);
    case 'failed':
    case 'needs_auth':
      return {
        value: seconds,
        latest: seconds + PERMANENT_SECONDS,
        above: (threshold) => seconds + PERMANENT_SECONDS >= threshold,
        because: 'and it does not come back by itself',
        detail: state.cause.message,
      };
    case 'starting':
      return downAt === undefined ? undefined : plain(seconds, 'it is starting again');
    default:
      return plain(0);
  }
}
