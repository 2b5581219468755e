// Streamable HTTP, 2025-03-26 to 2026-07-28: one POST per message, its answer as JSON or as an event stream of its own.
import type { RequestCredentials } from '../../core/credentials.ts';
import { GatewayFault } from '../../core/fault.ts';
import { IdTable } from '../../core/id-table.ts';
import { HttpClient } from '../../wire/http-client.ts';
import type { Negotiated, OutgoingRequest, Transport, TransportLog, TransportSink } from '../transport.ts';
import { Answer, readMessages } from './http-answer.ts';
import { HttpCall, type HttpLine } from './http-call.ts';
import { Lingering } from './http-linger.ts';
import { readRefusal } from './http-refusal.ts';
import { type HttpUpstreamConfig, RequestHeaders, upstreamUrl } from './http-requests.ts';
import { StandingStream } from './http-standing.ts';

export interface HttpTransportOptions {
  /** Name of the upstream. */
  upstream: string;
  config: HttpUpstreamConfig;
  log: TransportLog;
  credentials?: RequestCredentials | undefined;
}

/** A transport to one URL; a session lasts as long as the transport. */
export function createStreamableHttpTransport(options: HttpTransportOptions): Transport {
  return new StreamableHttp(options);
}

/** Longest wait for a server to take note of the end of its session, in milliseconds. */
const FAREWELL = 2_000;

class StreamableHttp implements Transport {
  readonly kind = 'streamable-http';
  readonly correlates = true;
  lastByteAt = performance.now();

  readonly #options: HttpTransportOptions;
  readonly #touch = (): void => {
    this.lastByteAt = performance.now();
  };
  /** Exchanges without an id, and how each is ended early. */
  readonly #posts = new Map<Answer, (fault: GatewayFault) => void>();
  /** Set while the transport is open. */
  #line: HttpLine | undefined;
  #initialized = false;
  #standing: StandingStream | undefined;
  #closed = false;

  constructor(options: HttpTransportOptions) {
    this.#options = options;
  }

  async open(sink: TransportSink, signal: AbortSignal): Promise<void> {
    const { upstream, config, log, credentials } = this.#options;
    const url = upstreamUrl(upstream, config.url);
    const headers = new RequestHeaders(upstream, url, config.headers);
    const dialTimeout = config.timeouts.dial;
    const client = await HttpClient.open({ upstream, url, tls: config.tls, dialTimeout, credentials });
    if (signal.aborted || this.#closed) {
      await client.close();
      throw new GatewayFault('CANCELLED', 'the transport was closed while it was opened', { upstream });
    }
    this.#line = {
      upstream,
      limit: config.limits.message,
      log,
      path: url.pathname + url.search,
      client,
      headers,
      sink,
      calls: new IdTable(),
      lingering: new Lingering(),
      touch: this.#touch,
      era: undefined,
      sessionLost: false,
    };
  }

  request(request: OutgoingRequest): void {
    if (this.#line !== undefined) new HttpCall(this.#line, request);
  }

  async post(text: string): Promise<void> {
    const line = this.#line;
    const { upstream, config } = this.#options;
    if (line === undefined) {
      throw new GatewayFault('UPSTREAM_DISCONNECTED', 'the transport is not open', { upstream });
    }
    await this.#exchange(line, 'POST', line.headers.forPost(text), config.timeouts.connect, text);
    if (!this.#initialized && text.includes('"notifications/initialized"')) {
      this.#initialized = true;
      this.#openStanding();
    }
  }

  /** One exchange that has no answer of its own. @throws GatewayFault */
  #exchange(
    line: HttpLine,
    method: 'POST' | 'DELETE',
    headers: string[],
    timeout: number,
    body?: string,
  ): Promise<void> {
    const { upstream } = line;
    const session = line.headers.session !== undefined;
    return new Promise((resolve, reject) => {
      const done = (fault?: GatewayFault): void => {
        clearTimeout(timer);
        this.#posts.delete(answer);
        if (fault === undefined) resolve();
        else reject(fault);
      };
      const answer: Answer = new Answer(upstream, line.limit, {
        head: () => {
          // A server may answer by a stream; what comes on it belongs to no request, and it may last.
          if (answer.sse === undefined) return;
          clearTimeout(timer);
          resolve();
        },
        event: (data) => {
          this.#touch();
          unasked(line, data);
        },
        complete: () => {
          const refusal = answer.ok ? undefined : readRefusal({ upstream, answer, session, hint: line.client.hint });
          if (!(refusal instanceof GatewayFault)) return done();
          if (refusal.fault === 'UPSTREAM_SESSION_LOST') line.sessionLost = true;
          done(refusal);
        },
        failed: (fault) => done(fault),
        // That a notification was taken in is no sign of life: a server that answers nothing any more, or a proxy before
        // one, still takes our own cancellations (F-I27).
        bytes: () => undefined,
      });
      const timer = setTimeout(() => {
        answer.abort();
        const text = `no answer to a ${method} in ${timeout} ms`;
        done(new GatewayFault('UPSTREAM_TIMEOUT', text, { upstream, delivery: 'maybe-sent' }));
      }, timeout);
      timer.unref();
      this.#posts.set(answer, done);
      answer.exchange = line.client.send({ method, path: line.path, headers, body }, answer);
    });
  }

  abandon(id: number): void {
    // Modern: closing the stream is the cancellation. Legacy: it means nothing, so it may end by itself first.
    this.#line?.calls.get(id)?.abandon(this.#line.era === 'legacy');
  }

  negotiated(settled: Negotiated): void {
    if (this.#line === undefined) return;
    this.#line.era = settled.era;
    this.#line.headers.settle(settled.era, settled.revision);
    this.#openStanding();
  }

  /** Opens the GET stream once the server has been told that we are ready, as it may refuse it before. */
  #openStanding(): void {
    const line = this.#line;
    if (line?.era !== 'legacy' || !this.#initialized || this.#standing !== undefined) return;
    const { upstream, limit, log, client, path, headers } = line;
    this.#standing = new StandingStream({
      upstream,
      limit,
      log,
      send: (answer, lastEventId) => {
        answer.exchange = client.send({ method: 'GET', path, headers: headers.forStream(lastEventId) }, answer);
      },
      event: (data) => unasked(line, data),
      bytes: this.#touch,
    });
  }

  async close(grace = FAREWELL): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const line = this.#line;
    if (line === undefined) return;
    this.#line = undefined;
    this.#standing?.close();
    for (const call of line.calls.values()) call.abandon(false);
    const ended = new GatewayFault('UPSTREAM_DISCONNECTED', 'the transport was closed', {
      upstream: line.upstream,
      delivery: 'maybe-sent',
    });
    for (const [answer, end] of [...this.#posts]) {
      answer.abort();
      end(ended);
    }
    line.lingering.close();
    if (line.headers.session !== undefined && !line.sessionLost && grace > 0) {
      // Only a courtesy: the server forgets the session sooner.
      await this.#exchange(line, 'DELETE', line.headers.forStream(), Math.min(grace, FAREWELL)).catch(() => {});
    }
    await line.client.close();
  }
}

/** Hands on what belongs to no request. */
function unasked(line: HttpLine, data: Buffer): void {
  if (data.length === 0) return;
  for (const message of readMessages(data)) {
    if (message.kind === 'invalid') line.sink.noise(data.toString('utf8', 0, 200));
    else line.sink.message(message);
  }
}
