// The two ways in which a request ends as a JSON-RPC error that is no fault of the gateway.
import type { UpstreamAnswer } from '../core/outcome.ts';
import type { RpcError } from '../core/rpc.ts';

/** A request that the gateway itself refuses with a JSON-RPC error of the protocol, and the HTTP status that goes with it. */
export class RpcFailure extends Error {
  readonly error: RpcError;
  /** For a carrier that has one; 200 in the legacy era, where errors are answers. */
  readonly status: number;

  constructor(code: number, message: string, options: { data?: unknown; status?: number } = {}) {
    super(message);
    this.name = 'RpcFailure';
    this.error = { code, message, ...(options.data !== undefined && { data: options.data }) };
    this.status = options.status ?? 200;
  }
}

export function invalidParams(message: string, data?: unknown): RpcFailure {
  return new RpcFailure(-32602, message, { data, status: 400 });
}

/** Unknown method; a modern HTTP server says it with 404 (2026-07-28 streamable-http). */
export function methodNotFound(method: string): RpcFailure {
  return new RpcFailure(-32601, `Method not found: ${method}`, { status: 404 });
}

/** Carries an upstream's own JSON-RPC error out of the middle of a request; it is told as it is. */
export class UpstreamRefusal extends Error {
  readonly answer: UpstreamAnswer & { error: RpcError };

  constructor(answer: UpstreamAnswer & { error: RpcError }) {
    super(answer.error.message);
    this.name = 'UpstreamRefusal';
    this.answer = answer;
  }
}
