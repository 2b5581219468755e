// HTTP/1.1 to one upstream: what a request to it needs besides the wire, and what its failures mean.
import type { LookupFunction } from 'node:net';
import type { RequestCredentials } from '../core/credentials.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import { createDial, DialError, loadTls, proxyAuthorization, proxyFor, type TlsOptions } from './http-dial.ts';
import { Exchange, type HttpExchange, type HttpReceiver, type HttpRequest } from './http-exchange.ts';
import { type Http1Handler, Http1Pool, RequestError } from './http1-pool.ts';
import { Http1Error } from './http1-reader.ts';

export type { HttpExchange, HttpReceiver, HttpRequest } from './http-exchange.ts';
export { ResponseHeaders } from './http1-reader.ts';

export interface HttpClientOptions {
  /** Name of the upstream, for its faults. */
  upstream: string;
  url: URL;
  tls?: TlsOptions | undefined;
  /** Milliseconds for TCP and TLS of one connection (F-T2). */
  dialTimeout: number;
  /** Where HTTP_PROXY, HTTPS_PROXY and NO_PROXY are read. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Finds the address of a host in place of the system. */
  lookup?: LookupFunction | undefined;
  /** False: a redirect is an answer like any other. */
  redirects?: boolean | undefined;
  /** `Authorization` of every request that brings none, and what to do when it is refused. */
  credentials?: RequestCredentials | undefined;
}

/** Idle connections are closed by us before a server closes them (most wait 5 s), or as its Keep-Alive says (F-T7). */
const KEEP_ALIVE = 4_000;
const KEEP_ALIVE_MAX = 60_000;
/** Bytes of response headers (reliability §4, Outbound). */
const MAX_HEADERS = 64 * 1024;

export class HttpClient {
  readonly upstream: string;
  readonly url: URL;
  readonly redirects: boolean;
  readonly credentials: RequestCredentials | undefined;
  readonly #makePool: (absolute: boolean) => Http1Pool;
  #pool: Http1Pool;
  /** Requests go to the proxy itself, with the whole URL as their target. */
  #viaProxy: { prefix: string; authorization: string | undefined } | undefined;
  readonly #proxy: URL | undefined;
  /** Where a path was redirected to; forgotten when that no longer answers well. */
  readonly #moved = new Map<string, string>();
  #closed = false;

  private constructor(options: HttpClientOptions, makePool: (absolute: boolean) => Http1Pool, proxy: URL | undefined) {
    this.upstream = options.upstream;
    this.url = options.url;
    this.redirects = options.redirects !== false;
    this.credentials = options.credentials;
    this.#makePool = makePool;
    this.#proxy = proxy;
    this.#pool = makePool(false);
  }

  /**
   * Loads what TLS needs; dials nothing.
   * @throws GatewayFault UPSTREAM_START_FAILED if a TLS file cannot be read or is no PEM
   */
  static async open(options: HttpClientOptions): Promise<HttpClient> {
    const { upstream, url, dialTimeout: timeout, lookup } = options;
    const tls = await loadTls(options.tls, upstream);
    const proxy = proxyFor(url, options.env ?? process.env);
    const pool = (absolute: boolean): Http1Pool =>
      new Http1Pool({
        origin: url,
        dial: createDial({ url, tls, timeout, proxy, absolute, lookup }),
        keepAlive: KEEP_ALIVE,
        keepAliveMax: KEEP_ALIVE_MAX,
        maxHeaderSize: MAX_HEADERS,
      });
    return new HttpClient(options, pool, proxy);
  }

  /** What somebody has to do where our credentials are refused. */
  get hint(): string | undefined {
    return this.credentials?.hint;
  }

  /** Sends a request; never throws, and calls the receiver only after it has returned. */
  send(request: HttpRequest, receiver: HttpReceiver): HttpExchange {
    const exchange = new Exchange(this, request, receiver);
    exchange.start(this.#moved.get(request.path) ?? request.path);
    return exchange;
  }

  /** One hop of a request; for `Exchange` alone. */
  dispatch(path: string, request: HttpRequest, handler: Http1Handler, authorization: string | undefined): void {
    const via = this.#viaProxy;
    const headers =
      authorization === undefined ? request.headers : [...request.headers, 'authorization', authorization];
    this.#pool.dispatch(
      {
        path: via === undefined ? path : via.prefix + path,
        method: request.method,
        headers: via?.authorization === undefined ? headers : [...headers, 'proxy-authorization', via.authorization],
        body: request.body,
      },
      handler,
    );
  }

  /** Whether a request that the proxy would not tunnel can go to the proxy itself; nothing of it was sent. */
  useProxyItself(): boolean {
    if (this.#closed || this.#proxy === undefined) return false;
    if (this.#viaProxy === undefined) {
      this.#pool.close();
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
      const fault = error instanceof RequestError ? 'INTERNAL' : 'UPSTREAM_UNREACHABLE';
      return new GatewayFault(fault, `cannot connect to ${this.url.host}: ${describe(error, code)}`, {
        upstream,
        delivery: 'not-sent',
        data: { errno: code },
        cause: error,
      });
    }
    if (CLIENT_CERTIFICATE.has(code)) {
      return new GatewayFault('UPSTREAM_UNREACHABLE', `${this.url.host} refused our client certificate (${code})`, {
        upstream,
        delivery: 'rejected-unprocessed',
        data: { errno: code },
        cause: error,
      });
    }
    if (error instanceof Http1Error) {
      const text = `${this.url.host} sent something that is not HTTP: ${error.message}`;
      return new GatewayFault('UPSTREAM_PROTOCOL', text, { upstream, delivery: 'maybe-sent', cause: error });
    }
    if (code === '') return asFault(error, { upstream, delivery: 'maybe-sent' });
    return new GatewayFault('UPSTREAM_DISCONNECTED', `the connection to ${this.url.host} was lost (${code})`, {
      upstream,
      delivery: 'maybe-sent',
      data: { errno: code },
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
