// What the headers of a tool call say about the call itself: how long its caller waits, the trace it is part of.
import type { IncomingMessage } from 'node:http';
import type { JsonObject } from '../../core/json.ts';

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

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,200})?$/;

/** W3C trace context as MCP carries it in `_meta`; undefined where there is none. */
export function traceMeta(request: IncomingMessage): JsonObject | undefined {
  const { traceparent, tracestate, baggage } = request.headers;
  if (traceparent === undefined && baggage === undefined) return undefined;
  const meta: JsonObject = {};
  if (typeof traceparent === 'string' && TRACEPARENT.test(traceparent)) {
    meta.traceparent = traceparent;
    if (typeof tracestate === 'string') meta.tracestate = tracestate;
  }
  if (typeof baggage === 'string') meta.baggage = baggage;
  return Object.keys(meta).length === 0 ? undefined : meta;
}
