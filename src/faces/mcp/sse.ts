// HTTP+SSE as revision 2024-11-05 has it: a stream by GET, messages by POST to the address it names first.
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Scope } from '../../core/scope.ts';
import { BodyTooLarge, readBody, sendJson } from '../../http/body.ts';
import type { HttpExchange } from '../../http/listener.ts';
import { traceOf } from '../../http/trace.ts';
import { Channel } from '../../session/channel.ts';
import type { GatewayIdentity } from '../../session/protocol.ts';
import type { Surface } from '../../session/surface.ts';
import { writeError } from '../../wire/envelope.ts';
import { writeEvent } from '../../wire/sse.ts';
import { OutgoingStream, SSE_HEADERS } from './event-stream.ts';
import { type ClientSession, openSession } from './open-sessions.ts';

export interface SseFaceDeps {
  surface(view: string, scope: Scope | undefined): Surface | undefined;
  views(scope: Scope | undefined): string[];
  identity: GatewayIdentity;
  limits: { body: number; depth: number; streams: number };
  /** What a proxy stripped from our paths (`server.rootPath`); the address we name has it again. */
  rootPath: string;
  /** Whether any upstream is sent headers of its callers. */
  forwards?: (() => boolean) | undefined;
  /** Whether calls are traced; only then a caller's span is looked for in its headers. */
  traces?: boolean | undefined;
}

interface Session {
  channel: Channel;
  response: ServerResponse;
  principal: { id: string };
  surface: { name: string };
  since: number;
}

const KEEP_ALIVE = 15_000;

export class McpSseFace {
  readonly #deps: SseFaceDeps;
  readonly #sessions = new Map<string, Session>();

  constructor(deps: SseFaceDeps) {
    this.#deps = deps;
  }

  /** Every stream that is open. */
  get sessions(): ClientSession[] {
    return [...this.#sessions.values()].map(({ channel, since, ...connected }) =>
      openSession('sse', { client: channel.client, ...connected }, since),
    );
  }

  /** `GET /sse` and `/sse/{view}`. */
  stream({ request, response, principal }: HttpExchange, view: string): void {
    request.resume();
    const surface = this.#deps.surface(view, principal.scope);
    if (request.method !== 'GET')
      return this.#refuse(response, 405, `${request.method} is not used here; open the stream with GET`);
    if (surface === undefined)
      return this.#refuse(
        response,
        404,
        `there is no view ${JSON.stringify(view)}; there are ${this.#deps.views(principal.scope).join(', ')}`,
      );
    if (this.#sessions.size >= this.#deps.limits.streams)
      return this.#refuse(response, 429, 'too many streams are open; close some');
    const id = randomBytes(16).toString('base64url');
    response.writeHead(200, SSE_HEADERS);
    response.write(writeEvent(`${this.#deps.rootPath}/messages?session=${id}`, { event: 'endpoint' }));
    const write = (message: Buffer) => {
      if (response.writableLength > OutgoingStream.MAX_WAITING) response.destroy();
      else response.write(writeEvent(message, { event: 'message' }));
    };
    const { identity, limits } = this.#deps;
    const channel = new Channel({ face: 'mcp', principal, surface, identity, send: write, depth: limits.depth });
    this.#sessions.set(id, { channel, response, principal, surface, since: Date.now() });
    const alive = setInterval(() => response.write(': keep-alive\n\n'), KEEP_ALIVE).unref();
    response.on('close', () => {
      clearInterval(alive);
      this.#sessions.delete(id);
      channel.close();
    });
  }

  /** `POST /messages?session=…`. */
  async message(exchange: HttpExchange): Promise<void> {
    const { request, response, query, principal } = exchange;
    const session = this.#sessions.get(query.get('session') ?? '');
    if (request.method !== 'POST') {
      request.resume();
      return this.#refuse(response, 405, 'messages are sent by POST');
    }
    if (session === undefined || session.principal.id !== principal.id) {
      request.resume();
      return this.#refuse(response, 404, 'the session is not known; open the stream again');
    }
    try {
      const bytes = await readBody(request, this.#deps.limits.body);
      response.writeHead(202, { 'content-type': 'text/plain' }).end('Accepted');
      const { forwards, traces } = this.#deps;
      session.channel.receive(bytes, {
        headers: forwards?.() === true ? exchange.headers() : undefined,
        trace: traces === true ? traceOf(request) : undefined,
      });
    } catch (error) {
      if (error instanceof BodyTooLarge) this.#refuse(response, 413, error.message, { connection: 'close' });
    }
  }

  /** Ends the streams of these principals: they were revoked, or see something else now. */
  endOf(principals: readonly string[]): void {
    for (const { response, principal } of this.#sessions.values())
      if (principals.includes(principal.id)) response.end();
  }

  /** Ends each stream as soon as what it still owes is answered. */
  close(): void {
    for (const { channel, response } of this.#sessions.values()) {
      void channel.idle().then(() => {
        channel.close({ graceful: true });
        response.end();
      });
    }
  }

  #refuse(response: ServerResponse, status: number, message: string, headers: Record<string, string> = {}): void {
    sendJson(response, status, writeError(null, { code: -32600, message }), headers);
  }
}
