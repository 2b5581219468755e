// One HTTP request of a custom tool: whole answer or fault, bounded in time and size, repeated only where that cannot
// run anything twice.
import { setTimeout as sleep } from 'node:timers/promises';
import { asFault, GatewayFault } from '../core/fault.ts';
import { HttpClient, type HttpExchange, type HttpRequest, type ResponseHeaders } from '../wire/http-client.ts';
import type { Run } from './run.ts';

/** Milliseconds for TCP and TLS of one connection. */
const DIAL = 5_000;
/** Origins that keep their connections. */
const MOST_CLIENTS = 64;

export interface HttpAnswer {
  status: number;
  headers: ResponseHeaders;
  body: Buffer;
}

export interface Outgoing {
  method: HttpRequest['method'];
  url: URL;
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
  maxSize: number;
  /** Sends after the first one. */
  retries: number;
  /** Milliseconds before the first repeat; it doubles. */
  delay: number;
}

/** Looks at a URL before it is asked; throws a GatewayFault to refuse it. */
export type FetchGuard = (url: URL) => void | Promise<void>;

/** Statuses after which the same request may do better. */
const PASSING = new Set([408, 429, 502, 503, 504]);
const IDEMPOTENT = new Set(['GET', 'PUT', 'DELETE']);

/** Connections of all custom tools, by origin. */
export class HttpClients {
  readonly #clients = new Map<string, Promise<HttpClient>>();
  readonly #name: string;
  readonly #guard: FetchGuard | undefined;

  constructor(name: string, guard: FetchGuard | undefined) {
    this.#name = name;
    this.#guard = guard;
  }

  /** @throws GatewayFault; an answer of any status is an answer */
  async send(request: Outgoing, run: Run): Promise<HttpAnswer> {
    await this.#guard?.(request.url);
    for (let attempt = 0; ; attempt++) {
      const last = attempt >= request.retries;
      let wait = request.delay * 2 ** attempt * (0.5 + Math.random() / 2);
      try {
        const answer = await this.#once(request, run);
        if (last || !PASSING.has(answer.status) || !IDEMPOTENT.has(request.method)) return answer;
        wait = Math.max(wait, retryAfter(answer.headers) ?? 0);
        if (performance.now() + wait >= run.deadline) return answer;
      } catch (thrown) {
        const fault = asFault(thrown, { upstream: this.#name });
        if (run.signal.aborted || last || !mayRepeat(fault, request.method)) throw fault;
        if (performance.now() + wait >= run.deadline) throw fault;
      }
      await pause(wait, run.signal);
    }
  }

  async close(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.all(clients.map((client) => client.then((open) => open.close()).catch(() => undefined)));
  }

  async #once(request: Outgoing, run: Run): Promise<HttpAnswer> {
    const client = await this.#client(request.url);
    run.signal.throwIfAborted();
    const { method, url, headers, body, maxSize } = request;
    const sent: HttpRequest = {
      method,
      path: url.pathname + url.search,
      headers: Object.entries({ host: url.host, ...headers }).flat(),
      body,
    };
    // Until the first byte is written nothing has happened; who asks later cannot know any more.
    run.delivery = 'maybe-sent';
    return await new Promise<HttpAnswer>((resolve, reject) => {
      let status = 0;
      let received: ResponseHeaders | undefined;
      const chunks: Buffer[] = [];
      let size = 0;
      let exchange: HttpExchange | undefined;
      const aborted = (): void => {
        exchange?.abort();
        reject(run.signal.reason as Error);
      };
      const settle = (end: () => void): void => {
        run.signal.removeEventListener('abort', aborted);
        end();
      };
      run.signal.addEventListener('abort', aborted, { once: true });
      exchange = client.send(sent, {
        head: (code, all) => {
          status = code;
          received = all;
        },
        data: (chunk) => {
          size += chunk.length;
          if (size > maxSize) {
            exchange?.abort();
            settle(() => reject(this.#tooLarge(url, maxSize)));
          } else chunks.push(chunk);
        },
        end: () => settle(() => resolve({ status, headers: received as ResponseHeaders, body: Buffer.concat(chunks) })),
        failed: (fault) => {
          if (fault.delivery === 'not-sent') run.delivery = 'not-sent';
          settle(() => reject(fault));
        },
      });
    });
  }

  #client({ origin }: URL): Promise<HttpClient> {
    let client = this.#clients.get(origin);
    if (client === undefined) {
      client = HttpClient.open({ upstream: this.#name, url: new URL(origin), dialTimeout: DIAL });
      if (this.#clients.size >= MOST_CLIENTS) this.#closeOldest();
      this.#clients.set(origin, client);
    }
    return client;
  }

  #closeOldest(): void {
    const [oldest] = this.#clients;
    if (oldest === undefined) return;
    this.#clients.delete(oldest[0]);
    oldest[1].then((open) => open.close()).catch(() => undefined);
  }

  #tooLarge({ host }: URL, limit: number): GatewayFault {
    return new GatewayFault('RESULT_TOO_LARGE', `${host} answers with more than the ${limit} bytes of max_size`, {
      upstream: this.#name,
      delivery: 'answered',
      hint: 'Ask for less, or raise max_size of the tool.',
    });
  }
}

function mayRepeat({ fault, delivery }: GatewayFault, method: string): boolean {
  if (delivery === 'not-sent') return fault === 'UPSTREAM_UNREACHABLE';
  return fault === 'UPSTREAM_DISCONNECTED' && IDEMPOTENT.has(method);
}

/** Milliseconds that the answer asks to wait. */
function retryAfter(headers: ResponseHeaders): number | undefined {
  const value = headers.get('retry-after');
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/** Waits; rejects with the reason of the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw signal.reason;
  }
}

/** The body as text, in the charset it says. */
export function textOfBody({ headers, body }: HttpAnswer): string {
  const charset = /charset=["']?([\w-]+)/i.exec(headers.get('content-type') ?? '')?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    return new TextDecoder().decode(body);
  }
}
