// What the headers of a tool call say about the call itself: how long its caller waits, the trace it is part of.
import type { IncomingMessage } from 'node:http';
import type { JsonObject } from '../../core/json.ts';
import { traceOf } from '../../http/trace.ts';

/**
 * When the caller gives up, on the clock of `performance.now()`: `X-Request-Timeout` in seconds (reliability §2);
 * infinite without one, undefined for one that is no positive number.
 */
export function deadlineOf(request: IncomingMessage): number | undefined {
  const given = request.headers['x-request-timeout'];
  if (given === undefined) return Number.POSITIVE_INFINITY;
  const seconds = typeof given === 'string' && /^\d{1,9}(\.\d{1,9})?$/.test(given) ? Number(given) : 0;
  return seconds > 0 ? performance.now() + seconds * 1000 : undefined;
}

/** W3C trace context as MCP carries it in `_meta`; undefined where there is none. */
export function traceMeta(request: IncomingMessage): JsonObject | undefined {
  const { baggage } = request.headers;
  const trace = traceOf(request);
  if (trace === undefined && typeof baggage !== 'string') return undefined;
  return { ...trace, ...(typeof baggage === 'string' && { baggage }) };
}
