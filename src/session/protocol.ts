// One MCP client of ours, whatever carries it: methods become operations of its surface, answers become its era's.
import { randomUUID } from 'node:crypto';
import { translateError, translateResult } from '../bridge/results.ts';
import { isTaskMethod } from '../bridge/tasks.ts';
import type { CallSignal } from '../core/call-signal.ts';
import type { ListKind } from '../core/catalog.ts';
import type {
  CallContext,
  ClientAnswer,
  ClientDescription,
  ClientRequest,
  FaceName,
  Principal,
} from '../core/context.ts';
import { asFault } from '../core/fault.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { Payload } from '../core/payload.ts';
import type { Era, RpcError, RpcNotification } from '../core/rpc.ts';
import {
  HEADER_MISMATCH,
  LOG_LEVELS,
  META,
  MISSING_CAPABILITY,
  MODERN_REVISIONS,
  negotiate,
  UNSUPPORTED_VERSION,
} from '../wire/revisions.ts';
import { invalidParams, methodNotFound, RpcFailure, UpstreamRefusal } from './rpc-failure.ts';
import type { Surface, SurfaceRequest } from './surface.ts';

/** Who sent a request, and what it is shown. */
export interface Caller {
  face: FaceName;
  principal: Principal;
  client: ClientDescription;
  surface: Surface;
  /** See `CallContext`. */
  headers?: CallContext['headers'];
  trace?: CallContext['trace'];
}

/** What of a caller came in the headers of its request. */
export type Sent = Pick<Caller, 'headers' | 'trace'>;

/** What a carrier keeps of one legacy client session; nothing of it exists until it is used (requirements 10.18). */
export interface SessionState {
  readonly logLevel: string | undefined;
  setLogLevel(level: string): void;
  readonly subscriptions: ReadonlySet<string>;
  addSubscription(uri: string): void;
  removeSubscription(uri: string): void;
}

/** How messages that belong to one request reach its client, and how it cancels. */
export interface Exchange {
  signal: CallSignal;
  cancel?: ((reason: string) => void) | undefined;
  notify(notification: RpcNotification): void;
  ask?: ((request: ClientRequest, signal: AbortSignal) => Promise<ClientAnswer>) | undefined;
}

export interface ClientMessage {
  method: string;
  params: JsonObject;
  exactArguments?: string | undefined;
}

/** The answer to one request; `status` is for carriers that have one. */
export type Reply = { result: Payload } | { error: RpcError; status: number };

export interface GatewayIdentity {
  name: string;
  title: string;
  version: string;
}

const LISTS: ReadonlyMap<string, ListKind> = new Map([
  ['tools/list', 'tools'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
  ['prompts/list', 'prompts'],
]);
const CALLS: ReadonlySet<string> = new Set(['tools/call', 'resources/read', 'prompts/get', 'completion/complete']);

/** Answers one request of a client. Never throws: whatever goes wrong is the reply. */
export async function answer(
  caller: Caller,
  message: ClientMessage,
  exchange: Exchange,
  identity: GatewayIdentity,
  state?: SessionState | undefined,
): Promise<Reply> {
  try {
    return { result: await resultOf(caller, message, exchange, identity, state) };
  } catch (thrown) {
    return failed(thrown, message.method, caller.client.era);
  }
}

/** What a client of this era is told of what was thrown while its request was answered. */
export function failed(thrown: unknown, method: string, era: Era): Reply {
  if (thrown instanceof RpcFailure) return { error: thrown.error, status: era === 'modern' ? thrown.status : 200 };
  if (thrown instanceof UpstreamRefusal) {
    const { error, era: from } = thrown.answer;
    const translated = translateError(method, error, from, era);
    return { error: translated, status: era === 'modern' ? statusOf(translated.code) : 200 };
  }
  const fault = asFault(thrown);
  const error = fault.toRpcError();
  if (fault.fault === 'RESOURCE_UNKNOWN' && era === 'legacy') error.code = -32002;
  return { error, status: 200 };
}

/** The HTTP status that 2026-07-28 prescribes for an error, whoever raised it (streamable-http, basic). */
function statusOf(code: number): number {
  if (code === -32601) return 404;
  return code === HEADER_MISMATCH || code === MISSING_CAPABILITY || code === UNSUPPORTED_VERSION ? 400 : 200;
}

async function resultOf(
  caller: Caller,
  message: ClientMessage,
  exchange: Exchange,
  identity: GatewayIdentity,
  state: SessionState | undefined,
): Promise<Payload> {
  const { method, params } = message;
  const { surface, client } = caller;
  const list = LISTS.get(method);
  if (list !== undefined) {
    const cursor = params.cursor;
    if (cursor !== undefined && typeof cursor !== 'string') throw invalidParams('params.cursor must be a string');
    const page = surface.list(list, cursor, client.era);
    if (page === undefined)
      throw invalidParams(`params.cursor ${JSON.stringify(cursor)} is not one of ours; start again without a cursor`);
    return client.era === 'modern' ? identified(page, identity) : page;
  }
  if (CALLS.has(method)) {
    const context = contextOf(caller, message, exchange, state);
    const answered = await surface.call(message as SurfaceRequest, context);
    if ('error' in answered) throw new UpstreamRefusal(answered);
    return translateResult(method, answered.result, answered.era, client.era);
  }
  if (isTaskMethod(method, client)) {
    const asked = surface.task?.(method, params, contextOf(caller, message, exchange, state));
    if (asked === undefined) throw methodNotFound(method);
    const answered = await asked;
    if ('error' in answered) throw new UpstreamRefusal(answered);
    return answered.result;
  }
  return client.era === 'modern'
    ? modernResult(caller, message, identity)
    : legacyResult(caller, message, exchange, identity, state);
}

function modernResult({ surface, client }: Caller, { method }: ClientMessage, identity: GatewayIdentity): Payload {
  if (method !== 'server/discover') throw methodNotFound(method);
  const instructions = surface.instructions();
  return Payload.of({
    resultType: 'complete',
    supportedVersions: MODERN_REVISIONS,
    capabilities: surface.capabilities(client),
    ...(instructions !== undefined && { instructions }),
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [META.serverInfo]: identity },
  });
}

/** `_meta.serverInfo` on results that are the gateway's own (2026-07-28 basic, `_meta`). */
function identified(page: Payload, identity: GatewayIdentity): Payload {
  const meta = page.get('_meta');
  return page.edit({ set: { _meta: { ...(isObject(meta) && meta), [META.serverInfo]: identity } } });
}

async function legacyResult(
  caller: Caller,
  message: ClientMessage,
  exchange: Exchange,
  identity: GatewayIdentity,
  state: SessionState | undefined,
): Promise<Payload> {
  const { surface } = caller;
  const { method, params } = message;
  switch (method) {
    case 'initialize':
      return initializeResult(surface, caller.client.revision, identity);
    case 'ping':
      return Payload.of({});
    case 'logging/setLevel': {
      const { level } = params;
      if (typeof level !== 'string' || !LOG_LEVELS.includes(level)) {
        throw invalidParams(`params.level must be one of ${LOG_LEVELS.join(', ')}`);
      }
      state?.setLogLevel(level);
      return Payload.of({});
    }
    case 'resources/subscribe':
    case 'resources/unsubscribe': {
      const { uri } = params;
      if (typeof uri !== 'string') throw invalidParams('params.uri must be a string');
      if (method === 'resources/subscribe') {
        if (state?.subscriptions.has(uri) !== true)
          await surface.subscribe(uri, contextOf(caller, message, exchange, state));
        state?.addSubscription(uri);
      } else {
        if (state?.subscriptions.has(uri) === true) await surface.unsubscribe(uri);
        state?.removeSubscription(uri);
      }
      return Payload.of({});
    }
    default:
      throw methodNotFound(method);
  }
}

/** What a legacy client is told first; it hangs on nothing else of the client than its revision. */
export function initializeResult(surface: Surface, revision: string, identity: GatewayIdentity): Payload {
  const instructions = surface.instructions();
  const { title, ...plain } = identity;
  return Payload.of({
    protocolVersion: revision,
    capabilities: surface.capabilities({ era: 'legacy', revision, capabilities: {} }),
    serverInfo: revision >= '2025-06-18' ? { ...plain, title } : plain,
    ...(instructions !== undefined && { instructions }),
  });
}

/** The client that an `initialize` describes. @throws RpcFailure −32602 when it is not a legal one */
export function clientOfInitialize(params: JsonObject): Omit<ClientDescription, 'key'> {
  const { protocolVersion, capabilities, clientInfo } = params;
  if (typeof protocolVersion !== 'string') throw invalidParams('params.protocolVersion must be a string');
  if (capabilities !== undefined && !isObject(capabilities))
    throw invalidParams('params.capabilities must be an object');
  if (clientInfo !== undefined && !isObject(clientInfo)) throw invalidParams('params.clientInfo must be an object');
  return {
    era: 'legacy',
    revision: negotiate(protocolVersion),
    capabilities: capabilities ?? {},
    info: clientInfo ?? {},
  };
}

/** The client that a modern request describes in its `_meta`. @throws RpcFailure −32602 when something required is missing */
export function clientOfMeta(params: JsonObject): Omit<ClientDescription, 'key'> {
  const meta = params._meta;
  if (!isObject(meta))
    throw invalidParams(
      'params._meta is missing: every request names its protocol version and client capabilities there',
    );
  const revision = meta[META.protocolVersion];
  const capabilities = meta[META.clientCapabilities];
  const info = meta[META.clientInfo];
  if (typeof revision !== 'string') throw invalidParams(`params._meta["${META.protocolVersion}"] must be a string`);
  if (!isObject(capabilities)) throw invalidParams(`params._meta["${META.clientCapabilities}"] must be an object`);
  if (info !== undefined && !isObject(info))
    throw invalidParams(`params._meta["${META.clientInfo}"] must be an object`);
  return { era: 'modern', revision, capabilities, info: info ?? {} };
}

export function contextOf(
  caller: Caller,
  { params }: ClientMessage,
  exchange: Exchange,
  state?: SessionState | undefined,
): CallContext {
  const meta = isObject(params._meta) ? params._meta : undefined;
  const token = meta?.progressToken;
  const level = caller.client.era === 'modern' ? meta?.[META.logLevel] : state?.logLevel;
  return {
    id: randomUUID(),
    face: caller.face,
    principal: caller.principal,
    client: caller.client,
    deadline: Number.POSITIVE_INFINITY,
    signal: exchange.signal,
    notify: exchange.notify,
    cancel: exchange.cancel,
    ask: exchange.ask,
    logLevel: typeof level === 'string' ? level : undefined,
    progressToken: typeof token === 'string' || typeof token === 'number' ? token : undefined,
    headers: caller.headers,
    trace: caller.trace,
  };
}
