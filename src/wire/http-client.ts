// HTTP/1.1 to one upstream: a pool of kept-alive connections, undici's `dispatch` with handlers of our own, because
// fetch and web streams cost several times the call itself (performance.md).
import type { Dispatcher, Pool } from 'undici';
import { asFault, GatewayFault } from '../core/fault.ts';
import { type Decoder, decoderFor } from './http-decode.ts';
import {
  type ConnectTls,
  createDial,
  DialError,
  loadTls,
  proxyAuthorization,
  proxyFor,
  type TlsOptions,
} from './http-dial.ts';

export interface HttpClientOptions {
  /** Name of the upstream, for its faults. */
  upstream: string;
  url: URL;
  tls?: TlsOptions | undefined;
  /** Milliseconds for TCP and TLS of one connection (F-T2). */
  dialTimeout: number;
  /** Where HTTP_PROXY, HTTPS_PROXY and NO_PROXY are read. */
  env?: Readonly<Record<string, string | undefined>>;
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  path: string;
  /** Names and values in turn. */
  headers: readonly string[];
  body?: string | undefined;
}

/** Who takes the answer of one request. After `end` or `failed` nothing more comes. */
export interface HttpReceiver {
  head(status: number, headers: ResponseHeaders): void;
  /** Decoded bytes of the body. */
  data(chunk: Buffer): void;
  end(): void;
  /** No answer, or not the whole of it; the delivery is in the fault. */
  failed(fault: GatewayFault): void;
}

export interface HttpExchange {
  /** Closes the request's connection; the receiver hears nothing more. */
  abort(): void;
}

/** Idle connections are closed by us before a server closes them (most wait 5 s), or as its Keep-Alive says (F-T7). */
const KEEP_ALIVE = 4_000;
const KEEP_ALIVE_MAX = 60_000;
/** Bytes of response headers (reliability §4, Outbound). */
const MAX_HEADERS = 64 * 1024;
const MAX_REDIRECTS = 3;

/** The headers of a response; looked up by lower-case name. */
export class ResponseHeaders {
  readonly #raw: readonly Buffer[];
  constructor(raw: readonly Buffer[]) {
    this.#raw = raw;
  }

  /** All values of one name, joined by a comma. */
  get(name: string): string | undefined {
    let found: string | undefined;
    for (let at = 0; at + 1 < this.#raw.length; at += 2) {
      const key = this.#raw[at] as Buffer;
      if (key.length !== name.length || key.toString('latin1').toLowerCase() !== name) continue;
      const value = (this.#raw[at + 1] as Buffer).toString('latin1');
      found = found === undefined ? value : `${found}, ${value}`;
    }
    return found;
  }
}

export class HttpClient {
  readonly upstream: string;
  readonly url: URL;
  readonly #makePool: (absolute: boolean) => Pool;
  #pool: Pool;
  /** Requests go to the proxy itself, with the whole URL as their target. */
  #viaProxy: { prefix: string; authorization: string | undefined } | undefined;
  readonly #proxy: URL | undefined;
  /** Where a path was redirected to; forgotten when that no longer answers well. */
  readonly #moved = new Map<string, string>();
  #closed = false;

  private constructor(options: HttpClientOptions, makePool: (absolute: boolean) => Pool, proxy: URL | undefined) {
    this.upstream = options.upstream;
    this.url = options.url;
    this.#makePool = makePool;
    this.#proxy = proxy;
    this.#pool = makePool(false);
  }

  /**
   * Loads undici and what TLS needs; dials nothing.
   * @throws GatewayFault UPSTREAM_START_FAILED if a TLS file cannot be read or is no PEM
   */
  static async open(options: HttpClientOptions): Promise<HttpClient> {
    const tls = await loadTls(options.tls, options.upstream);
    const proxy = proxyFor(options.url, options.env ?? process.env);
    const undici = await loadUndici();
    try {
      return new HttpClient(options, (absolute) => makePool(undici, options, tls, proxy, absolute), proxy);
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      throw new GatewayFault('UPSTREAM_START_FAILED', `tls: ${text}`, { upstream: options.upstream, cause });
    }
  }

  /** Sends a request; never throws, and calls the receiver only after it has returned. */
  send(request: HttpRequest, receiver: HttpReceiver): HttpExchange {
    const exchange = new Exchange(this, request, receiver);
    this.dispatch(this.#moved.get(request.path) ?? request.path, request, exchange);
    return exchange;
  }

  /** One hop of a request; for `Exchange` alone. */
  dispatch(path: string, request: HttpRequest, handler: Dispatcher.DispatchHandler): void {
    const via = this.#viaProxy;
    const headers = request.headers as string[];
    this.#pool.dispatch(
      {
        path: via === undefined ? path : via.prefix + path,
        method: request.method,
        headers: via?.authorization === undefined ? headers : [...headers, 'proxy-authorization', via.authorization],
        body: request.body ?? null,
      },
      handler,
    );
  }

  /** Whether a request that the proxy would not tunnel can go to the proxy itself; nothing of it was sent. */
  useProxyItself(): boolean {
    if (this.#closed || this.#proxy === undefined) return false;
    if (this.#viaProxy === undefined) {
      this.#pool.close().catch(() => {});
      this.#viaProxy = { prefix: this.url.origin, authorization: proxyAuthorization(this.#proxy) };
      this.#pool = this.#makePool(true);
    }
    return true;
  }

  remember(path: string, target: string): void {
    if (path !== target && this.#moved.size < 16) this.#moved.set(path, target);
  }

  forget(path: string): void {
    if (this.#moved.size > 0) this.#moved.delete(path);
  }

  /** Makes a fault of what undici reports. `sent`: bytes of the request may have left (reliability §2, Delivery). */
  faultOf(error: Error, sent: boolean): GatewayFault {
    const { upstream } = this;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (error instanceof GatewayFault) return error;
    if (error instanceof DialError || !sent) {
      const refusedByUs = code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED';
      const fault = refusedByUs ? 'INTERNAL' : 'UPSTREAM_UNREACHABLE';
      return new GatewayFault(fault, `cannot connect to ${this.url.host}: ${describe(error, code)}`, {
        upstream,
        delivery: 'not-sent',
        data: { code },
        cause: error,
      });
    }
    if (CLIENT_CERTIFICATE.has(code)) {
      return new GatewayFault('UPSTREAM_UNREACHABLE', `${this.url.host} refused our client certificate (${code})`, {
        upstream,
        delivery: 'rejected-unprocessed',
        data: { code },
        cause: error,
      });
    }
    if (error.name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW') {
      return new GatewayFault(
        'UPSTREAM_PROTOCOL',
        `${this.url.host} sent something that is not HTTP (${code || error.name})`,
        {
          upstream,
          delivery: 'maybe-sent',
          data: { code },
          cause: error,
        },
      );
    }
    if (code === '') return asFault(error, { upstream, delivery: 'maybe-sent' });
    return new GatewayFault('UPSTREAM_DISCONNECTED', `the connection to ${this.url.host} was lost (${code})`, {
      upstream,
      delivery: 'maybe-sent',
      data: { code },
      cause: error,
    });
  }

  /** Ends every connection at once; receivers hear UPSTREAM_DISCONNECTED unless they were aborted before. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pool.destroy();
  }
}

/** TLS 1.3 tells us about a client certificate it does not like only after we have written. */
const CLIENT_CERTIFICATE = new Set([
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
]);

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name could not be resolved',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  ETIMEDOUT: 'no connection in time',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by an authority that is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

function describe(error: Error, code: string): string {
  const reason = REASONS[code];
  return reason === undefined ? error.message : `${reason} (${code})`;
}

type Undici = { Pool: typeof Pool; build: Parameters<typeof createDial>[0]['build'] };

/** Only the parts that are used: all of undici costs 40 ms and 8 MB more (performance.md, start). */
async function loadUndici(): Promise<Undici> {
  const pool: { default: typeof Pool } = await import('undici/lib/dispatcher/pool.js' as string);
  const connect: { default: Undici['build'] } = await import('undici/lib/core/connect.js' as string);
  return { Pool: pool.default, build: connect.default };
}

function makePool(
  undici: Undici,
  options: HttpClientOptions,
  tls: ConnectTls,
  proxy: URL | undefined,
  absolute: boolean,
): Pool {
  return new undici.Pool(options.url.origin, {
    connect: createDial({ build: undici.build, tls, timeout: options.dialTimeout, proxy, absolute }),
    connections: null,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE,
    keepAliveMaxTimeout: KEEP_ALIVE_MAX,
    // How long an answer may take is the link's business: it abandons the request.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: MAX_HEADERS,
  });
}

class Exchange implements HttpExchange, Dispatcher.DispatchHandler {
  readonly #client: HttpClient;
  readonly #request: HttpRequest;
  readonly #receiver: HttpReceiver;
  #abort: ((error?: Error) => void) | undefined;
  /** undici calls `onConnect` just before it writes, so without that call nothing has left. */
  #sent = false;
  #over = false;
  #hops = 0;
  #redirect: string | undefined;
  #decoder: Decoder | undefined;

  constructor(client: HttpClient, request: HttpRequest, receiver: HttpReceiver) {
    this.#client = client;
    this.#request = request;
    this.#receiver = receiver;
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#decoder?.close();
    this.#abort?.();
  }

  onConnect(abort: (error?: Error) => void): void {
    if (this.#over) {
      abort();
      return;
    }
    this.#abort = abort;
    this.#sent = true;
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    if (status < 200 || this.#over) return true;
    const headers = new ResponseHeaders(raw);
    if (status >= 300) {
      this.#redirect = this.#follow(status, headers);
      if (this.#redirect !== undefined) return true;
      if (status >= 400) this.#client.forget(this.#request.path);
    }
    const encoding = headers.get('content-encoding');
    if (encoding !== undefined && encoding !== '' && encoding.toLowerCase() !== 'identity') {
      this.#decoder = decoderFor(encoding, {
        data: (chunk) => !this.#over && this.#receiver.data(chunk),
        end: () => this.#finish(() => this.#receiver.end()),
        drain: resume,
        failed: (error) => {
          const fault = new GatewayFault('UPSTREAM_PROTOCOL', `cannot decode the answer: ${error.message}`, {
            upstream: this.#client.upstream,
            delivery: 'maybe-sent',
            cause: error,
          });
          this.#finish(() => this.#receiver.failed(fault), true);
        },
      });
    }
    this.#receiver.head(status, headers);
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.#over || this.#redirect !== undefined) return true;
    if (this.#decoder !== undefined) return this.#decoder.push(chunk);
    this.#receiver.data(chunk);
    return true;
  }

  onComplete(): void {
    if (this.#over) return;
    if (this.#redirect !== undefined) {
      const path = this.#redirect;
      this.#redirect = undefined;
      this.#client.remember(this.#request.path, path);
      this.#again(path);
    } else if (this.#decoder !== undefined) this.#decoder.end();
    else {
      this.#over = true;
      this.#receiver.end();
    }
  }

  onError(error: Error): void {
    if (this.#over) return;
    if (error instanceof DialError && error.tunnelRefused && this.#client.useProxyItself()) {
      this.#again(this.#request.path);
      return;
    }
    this.#client.forget(this.#request.path);
    const fault = this.#client.faultOf(error, this.#sent);
    // undici may report while it still dispatches.
    queueMicrotask(() => this.#finish(() => this.#receiver.failed(fault)));
  }

  #again(path: string): void {
    this.#sent = false;
    this.#abort = undefined;
    this.#client.dispatch(path, this.#request, this);
  }

  #finish(tell: () => void, abort = false): void {
    if (this.#over) return;
    this.#over = true;
    if (abort) this.#abort?.();
    tell();
  }

  /** The path to ask instead: same origin only, so that credentials never leave it, and not for ever (F-H19). */
  #follow(status: number, headers: ResponseHeaders): string | undefined {
    const keepsMethod = status === 307 || status === 308;
    const isGet = this.#request.method === 'GET' && (status === 301 || status === 302 || status === 303);
    const location = headers.get('location');
    if (!(keepsMethod || isGet) || location === undefined || this.#hops >= MAX_REDIRECTS) return undefined;
    const { url } = this.#client;
    if (!URL.canParse(location, url.href)) return undefined;
    const target = new URL(location, url);
    if (target.origin !== url.origin) return undefined;
    this.#hops++;
    return target.pathname + target.search;
  }
}
