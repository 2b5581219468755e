// One configured MCP server, seen from the rest of the house. Process, transport, era, pool and retry are its inside.
import type { CallContext } from './context.ts';
import type { GatewayFault } from './fault.ts';
import type { HeldWhy } from './held.ts';
import type { JsonObject } from './json.ts';
import type { UpstreamAnswer } from './outcome.ts';
import type { Era, RpcNotification } from './rpc.ts';

export type TransportKind = 'stdio' | 'streamable-http' | 'sse' | 'websocket' | (string & {});

/** What the supervisor is doing (requirements 7, `state`); each state carries only its own data. */
export type UpstreamState = { since: number } & (
  | { state: 'disabled' }
  | { state: 'stopped'; reason: 'idle' | 'never-started' | 'removed' }
  | { state: 'starting'; attempt: number; deadline: number; phase: 'queued' | 'spawning' | 'handshake' | 'listing' }
  | { state: 'ready' }
  | { state: 'degraded'; cause: string }
  | { state: 'draining' }
  | { state: 'stopping' }
  | { state: 'backoff'; attempt: number; until: number; cause: GatewayFault }
  | { state: 'cooling_down'; attempt: number; until: number; cause: GatewayFault }
  | { state: 'failed'; cause: GatewayFault }
  | { state: 'needs_auth'; cause: GatewayFault; until: number }
  | { state: 'quarantined'; why: HeldWhy }
);
export type StateName = UpstreamState['state'];

export type Health =
  | 'healthy'
  | 'degraded'
  | 'starting'
  | 'unhealthy'
  | 'cooling_down'
  | 'failed'
  | 'disabled'
  | 'unknown';

const HEALTH: Record<StateName, Health> = {
  ready: 'healthy',
  degraded: 'degraded',
  starting: 'starting',
  backoff: 'unhealthy',
  cooling_down: 'cooling_down',
  failed: 'failed',
  needs_auth: 'failed',
  disabled: 'disabled',
  quarantined: 'disabled',
  stopped: 'unknown',
  draining: 'unknown',
  stopping: 'unknown',
};

/** Health is derived from the state, never stored (requirements 7). */
export function healthOf(state: StateName): Health {
  return HEALTH[state];
}

/** Who the upstream said it is, in its handshake. */
export interface UpstreamIdentity {
  era: Era;
  revision: string;
  transport: TransportKind;
  serverInfo: JsonObject;
  capabilities: JsonObject;
  instructions?: string | undefined;
}

/** The last confirmed lists of an upstream, its own order, every entry verbatim. Replaced whole, never changed. */
export interface UpstreamLists {
  /** Grows with every confirmed change. */
  readonly revision: number;
  /** False while they come from an earlier run (kept catalogue) and this run has not confirmed them. */
  readonly confirmed: boolean;
  readonly tools: readonly JsonObject[];
  readonly resources: readonly JsonObject[];
  readonly resourceTemplates: readonly JsonObject[];
  readonly prompts: readonly JsonObject[];
  /** Entries left out, and why (a tool without a schema, an invalid x-mcp-header). */
  readonly excluded: readonly { kind: string; name: string; reason: string }[];
  /** `ttlMs` and `cacheScope` of a modern upstream's lists, the strictest of them. */
  readonly ttlMs?: number | undefined;
  readonly cacheScope?: 'public' | 'private' | undefined;
}

export const NO_LISTS: UpstreamLists = {
  revision: 0,
  confirmed: false,
  tools: [],
  resources: [],
  resourceTemplates: [],
  prompts: [],
  excluded: [],
};

/** How safe a request is to send a second time after it may have been run. */
export type Safety = 'read' | 'idempotent' | 'write';

/** Whether a tool may destroy something: `unsaid`, it does not tell, and the protocol presumes that it may. */
export type Destructive = 'no' | 'unsaid' | 'yes';

export interface UpstreamCall {
  method: string;
  params: JsonObject;
  exactArguments?: string | undefined;
  safety: Safety;
  /** For `Mcp-Name` and for records: the upstream's own tool or prompt name, or the URI. */
  subject?: string | undefined;
  /** Replaces `timeouts.call`, in milliseconds. */
  timeout?: number | undefined;
  /** Asked right before every attempt, as a start in between can bring other tools (10.21). @throws GatewayFault */
  permit?: (() => void) | undefined;
}

/** Sessions of one upstream in the modes `pooled` and `isolated`. */
export interface PoolUse {
  inUse: number;
  idle: number;
  /** Callers that wait for one. */
  waiting: number;
}

/** Facts for status pages; nothing here is a secret. */
export interface UpstreamFacts {
  pid?: number | undefined;
  inFlight: number;
  /** Calls in flight seen at most; absent where nobody counts them. */
  peak?: number | undefined;
  queued: number;
  restarts: number;
  /** Lines on stdout that were not JSON-RPC, answers to nothing, and the like. */
  noise: number;
  /** The last lines of stderr, oldest first, bounded. */
  stderr: readonly string[];
  /** Those of `supervisor.readyPatterns` that its process has printed: a hint, never a proof (C-34). */
  printed?: readonly string[] | undefined;
  lastExit?: { code: number | null; signal: string | null; at: number } | undefined;
  /** Failed calls and failed tries to connect since the last success of either (B-25). */
  errorCount: number;
  /** Tries to come back since it was last ready; its first start is none. */
  reconnectAttempts: number;
  /** All tries to start or connect. */
  connects: number;
  /** Absent where all callers share one session. */
  pool?: PoolUse | undefined;
  lastCheck?: number | undefined;
  /** Calls are refused at once because the way to it failed repeatedly. */
  circuitOpen?: boolean | undefined;
  /** Whoever answers is believed (`tls.insecure`); absent where that is not so. */
  certificate?: 'not checked' | undefined;
}

/** Of an upstream of which nothing runs here. */
export const NO_FACTS: UpstreamFacts = {
  inFlight: 0,
  queued: 0,
  restarts: 0,
  noise: 0,
  stderr: [],
  errorCount: 0,
  reconnectAttempts: 0,
  connects: 0,
};

export interface StopOptions {
  drain: number;
  reason: 'removed' | 'shutdown' | 'disabled' | 'idle';
  grace?: number | undefined;
}

export interface Upstream {
  readonly name: string;
  readonly state: UpstreamState;
  readonly identity: UpstreamIdentity | undefined;
  readonly lists: UpstreamLists;
  facts(): UpstreamFacts;
  /**
   * Sends one request and gives its answer. Waits while the upstream starts (requirements 10.15).
   * @throws GatewayFault with the delivery; an upstream's own JSON-RPC error is an answer and is returned.
   */
  call(call: UpstreamCall, context: CallContext): Promise<UpstreamAnswer>;
  /**
   * Resolves when it can be called, its lists known; waits as a call would and wakes it as a call would, for those who
   * need to know what it offers first.
   * @throws GatewayFault with its state, cause and next try (requirements 10.15)
   */
  whenUp(context: CallContext): Promise<void>;
  /** Counts one more listener to a resource; the upstream is asked once per URI, and again after it reconnected. */
  subscribe(uri: string, context: CallContext): Promise<UpstreamAnswer | undefined>;
  unsubscribe(uri: string): Promise<void>;
  /** Notifications that belong to no call: `notifications/resources/updated`, log messages. */
  onNotification(listener: (notification: RpcNotification) => void): () => void;
  /** Called after every change of state, identity or lists. */
  onChange(listener: (what: 'state' | 'lists') => void): () => void;
  start(): void;
  /**
   * Ends process and connections. `drain` milliseconds are given to calls in flight first, `grace` to a process to end
   * by itself (10.31 where absent).
   */
  stop(options: StopOptions): Promise<void>;
  restart(options: { force: boolean }): void;
}
