// MCP over streamable HTTP: every revision from 2025-03-26 to 2026-07-28 on one path at once (protocol.md MP1–MP7).
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientAnswer, ClientDescription, ClientRequest, Principal } from '../../core/context.ts';
import type { EventStream } from '../../core/events.ts';
import { isObject } from '../../core/json.ts';
import { Payload } from '../../core/payload.ts';
import type { RequestId, RpcError } from '../../core/rpc.ts';
import { BodyTooLarge, readBody as readBytes, sendJson } from '../../http/body.ts';
import type { HttpExchange } from '../../http/listener.ts';
import { listenLegacy, listenModern, readFilter } from '../../session/listening.ts';
import {
  answer,
  type Caller,
  clientOfInitialize,
  clientOfMeta,
  contextOf,
  type GatewayIdentity,
  type Reply,
} from '../../session/protocol.ts';
import { type ClientSays, readBody } from '../../session/read-request.ts';
import { RpcFailure } from '../../session/rpc-failure.ts';
import type { Surface } from '../../session/surface.ts';
import { writeError, writeResult } from '../../wire/envelope.ts';
import { allowsBatches, LEGACY_REVISIONS, META, wantsPriming } from '../../wire/revisions.ts';
import { Answering, batchBody } from './answering.ts';
import { OutgoingStream, readEventId } from './event-stream.ts';
import { checkHeaders } from './modern-headers.ts';
import type { SessionClaims, SessionIds } from './session-id.ts';
import type { SessionStates } from './session-states.ts';

export interface McpHttpDeps {
  /** The surface of a view; undefined for a view that does not exist. */
  surface(view: string): Surface | undefined;
  views(): string[];
  sessionIds: SessionIds;
  states: SessionStates;
  identity: GatewayIdentity;
  /** Bytes of a body, levels of nesting, streams open at once. */
  limits: { body: number; depth: number; streams: number };
  events: EventStream;
}

/** How long the stream of a finished answer can still be resumed, in milliseconds. */
const RESUMABLE = 5 * 60_000;
const TICK = 1_000;

type RequestOfClient = Extract<ClientSays, { kind: 'request' }>;

export class McpHttpFace {
  readonly #deps: McpHttpDeps;
  /** Answers under way, for cancellation and for the clock. */
  readonly #answering = new Set<Answering>();
  readonly #inFlight = new Map<string, Answering>();
  /** Streams of legacy sessions that can be resumed, by id. */
  readonly #streams = new Map<string, { nonce: string; stream: OutgoingStream; expires: number }>();
  /** Open GET streams and subscriptions, by what ends them. */
  readonly #listeners = new Map<OutgoingStream, { end: () => void; close: () => void }>();
  /** Requests to clients that wait for their answer, by session and id. */
  readonly #asked = new Map<string, (answer: ClientAnswer) => void>();
  #askId = 0;
  #clock: NodeJS.Timeout | undefined;

  constructor(deps: McpHttpDeps) {
    this.#deps = deps;
  }

  /** Calls and streams that are under way. */
  get open(): { answers: number; streams: number } {
    return { answers: this.#answering.size, streams: this.#listeners.size };
  }

  async handle({ request, response, principal }: HttpExchange, view: string): Promise<void> {
    switch (request.method) {
      case 'POST':
        return await this.#post(request, response, principal, view);
      case 'GET':
        return this.#get(request, response, principal, view);
      case 'DELETE':
        return this.#delete(request, response, principal, view);
      default:
        request.resume();
        return refuse(response, 405, -32600, `${request.method} is not used by MCP`, null, {
          allow: 'GET, POST, DELETE',
        });
    }
  }

  /** Ends what has no end of its own, with the empty result a subscription ends with (MP22). */
  close(): void {
    for (const { close } of [...this.#listeners.values()]) close();
    clearInterval(this.#clock);
    this.#clock = undefined;
  }

  async #post(request: IncomingMessage, response: ServerResponse, principal: Principal, view: string): Promise<void> {
    const accepts = accepted(request.headers.accept);
    const type = request.headers['content-type'];
    if (type !== undefined && !/^application\/json\s*(;|$)/i.test(type)) {
      request.resume();
      return refuse(response, 415, -32600, 'the body must be application/json', null);
    }
    if (!accepts.json && !accepts.sse) {
      request.resume();
      return refuse(response, 406, -32600, 'Accept must allow application/json or text/event-stream', null);
    }
    let bytes: Buffer;
    try {
      bytes = await readBytes(request, this.#deps.limits.body);
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) return;
      return refuse(response, 413, -32600, error.message, null, { connection: 'close' });
    }
    const surface = this.#deps.surface(view);
    const body = readBody(bytes, this.#deps.limits.depth);
    const first = 'single' in body ? body.single : body.batch[0];
    if (surface === undefined) {
      const id = first !== undefined && first.kind === 'request' ? first.id : null;
      const views = this.#deps.views();
      return refuse(
        response,
        404,
        -32602,
        `there is no view ${JSON.stringify(view)}; there are ${views.join(', ')}`,
        id,
        {},
        { views },
      );
    }
    if ('single' in body && body.single.kind === 'invalid') {
      return sendJson(response, 400, writeError(body.single.id, body.single.error));
    }
    if ('single' in body && eraOf(request, body.single) === 'modern') {
      return await this.#modern(request, response, principal, surface, body.single, accepts);
    }
    if ('single' in body && body.single.kind === 'request' && body.single.method === 'initialize') {
      return await this.#initialize(response, principal, surface, body.single, accepts);
    }
    const session = this.#session(request, response, principal, surface, first);
    if (session === undefined) return;
    if ('batch' in body) return await this.#batch(response, session, body.batch, accepts);
    return await this.#legacy(response, session, body.single, accepts);
  }

  // --- modern -------------------------------------------------------------------------------------------------------

  async #modern(
    request: IncomingMessage,
    response: ServerResponse,
    principal: Principal,
    surface: Surface,
    says: ClientSays,
    accepts: Accepts,
  ): Promise<void> {
    if (says.kind === 'notification') return accepted202(response);
    if (says.kind !== 'request')
      return refuse(response, 400, -32600, 'a modern client sends requests and notifications only', null);
    const { id } = says;
    let client: ClientDescription;
    try {
      client = { ...clientOfMeta(says.params), key: principal.id };
      checkHeaders(request, says, client.revision, surface);
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      return sendJson(response, error.status, writeError(id, error.error));
    }
    const caller: Caller = { face: 'mcp', principal, client, surface };
    if (says.method === 'subscriptions/listen') return await this.#listen(response, caller, says);
    const answering = this.#start({
      response,
      ...accepts,
      legacy: false,
      priming: false,
      headers: {},
      opened: () => undefined,
      ask: undefined,
    });
    const reply = await answer(caller, says, answering, this.#deps.identity);
    this.#finish(answering, id, reply);
  }

  async #listen(response: ServerResponse, caller: Caller, says: RequestOfClient): Promise<void> {
    const { id } = says;
    if (this.#listeners.size >= this.#deps.limits.streams) {
      return refuse(
        response,
        429,
        -31001,
        `${this.#deps.limits.streams} streams are open, as many as limits.sessions allows`,
        id,
        { 'retry-after': '5' },
      );
    }
    const stream = new OutgoingStream(false);
    const abort = new AbortController();
    response.on('close', () => abort.abort('the client closed the stream'));
    try {
      const filter = readFilter(says.params);
      const context = contextOf(caller, says, { signal: abort.signal, notify: () => undefined });
      const end = await listenModern(caller.surface, id, filter, context, (text) => {
        if (!stream.attached && !stream.ended && !abort.signal.aborted) stream.attach(response);
        stream.send(text);
      });
      if (abort.signal.aborted) return end();
      const close = () => {
        stream.send(writeResult(id, Payload.of({ resultType: 'complete', _meta: { [META.subscriptionId]: id } })));
        stream.end();
      };
      this.#listening(stream, response, end, close);
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      sendJson(response, error.status, writeError(id, error.error));
    }
  }

  // --- legacy -------------------------------------------------------------------------------------------------------

  async #initialize(
    response: ServerResponse,
    principal: Principal,
    surface: Surface,
    says: RequestOfClient,
    accepts: Accepts,
  ): Promise<void> {
    try {
      const client = clientOfInitialize(says.params);
      const { id: session, claims } = this.#deps.sessionIds.issue({
        revision: client.revision,
        capabilities: client.capabilities,
        info: client.info,
        principal: principal.id,
        view: surface.name,
      });
      const caller: Caller = { face: 'mcp', principal, client: { ...client, key: claims.nonce }, surface };
      const answering = this.#start({
        response,
        ...accepts,
        legacy: true,
        priming: false,
        headers: { 'mcp-session-id': session },
        opened: () => undefined,
        ask: undefined,
      });
      this.#finish(answering, says.id, await answer(caller, says, answering, this.#deps.identity));
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      sendJson(response, 400, writeError(says.id, error.error));
    }
  }

  /** The session a request belongs to; answers 400 or 404 and gives undefined where there is none. */
  #session(
    request: IncomingMessage,
    response: ServerResponse,
    principal: Principal,
    surface: Surface,
    says: ClientSays | undefined,
  ): LegacySession | undefined {
    const id = says !== undefined && 'id' in says ? says.id : null;
    const header = request.headers['mcp-session-id'];
    if (typeof header !== 'string') {
      refuse(
        response,
        400,
        -32600,
        'Mcp-Session-Id is missing; send initialize first, or name protocol version and client in _meta',
        id,
      );
      return undefined;
    }
    const claims = this.#deps.sessionIds.verify(header);
    const valid =
      claims !== undefined &&
      claims.principal === principal.id &&
      claims.view === surface.name &&
      !this.#deps.states.isRevoked(claims.nonce);
    if (!valid) {
      refuse(response, 404, -32600, 'the session is not known here any more; send initialize again', id);
      return undefined;
    }
    const version = request.headers['mcp-protocol-version'];
    if (typeof version === 'string' && !LEGACY_REVISIONS.includes(version)) {
      refuse(
        response,
        400,
        -32600,
        `MCP-Protocol-Version ${JSON.stringify(version)} is not supported in a session; it is one of ${LEGACY_REVISIONS.join(', ')}`,
        id,
      );
      return undefined;
    }
    const { revision, capabilities, info, nonce } = claims;
    const client: ClientDescription = { era: 'legacy', revision, capabilities, info, key: nonce };
    return { claims, caller: { face: 'mcp', principal, client, surface } };
  }

  async #legacy(response: ServerResponse, session: LegacySession, says: ClientSays, accepts: Accepts): Promise<void> {
    if (says.kind !== 'request') {
      this.#take(session, says);
      return accepted202(response);
    }
    const answering = this.#startLegacy(response, session, accepts);
    this.#finish(answering, says.id, await this.#run(session, says, answering));
  }

  async #batch(response: ServerResponse, session: LegacySession, batch: ClientSays[], accepts: Accepts): Promise<void> {
    if (!allowsBatches(session.claims.revision)) {
      return refuse(
        response,
        400,
        -32600,
        `revision ${session.claims.revision} has no batches; send one message per request`,
        null,
      );
    }
    if (batch.length === 0) return refuse(response, 400, -32600, 'Invalid Request: an empty batch', null);
    for (const says of batch) if (says.kind !== 'request' && says.kind !== 'invalid') this.#take(session, says);
    const asks = batch.filter((says) => says.kind === 'request' || says.kind === 'invalid');
    if (asks.length === 0) return accepted202(response);
    const answering = this.#startLegacy(response, session, accepts);
    const parts = await Promise.all(
      asks.map(async (says) => {
        if (says.kind === 'invalid') return writeError(says.id, says.error);
        const reply = await this.#run(session, says, answering);
        return reply === undefined ? undefined : bodyOf(says.id, reply);
      }),
    );
    this.#answering.delete(answering);
    answering.finishWith(batchBody(parts.filter((part) => part !== undefined)), 200);
  }

  /** Runs one request of a session; undefined when the client cancelled it, which gets no answer. */
  async #run(session: LegacySession, says: RequestOfClient, answering: Answering): Promise<Reply | undefined> {
    const { nonce } = session.claims;
    const key = `${nonce} ${typeof says.id} ${says.id}`;
    this.#inFlight.set(key, answering);
    try {
      const reply = await answer(session.caller, says, answering, this.#deps.identity, this.#deps.states.of(nonce));
      return answering.signal.aborted ? undefined : reply;
    } finally {
      this.#inFlight.delete(key);
    }
  }

  #startLegacy(response: ServerResponse, { claims }: LegacySession, accepts: Accepts): Answering {
    return this.#start({
      response,
      ...accepts,
      legacy: true,
      priming: wantsPriming(claims.revision),
      headers: {},
      opened: (stream) => this.#keep(stream, claims.nonce),
      ask: (request, signal, send) => this.#ask(claims.nonce, request, signal, send),
    });
  }

  #start(options: ConstructorParameters<typeof Answering>[0]): Answering {
    const answering = new Answering(options);
    this.#answering.add(answering);
    this.#tickWhileNeeded();
    return answering;
  }

  #finish(answering: Answering, id: RequestId, reply: Reply | undefined): void {
    this.#answering.delete(answering);
    if (reply === undefined) answering.drop();
    else answering.finish(id, reply);
  }

  /** A notification, or the answer to something the gateway asked this client. */
  #take({ claims }: LegacySession, says: ClientSays): void {
    if (says.kind === 'response') {
      this.#asked.get(`${claims.nonce} ${says.id}`)?.(says.answer);
    } else if (says.kind === 'notification' && says.method === 'notifications/cancelled') {
      // Only the session's own requests can be named: another client's id is another key (F-C14).
      const { requestId, reason } = says.params;
      this.#inFlight
        .get(`${claims.nonce} ${typeof requestId} ${String(requestId)}`)
        ?.cancel(typeof reason === 'string' ? reason : 'cancelled');
    }
  }

  #ask(
    nonce: string,
    request: ClientRequest,
    signal: AbortSignal,
    send: (text: string) => void,
  ): Promise<ClientAnswer> {
    const id = `holdfast-${++this.#askId}`;
    const key = `${nonce} ${id}`;
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#asked.delete(key);
        reject(new Error('the request to the client was given up'));
      };
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      this.#asked.set(key, (result) => {
        this.#asked.delete(key);
        signal.removeEventListener('abort', abort);
        resolve(result);
      });
      send(JSON.stringify({ jsonrpc: '2.0', id, method: request.method, params: request.params }));
    });
  }

  #get(request: IncomingMessage, response: ServerResponse, principal: Principal, view: string): void {
    const surface = this.#deps.surface(view);
    if (surface === undefined)
      return refuse(
        response,
        404,
        -32602,
        `there is no view ${JSON.stringify(view)}`,
        null,
        {},
        { views: this.#deps.views() },
      );
    const version = request.headers['mcp-protocol-version'];
    if (typeof version === 'string' && !LEGACY_REVISIONS.includes(version)) {
      return refuse(response, 405, -32600, `revision ${version} has no GET stream`, null, { allow: 'POST' });
    }
    if (!accepted(request.headers.accept).sse)
      return refuse(response, 406, -32600, 'Accept must allow text/event-stream', null);
    const session = this.#session(request, response, principal, surface, undefined);
    if (session === undefined) return;
    const { nonce, revision } = session.claims;
    const last = request.headers['last-event-id'];
    const event = typeof last === 'string' ? readEventId(last) : undefined;
    const kept = event && this.#streams.get(event.stream);
    // Events are replayed on their own stream and to their own session only (MP3).
    if (event !== undefined && kept !== undefined && kept.nonce === nonce) {
      return kept.stream.attach(response, { after: event.sequence });
    }
    if (this.#listeners.size >= this.#deps.limits.streams) {
      return refuse(
        response,
        429,
        -31001,
        `${this.#deps.limits.streams} streams are open, as many as limits.sessions allows`,
        null,
        { 'retry-after': '5' },
      );
    }
    const stream = new OutgoingStream(true);
    this.#keep(stream, nonce);
    stream.attach(response, { priming: wantsPriming(revision) });
    const end = listenLegacy(surface, this.#deps.states.of(nonce), (text) => stream.send(text));
    this.#listening(stream, response, end, () => stream.end());
  }

  #listening(stream: OutgoingStream, response: ServerResponse, end: () => void, close: () => void): void {
    this.#listeners.set(stream, { end, close });
    this.#tickWhileNeeded();
    response.on('close', () => {
      this.#listeners.delete(stream);
      end();
    });
  }

  #keep(stream: OutgoingStream, nonce: string): void {
    this.#streams.set(stream.id, { nonce, stream, expires: Number.POSITIVE_INFINITY });
    this.#tickWhileNeeded();
  }

  #delete(request: IncomingMessage, response: ServerResponse, principal: Principal, view: string): void {
    request.resume();
    const version = request.headers['mcp-protocol-version'];
    if (typeof version === 'string' && !LEGACY_REVISIONS.includes(version)) {
      return refuse(response, 405, -32600, `revision ${version} has no sessions`, null, { allow: 'POST' });
    }
    const surface = this.#deps.surface(view);
    if (surface === undefined) return refuse(response, 404, -32602, `there is no view ${JSON.stringify(view)}`, null);
    const session = this.#session(request, response, principal, surface, undefined);
    if (session === undefined) return;
    const { nonce } = session.claims;
    for (const uri of this.#deps.states.revoke(nonce)) void surface.unsubscribe(uri).catch(() => undefined);
    for (const [id, kept] of this.#streams) {
      if (kept.nonce !== nonce) continue;
      kept.stream.end();
      this.#streams.delete(id);
    }
    response.writeHead(204).end();
  }

  /** One clock for all streams and answers, and none while there is nothing to time. */
  #tickWhileNeeded(): void {
    this.#clock ??= setInterval(() => {
      const now = performance.now();
      for (const answering of this.#answering) answering.tick(now);
      for (const stream of this.#listeners.keys()) if (Math.floor(now / TICK) % 15 === 0) stream.comment();
      for (const [id, kept] of this.#streams) {
        const over = kept.stream.ended || (!kept.stream.attached && !this.#listeners.has(kept.stream));
        if (!over) kept.expires = Number.POSITIVE_INFINITY;
        else if (kept.expires === Number.POSITIVE_INFINITY) kept.expires = now + RESUMABLE;
        else if (now > kept.expires) this.#streams.delete(id);
      }
      if (this.#answering.size + this.#listeners.size + this.#streams.size === 0) {
        clearInterval(this.#clock);
        this.#clock = undefined;
      }
    }, TICK).unref();
  }
}

interface LegacySession {
  claims: SessionClaims;
  caller: Caller;
}

interface Accepts {
  json: boolean;
  sse: boolean;
}

/** What an Accept header allows; missing or a wildcard allows both (requirements 10.28). */
function accepted(header: string | undefined): Accepts {
  if (header === undefined || header === 'application/json, text/event-stream') return { json: true, sse: true };
  const any = header.includes('*/*');
  return {
    json: any || header.includes('application/json') || header.includes('application/*'),
    sse: any || header.includes('text/event-stream') || header.includes('text/*'),
  };
}

/** The body decides; a body that names no version is modern when its headers are (protocol.md MP1). */
function eraOf(request: IncomingMessage, says: ClientSays): 'legacy' | 'modern' {
  if ('params' in says && isObject(says.params._meta) && says.params._meta[META.protocolVersion] !== undefined)
    return 'modern';
  const version = request.headers['mcp-protocol-version'];
  if (typeof version === 'string') {
    return LEGACY_REVISIONS.includes(version) || request.headers['mcp-session-id'] !== undefined ? 'legacy' : 'modern';
  }
  return request.headers['mcp-method'] !== undefined ? 'modern' : 'legacy';
}

function bodyOf(id: RequestId, reply: Reply): Buffer {
  return 'result' in reply ? writeResult(id, reply.result) : writeError(id, reply.error);
}

function accepted202(response: ServerResponse): void {
  response.writeHead(202, { 'content-length': 0 }).end();
}

function refuse(
  response: ServerResponse,
  status: number,
  code: number,
  message: string,
  id: RequestId | null,
  headers: Record<string, string> = {},
  data?: unknown,
): void {
  const error: RpcError = { code, message, ...(data !== undefined && { data }) };
  sendJson(response, status, writeError(id, error), headers);
}
