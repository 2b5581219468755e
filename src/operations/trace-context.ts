// W3C trace context: read from `_meta` or headers, handed on in `_meta`, which also crosses stdio (MCP SEP-414).
import { randomBytes } from 'node:crypto';
import type { CallContext } from '../core/context.ts';
import { isObject, type JsonObject } from '../core/json.ts';

export interface SpanContext {
  traceId: string;
  spanId: string;
  sampled: boolean;
  tracestate: string | undefined;
}

type Trace = NonNullable<CallContext['trace']>;

const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
/** Longer ones may be dropped (trace-context §3.3.1.1). */
const LONGEST_STATE = 512;

/** The caller's span; undefined where there is none, or none that can be read. */
export function readParent(params: JsonObject, headers: CallContext['trace']): SpanContext | undefined {
  const meta = isObject(params._meta) ? params._meta : {};
  const own = typeof meta.traceparent === 'string' ? parse(meta.traceparent, meta.tracestate) : undefined;
  return own ?? (headers === undefined ? undefined : parse(headers.traceparent, headers.tracestate));
}

function parse(traceparent: string, tracestate: unknown): SpanContext | undefined {
  const [, version, traceId = '', spanId = '', flags = ''] = PARENT.exec(traceparent) ?? [];
  if (version === undefined || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const state = typeof tracestate === 'string' && tracestate.length <= LONGEST_STATE ? tracestate : undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1, tracestate: state };
}

export function newTraceId(): string {
  return randomBytes(16).toString('hex');
}

export function newSpanId(): string {
  return randomBytes(8).toString('hex');
}

/** A span as others are told of it. */
export function traceOf({ traceId, spanId, sampled, tracestate }: SpanContext): Trace {
  const traceparent = `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

/** The params as they go upstream: below the span that is given. */
export function withTrace(params: JsonObject, trace: Trace): JsonObject {
  const { tracestate: _, ...meta } = isObject(params._meta) ? params._meta : {};
  return { ...params, _meta: { ...meta, ...trace } };
}
