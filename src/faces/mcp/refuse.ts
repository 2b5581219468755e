// What every MCP route over HTTP says alike.
import type { ServerResponse } from 'node:http';
import type { RequestId, RpcError } from '../../core/rpc.ts';
import { sendJson } from '../../http/body.ts';
import { writeError } from '../../wire/envelope.ts';

export interface Accepts {
  json: boolean;
  sse: boolean;
}

/** What an Accept header allows; missing or a wildcard allows both (requirements 10.28). */
export function accepted(header: string | undefined): Accepts {
  if (header === undefined || header === 'application/json, text/event-stream') return { json: true, sse: true };
  const types = header.toLowerCase();
  const any = types.includes('*/*');
  return {
    json: any || types.includes('application/json') || types.includes('application/*'),
    sse: any || types.includes('text/event-stream') || types.includes('text/*'),
  };
}

/** A JSON-RPC error with an HTTP status: the request was not served at all. */
export function refuse(
  response: ServerResponse,
  status: number,
  message: string,
  more: { code?: number; id?: RequestId | null; headers?: Record<string, string>; data?: unknown } = {},
): void {
  const { code = -32600, id = null, headers = {}, data } = more;
  const error: RpcError = { code, message, ...(data !== undefined && { data }) };
  sendJson(response, status, writeError(id, error), headers);
}

export function refuseView(
  response: ServerResponse,
  view: string,
  views: readonly string[],
  id: RequestId | null = null,
): void {
  const message = `there is no view ${JSON.stringify(view)}; there are ${views.join(', ')}`;
  refuse(response, 404, message, { code: -32602, id, data: { views } });
}

export function refuseStream(response: ServerResponse, limit: number, id: RequestId | null = null): void {
  const message = `${limit} streams are open, as many as this gateway keeps`;
  refuse(response, 429, message, { code: -31001, id, headers: { 'retry-after': '5' } });
}

/** A key that opens too many sessions (10.18, F-C8). */
export function refuseSession(response: ServerResponse, wait: number, id: RequestId): void {
  const seconds = Math.max(1, Math.ceil(wait / 1000));
  const message = `too many sessions in a minute (limits.sessions); wait ${seconds} s`;
  const data = { fault: 'RATE_LIMITED', retryable: true, retryAfterMs: Math.round(wait) };
  refuse(response, 429, message, { code: -31001, id, data, headers: { 'retry-after': String(seconds) } });
}

export function accept(response: ServerResponse): void {
  response.writeHead(202, { 'content-length': 0 }).end();
}
