// The one listener. Everything that is the same for all routes happens here, on the raw request, before the split:
// guard, preflight, keys, request id, drain.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { FaceName, Principal } from '../core/context.ts';
import type { EventStream } from '../core/events.ts';
import { asFault } from '../core/fault.ts';
import { TurnWriter } from '../core/one-write.ts';
import { type Access, type AccessTokens, admit, type KeyHeader, type Verdict } from './auth.ts';
import { sendDetail } from './body.ts';
import { createGuard, type GuardOptions, originAllowed } from './guard.ts';
import type { CallerKeys } from './keys.ts';

export class HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Decoded by nobody: the path as it came, without the query. */
  readonly path: string;
  readonly principal: Principal;
  readonly #key: KeyHeader | undefined;
  readonly #tokens: AccessTokens | undefined;

  /** `key` is the header by which the principal was known; `tokens` who checks access tokens, if anybody does. */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    principal: Principal,
    key?: KeyHeader | undefined,
    tokens?: AccessTokens | undefined,
  ) {
    this.request = request;
    this.response = response;
    this.path = path;
    this.principal = principal;
    this.#key = key;
    this.#tokens = tokens;
  }

  /**
   * Headers for a face that refuses by itself: where to get a token, where there is such a place (RFC 9728 section 5.1),
   * and what is wrong with one that was sent (RFC 6750 section 3.1).
   */
  refusal(status: number, access: Access): { 'www-authenticate'?: string } {
    const sent = /^bearer /i.test(this.request.headers.authorization ?? '');
    if (this.#tokens === undefined) return status === 401 ? { 'www-authenticate': 'Bearer' } : {};
    if (status !== 401 && !sent) return {};
    const error = !sent ? undefined : status === 401 ? 'invalid_token' : 'insufficient_scope';
    return { 'www-authenticate': this.#tokens.challenge(this.path, access, error) };
  }

  /** Access tokens are taken, and whatever was sent is none that is good here: 401, not 403 (RFC 6750 section 3.1). */
  get badToken(): boolean {
    return this.#tokens !== undefined && this.#key === undefined;
  }

  /** What the caller sent, names in lower case, without a key or login of the gateway's own: these are for nobody else. */
  headers(): ReadonlyMap<string, string> {
    const sent = new Map<string, string>();
    for (const [name, value] of Object.entries(this.request.headers)) {
      if (typeof value !== 'string' || name === this.#key) continue;
      const kept = name === 'cookie' ? value.split(/;\s*/).filter((part) => !OUR_COOKIE.test(part)) : [value];
      if (kept.length > 0) sent.set(name, kept.join('; '));
    }
    return sent;
  }

  get query(): URLSearchParams {
    return new URLSearchParams((this.request.url ?? '').slice(this.path.length + 1));
  }
}

/** Browser logins of this gateway, or of another one on this host (`logins.ts` of the admin face). */
const OUR_COOKIE = /^\s*holdfast_/;

export interface Route {
  access: Access;
  /** Liveness and readiness are asked by address; they tell nothing (requirements 12.3). */
  anyHost?: boolean;
  /** The face it belongs to, for events; `mcp` unless it says otherwise. */
  face?: FaceName;
  /** Answers 401 with this challenge. */
  challenge?: string | string[];
  handle(exchange: HttpExchange): void | Promise<void>;
}

export interface ListenerOptions {
  host: string;
  port: number;
  /** Following ports that may be tried when the port is taken: 0 for an explicit one (requirements 12.1). */
  tries: number;
  tls?: { cert: string | Buffer; key: string | Buffer } | undefined;
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  keys: CallerKeys;
  /** Access tokens of an authorization server, beside the keys (`server.oauth`). */
  tokens?: AccessTokens | undefined;
  /** The route of a path; undefined is 404. */
  route(path: string): Route | undefined;
  events: EventStream;
}

/** A listener could not be opened; `code` is the system's (EADDRINUSE, EACCES, …). */
export class ListenFailed extends Error {
  readonly code: string;
  readonly port: number;
  constructor(message: string, code: string, port: number) {
    super(message);
    this.code = code;
    this.port = port;
  }
}

/**
 * Connections that may wait to be accepted; more are dropped by the kernel and come again a second later, which no
 * caller should wait for its refusal (F-C15). The kernel's own limit (`net.core.somaxconn`) cuts it further.
 */
const BACKLOG = 4_096;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #guard: GuardOptions;
  readonly #refusal: (request: IncomingMessage) => string | undefined;
  readonly #server: Server;
  readonly #writer = new TurnWriter(() => this.#connections <= 1);
  #draining = false;
  /** Whether an answer is alone: requests answered at once never overlap, but those of one turn come over several. */
  #connections = 0;
  /** Requests that are not answered yet. */
  #open = 0;
  #whenIdle: (() => void) | undefined;
  /** Requests that came before `open`, while they are held. */
  #early: [IncomingMessage, ServerResponse][] | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#guard = {
      loopback: isLoopback(options.host),
      allowedHosts: options.allowedHosts,
      allowedOrigins: options.allowedOrigins,
    };
    this.#refusal = createGuard(this.#guard);
    const settings = {
      maxHeaderSize: 16 * 1024,
      headersTimeout: 60_000,
      requestTimeout: 60_000,
      keepAliveTimeout: 65_000,
      noDelay: true,
    };
    const serve = (request: IncomingMessage, response: ServerResponse) => {
      if (this.#early === undefined) this.#serve(request, response);
      else this.#early.push([request, response]);
    };
    this.#server =
      options.tls === undefined
        ? createServer(settings, serve)
        : createSecureServer({ ...settings, ...options.tls }, serve);
    this.#server.on('connection', (socket) => {
      this.#connections++;
      socket.on('close', this.#left);
      this.#writer.add(socket);
    });
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (!socket.writable || error.code === 'ECONNRESET') return socket.destroy();
      const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
      socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    });
  }

  /** Binds the port. With `hold`, what comes is answered from `open` on. @throws ListenFailed */
  async listen({ hold = false } = {}): Promise<void> {
    this.#early = hold ? [] : undefined;
    const { host, port, tries } = this.#options;
    for (let offset = 0; ; offset++) {
      const attempt = port === 0 ? 0 : port + offset;
      const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
        this.#server.once('error', resolve);
        this.#server.listen({ port: attempt, host, backlog: BACKLOG }, () => {
          this.#server.off('error', resolve);
          resolve(undefined);
        });
      });
      if (error === undefined) return;
      if (error.code !== 'EADDRINUSE' || offset >= tries) {
        const why = error.code === 'EADDRINUSE' ? 'address in use' : error.message;
        throw new ListenFailed(`cannot listen on ${host}:${attempt}: ${why}`, error.code ?? 'UNKNOWN', attempt);
      }
    }
  }

  /** Every route is there: nobody who was quick is told that nothing is served. */
  open(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const [request, response] of early) if (!response.destroyed) this.#serve(request, response);
  }

  /** Requests that wait for `open`. */
  get waiting(): number {
    return this.#early?.length ?? 0;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    const { host, tls } = this.#options;
    const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
    return `${tls === undefined ? 'http' : 'https'}://${name}:${this.port}`;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Readiness says no and answers close their connections, while everything is still served (F-R13). */
  async lookAway(ms: number): Promise<void> {
    this.#draining = true;
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** From now on nothing new is accepted. */
  drain(): void {
    this.#draining = true;
    this.#writer.flush();
    this.#server.close();
    this.#server.closeIdleConnections();
  }

  /** Waits until everything accepted has been answered, `ms` milliseconds at most; false if something is left. */
  finished(ms: number): Promise<boolean> {
    if (this.#open === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(false), ms);
      const done = (all: boolean) => {
        clearTimeout(timer);
        this.#whenIdle = undefined;
        resolve(all);
      };
      this.#whenIdle = () => done(true);
    });
  }

  /** Ends whatever is still open. */
  async close(): Promise<void> {
    this.#draining = true;
    this.#writer.flush();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  readonly #left = (): void => {
    this.#connections--;
  };

  readonly #closed = (): void => {
    if (--this.#open === 0) this.#whenIdle?.();
  };

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.#open++;
    response.on('close', this.#closed);
    if (this.#draining) response.setHeader('connection', 'close');
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark === -1 ? url : url.slice(0, mark);
    const route = this.#options.route(path);
    if (route?.anyHost !== true) {
      const refused = this.#refusal(request);
      if (refused !== undefined) return this.#refuse(request, response, 403, refused);
    }
    if (request.headers.origin !== undefined) this.#allowOrigin(request, response);
    if (request.method === 'OPTIONS') return preflight(request, response);
    const verdict = admit(request, path, route?.access ?? 'open', this.#options);
    if (!(verdict instanceof Promise)) return this.#judged(request, response, path, route, verdict);
    verdict.then(
      (settled) => this.#judged(request, response, path, route, settled),
      (error: unknown) => this.#failed(response, error),
    );
  }

  #judged(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    route: Route | undefined,
    verdict: Verdict,
  ): void {
    if ('status' in verdict) {
      this.#options.events.emit({ type: 'auth.refused', face: route?.face ?? 'mcp', reason: verdict.reason });
      const challenge = verdict.challenge ?? (verdict.status === 401 ? (route?.challenge ?? 'Bearer') : undefined);
      return this.#refuse(request, response, verdict.status, verdict.reason, challenge);
    }
    if (route === undefined) return sendDetail(response, 404, `nothing is served at ${path}`);
    const exchange = new HttpExchange(request, response, path, verdict.principal, verdict.by, this.#options.tokens);
    try {
      const running = route.handle(exchange);
      if (running instanceof Promise) running.catch((error: unknown) => this.#failed(response, error));
    } catch (error) {
      this.#failed(response, error);
    }
  }

  #refuse(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    reason: string,
    challenge?: string | string[],
  ): void {
    request.resume();
    sendDetail(response, status, reason, challenge === undefined ? {} : { 'www-authenticate': challenge });
  }

  /** A bug of ours in one request is that request's error, never a stack trace in an answer (MP5). */
  #failed(response: ServerResponse, error: unknown): void {
    if (response.destroyed) return;
    const fault = asFault(error);
    this.#options.events.emit({
      type: 'log',
      level: 'error',
      text: fault.message,
      data: { stack: (error as Error)?.stack },
    });
    if (response.headersSent) response.destroy();
    else sendDetail(response, 500, `unexpected (correlation id ${fault.correlationId})`);
  }

  #allowOrigin(request: IncomingMessage, response: ServerResponse): void {
    if (!originAllowed(request, this.#guard)) return;
    response.setHeader('access-control-allow-origin', request.headers.origin as string);
    response.setHeader('vary', 'Origin');
    response.setHeader(
      'access-control-expose-headers',
      'Mcp-Session-Id, MCP-Protocol-Version, X-Request-Id, WWW-Authenticate, Retry-After',
    );
  }
}

function preflight(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
    'access-control-allow-headers': request.headers['access-control-request-headers'] ?? 'content-type, authorization',
    'access-control-max-age': '600',
  });
  response.end();
}

/** Whether a bind address is reachable from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
