// What one MCP client of ours talks to: a view of the catalogue, with the operations that belong to it.

import type { ListKind } from '../core/catalog.ts';
import type { CallContext, ClientDescription } from '../core/context.ts';
import type { JsonObject } from '../core/json.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import type { Payload } from '../core/payload.ts';
import type { Era, RpcNotification } from '../core/rpc.ts';

/** A request that targets something of the view, with its params as the client sent them. */
export interface SurfaceRequest {
  method: 'tools/call' | 'resources/read' | 'prompts/get' | 'completion/complete';
  params: JsonObject;
  exactArguments?: string | undefined;
}

/** What of a client decides what it is offered. */
export type ClientOffer = Pick<ClientDescription, 'era' | 'revision' | 'capabilities'>;

export interface Surface {
  /** The view's name, as in `/mcp/{view}`. */
  readonly name: string;
  /** What instructions and capabilities are told from; while it is the same, so are they. Absent where they never change. */
  readonly snapshot?: object | undefined;
  instructions(): string | undefined;
  /** Server capabilities, as `initialize` and `server/discover` tell them to this client. */
  capabilities(client: ClientOffer): JsonObject;
  /** One page of a list; undefined for a cursor that is not ours. */
  list(kind: ListKind, cursor: string | undefined, era: Era): Payload | undefined;
  /** @throws GatewayFault, RpcFailure */
  call(request: SurfaceRequest, context: CallContext): Promise<UpstreamAnswer>;
  /** A request about tasks (`tasks/get` …); undefined where this view has none for this client. */
  task?(method: string, params: JsonObject, context: CallContext): Promise<UpstreamAnswer> | undefined;
  /** The `Mcp-Param-*` headers a modern HTTP client must send with this tool, by header name (lower case) → path. */
  headerParams(tool: string): ReadonlyMap<string, readonly string[]> | undefined;
  subscribe(uri: string, context: CallContext): Promise<void>;
  unsubscribe(uri: string): Promise<void>;
  /** Told when the listed bytes changed. */
  onListChange(listener: (kinds: readonly ListKind[]) => void): () => void;
  /** Told of notifications that belong to no call: resource updates, log messages. */
  onNotification(listener: (notification: RpcNotification) => void): () => void;
}
