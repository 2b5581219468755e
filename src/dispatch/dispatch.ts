// THE path: every face turns what it is asked into an operation and sends it through here.
import type { CallContext } from '../core/context.ts';
import type { CallFinished, EventStream } from '../core/events.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import type { FaultName } from '../core/fault-table.ts';
import { type HeldWhy, heldFault } from '../core/held.ts';
import type { Operation } from '../core/operation.ts';
import type { OutcomeKind, UpstreamAnswer } from '../core/outcome.ts';
import type { Destructive, Safety, Upstream, UpstreamCall } from '../core/upstream.ts';

/** Sends one operation to its upstream. @throws GatewayFault; an upstream's own JSON-RPC error is an answer. */
export type Dispatch = (operation: Operation, context: CallContext) => Promise<UpstreamAnswer>;

/** What the gateway knows of a tool that may be called. */
export interface ToolPolicy {
  safety: Safety;
  /** Whether it may destroy something, and so may have to be confirmed (`security.confirm`); absent: `unsaid`. */
  destructive?: Destructive | undefined;
  /** Replaces `timeouts.call`, in milliseconds. */
  timeout?: number | undefined;
  /** See `UpstreamCall`; absent where nothing is ever held back. */
  permit?: (() => void) | undefined;
}

export interface DispatchDeps {
  /** The upstream of this id; a stopped or removed one is none. */
  upstream(name: string): Upstream | undefined;
  /** Ids of all upstreams, for near names. */
  upstreams(): readonly string[];
  /** The one policy point (X-06): undefined when this tool may not be called by this caller. */
  tool(upstream: string, name: string, context: CallContext): ToolPolicy | undefined;
  /** Why a tool waits for approval, where it does (10.21). */
  held?: ((upstream: string, name: string) => HeldWhy | undefined) | undefined;
  /** Asked before a prompt, a resource or a completion is sent for, and by what it gives when it is about to be; throws. */
  permit?: ((operation: Operation, context: CallContext) => (() => void) | undefined) | undefined;
  /** What a call to this upstream has to wait for first: the end of a pause; undefined for nothing. */
  gate?: ((upstream: string, context: CallContext) => Promise<void> | undefined) | undefined;
  /** Names close to one that does not exist. */
  nearest(name: string, candidates: readonly string[]): string[];
  /** Refuses what the gateway has no room for, by throwing (F-G8). */
  admit?: (() => void) | undefined;
  /** Gateway-wide bound of calls in flight (reliability §2, bulkhead). */
  limit: number;
  events: EventStream;
}

const METHODS = {
  'call-tool': 'tools/call',
  'read-resource': 'resources/read',
  'get-prompt': 'prompts/get',
  complete: 'completion/complete',
} as const;

/** Forwarded methods that change nothing. */
const READS: ReadonlySet<string> = new Set(['tasks/get', 'tasks/list', 'tasks/result']);

export function createDispatch(deps: DispatchDeps): Dispatch & { readonly inFlight: number } {
  let inFlight = 0;

  function admit(operation: Operation, context: CallContext): Upstream {
    const upstream = deps.upstream(operation.upstream);
    if (upstream === undefined) {
      const near = deps.nearest(operation.upstream, deps.upstreams());
      throw new GatewayFault(
        'UPSTREAM_UNKNOWN',
        `no upstream is called ${JSON.stringify(operation.upstream)}${didYouMean(near)}`,
        {
          correlationId: context.id,
          data: { near },
        },
      );
    }
    deps.admit?.();
    if (inFlight >= deps.limit) {
      throw new GatewayFault('OVERLOADED', `${deps.limit} calls are in flight, as many as limits.gateway allows`, {
        upstream: upstream.name,
        correlationId: context.id,
        retryAfterMs: 1000,
      });
    }
    return upstream;
  }

  function upstreamCall(operation: Operation, upstream: Upstream, context: CallContext): UpstreamCall {
    const { params, exactArguments } = operation;
    const permit = operation.kind === 'call-tool' ? undefined : deps.permit?.(operation, context);
    switch (operation.kind) {
      case 'call-tool': {
        const policy = deps.tool(upstream.name, operation.name, context);
        if (policy === undefined) {
          const why = deps.held?.(upstream.name, operation.name);
          if (why !== undefined) throw heldFault(upstream.name, operation.name, why, context.id);
          throw new GatewayFault('TOOL_UNKNOWN', `${upstream.name} has no tool ${JSON.stringify(operation.name)}`, {
            upstream: upstream.name,
            correlationId: context.id,
          });
        }
        return {
          method: 'tools/call',
          params,
          exactArguments,
          safety: policy.safety,
          subject: operation.name,
          timeout: policy.timeout,
          permit: policy.permit,
        };
      }
      case 'read-resource':
        return { method: 'resources/read', params, safety: 'read', subject: operation.uri, permit };
      case 'get-prompt':
        return { method: 'prompts/get', params, safety: 'read', subject: operation.name, permit };
      case 'complete':
        return { method: 'completion/complete', params, safety: 'read', permit };
      case 'forward':
        return { method: operation.method, params, safety: READS.has(operation.method) ? 'read' : 'write' };
    }
  }

  async function dispatch(operation: Operation, context: CallContext): Promise<UpstreamAnswer> {
    const started = performance.now();
    let counted = false;
    try {
      const upstream = admit(operation, context);
      const call = upstreamCall(operation, upstream, context);
      const gate = deps.gate?.(upstream.name, context);
      inFlight++;
      counted = true;
      if (gate !== undefined) await gate;
      const answer = await upstream.call(call, context);
      inFlight--;
      counted = false;
      reportCall(deps.events, operation, context, started, answer, undefined);
      return answer;
    } catch (thrown) {
      if (counted) inFlight--;
      const fault = asFault(thrown, { upstream: operation.upstream, correlationId: context.id });
      reportCall(deps.events, operation, context, started, undefined, fault);
      throw fault;
    }
  }

  return Object.defineProperty(dispatch as Dispatch & { readonly inFlight: number }, 'inFlight', {
    get: () => inFlight,
  });
}

/** Tells the events that a call has ended. */
export function reportCall(
  events: EventStream,
  operation: Operation,
  context: CallContext,
  started: number,
  answer: UpstreamAnswer | undefined,
  fault: GatewayFault | undefined,
): void {
  const event: CallFinished = {
    type: 'call.finished',
    id: context.id,
    face: context.face,
    principal: context.principal.id,
    client: clientName(context),
    upstream: operation.upstream,
    method: operation.kind === 'forward' ? operation.method : METHODS[operation.kind],
    subject: subjectOf(operation),
    outcome: outcomeOf(answer),
    fault: fault?.fault as FaultName | undefined,
    attempts: answer?.timing.attempts ?? 0,
    queue: answer?.timing.queue ?? 0,
    upstreamTime: answer?.timing.upstream ?? 0,
    total: performance.now() - started,
    bytes: answer !== undefined && 'result' in answer ? answer.result.size : 0,
    params: operation.params,
  };
  events.emit(event);
}

function outcomeOf(answer: UpstreamAnswer | undefined): OutcomeKind {
  if (answer === undefined) return 'fault';
  if ('error' in answer) return 'rpc-error';
  return answer.result.get('isError') === true ? 'tool-error' : 'result';
}

function subjectOf(operation: Operation): string {
  if (operation.kind === 'read-resource') return operation.uri;
  return 'name' in operation ? operation.name : '';
}

function clientName(context: CallContext): string {
  const { name, version } = context.client.info;
  return typeof name === 'string' ? `${name}${typeof version === 'string' ? ` ${version}` : ''}` : context.face;
}

/** `; did you mean "a" or "b"?`, or nothing. */
export function didYouMean(near: readonly string[]): string {
  return near.length === 0 ? '' : `; did you mean ${near.map((name) => JSON.stringify(name)).join(' or ')}?`;
}
