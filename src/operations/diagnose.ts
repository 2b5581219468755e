// /diagnostics: what is wrong, how one can see it, since when, and what to do (requirements 12.4, B-32).
import { stateAdvice } from '../core/advice.ts';
import { subjectsOf } from '../core/held.ts';
import type { JsonObject } from '../core/json.ts';
import type { ApprovalControl, ApprovalWaiting } from '../core/ports.ts';
import { healthOf, type Upstream } from '../core/upstream.ts';
import type { AlertState } from './alerts.ts';
import type { Growing } from './growth.ts';
import { METRICS, type Rule } from './rules.ts';
import type { Sampler } from './sampler.ts';
import { secondsTo } from './score.ts';
import type { Field } from './series.ts';
import { connectionHealth } from './views.ts';

export interface Issue {
  id: string;
  severity: 'warning' | 'error' | 'critical';
  upstream?: string;
  title: string;
  evidence: string;
  /** ISO time. */
  since: string;
  recommendation: string;
}

export interface DiagnoseState {
  upstreams: readonly Upstream[];
  openAlerts: readonly AlertState[];
  rules: readonly Rule[];
  sampler: Sampler;
  config: { version: number; rejected?: { at: string; problems: readonly string[] } | undefined };
  /** Why state is not kept, as the data directory says it. */
  notes: readonly string[];
  /** What waits for approval, and what the scanner found (10.21). */
  approvals?: Pick<ApprovalControl, 'shown' | 'findings'> | undefined;
  startedAt: number;
  metrics: JsonObject;
  now: number;
}

/** What to do about an alert, by its metric. */
export const ADVICE: Readonly<Record<string, string>> = {
  cpu_percent: 'See what it is busy with; lower limits.inFlight, give it supervisor.nice, or add replicas.',
  memory_percent: 'Set supervisor.memoryLimit so that it is restarted between calls, or give it more memory.',
  response_time_ms: 'See the slowest calls in the history; raise timeouts.call for tools that are meant to be slow.',
  error_percent: 'Filter the call history by this upstream and outcome "fault"; the fault class names the cause.',
  error_count: 'Filter the call history by this upstream and outcome "fault"; the fault class names the cause.',
  upstream_down: 'Read the last lines of its stderr and its state; restart it with force when the cause is gone.',
  endpoint_down: 'See its last error under endpoints; an address can change, and another gateway may hold its place.',
  exits: 'Read the last lines of its stderr; an upstream that ends after every call may need session.mode "isolated".',
  host_failures: 'Look at the machine and its network first: many upstreams failed at the same moment.',
  surviving_processes:
    'They wait for a device or a file system that does not answer: see what it is (ps -o pid,stat,wchan); only that, or a restart of the machine, ends them.',
  gateway_cpu_percent: 'Lower limits.gateway, or move upstreams to a second gateway.',
  gateway_memory_percent: 'Lower limits.message and storage.callLog.maxRecords, or give the gateway more memory.',
  gateway_heap_percent: 'Lower limits.message or limits.gateway, or give the process more memory (NODE_OPTIONS).',
  event_loop_stall_ms: 'Something stopped the gateway: a suspended machine, too little CPU, or one very large message.',
  shared_store_down:
    'Calls go on; look at the store that storage.shared names, its memory and its role. Everything heals when it is back.',
  state_not_written:
    'Calls go on; make room on the disk of the data directory, or see its permissions. What waits is written when it can be.',
  event_loop_lag_ms: 'Something blocks the gateway: large results (limits.message) or a machine with too little CPU.',
};

export function diagnose(state: DiagnoseState): JsonObject {
  const issues = [
    ...state.openAlerts.map((alert) => ofAlert(alert, state)),
    ...state.upstreams.flatMap((upstream) => ofUpstream(upstream, state)),
    ...state.upstreams.flatMap((upstream) => ofGrowth(upstream, state)),
    ...ofApprovals(state),
    ...ofGateway(state),
  ];
  const critical = issues.some(({ severity }) => severity === 'critical') || issues.length > 2;
  return {
    status: issues.length === 0 ? 'healthy' : critical ? 'critical' : 'warning',
    issues: issues.map(({ recommendation: _, ...issue }) => issue),
    recommendations: [...new Set(issues.map(({ recommendation }) => recommendation))],
    metrics: state.metrics,
    connection_health: connectionHealth(state.upstreams),
    timestamp: new Date(state.now).toISOString(),
  };
}

function ofAlert(alert: AlertState, { sampler, rules }: DiagnoseState): Issue {
  const { title, of } = METRICS[alert.metric as keyof typeof METRICS];
  const next = rules.find(({ name }) => name === alert.rule)?.levels[alert.level + 1];
  const field = FIELD_OF[alert.metric];
  const left =
    next === undefined || field === undefined ? undefined : secondsTo(next, sampler.series(alert.subject), field);
  const forecast = left === undefined ? '' : `; at this rate ${String(next)} is reached in ${Math.ceil(left / 60)} min`;
  return {
    id: `alert:${alert.rule}:${alert.subject}`,
    severity: alert.severity,
    ...(of === undefined && { upstream: alert.subject }),
    title: `${alert.subject}: ${title}`,
    evidence: `${alert.message}${forecast}`,
    since: new Date(alert.since).toISOString(),
    recommendation: `${alert.subject}: ${ADVICE[alert.metric] ?? 'See the alert.'}`,
  };
}

const FIELD_OF: Readonly<Record<string, Field>> = {
  cpu_percent: 'cpu_percent',
  memory_percent: 'memory_percent',
  response_time_ms: 'response_time_ms',
  error_percent: 'error_percent',
  error_count: 'error_count',
};

function ofUpstream(upstream: Upstream, { now }: DiagnoseState): Issue[] {
  const { name, state } = upstream;
  const issues: Issue[] = [];
  const facts = upstream.facts();
  const since = new Date(state.since).toISOString();
  const health = healthOf(state.state);
  if (state.state === 'degraded') {
    issues.push({
      id: `degraded:${name}`,
      severity: 'warning',
      upstream: name,
      title: `${name} is degraded`,
      evidence: state.cause,
      since,
      recommendation: `${name}: it is probed in the background; look at what stands between the gateway and it.`,
    });
  } else if ('cause' in state) {
    const last = facts.stderr.at(-1);
    const exit = facts.lastExit;
    const ended = exit === undefined ? '' : `; last exit: ${exit.signal ?? `code ${exit.code}`}`;
    const next = 'until' in state ? `; next try in ${Math.max(0, Math.ceil((state.until - now) / 1000))} s` : '';
    issues.push({
      id: `state:${name}`,
      severity: health === 'unhealthy' ? 'warning' : 'critical',
      upstream: name,
      title: `${name} is ${state.state}`,
      evidence: `${state.cause.message}${ended}${last === undefined ? '' : `; stderr: ${last}`}${next}`,
      since,
      recommendation: `${name}: ${stateAdvice(state.cause)}`,
    });
  }
  if (facts.noise > MUCH_NOISE) {
    issues.push({
      id: `noise:${name}`,
      severity: 'warning',
      upstream: name,
      title: `${name} writes what is not MCP`,
      evidence: `${facts.noise} messages or lines were skipped`,
      since,
      recommendation: `${name}: its logs belong on stderr; report it to its maintainer.`,
    });
  }
  for (const { kind, name: entry, reason } of upstream.lists.excluded.slice(0, MOST_EXCLUDED)) {
    issues.push({
      id: `excluded:${name}:${entry}`,
      severity: 'warning',
      upstream: name,
      title: `${name}: ${JSON.stringify(entry)} of its ${kind} is left out`,
      evidence: reason,
      since,
      recommendation: `${name}: ${JSON.stringify(entry)} of its ${kind} is left out (${reason}); report it to its maintainer.`,
    });
  }
  return issues;
}

const LEAKS: Readonly<Record<Growing, { what: string; show(value: number): string }>> = {
  memory_bytes: { what: 'memory', show: (value) => `${Math.round(value / 1024 / 1024)} MiB` },
  open_files: { what: 'open descriptors', show: (value) => String(Math.round(value)) },
  connections: { what: 'connections', show: (value) => String(Math.round(value)) },
  processes: { what: 'processes', show: (value) => String(Math.round(value)) },
};

/** What only grows since the process was started (C-72). */
function ofGrowth({ name }: Upstream, { sampler, now }: DiagnoseState): Issue[] {
  return sampler
    .growth(name)
    .filter(({ leak }) => leak)
    .map(({ field, perHour, from, to, hours }) => {
      const { what, show } = LEAKS[field];
      return {
        id: `leak:${name}:${field}`,
        severity: 'warning',
        upstream: name,
        title: `${name}: its ${what} only grow${what.endsWith('s') ? '' : 's'}`,
        evidence: `from ${show(from)} to ${show(to)} in ${Math.round(hours * 60)} min, ${show(perHour)} an hour`,
        since: new Date(now - hours * 3_600_000).toISOString(),
        recommendation: `${name}: report it to its maintainer; supervisor.memoryLimit or a restart now and then helps until then.`,
      };
    });
}

/** Lines on stdout that are no longer an accident. */
const MUCH_NOISE = 100;
const MOST_EXCLUDED = 10;

/** One issue for each upstream, however many of its tools are concerned. */
function ofApprovals({ approvals, upstreams }: DiagnoseState): Issue[] {
  if (approvals === undefined) return [];
  const { approval, waiting } = approvals.shown();
  return upstreams.flatMap((upstream): Issue[] => {
    const { name, state, lists, identity } = upstream;
    const since = new Date(state.since).toISOString();
    const held = waiting.filter((one) => one.upstream === name && one.why !== 'rejected');
    const itself = held.some(({ tool }) => tool === undefined);
    const flagged = (approval === 'off' ? subjectsOf(lists, identity?.instructions) : []).flatMap((subject) => {
      const [first] = approvals.findings(subject.definition, subject.kind);
      return first === undefined ? [] : [`${subject.label} ${first.says}`];
    });
    const issues: Issue[] = [];
    if (held.length > 0)
      issues.push({
        id: `approval:${name}`,
        severity: 'warning',
        upstream: name,
        title: itself ? `${name} waits for approval` : `${name}: some of what it offers waits for approval`,
        evidence: few(held.map(toldOf)),
        since,
        recommendation: `${name}: look at what differs and decide: holdfast approvals ${name}, then approve or reject.`,
      });
    if (flagged.length > 0)
      issues.push({
        id: `scan:${name}`,
        severity: 'warning',
        upstream: name,
        title: `${name}: the scanner flagged what it says`,
        evidence: few(flagged),
        since,
        recommendation: `${name}: read what it says of itself and its tools; switch them off, or set security.approval so that they wait.`,
      });
    return issues;
  });
}

function toldOf({ tool, why }: ApprovalWaiting): string {
  return tool === undefined ? `what it starts is ${why}` : `${tool} is ${why}`;
}

function few(texts: readonly string[]): string {
  const more = texts.length - MOST_TOLD;
  return `${texts.slice(0, MOST_TOLD).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

const MOST_TOLD = 10;

function ofGateway({ config, notes, startedAt }: DiagnoseState): Issue[] {
  const issues: Issue[] = notes.map((note, index) => ({
    id: `storage:${index}`,
    severity: 'warning',
    title: 'state is not kept',
    evidence: note,
    since: new Date(startedAt).toISOString(),
    recommendation: 'Give the gateway a data directory of its own that it can write: --data-dir.',
  }));
  if (config.rejected !== undefined) {
    issues.push({
      id: 'config:rejected',
      severity: 'error',
      title: `a change of the configuration was refused; version ${config.version} keeps serving`,
      evidence: config.rejected.problems.join('; '),
      since: config.rejected.at,
      recommendation: 'Correct the configuration file; it is read again as soon as it is saved.',
    });
  }
  return issues;
}
