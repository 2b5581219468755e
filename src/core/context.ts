// Who asks, on which face, until when. Made by the face, never changed afterwards.
import type { CallSignal } from './call-signal.ts';
import type { JsonObject } from './json.ts';
import type { Era, RpcError, RpcNotification } from './rpc.ts';
import type { Scope } from './scope.ts';

export type FaceName = 'mcp' | 'openapi' | 'xiaozhi' | 'admin' | 'cli';

export type Role = 'read' | 'call' | 'admin';

/** Whoever a key or the loopback makes of a caller. */
export interface Principal {
  /** Name shown in records; `local` for a caller on loopback without a key (requirements 12.3). */
  id: string;
  roles: readonly Role[];
  /** What of the catalogue exists for it; absent: all (`createScope`). */
  scope?: Scope | undefined;
  /** Calls it may make in a time; absent: as many as the gateway takes. */
  rate?: CallRate | undefined;
}

/** So many calls in so many milliseconds. */
export interface CallRate {
  calls: number;
  per: number;
}

/** Calls that a principal with a rate has made. */
export interface Spent {
  principal: string;
  calls: number;
  rate: CallRate;
}

/** The MCP client behind a call, as far as it told us. */
export interface ClientDescription {
  era: Era;
  revision: string;
  capabilities: JsonObject;
  info: JsonObject;
  /** Stable for one client session (legacy) or one caller (modern); requests of one key may share upstream state. */
  key: string;
}

/** A request of an upstream to the client (elicitation, sampling, roots) and its answer. */
export interface ClientRequest {
  method: string;
  params: JsonObject;
}
export type ClientAnswer = { result: JsonObject } | { error: RpcError };

export interface CallContext {
  /** Correlation id, in logs, faults and the call history. */
  readonly id: string;
  readonly face: FaceName;
  readonly principal: Principal;
  readonly client: ClientDescription;
  /** When the caller gives up, on the clock of `performance.now()`; infinite leaves it to the upstream's timeout. */
  readonly deadline: number;
  /** Aborted when the caller cancels or (modern era) goes away. */
  readonly signal: CallSignal;
  /** Ends the call as if the caller had cancelled it; `signal` is then aborted. */
  readonly cancel?: ((reason: string) => void) | undefined;
  /** Sends a progress or log notification of this very call; already in the caller's terms (its own progress token). */
  readonly notify?: ((notification: RpcNotification) => void) | undefined;
  /** Asks the client behind this call; absent when it cannot be asked. */
  readonly ask?: ((request: ClientRequest, signal: AbortSignal) => Promise<ClientAnswer>) | undefined;
  /** Lowest level of log notifications the caller wants; absent = none. */
  readonly logLevel?: string | undefined;
  /**
   * W3C trace context beside `_meta`, only while calls are traced: from the caller's headers, where `_meta` says nothing;
   * below the gateway's own span what an HTTP upstream is told in headers.
   */
  readonly trace?: { traceparent: string; tracestate?: string | undefined } | undefined;
  /**
   * The HTTP headers the caller sent, names in lower case, but for the one that held a key of the gateway. Only there
   * when some upstream forwards headers (`forwardHeaders`); nothing else may read a caller's credentials from them.
   */
  readonly headers?: ReadonlyMap<string, string> | undefined;
  /** The progress token the caller chose; absent = it wants no progress. */
  readonly progressToken?: string | number | undefined;
}
