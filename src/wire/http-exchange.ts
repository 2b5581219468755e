// One request to an upstream and its answer: redirects within its origin, encodings, and credentials that are renewed
// once when they are refused.
import type { RequestCredentials } from '../core/credentials.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import type { HttpClient } from './http-client.ts';
import { type Decoder, decoderFor } from './http-decode.ts';
import { DialError } from './http-dial.ts';
import type { Http1Handler } from './http1-pool.ts';
import type { ResponseHeaders } from './http1-reader.ts';

const MAX_REDIRECTS = 3;
/** Bytes of a refusal that are held back until it is clear whether the request is sent again. */
const MAX_HELD = 64 * 1024;

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

interface Held {
  status: 401 | 403;
  headers: ResponseHeaders;
  resume: () => void;
  chunks: Buffer[];
  size: number;
}

/** Made by `HttpClient.send`. */
export class Exchange implements HttpExchange, Http1Handler {
  readonly #client: HttpClient;
  readonly #request: HttpRequest;
  readonly #receiver: HttpReceiver;
  #abort: (() => void) | undefined;
  /** `onConnect` is called just before anything is written, so without that call nothing has left. */
  #sent = false;
  #over = false;
  #hops = 0;
  #redirect: string | undefined;
  #decoder: Decoder | undefined;
  /** Asked for `Authorization`, unless the request brings its own. */
  readonly #credentials: RequestCredentials | undefined;
  #authorization: string | undefined;
  /** A 401 or 403 that is held back while the credentials are asked about it; once per request. */
  #held: Held | undefined;
  #asked = false;

  constructor(client: HttpClient, request: HttpRequest, receiver: HttpReceiver) {
    this.#client = client;
    this.#request = request;
    this.#receiver = receiver;
    const { credentials } = client;
    if (credentials !== undefined && !request.headers.includes('authorization')) this.#credentials = credentials;
  }

  /** Sends the request, after its credentials were renewed where that is due. */
  start(path: string): void {
    const header = this.#credentials?.header();
    if (!(header instanceof Promise)) {
      this.#authorization = header;
      this.#client.dispatch(path, this.#request, this, header);
      return;
    }
    header.then(
      (value) => {
        if (this.#over) return;
        this.#authorization = value;
        this.#client.dispatch(path, this.#request, this, value);
      },
      (error: unknown) => {
        const fault = asFault(error, { upstream: this.#client.upstream, delivery: 'not-sent' });
        this.#finish(() => this.#receiver.failed(fault));
      },
    );
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#decoder?.close();
    this.#abort?.();
  }

  onConnect(abort: () => void): void {
    if (this.#over) {
      abort();
      return;
    }
    this.#abort = abort;
    this.#sent = true;
  }

  onHeaders(status: number, headers: ResponseHeaders, resume: () => void): void {
    if (this.#over) return;
    if (status >= 300) {
      this.#redirect = this.#follow(status, headers);
      if (this.#redirect !== undefined) return;
      if (status >= 400) this.#client.forget(this.#request.path);
      if ((status === 401 || status === 403) && this.#credentials !== undefined && !this.#asked) {
        this.#asked = true;
        this.#held = { status, headers, resume, chunks: [], size: 0 };
        return;
      }
    }
    this.#head(status, headers, resume);
  }

  #head(status: number, headers: ResponseHeaders, resume: () => void): void {
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
  }

  onData(chunk: Buffer): boolean {
    if (this.#over || this.#redirect !== undefined) return true;
    if (this.#held !== undefined) {
      this.#held.chunks.push(chunk);
      this.#held.size += chunk.length;
      if (this.#held.size > MAX_HELD) this.#release();
      return true;
    }
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
    } else if (this.#held !== undefined) this.#askAgain(this.#held);
    else this.#end();
  }

  #end(): void {
    if (this.#decoder !== undefined) this.#decoder.end();
    else {
      this.#over = true;
      this.#receiver.end();
    }
  }

  /** Nothing was run: with other credentials the same request may be sent once more. */
  #askAgain({ status, headers }: Held): void {
    const challenge = headers.get('www-authenticate');
    void Promise.resolve(this.#credentials?.refused({ status, challenge, sent: this.#authorization }))
      .catch(() => false)
      .then((again) => {
        if (this.#over) return;
        if (again !== true) {
          this.#release();
          this.#end();
          return;
        }
        this.#held = undefined;
        this.#sent = false;
        this.#abort = undefined;
        this.start(this.#request.path);
      });
  }

  /** The refusal is the answer. */
  #release(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#head(held.status, held.headers, held.resume);
    for (const chunk of held.chunks) this.onData(chunk);
  }

  onError(error: Error): void {
    if (this.#over) return;
    if (error instanceof DialError && error.tunnelRefused && this.#client.useProxyItself()) {
      this.#again(this.#request.path);
      return;
    }
    this.#client.forget(this.#request.path);
    const fault = this.#client.faultOf(error, this.#sent);
    // The pool may report while it still dispatches.
    queueMicrotask(() => this.#finish(() => this.#receiver.failed(fault)));
  }

  #again(path: string): void {
    this.#sent = false;
    this.#abort = undefined;
    this.#client.dispatch(path, this.#request, this, this.#authorization);
  }

  #finish(tell: () => void, abort = false): void {
    if (this.#over) return;
    this.#over = true;
    if (abort) this.#abort?.();
    tell();
  }

  /** The path to ask instead: same origin only, so that credentials never leave it, and not for ever (F-H19). */
  #follow(status: number, headers: ResponseHeaders): string | undefined {
    if (!this.#client.redirects) return undefined;
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
