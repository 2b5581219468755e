// One call of one custom tool, as its handler sees it.
import type { CustomTool } from '../config/schema-custom.ts';
import type { CallContext } from '../core/context.ts';
import type { Delivery } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import type { Payload } from '../core/payload.ts';

export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  text: string,
  data?: Record<string, unknown> | undefined,
) => void;

export interface Run {
  readonly tool: CustomTool;
  /** Checked against `inputSchema`. */
  readonly args: JsonObject;
  /** The params as they came, but for the name. */
  readonly params: JsonObject;
  readonly exactArguments: string | undefined;
  readonly context: CallContext;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  /** Aborted at the deadline, when the caller cancels and when the upstream is stopped; its reason is the fault. */
  readonly signal: AbortSignal;
  /** How far it came; a handler says so before it does anything that cannot be taken back. */
  delivery: Delivery;
  readonly log: Log;
}

/**
 * Runs one call. A result of its own, or the answer of another upstream as it came. What the back end says of a failure
 * is a result with `isError`. @throws GatewayFault where nothing answered
 */
export type Handler = (run: Run) => Promise<Payload | UpstreamAnswer>;
