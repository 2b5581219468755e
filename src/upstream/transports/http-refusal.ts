// What an HTTP status means, by number and never by text (requirements 8.3, reliability §2 Delivery, F-H1 … F-H24).
import { type Delivery, GatewayFault } from '../../core/fault.ts';
import type { FaultName } from '../../core/fault-table.ts';
import type { Incoming } from '../../wire/envelope.ts';
import { type Answer, readMessages } from './http-answer.ts';

export interface Refused {
  upstream: string;
  answer: Answer;
  /** Whether the request carried a session id (legacy). */
  session: boolean;
  /** Id of the request; undefined for a notification or a GET. */
  id?: number | undefined;
  /** What somebody has to do about refused credentials, where that is known. */
  hint?: string | undefined;
}

/** JSON-RPC errors that a server gives to a request it has understood, with whatever status (2026-07-28). */
const UNDERSTOOD = new Set([-32601, -32602, -32002, -32020, -32021, -32022, -32042]);
/** Refusals that may mean a lost session, may mean what they say: settled by a ping (reliability §2). */
const AMBIGUOUS = new Set([400, 401, 422]);
/** Characters of a server's own text in a fault. */
const MAX_TEXT = 300;
/** By their definition nothing was run. */
const NOT_RUN = new Set([404, 405, 406, 410, 411, 413, 414, 415, 417, 421, 426, 431]);

/**
 * Reads an answer that is no success: a JSON-RPC error that is an answer, or a fault. `data` of the fault has
 * `httpStatus`, and `ambiguous` where a ping has to tell what was meant.
 */
export function readRefusal(refused: Refused): Incoming | GatewayFault {
  const { answer, session, id } = refused;
  const { status } = answer;
  const error = rpcErrorOf(answer);
  const forThis = error !== undefined && id !== undefined && error.id !== undefined && String(error.id) === String(id);
  const rpcError = error && { code: error.error.code, message: error.error.message.slice(0, MAX_TEXT) };
  const fault = (name: FaultName, text: string, delivery: Delivery, more: Record<string, unknown> = {}): GatewayFault =>
    new GatewayFault(name, text, {
      upstream: refused.upstream,
      delivery,
      retryAfterMs: retryAfter(answer.headers?.get('retry-after')),
      data: {
        httpStatus: status,
        ...(answer.contentType !== '' && { contentType: answer.contentType }),
        ...(session && AMBIGUOUS.has(status) && { ambiguous: true }),
        ...(rpcError !== undefined && { rpcError }),
        ...more,
      },
    });

  if (status === 401 || status === 403) {
    const wwwAuthenticate = answer.headers?.get('www-authenticate');
    const text = `the upstream refused our credentials (HTTP ${status})`;
    const more = wwwAuthenticate === undefined ? {} : { wwwAuthenticate };
    const refusal = fault('UPSTREAM_UNAUTHORIZED', text, 'rejected-unprocessed', more);
    return refused.hint === undefined ? refusal : refusal.with({ hint: refused.hint });
  }
  if (status === 429) {
    return fault('UPSTREAM_RATE_LIMITED', 'the upstream limits its callers (HTTP 429)', 'rejected-unprocessed');
  }
  if (status === 404 && session && !(forThis && UNDERSTOOD.has(rpcError?.code ?? 0))) {
    return fault('UPSTREAM_SESSION_LOST', 'the upstream does not know our session (HTTP 404)', 'rejected-unprocessed');
  }
  if (status >= 500 || status === 408) {
    if (error !== undefined && forThis) return error;
    const waits = status === 503 && answer.headers?.get('retry-after') !== undefined;
    const text = `the upstream answered with HTTP ${status}`;
    return fault('UPSTREAM_FAILED', text, waits ? 'rejected-unprocessed' : 'maybe-sent');
  }
  if (error !== undefined && id !== undefined) return error;
  if (status >= 300 && status < 400) {
    const text = `the upstream redirects where we do not follow (HTTP ${status}); check its URL`;
    return fault('UPSTREAM_PROTOCOL', text, 'rejected-unprocessed');
  }
  const text = `the upstream refused the request (HTTP ${status})`;
  return fault('UPSTREAM_PROTOCOL', text, NOT_RUN.has(status) ? 'rejected-unprocessed' : 'maybe-sent');
}

function rpcErrorOf(answer: Answer): (Incoming & { kind: 'error' }) | undefined {
  const body = answer.body();
  if (body.length === 0) return undefined;
  const [message] = readMessages(body);
  return message?.kind === 'error' ? message : undefined;
}

/** `Retry-After` in milliseconds: seconds or a date (F-H2). */
export function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
