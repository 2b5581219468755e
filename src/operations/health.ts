// What /health and `holdfast status` say (requirements 12.4).
import type { Upstream, UpstreamState } from '../core/upstream.ts';
import { healthOf } from '../core/upstream.ts';

export interface UpstreamReport {
  state: UpstreamState['state'];
  health: string;
  /** ISO time. */
  since: string;
  /** Shown to callers that may read only: it can name paths and commands. */
  error?: string;
  /** What it last wrote to stderr, where it is not well; to the same callers. */
  stderr?: string[];
  attempt?: number;
  /** ISO time. */
  nextTryAt?: string;
  /** Its certificate is not checked (F-H25). */
  certificate?: string;
  tools: number;
  current_status: { status: string; error_count: number; reconnect_attempts: number; last_check: string | null };
}

export interface HealthReport {
  status: 'healthy' | 'degraded' | 'unhealthy';
  version: string;
  /** Seconds. */
  uptime: number;
  config: { version: number; rejected?: { at: string; problems: string[] } };
  upstreams: Record<string, UpstreamReport>;
  connection_name?: string;
  current_status?: UpstreamReport['current_status'];
}

export interface HealthInput {
  version: string;
  startedAt: number;
  config: HealthReport['config'];
  upstreams: readonly Upstream[];
  /** Whether errors, paths and commands may be told. */
  detailed: boolean;
  /** Removes secrets from a text. */
  redact(text: string): string;
}

/** Lines of stderr that are told (reliability F-P7). */
const STDERR_LINES = 20;

export function healthReport(input: HealthInput): HealthReport {
  const { version, startedAt, config, upstreams, detailed, redact } = input;
  const reports = upstreams.map((upstream) => [upstream.name, reportOf(upstream, detailed, redact)] as const);
  const judged = reports.filter(([, report]) => report.health !== 'disabled').map(([, report]) => report.health);
  const single = reports.length === 1 ? reports[0] : undefined;
  return {
    status: statusOf(judged),
    version,
    uptime: Math.round((Date.now() - startedAt) / 1000),
    config: {
      version: config.version,
      ...(config.rejected !== undefined && {
        rejected: { at: config.rejected.at, problems: detailed ? config.rejected.problems : [] },
      }),
    },
    upstreams: Object.fromEntries(reports),
    ...(single !== undefined && { connection_name: single[0], current_status: single[1].current_status }),
  };
}

/** Of the whole: unhealthy where nothing can be called. What is degraded still answers, only not as it should. */
function statusOf(judged: readonly string[]): HealthReport['status'] {
  const well = judged.filter((health) => health === 'healthy' || health === 'starting' || health === 'unknown');
  if (well.length === judged.length) return 'healthy';
  return well.length > 0 || judged.includes('degraded') ? 'degraded' : 'unhealthy';
}

/** Whether every enabled upstream is healthy: what `?strict=1` asks. */
export function allHealthy(report: HealthReport): boolean {
  return Object.values(report.upstreams).every(({ health }) => health === 'healthy' || health === 'disabled');
}

function reportOf(upstream: Upstream, detailed: boolean, redact: (text: string) => string): UpstreamReport {
  const { state } = upstream;
  const facts = upstream.facts();
  const health = healthOf(state.state);
  const cause = 'cause' in state ? (typeof state.cause === 'string' ? state.cause : state.cause.message) : undefined;
  return {
    state: state.state,
    health,
    since: new Date(state.since).toISOString(),
    ...(cause !== undefined && detailed && { error: redact(cause) }),
    ...(cause !== undefined &&
      detailed &&
      facts.stderr.length > 0 && { stderr: facts.stderr.slice(-STDERR_LINES).map(redact) }),
    ...('attempt' in state && { attempt: state.attempt }),
    ...('until' in state && { nextTryAt: new Date(state.until).toISOString() }),
    ...(facts.certificate !== undefined && { certificate: facts.certificate }),
    tools: upstream.lists.tools.length,
    current_status: {
      status: health,
      error_count: facts.errorCount,
      reconnect_attempts: facts.reconnectAttempts,
      last_check: facts.lastCheck === undefined ? null : new Date(facts.lastCheck).toISOString(),
    },
  };
}
