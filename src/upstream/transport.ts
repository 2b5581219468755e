// The one interface every way to an MCP server has. A new kind of transport is an object like this and one line in
// the table of transports/index.ts.
import type { GatewayFault } from '../core/fault.ts';
import type { Era } from '../core/rpc.ts';
import type { TransportKind } from '../core/upstream.ts';
import type { Incoming } from '../wire/envelope.ts';

/** What a transport tells the link that owns it. It may be called at any time between `open` and `closed`. */
export interface TransportSink {
  /**
   * A message has arrived. `stream` is the id of the request on whose own response stream it came (HTTP);
   * undefined where all messages share one channel.
   */
  message(message: Incoming, stream?: number): void;
  /** The request with this id gets no answer any more: it could not be sent, was refused or its stream broke. */
  failed(id: number, fault: GatewayFault): void;
  /** Something that is not a message was seen and skipped (F-I1); `sample` is at most 200 characters of it. */
  noise(sample: string): void;
  /** The transport is over, once; requests without an answer fail with this fault. Not called after `close()`. */
  closed(fault: GatewayFault): void;
}

export interface OutgoingRequest {
  id: number;
  method: string;
  /** The whole JSON-RPC message. */
  text: string;
  /** For `Mcp-Name` (modern HTTP): tool or prompt name, or URI. */
  subject?: string | undefined;
  /** Further headers (HTTP): `Mcp-Param-*` of the call, and in lower case those of the caller (`forwardHeaders`). */
  headers?: Readonly<Record<string, string>> | undefined;
}

/** What the handshake settled; an HTTP transport sends it in its headers from then on. */
export interface Negotiated {
  era: Era;
  revision: string;
}

/** Where a transport writes what only an operator needs; whoever made it adds the name of the upstream. */
export type TransportLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  text: string,
  data?: Record<string, unknown>,
) => void;

export interface Transport {
  readonly kind: TransportKind;
  /** True where each request has its own response stream (streamable HTTP). */
  readonly correlates: boolean;
  /** When the last byte came from the peer, on the clock of `performance.now()`. */
  readonly lastByteAt: number;
  /** The direct child, where there is one. */
  readonly pid?: number | undefined;
  /** The last lines of the child's stderr, oldest first, bounded. */
  readonly stderr?: readonly string[] | undefined;
  /** How the child ended, once it has. */
  readonly exit?: { code: number | null; signal: string | null } | undefined;
  /** Resident memory (bytes), CPU time used (ms) and whether it is stopped, of the child; undefined when unknown. */
  usage?(): Promise<{ rss: number; cpu: number; frozen: boolean } | undefined>;

  /**
   * Opens the way to the server: spawns, dials, or (streamable HTTP) nothing at all.
   * @throws GatewayFault UPSTREAM_START_FAILED | UPSTREAM_UNREACHABLE | UPSTREAM_UNAUTHORIZED | UPSTREAM_PROTOCOL
   */
  open(sink: TransportSink, signal: AbortSignal): Promise<void>;
  /** Sends one request. Never throws and never blocks; what goes wrong is told to `sink.failed`. */
  request(request: OutgoingRequest): void;
  /** Sends a notification, or (legacy) the answer to a request of the server. @throws GatewayFault */
  post(text: string): Promise<void>;
  /** Forgets a request: frees what is kept for it and, where that is how its era cancels, closes its stream. */
  abandon(id: number): void;
  /** The handshake is over. A legacy HTTP transport opens its GET stream for what the server sends unasked. */
  negotiated(settled: Negotiated): void;
  /** Ends everything within `grace` milliseconds; a stdio transport ends the whole process group (requirements 10.31). */
  close(grace?: number): Promise<void>;
}
