// One client on one channel that carries everything in both directions: stdio, legacy SSE, a WebSocket. Both eras may
// speak on it; an `initialize` makes it a legacy session, `_meta` makes a request modern (protocol.md MP1).
import { CallAbort } from '../core/call-signal.ts';
import type { ClientDescription, FaceName, Principal } from '../core/context.ts';
import { isObject } from '../core/json.ts';
import { Payload } from '../core/payload.ts';
import type { RequestId } from '../core/rpc.ts';
import { writeError, writeNotification, writeResult } from '../wire/envelope.ts';
import { allowsBatches, META, MODERN_REVISIONS, UNSUPPORTED_VERSION } from '../wire/revisions.ts';
import { Asks } from './asks.ts';
import { listenLegacy, listenModern, readFilter } from './listening.ts';
import {
  answer,
  type Caller,
  clientOfInitialize,
  clientOfMeta,
  contextOf,
  type Exchange,
  type GatewayIdentity,
  type Sent,
  type SessionState,
} from './protocol.ts';
import { type ClientSays, readBody } from './read-request.ts';
import { RpcFailure } from './rpc-failure.ts';
import type { Surface } from './surface.ts';

export interface ChannelOptions {
  face: FaceName;
  principal: Principal;
  surface: Surface;
  identity: GatewayIdentity;
  /** Sends one message; it is complete JSON without line breaks. */
  send(message: Buffer): void;
  /** Levels of nesting a message may have. */
  depth: number;
}

type RequestOfClient = Extract<ClientSays, { kind: 'request' }>;

export class Channel {
  readonly #options: ChannelOptions;
  readonly #state = memoryState();
  /** An `initialize` that is being answered. */
  #introduction: Promise<void> | undefined;
  #client: ClientDescription | undefined;
  #stopListening: (() => void) | undefined;
  readonly #inFlight = new Map<string, CallAbort>();
  readonly #subscriptions = new Map<string, { id: RequestId; end: () => void }>();
  readonly #asks = new Asks();
  #closed = false;
  #whenIdle: (() => void) | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  /** The client, once it has introduced itself. */
  get client(): ClientDescription | undefined {
    return this.#client;
  }

  /** Resolves once no request is under way: the moment to close without losing an answer. */
  idle(): Promise<void> {
    if (this.#inFlight.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  /** Takes one message as it came, with what came beside it. Never throws; answers go out by `send`. */
  receive(bytes: Buffer, sent: Sent = {}): void {
    const body = readBody(bytes, this.#options.depth);
    if ('single' in body) return this.#take(body.single, sent);
    if (this.#client === undefined || !allowsBatches(this.#client.revision) || body.batch.length === 0) {
      return this.#send(writeError(null, { code: -32600, message: 'Invalid Request: batches are not allowed here' }));
    }
    // Each member is answered on its own: on a channel nothing says that answers travel together.
    for (const says of body.batch) this.#take(says, sent);
  }

  /** The carrier is gone, or goes: what is under way is cancelled, what is subscribed ends. */
  close(options: { graceful?: boolean } = {}): void {
    if (this.#closed) return;
    for (const { id, end } of this.#subscriptions.values()) {
      end();
      if (options.graceful)
        this.#send(writeResult(id, Payload.of({ resultType: 'complete', _meta: { [META.subscriptionId]: id } })));
    }
    this.#closed = true;
    this.#subscriptions.clear();
    this.#stopListening?.();
    for (const uri of this.#state.subscriptions) void this.#options.surface.unsubscribe(uri).catch(() => undefined);
    for (const abort of this.#inFlight.values()) abort.abort('the client is gone');
    this.#inFlight.clear();
  }

  #take(says: ClientSays, sent: Sent): void {
    switch (says.kind) {
      case 'invalid':
        return this.#send(writeError(says.id, says.error));
      case 'response':
        this.#asks.answered('', says.id, says.answer);
        return;
      case 'notification':
        return this.#notified(says);
      case 'request': {
        const done = this.#request(says, sent);
        if (says.method === 'initialize') this.#introduced(done);
      }
    }
  }

  /** Who sends everything at once still reads the answer to its initialize first. */
  #introduced(done: Promise<void>): void {
    this.#introduction = done;
    void done.then(() => {
      if (this.#introduction === done) this.#introduction = undefined;
    });
  }

  #notified({ method, params }: Extract<ClientSays, { kind: 'notification' }>): void {
    if (method === 'notifications/cancelled') {
      const key = keyOf(params.requestId as RequestId);
      const subscription = this.#subscriptions.get(key);
      subscription?.end();
      this.#subscriptions.delete(key);
      this.#inFlight.get(key)?.abort(typeof params.reason === 'string' ? params.reason : 'cancelled');
    } else if (method === 'notifications/initialized') {
      this.#listen();
    }
  }

  #listen(): void {
    if (this.#client?.era !== 'legacy') return;
    const listener = { state: this.#state, send: (text: string) => this.#send(Buffer.from(text)) };
    this.#stopListening ??= listenLegacy(this.#options.surface, [listener]);
  }

  async #request(says: RequestOfClient, sent: Sent): Promise<void> {
    const { id } = says;
    const key = keyOf(id);
    const abort = new CallAbort();
    this.#inFlight.set(key, abort);
    const introduction = this.#introduction;
    try {
      const caller = { ...this.#caller(says), ...sent };
      if (introduction !== undefined) await introduction;
      if (says.method === 'subscriptions/listen' && caller.client.era === 'modern') {
        return await this.#subscribe(says, caller, abort);
      }
      const reply = await answer(caller, says, this.#exchange(caller, abort), this.#options.identity, this.#state);
      if (abort.aborted) return;
      this.#send('result' in reply ? writeResult(id, reply.result) : writeError(id, reply.error));
    } catch (error) {
      const failure =
        error instanceof RpcFailure ? error.error : { code: -32603, message: `unexpected: ${String(error)}` };
      this.#send(writeError(id, failure));
    } finally {
      this.#inFlight.delete(key);
      if (this.#inFlight.size === 0) this.#whenIdle?.();
    }
  }

  /** @throws RpcFailure for a request that says too little about its client */
  #caller(says: RequestOfClient): Caller {
    const { face, principal, surface } = this.#options;
    const meta = says.params._meta;
    let client = this.#client;
    if (isObject(meta) && meta[META.protocolVersion] !== undefined) {
      client = { ...clientOfMeta(says.params), key: principal.id };
      if (!MODERN_REVISIONS.includes(client.revision)) {
        throw new RpcFailure(UNSUPPORTED_VERSION, `Unsupported protocol version: ${client.revision}`, {
          data: { supported: MODERN_REVISIONS, requested: client.revision },
        });
      }
    } else if (says.method === 'initialize') {
      client = { ...clientOfInitialize(says.params), key: `channel ${principal.id}` };
      this.#client = client;
    } else if (client === undefined) {
      if (says.method === 'server/discover')
        throw new RpcFailure(-32602, 'params._meta is missing: a modern request names its protocol version there');
      if (says.method !== 'ping')
        throw new RpcFailure(-32600, 'send initialize first, or name protocol version and client in _meta');
      client = { era: 'legacy', revision: '2024-11-05', capabilities: {}, info: {}, key: `channel ${principal.id}` };
    }
    return { face, principal, client, surface };
  }

  #exchange({ client }: Caller, abort: CallAbort): Exchange {
    return {
      signal: abort,
      cancel: (reason) => abort.abort(reason),
      notify: ({ method, params }) => {
        if (!abort.aborted) this.#send(Buffer.from(writeNotification(method, params)));
      },
      ask:
        client.era === 'legacy'
          ? (request, given) => this.#asks.ask('', request, given, (text) => this.#send(Buffer.from(text)))
          : undefined,
    };
  }

  async #subscribe(says: RequestOfClient, caller: Caller, signal: CallAbort): Promise<void> {
    const filter = readFilter(says.params);
    const context = contextOf(caller, says, { signal, notify: () => undefined });
    const end = await listenModern(caller.surface, says.id, filter, context, (text) => this.#send(Buffer.from(text)));
    if (signal.aborted || this.#closed) return end();
    this.#subscriptions.set(keyOf(says.id), { id: says.id, end });
  }

  #send(message: Buffer): void {
    if (!this.#closed) this.#options.send(message);
  }
}

/** Ids 1 and "1" are two (JSON-RPC 2.0). */
function keyOf(id: RequestId): string {
  return `${typeof id} ${String(id)}`;
}

/** What a session keeps where its channel is its life. */
function memoryState(): SessionState {
  let logLevel: string | undefined;
  const subscriptions = new Set<string>();
  return {
    get logLevel() {
      return logLevel;
    },
    setLogLevel: (level) => {
      logLevel = level;
    },
    subscriptions,
    addSubscription: (uri) => void subscriptions.add(uri),
    removeSubscription: (uri) => void subscriptions.delete(uri),
  };
}
