// What the management API works on: ports and functions, nothing of the house itself.
import type { UpstreamConfig } from '../../config/schema.ts';
import type { Catalog } from '../../core/catalog.ts';
import type { CallContext } from '../../core/context.ts';
import type { EventStream } from '../../core/events.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Operation } from '../../core/operation.ts';
import type { UpstreamAnswer } from '../../core/outcome.ts';
import type { ApprovalControl, ConfigControl, ConfigProblem, Control, KeyControl, Views } from '../../core/ports.ts';
import type { Safety, Upstream } from '../../core/upstream.ts';
import type { Violation } from '../../http/validation.ts';

/** The endpoints that the gateway dials, by name. */
export interface EndpointPort {
  /** Without tokens. */
  status(): readonly { name: string }[];
  /** False where there is none of this name; so below. */
  connect(name: string): boolean;
  disconnect(name: string): Promise<boolean>;
  /** Where those of the configuration stand in its list `endpoints`. */
  places(): ReadonlyMap<string, number>;
  /** Name of the active endpoint that has this address. */
  at(url: string): string | undefined;
}

/** The gateways that share a store. */
export interface ClusterPort {
  /** State of the store, and every gateway with what it reports; this one first. */
  status(): JsonObject;
  /** A new key that signs session ids. @throws SharedStoreFailed */
  rotateKeys(): Promise<void>;
}

/** The gateway's logins at upstreams that are protected by an authorization server. */
export interface LoginPort {
  /** Without tokens; undefined where there is nothing to log in to. */
  status(upstream: string): object | undefined;
  /** Gives the address to open in a browser. @throws GatewayFault */
  begin(upstream: string, options: { force: boolean }): Promise<{ url: string; expires: string }>;
  /** False: there was no login. @throws GatewayFault UPSTREAM_UNKNOWN */
  logout(upstream: string): Promise<boolean>;
}

/** The encrypted store behind `${secret:NAME}`; each throws an error named `SecretsFailed`, with words for people. */
export interface SecretPort {
  list(): { secrets: readonly { name: string; changed: string }[]; key: string };
  set(name: string, value: string): Promise<void>;
  /** False where there is none of this name. */
  remove(name: string): Promise<boolean>;
}

/** Upstreams that a pasted text speaks of, in native keys. */
export type Pasted =
  | { ok: true; format: string; upstreams: Readonly<Record<string, JsonObject>>; notes: readonly ConfigProblem[] }
  | { ok: false; problems: readonly ConfigProblem[] };

export interface AdminDeps {
  version: string;
  /** Under which the gateway is reached, for links. */
  url(): string;
  views: Views;
  control: Control;
  config: ConfigControl;
  events: EventStream;
  catalog: Catalog;
  /** The report of `/health` with errors. */
  health(): object;
  upstreams(): readonly Upstream[];
  upstreamConfig(name: string): UpstreamConfig | undefined;
  /** The policy of one tool of an upstream, by its own name; undefined for one that is not listed. */
  tool(upstream: string, name: string): { enabled: boolean; safety: Safety } | undefined;
  dispatch(operation: Operation, context: CallContext): Promise<UpstreamAnswer>;
  /** What is wrong with the arguments of a tool; nothing where its upstream is not to be checked (10.19). */
  checkArguments?:
    | ((upstream: string, inputSchema: unknown, args: JsonObject) => Promise<readonly Violation[]>)
    | undefined;
  /** Removes secrets from a text. */
  redact(text: string): string;
  /** Largest body, in bytes. */
  bodyLimit(): number;
  /** Arguments of a tool as TypeScript. */
  signature?: ((definition: JsonObject) => string) | undefined;
  /** Tokens of a text, estimated. */
  tokens?: ((text: string) => number) | undefined;
  /** Client sessions that are connected or kept. */
  sessions?: (() => readonly object[]) | undefined;
  /** Language of the dashboard; `auto`: that of the browser (10.33). */
  locale?: (() => 'auto' | 'en' | 'zh') | undefined;
  /** Reads what somebody pasted: a configuration of any known program, or a command line. */
  readPasted?: ((text: string) => Promise<Pasted>) | undefined;
  endpoints?: EndpointPort | undefined;
  /** The gateways that share a store with this one. */
  cluster?: ClusterPort | undefined;
  keys?: KeyControl | undefined;
  /** What waits for approval (10.21). */
  approvals?: ApprovalControl | undefined;
  /** Makes the key anew that signs session ids. */
  rotateSigningKey?: (() => Promise<void>) | undefined;
  logins?: LoginPort | undefined;
  secrets?: SecretPort | undefined;
  /** Reads and changes the least level that is written. */
  log?: { level(): string; setLevel(level: string): void } | undefined;
}
