// Turns a fault into what a model can do next: MCPX's JSON inside a result that says isError (A-23, A-24, X-09).
import type { ViewMember } from '../core/catalog.ts';
import type { GatewayFault } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import type { RpcError } from '../core/rpc.ts';
import type { Violation } from './violations.ts';

/** A result of a tool that failed: the JSON as its only text. */
export function failure(what: JsonObject): JsonObject {
  return { content: [{ type: 'text', text: JSON.stringify(what) }], isError: true };
}

/** A fault as a result. `member` is the upstream it is about, for what it is doing now. */
export function teachFault(fault: GatewayFault, member: ViewMember | undefined): JsonObject {
  const { row, data, message, hint } = fault;
  if (fault.fault === 'UPSTREAM_UNKNOWN' || fault.fault === 'TOOL_UNKNOWN' || fault.fault === 'RESOURCE_UNKNOWN') {
    const isEmpty = data === undefined || Object.keys(data).length === 0;
    return failure({ error: message, code: row.converged, ...data, ...(isEmpty && { hint }) });
  }
  if (fault.fault === 'ARGUMENTS_INVALID') return failure({ error: message, code: row.converged, ...data });
  return failure({
    error: message,
    code: row.converged,
    fault: fault.fault,
    ...(fault.upstream !== undefined && { server: fault.upstream }),
    ...(member !== undefined && stateOf(member, message)),
    ...(fault.retryAfterMs !== undefined && { retry_after_ms: Math.max(0, Math.round(fault.retryAfterMs)) }),
    delivery: fault.delivery,
    retryable: fault.retryable,
    hint: fault.delivery === 'maybe-sent' ? `The outcome is unknown: the call may have run. ${hint}` : hint,
    correlation_id: fault.correlationId,
    ...data,
  });
}

/** What an upstream is doing, since when, and when it is tried again; the cause, unless `told` says it already. */
function stateOf({ state }: ViewMember, told: string): JsonObject {
  if (state.state === 'ready') return {};
  const cause = 'cause' in state ? (typeof state.cause === 'string' ? state.cause : state.cause.message) : undefined;
  const until = 'until' in state ? state.until : undefined;
  return {
    state: state.state,
    since: new Date(state.since).toISOString(),
    ...(until !== undefined && { next_try: new Date(until).toISOString() }),
    ...(cause !== undefined && !told.includes(cause) && { cause }),
  };
}

/** Arguments that do not fit the tool's schema: each place, and the signature. */
export function teachArguments(
  server: string,
  tool: string,
  violations: readonly Violation[],
  signature: unknown,
): JsonObject {
  const places = violations.map(
    ({ path, expected, got }) => `${path === '' ? 'arguments' : path}: expected ${expected}, got ${got}`,
  );
  return failure({
    error: `Argument validation failed: ${places.slice(0, 3).join('; ')}${places.length > 3 ? `; and ${places.length - 3} more` : ''}`,
    code: 'VALIDATION_ERROR',
    server,
    tool,
    problems: violations,
    tool_schema: signature,
  });
}

/** An upstream's own JSON-RPC error, which is an answer (X-09). */
export function teachRefusal(server: string, error: RpcError): JsonObject {
  return failure({
    error: error.message,
    code: 'EXECUTION_ERROR',
    server,
    upstream_code: error.code,
    ...(error.data !== undefined && { data: error.data }),
  });
}
