// A span for every call and one for its way upstream, joined to the caller's trace. Wrapped around the path only when
// tracing is switched on: without it a call costs nothing (issue: OpenTelemetry).
import type { TracingConfig } from '../config/schema-monitor.ts';
import type { CallContext } from '../core/context.ts';
import type { EventStream } from '../core/events.ts';
import { asFault } from '../core/fault.ts';
import type { Operation } from '../core/operation.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import { OtlpExporter, type Span } from './otlp.ts';
import { newSpanId, newTraceId, readParent, traceOf, withTrace } from './trace-context.ts';

type Dispatch = (operation: Operation, context: CallContext) => Promise<UpstreamAnswer>;

export interface TracingOptions {
  config: TracingConfig;
  version: string;
  events: EventStream;
  redact(text: string): string;
  /** Milliseconds between two batches; for tests. */
  every?: number | undefined;
}

export interface Tracing {
  /** The same path, traced. */
  wrap(dispatch: Dispatch): Dispatch;
  close(): Promise<void>;
}

const METHODS: Readonly<Record<Exclude<Operation['kind'], 'forward'>, string>> = {
  'call-tool': 'tools/call',
  'read-resource': 'resources/read',
  'get-prompt': 'prompts/get',
  complete: 'completion/complete',
};

export function createTracing({ config, version, events, redact, every }: TracingOptions): Tracing {
  const warn = (text: string): void => events.emit({ type: 'log', level: 'warn', text: redact(text) });
  const exporter = new OtlpExporter({ config, version, warn, every });

  function wrap(dispatch: Dispatch): Dispatch {
    return async (operation, context) => {
      const parent = readParent(operation.params, context.trace);
      const traceId = parent?.traceId ?? newTraceId();
      const sampled = parent?.sampled ?? Math.random() < config.sampleRatio;
      const spanId = newSpanId();
      const clientId = newSpanId();
      const tracestate = parent?.tracestate;
      const trace = traceOf({ traceId, spanId: clientId, sampled, tracestate });
      // In `_meta`, which also crosses stdio, and in headers, which proxies before an HTTP upstream read.
      const traced: Operation = { ...operation, params: withTrace(operation.params, trace) };
      const below: CallContext = { ...context, trace };
      if (!sampled) return dispatch(traced, below);
      const start = performance.timeOrigin + performance.now();
      const whole = { traceId, spanId, parentSpanId: parent?.spanId, tracestate, start };
      try {
        const answer = await dispatch(traced, below);
        finished(whole, clientId, operation, context, answer, undefined);
        return answer;
      } catch (error) {
        finished(whole, clientId, operation, context, undefined, error);
        throw error;
      }
    };
  }

  function finished(
    whole: Pick<Span, 'traceId' | 'spanId' | 'parentSpanId' | 'tracestate' | 'start'>,
    clientId: string,
    operation: Operation,
    context: CallContext,
    answer: UpstreamAnswer | undefined,
    thrown: unknown,
  ): void {
    const end = performance.timeOrigin + performance.now();
    const method = operation.kind === 'forward' ? operation.method : METHODS[operation.kind];
    const subject = 'name' in operation ? operation.name : 'uri' in operation ? operation.uri : undefined;
    const fault = answer === undefined ? asFault(thrown) : undefined;
    const rpc = answer !== undefined && 'error' in answer ? answer.error : undefined;
    const isError = answer !== undefined && 'result' in answer && answer.result.get('isError') === true;
    const error = fault?.fault ?? (rpc === undefined ? (isError ? 'tool_error' : undefined) : String(rpc.code));
    const named = 'name' in operation ? ` ${operation.name}` : '';
    const { timing } = answer ?? {};
    const common = {
      'mcp.method.name': method,
      'gen_ai.tool.name': operation.kind === 'call-tool' ? operation.name : undefined,
      'mcp.resource.uri': operation.kind === 'read-resource' ? redact(operation.uri) : undefined,
      'holdfast.upstream': operation.upstream,
      'error.type': error,
    };
    exporter.add({
      ...whole,
      name: `${method}${named}`,
      kind: 2,
      end,
      attributes: {
        ...common,
        'holdfast.call.id': context.id,
        'holdfast.face': context.face,
        'holdfast.principal': redact(context.principal.id),
        'mcp.protocol.version': context.client.revision,
        'holdfast.delivery': fault?.delivery,
      },
      error:
        error === undefined ? undefined : redact(fault?.message ?? rpc?.message ?? `${subject ?? method} said isError`),
    });
    if (timing === undefined) return;
    const { attempts, queue, connect, upstream } = timing;
    exporter.add({
      traceId: whole.traceId,
      spanId: clientId,
      parentSpanId: whole.spanId,
      tracestate: whole.tracestate,
      name: `${method}${named}`,
      kind: 3,
      start: Math.max(whole.start, end - upstream),
      end,
      attributes: {
        ...common,
        'holdfast.attempts': attempts,
        'holdfast.queue.ms': queue,
        'holdfast.connect.ms': connect,
      },
      error: error === undefined ? undefined : String(error),
    });
  }

  return { wrap, close: () => exporter.close() };
}
