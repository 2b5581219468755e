// Asks a server something that runs nothing, to learn whether the way to it and the session on it still hold: `ping`
// for the 2025 era, `server/discover` for the 2026 era (reliability §1.2).
import { GatewayFault } from '../core/fault.ts';
import { MODERN } from '../wire/revisions.ts';
import type { Link } from './link.ts';
import { modernMeta } from './meta.ts';

/** `answered`: all is well. `refused`: somebody is there and does not know us. A fault: nobody answered. */
export type PingResult = 'answered' | 'refused' | GatewayFault;

const METHOD_NOT_FOUND = -32601;

/** Never rejects. `timeout` in milliseconds. */
export async function ping(link: Link, timeout: number, signal?: AbortSignal): Promise<PingResult> {
  const deadline = performance.now() + timeout;
  const modern = link.era === 'modern';
  const method = modern ? 'server/discover' : 'ping';
  const params = modern ? { _meta: modernMeta(link.clientInfo, {}) } : {};
  try {
    const answer = await link.request({ method, params, deadline, length: timeout, signal, plain: true });
    if ('error' in answer) return !modern && answer.error.code === METHOD_NOT_FOUND ? 'answered' : 'refused';
    return !modern || Array.isArray(answer.result.value.supportedVersions) ? 'answered' : 'refused';
  } catch (fault) {
    if (!(fault instanceof GatewayFault)) throw fault;
    const known = fault.delivery === 'rejected-unprocessed' || fault.data?.ambiguous === true;
    return known && !OVERLOAD.includes(fault.fault) ? 'refused' : fault;
  }
}

/** Whether the server behind a legacy conversation would also speak the modern era. Never rejects. */
export async function speaksModern(link: Link, timeout: number): Promise<boolean> {
  const deadline = performance.now() + timeout;
  const params = { _meta: modernMeta(link.clientInfo, {}) };
  try {
    const answer = await link.request({ method: 'server/discover', params, deadline, length: timeout, plain: true });
    if ('error' in answer) return false;
    const { supportedVersions } = answer.result.value;
    return Array.isArray(supportedVersions) && supportedVersions.includes(MODERN);
  } catch {
    return false;
  }
}

/** Refusals that say nothing about the session. */
const OVERLOAD = ['UPSTREAM_RATE_LIMITED', 'UPSTREAM_FAILED'];
