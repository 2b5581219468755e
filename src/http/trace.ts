// W3C trace context as it comes in the headers of a request.
import type { IncomingMessage } from 'node:http';

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,200})?$/;

/** The caller's span; undefined where there is none, or none that can be read. */
export function traceOf({
  headers: { traceparent, tracestate },
}: IncomingMessage): { traceparent: string; tracestate?: string } | undefined {
  if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent)) return undefined;
  return { traceparent, ...(typeof tracestate === 'string' && { tracestate }) };
}
