// Failures as answers of the REST face (U-08, requirements 8.3 and 12.4): `{"detail": …}`, or problem details (RFC 9457)
// for a caller that accepts them.
import { STATUS_CODES } from 'node:http';
import type { GatewayFault } from '../../core/fault.ts';
import type { JsonObject } from '../../core/json.ts';
import type { RpcError } from '../../core/rpc.ts';
import type { ValidationDetail } from '../../http/validation.ts';

export interface Failure {
  status: number;
  detail: string | JsonObject | ValidationDetail[];
  /** Seconds. */
  retryAfter?: number | undefined;
}

/** An upstream's own JSON-RPC error, by its code (U-08). */
const STATUS_OF_CODE: ReadonlyMap<number, number> = new Map([
  [-32700, 400],
  [-32600, 400],
  [-32601, 404],
  [-32602, 422],
  [-32603, 500],
]);

export function failureOfFault(fault: GatewayFault): Failure {
  const { http, retryable } = fault.row;
  const busy = http === 429 || (http === 503 && retryable);
  const wait = fault.retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(fault.retryAfterMs / 1000));
  return {
    status: http,
    detail: { message: fault.message, ...fault.describe() },
    retryAfter: busy ? (wait ?? 1) : undefined,
  };
}

export function failureOfRpcError({ code, message, data }: RpcError): Failure {
  const detail = data === undefined || data === null ? { message } : { message, data };
  return { status: STATUS_OF_CODE.get(code) ?? 500, detail };
}

/** The body and headers of a failure. */
export function writeFailure(
  { status, detail, retryAfter }: Failure,
  accept: string | undefined,
): { headers: Record<string, string>; body: string } {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter);
  if (accept?.includes('application/problem+json') !== true) return { headers, body: JSON.stringify({ detail }) };
  headers['content-type'] = 'application/problem+json';
  return { headers, body: JSON.stringify(problemOf(status, detail)) };
}

function problemOf(status: number, detail: Failure['detail']): JsonObject {
  const title = STATUS_CODES[status] ?? 'Client Closed Request';
  if (typeof detail === 'string') return { type: 'about:blank', title, status, detail };
  if (Array.isArray(detail)) {
    const first = detail.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; ');
    return { type: 'urn:holdfast:fault:ARGUMENTS_INVALID', title, status, detail: first, errors: detail };
  }
  const { message, ...rest } = detail;
  const type = typeof rest.fault === 'string' ? `urn:holdfast:fault:${rest.fault}` : 'about:blank';
  return { type, title, status, detail: message, ...rest };
}
