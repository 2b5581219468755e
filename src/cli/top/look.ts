// What `holdfast top` shows, read from the management API.
import type { JsonObject } from '../../core/json.ts';
import type { AlertInfo, CallRow, UpstreamFigures } from '../../core/ports.ts';
import { callApi, type Remote } from '../client.ts';

/** An upstream as `GET /api/v1/upstreams` shows it. */
export interface UpstreamLook extends UpstreamFigures {
  name: string;
  state: string;
  health: string;
  /** ISO times. */
  since: string;
  reason?: string;
  attempt?: number;
  nextTryAt?: string;
  paused?: { by: string; since: string };
  tools: number;
  inFlight: number;
  queued: number;
}

export interface Overview {
  score: number;
  trend: string;
  version: string;
  /** Seconds. */
  uptime: number;
  calls: {
    perSecond: number;
    inFlight: number;
    limit: number;
    errorPercent: number;
    p50: number | null;
    p99: number | null;
  };
  recovery: { attempts: number; successRate: number };
  gateway: { cpuPercent: number; rss: number; eventLoopLag: number };
  /** Why the last configuration was refused, while an older one runs. */
  rejected?: { at: string; problems: string[] };
}

export interface Look {
  at: Date;
  url: string;
  overview: Overview;
  upstreams: UpstreamLook[];
  /** Open ones, the worst first. */
  alerts: AlertInfo[];
  /** The last that failed, newest first; null for a key that may not see calls. */
  calls: CallRow[] | null;
}

const FAILED_CALLS = 20;
const SEVERITIES = ['critical', 'error', 'warning'];

/** Whether the key may see calls: they say who called what. @throws Refused */
export async function maySeeCalls(remote: Remote): Promise<boolean> {
  const { roles } = await callApi(remote, 'GET', '/session');
  return Array.isArray(roles) && roles.includes('admin');
}

/** One look at everything. @throws Refused */
export async function lookAt(remote: Remote, calls: boolean): Promise<Look> {
  const [{ health, ...overview }, { upstreams }, { open }, failed] = await Promise.all([
    callApi(remote, 'GET', '/status'),
    callApi(remote, 'GET', '/upstreams'),
    callApi(remote, 'GET', '/alerts'),
    calls ? callApi(remote, 'GET', `/calls?outcome=fault&limit=${FAILED_CALLS}`) : undefined,
  ]);
  const { rejected } = (health as JsonObject).config as JsonObject;
  return {
    at: new Date(),
    url: remote.url,
    overview: { ...overview, ...(rejected !== undefined && { rejected }) } as unknown as Overview,
    upstreams: upstreams as UpstreamLook[],
    alerts: (open as AlertInfo[]).toSorted(
      (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || a.since.localeCompare(b.since),
    ),
    calls: failed === undefined ? null : (failed.calls as CallRow[]),
  };
}
