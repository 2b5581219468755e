import { randomUUID } from 'node:crypto';
import { FAULTS, type FaultName, type FaultRow } from './fault-table.ts';
import type { RpcError } from './rpc.ts';

/** How far a request came before it failed; the retry rule hangs on it (reliability: delivery). */
export type Delivery = 'not-sent' | 'rejected-unprocessed' | 'maybe-sent' | 'answered';

export interface FaultDetails {
  upstream?: string | undefined;
  delivery?: Delivery | undefined;
  /** How long to wait before a repeat can help, in milliseconds. */
  retryAfterMs?: number | undefined;
  correlationId?: string | undefined;
  /** Replaces the hint of the table where more is known. */
  hint?: string | undefined;
  /** Further facts that a caller may see: near names, paths, the state of the upstream. */
  data?: Record<string, unknown> | undefined;
  cause?: unknown;
}

/**
 * The one error type of the gateway. Classified once, where it happens, by type and number, never by text;
 * rendered by each face from its row of the fault table (requirements 8.3).
 */
export class GatewayFault extends Error {
  readonly fault: FaultName;
  readonly upstream: string | undefined;
  readonly delivery: Delivery;
  readonly retryAfterMs: number | undefined;
  readonly correlationId: string;
  readonly hint: string;
  readonly data: Record<string, unknown> | undefined;

  constructor(fault: FaultName, message: string, details: FaultDetails = {}) {
    // A fault says itself where it comes from; a stack is a quarter of what it costs to refuse a call, and overload is
    // when that counts (F-C15). What is a mistake of ours keeps its own.
    const depth = Error.stackTraceLimit;
    if (fault !== 'INTERNAL') Error.stackTraceLimit = 0;
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    Error.stackTraceLimit = depth;
    this.name = 'GatewayFault';
    this.fault = fault;
    this.upstream = details.upstream;
    this.delivery = details.delivery ?? 'not-sent';
    this.retryAfterMs = details.retryAfterMs;
    this.correlationId = details.correlationId ?? randomUUID();
    this.hint = details.hint ?? FAULTS[fault].hint;
    this.data = details.data;
  }

  get row(): FaultRow {
    return FAULTS[this.fault];
  }

  /** Whether repeating is useful and cannot run anything twice. */
  get retryable(): boolean {
    return this.row.retryable && this.delivery !== 'maybe-sent';
  }

  /** The same fault with further details, for a layer that knows more (upstream, correlation id). */
  with(details: FaultDetails): GatewayFault {
    return new GatewayFault(this.fault, this.message, {
      upstream: this.upstream,
      delivery: this.delivery,
      retryAfterMs: this.retryAfterMs,
      correlationId: this.correlationId,
      hint: this.hint,
      data: this.data,
      cause: this.cause,
      ...details,
    });
  }

  /** What every face shows beside the message: `data` of a JSON-RPC error, `detail` of a REST answer. */
  describe(): Record<string, unknown> {
    return {
      fault: this.fault,
      ...(this.upstream !== undefined && { upstream: this.upstream }),
      delivery: this.delivery,
      retryable: this.retryable,
      ...(this.retryAfterMs !== undefined && { retryAfterMs: Math.max(0, Math.round(this.retryAfterMs)) }),
      correlationId: this.correlationId,
      hint: this.hint,
      ...this.data,
    };
  }

  toRpcError(): RpcError {
    return { code: this.row.code, message: this.message, data: this.describe() };
  }
}

/** Makes a fault of anything thrown; what is not one already is a bug of ours and becomes `INTERNAL`. */
export function asFault(thrown: unknown, details: FaultDetails = {}): GatewayFault {
  if (thrown instanceof GatewayFault) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new GatewayFault('INTERNAL', `unexpected: ${message}`, { ...details, cause: thrown });
}
