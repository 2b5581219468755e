// MCP over streamable HTTP: every revision from 2025-03-26 to 2026-07-28 on one path at once (MP1). Here a request is
// read and its era found; what then happens is in modern.ts and legacy.ts.
import type { IncomingMessage } from 'node:http';
import { isObject } from '../../core/json.ts';
import type { Scope } from '../../core/scope.ts';
import { BodyTooLarge, readBody as readBytes, sendJson } from '../../http/body.ts';
import type { HttpExchange } from '../../http/listener.ts';
import { traceOf } from '../../http/trace.ts';
import type { GatewayIdentity, Sent } from '../../session/protocol.ts';
import { type ClientSays, readBody } from '../../session/read-request.ts';
import type { Surface } from '../../session/surface.ts';
import { writeError } from '../../wire/envelope.ts';
import { LEGACY_REVISIONS, META } from '../../wire/revisions.ts';
import { Exchanges } from './exchanges.ts';
import { LegacySessions, type SaidElsewhere } from './legacy.ts';
import { type ModernDeps, serveModern } from './modern.ts';
import type { ClientSession } from './open-sessions.ts';
import { type Accepts, accept, accepted, refuse, refuseView } from './refuse.ts';
import type { SessionIds } from './session-id.ts';
import type { SessionStates } from './session-states.ts';

export interface McpHttpDeps {
  /** The surface of a view; undefined for a view that does not exist. */
  surface(view: string, scope: Scope | undefined): Surface | undefined;
  views(scope: Scope | undefined): string[];
  sessionIds: SessionIds;
  states: SessionStates;
  identity: GatewayIdentity;
  /** Bytes of a body, levels of nesting, streams open at once, sessions that a key may open per minute. */
  limits: { body: number; depth: number; streams: number; sessions: number };
  /** See `LegacyDeps`. */
  elsewhere?: ((said: SaidElsewhere) => void) | undefined;
  /** Whether any upstream is sent headers of its callers; only then are they looked at. */
  forwards?: (() => boolean) | undefined;
  /** Whether calls are traced; only then a caller's span is looked for in its headers. */
  traces?: boolean | undefined;
}

export class McpHttpFace {
  readonly #deps: McpHttpDeps;
  readonly #exchanges = new Exchanges();
  readonly #modern: ModernDeps;
  readonly #legacy: LegacySessions;

  constructor(deps: McpHttpDeps) {
    this.#deps = deps;
    this.#modern = { identity: deps.identity, limits: deps.limits, exchanges: this.#exchanges };
    this.#legacy = new LegacySessions({ ...deps, exchanges: this.#exchanges });
  }

  /** Answers and streams that are under way. */
  get open(): { answers: number; streams: number } {
    return this.#exchanges.open;
  }

  /** Client sessions for which something is kept. */
  get sessions(): ClientSession[] {
    return [...this.#exchanges.sessions, ...this.#deps.states.sessions];
  }

  handle(exchange: HttpExchange, view: string): void | Promise<void> {
    const { request, response } = exchange;
    switch (request.method) {
      case 'POST':
        return this.#post(exchange, view);
      case 'GET':
      case 'DELETE':
        return this.#session(exchange, view, request.method);
      default:
        request.resume();
        return refuse(response, 405, `${request.method} is not used by MCP`, {
          headers: { allow: 'GET, POST, DELETE' },
        });
    }
  }

  /** Ends the streams of these principals: they were revoked, or see something else now. */
  endOf(principals: readonly string[]): void {
    this.#exchanges.endOfOwners(principals);
  }

  /** What a client said at another gateway. */
  heard(said: SaidElsewhere): void {
    this.#legacy.heard(said);
  }

  /** Ends what has no end of its own, as the gateway stops. */
  close(): void {
    this.#exchanges.close();
  }

  async #post(exchange: HttpExchange, view: string): Promise<void> {
    const { request, response } = exchange;
    const accepts = accepted(request.headers.accept);
    const type = request.headers['content-type'];
    if (type !== undefined && type !== 'application/json' && !/^application\/json\s*(;|$)/i.test(type)) {
      request.resume();
      return refuse(response, 415, 'the body must be application/json');
    }
    if (!accepts.json && !accepts.sse) {
      request.resume();
      return refuse(response, 406, 'Accept must allow application/json or text/event-stream');
    }
    let bytes: Buffer;
    try {
      bytes = await readBytes(request, this.#deps.limits.body);
    } catch (error) {
      // Whoever went away needs no answer.
      if (error instanceof BodyTooLarge) refuse(response, 413, error.message, { headers: { connection: 'close' } });
      return;
    }
    await this.#answer(exchange, view, accepts, bytes);
  }

  #answer(exchange: HttpExchange, view: string, accepts: Accepts, bytes: Buffer): void | Promise<void> {
    const { request, response, principal } = exchange;
    const body = readBody(bytes, this.#deps.limits.depth);
    const first = 'single' in body ? body.single : body.batch[0];
    const surface = this.#deps.surface(view, principal.scope);
    if (surface === undefined)
      return refuseView(response, view, this.#deps.views(principal.scope), first?.kind === 'request' ? first.id : null);
    const sent: Sent = {
      headers: this.#deps.forwards?.() === true ? exchange.headers() : undefined,
      trace: this.#deps.traces === true ? traceOf(request) : undefined,
    };
    if ('single' in body) {
      const { single } = body;
      if (single.kind === 'invalid') return sendJson(response, 400, writeError(single.id, single.error));
      if (eraOf(request, single) === 'modern') {
        return serveModern(this.#modern, request, response, principal, surface, single, accepts, sent);
      }
      if (single.kind === 'request' && single.method === 'initialize') {
        return this.#legacy.initialize(response, principal, surface, single, accepts);
      }
    }
    const session = this.#legacy.find(request, response, principal, surface, first, sent);
    if (session === undefined) return;
    if ('batch' in body) return this.#legacy.batch(response, session, body.batch, accepts);
    const says = body.single;
    if (says.kind === 'request') return this.#legacy.request(response, session, says, accepts);
    this.#legacy.take(session, says);
    accept(response);
  }

  /** GET and DELETE exist in legacy sessions only. */
  #session({ request, response, principal }: HttpExchange, view: string, method: 'GET' | 'DELETE'): void {
    request.resume();
    const version = request.headers['mcp-protocol-version'];
    if (typeof version === 'string' && !LEGACY_REVISIONS.includes(version)) {
      return refuse(response, 405, `revision ${version} has no ${method}`, { headers: { allow: 'POST' } });
    }
    const surface = this.#deps.surface(view, principal.scope);
    if (surface === undefined) return refuseView(response, view, this.#deps.views(principal.scope));
    if (method === 'GET' && !accepted(request.headers.accept).sse)
      return refuse(response, 406, 'Accept must allow text/event-stream');
    const session = this.#legacy.find(request, response, principal, surface);
    if (session === undefined) return;
    if (method === 'GET') this.#legacy.open(request, response, session);
    else this.#legacy.end(response, session);
  }
}

/** The body decides; a body that names no version is modern when its headers are. */
function eraOf({ headers }: IncomingMessage, says: ClientSays): 'legacy' | 'modern' {
  const meta = 'params' in says ? says.params._meta : undefined;
  if (isObject(meta) && meta[META.protocolVersion] !== undefined) return 'modern';
  const version = headers['mcp-protocol-version'];
  if (typeof version !== 'string') return headers['mcp-method'] === undefined ? 'legacy' : 'modern';
  return LEGACY_REVISIONS.includes(version) || headers['mcp-session-id'] !== undefined ? 'legacy' : 'modern';
}
