// Sessions of revisions 2025-03-26 to 2025-11-25, whose ids hold all there is to know of them (MP3, requirements 10.18).
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import { CallAbort } from '../../core/call-signal.ts';
import type { ClientAnswer, ClientDescription, Principal } from '../../core/context.ts';
import type { RequestId } from '../../core/rpc.ts';
import { sendJson } from '../../http/body.ts';
import { Asks } from '../../session/asks.ts';
import { Introductions } from '../../session/introductions.ts';
import { type LegacyListener, LegacyListeners } from '../../session/listening.ts';
import {
  answer,
  type Caller,
  clientOfInitialize,
  contextOf,
  type GatewayIdentity,
  type Reply,
  type Sent,
  type SessionState,
} from '../../session/protocol.ts';
import type { ClientSays } from '../../session/read-request.ts';
import { RpcFailure } from '../../session/rpc-failure.ts';
import type { Surface } from '../../session/surface.ts';
import { writeError, writeResult } from '../../wire/envelope.ts';
import { allowsBatches, LEGACY_REVISIONS, wantsPriming } from '../../wire/revisions.ts';
import { type Answering, type AnsweringSession, batchBody } from './answering.ts';
import { OutgoingStream, readEventId } from './event-stream.ts';
import type { Exchanges } from './exchanges.ts';
import { type Accepts, accept, refuse, refuseSession, refuseStream } from './refuse.ts';
import { claimed, type SessionClaims, type SessionIds } from './session-id.ts';
import { SessionRate } from './session-rate.ts';
import type { SessionStates } from './session-states.ts';

export interface LegacyDeps {
  sessionIds: SessionIds;
  states: SessionStates;
  identity: GatewayIdentity;
  /** Streams open at once, sessions that a key may open per minute. */
  limits: { streams: number; sessions: number };
  exchanges: Exchanges;
  /** Tells the other gateways what a client says of a request that is not under way here. */
  elsewhere?: ((said: SaidElsewhere) => void) | undefined;
}

/** An answer of a client, or that it cancels; its request runs at another gateway. */
export type SaidElsewhere = { nonce: string; id: RequestId } & ({ answer: ClientAnswer } | { cancel: string });

export interface LegacySession {
  claims: SessionClaims;
  caller: Caller;
}

type RequestOfClient = Extract<ClientSays, { kind: 'request' }>;

export class LegacySessions {
  readonly #deps: LegacyDeps;
  readonly #rate: SessionRate;
  readonly #introductions: Introductions;
  readonly #asks = new Asks();
  readonly #listeners = new LegacyListeners();
  /** Sessions that listen here: what they subscribe to at another gateway is subscribed to here too. */
  readonly #listening = new LRUCache<string, LegacySession>({ max: 10_000 });

  constructor(deps: LegacyDeps) {
    this.#deps = deps;
    this.#rate = new SessionRate(deps.limits.sessions);
    this.#introductions = new Introductions(deps.identity);
    deps.states.onRemote((nonce, added, removed) => this.#changedElsewhere(nonce, added, removed));
  }

  /** A session whose stream or requests came here is told of what it subscribed to at another gateway. */
  #changedElsewhere(nonce: string, added: readonly string[], removed: readonly string[]): void {
    const session = this.#listening.get(nonce);
    if (session === undefined) return;
    // Those from before were renewed when it began to listen.
    this.#deps.states.restored(nonce);
    this.#renew(session, added);
    for (const uri of removed) void session.caller.surface.unsubscribe(uri).catch(() => undefined);
    if (this.#deps.states.isRevoked(nonce)) {
      this.#listening.delete(nonce);
      this.#deps.exchanges.endOf(nonce);
    }
  }

  initialize(
    response: ServerResponse,
    principal: Principal,
    surface: Surface,
    says: RequestOfClient,
    accepts: Accepts,
  ): void {
    const { sessionIds, exchanges } = this.#deps;
    const wait = this.#rate.take(principal);
    if (wait !== undefined) return refuseSession(response, wait, says.id);
    try {
      const { revision, capabilities, info } = clientOfInitialize(says.params);
      const { id } = sessionIds.issue({ revision, capabilities, info, principal: principal.id, view: surface.name });
      const answering = exchanges.start({ response, accepts, era: 'legacy', headers: { 'mcp-session-id': id } });
      exchanges.finish(answering, says.id, this.#introductions.reply(surface, revision));
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      sendJson(response, 400, writeError(says.id, error.error));
    }
  }

  /** The session a request belongs to; answers 400 or 404 and gives undefined where there is none. */
  find(
    request: IncomingMessage,
    response: ServerResponse,
    principal: Principal,
    surface: Surface,
    says?: ClientSays | undefined,
    sent?: Sent,
  ): LegacySession | undefined {
    const { sessionIds, states } = this.#deps;
    const id = says !== undefined && 'id' in says ? says.id : null;
    const no = (status: number, message: string) => refuse(response, status, message, { id });
    const header = request.headers['mcp-session-id'];
    if (typeof header !== 'string') {
      no(400, 'Mcp-Session-Id is missing; send initialize first, or name protocol version and client in _meta');
      return undefined;
    }
    const claims = sessionIds.verify(header);
    const isValid =
      claims !== undefined &&
      claims.principal === claimed(principal.id) &&
      claims.view === claimed(surface.name) &&
      !states.isRevoked(claims.nonce);
    if (!isValid) {
      no(404, 'the session is not known here any more; send initialize again');
      return undefined;
    }
    const version = request.headers['mcp-protocol-version'];
    if (typeof version === 'string' && !LEGACY_REVISIONS.includes(version)) {
      no(
        400,
        `MCP-Protocol-Version ${JSON.stringify(version)} is not one of a session: ${LEGACY_REVISIONS.join(', ')}`,
      );
      return undefined;
    }
    const { revision, capabilities, info, nonce } = claims;
    const client: ClientDescription = { era: 'legacy', revision, capabilities, info, key: nonce };
    const session: LegacySession = { claims, caller: { face: 'mcp', principal, client, surface, ...sent } };
    const restored = states.restored(nonce);
    if (restored.length > 0) this.#renew(session, restored);
    return session;
  }

  /** A session that outlived the gateway before this one: its upstreams are told again what it listens to (10.18). */
  #renew(session: LegacySession, uris: readonly string[]): void {
    const {
      claims: { nonce },
      caller,
    } = session;
    this.#listening.set(nonce, session);
    const state = this.#deps.states.of(nonce);
    const exchange = { signal: new CallAbort(), notify: () => undefined };
    const context = contextOf(caller, { method: 'resources/subscribe', params: {} }, exchange, state);
    for (const uri of uris) caller.surface.subscribe(uri, context).catch(() => state.removeSubscription(uri));
  }

  async request(
    response: ServerResponse,
    session: LegacySession,
    says: RequestOfClient,
    accepts: Accepts,
  ): Promise<void> {
    const answering = this.#start(response, session, accepts, says.id);
    const reply = await this.#answer(session, says, answering);
    this.#deps.exchanges.finish(answering, says.id, answering.signal.aborted ? undefined : reply);
  }

  async batch(
    response: ServerResponse,
    session: LegacySession,
    batch: readonly ClientSays[],
    accepts: Accepts,
  ): Promise<void> {
    const { revision } = session.claims;
    if (!allowsBatches(revision))
      return refuse(response, 400, `revision ${revision} has no batches; send one message per request`);
    if (batch.length === 0) return refuse(response, 400, 'Invalid Request: an empty batch');
    for (const says of batch) if (says.kind !== 'request' && says.kind !== 'invalid') this.take(session, says);
    const asks = batch.filter((says) => says.kind === 'request' || says.kind === 'invalid');
    if (asks.length === 0) return accept(response);
    const answering = this.#start(response, session, accepts);
    const parts = await Promise.all(
      asks.map(async (says) => {
        if (says.kind === 'invalid') return writeError(says.id, says.error);
        const reply = await this.#answer(session, says, answering);
        if (answering.signal.aborted) return undefined;
        return 'result' in reply ? writeResult(says.id, reply.result) : writeError(says.id, reply.error);
      }),
    );
    this.#deps.exchanges.finishWith(answering, batchBody(parts.filter((part) => part !== undefined)));
  }

  /** Opens the stream for what is sent unasked, or goes on with one after `Last-Event-ID`. */
  open(request: IncomingMessage, response: ServerResponse, session: LegacySession): void {
    const { claims, caller } = session;
    const { exchanges, states, limits } = this.#deps;
    const { nonce, revision } = claims;
    const last = request.headers['last-event-id'];
    const event = typeof last === 'string' ? readEventId(last) : undefined;
    if (event !== undefined && exchanges.resume(event.stream, event.sequence, nonce, response)) return;
    if (exchanges.open.streams >= limits.streams) return refuseStream(response, limits.streams);
    const stream = new OutgoingStream(true);
    exchanges.keep(stream, nonce);
    stream.attach(response, { priming: wantsPriming(revision) });
    this.#listening.set(nonce, session);
    exchanges.stand(stream, response, new StandingStream(caller, states.of(nonce), stream, this.#listeners), true);
  }

  /** Ends a session for good. */
  end(response: ServerResponse, { claims: { nonce }, caller: { surface } }: LegacySession): void {
    for (const uri of this.#deps.states.revoke(nonce)) void surface.unsubscribe(uri).catch(() => undefined);
    this.#deps.exchanges.endOf(nonce);
    response.writeHead(204).end();
  }

  /** The answer to one request; its client gets none if it cancelled meanwhile. */
  #answer({ claims: { nonce }, caller }: LegacySession, says: RequestOfClient, answering: Answering): Promise<Reply> {
    return answer(caller, says, answering, this.#deps.identity, this.#deps.states.of(nonce));
  }

  #start(
    response: ServerResponse,
    { claims: { nonce, revision } }: LegacySession,
    accepts: Accepts,
    id?: RequestId,
  ): Answering {
    const session = { nonce, revision, opened: this.#opened, ask: this.#ask };
    return this.#deps.exchanges.start({ response, accepts, era: 'legacy', session, id });
  }

  readonly #opened = (stream: OutgoingStream, nonce: string): void => this.#deps.exchanges.keep(stream, nonce);
  readonly #ask: AnsweringSession['ask'] = (nonce, request, signal, send) =>
    this.#asks.ask(nonce, request, signal, send);

  /** What a client said of a request that may be under way here. */
  heard(said: SaidElsewhere): void {
    if ('answer' in said) this.#asks.answered(said.nonce, said.id, said.answer);
    else this.#deps.exchanges.cancel(said.nonce, said.id, said.cancel);
  }

  /** A notification, or the answer to something the gateway asked this client. */
  take({ claims: { nonce } }: LegacySession, says: ClientSays): void {
    if (says.kind === 'response') {
      if (!this.#asks.answered(nonce, says.id, says.answer))
        this.#deps.elsewhere?.({ nonce, id: says.id, answer: says.answer });
    } else if (says.kind === 'notification' && says.method === 'notifications/cancelled') {
      const { requestId, reason } = says.params;
      const why = typeof reason === 'string' ? reason : 'cancelled';
      if (!this.#deps.exchanges.cancel(nonce, requestId, why))
        this.#deps.elsewhere?.({ nonce, id: requestId as RequestId, cancel: why });
    }
  }
}

/** A client that listens over a stream of its own. */
class StandingStream implements LegacyListener {
  readonly caller: Caller;
  readonly state: SessionState;
  readonly #stream: OutgoingStream;
  readonly #listeners: LegacyListeners;

  constructor(caller: Caller, state: SessionState, stream: OutgoingStream, listeners: LegacyListeners) {
    this.caller = caller;
    this.state = state;
    this.#stream = stream;
    this.#listeners = listeners;
    listeners.add(caller.surface, this);
  }

  send(text: string): void {
    this.#stream.send(text);
  }

  end(): void {
    this.#listeners.remove(this.caller.surface, this);
  }

  close(): void {
    this.#stream.end();
  }
}
