// HTTP+SSE of 2024-11-05: one GET stream on which everything comes, and an address on it to which everything is posted.
import { GatewayFault } from '../../core/fault.ts';
import { HttpClient } from '../../wire/http-client.ts';
import { answerId } from '../../wire/stdio-lines.ts';
import type { Negotiated, OutgoingRequest, Transport, TransportSink } from '../transport.ts';
import { Answer, readMessages } from './http-answer.ts';
import { Lingering } from './http-linger.ts';
import { readRefusal } from './http-refusal.ts';
import { RequestHeaders, upstreamUrl } from './http-requests.ts';
import type { HttpTransportOptions } from './streamable-http.ts';

/** That a POST was taken in is no sign of life: a server that answers nothing any more still says "Accepted" (F-I27). */
const ACKNOWLEDGED = (): void => undefined;

/** A transport over one event stream; it is over when the stream ends. */
export function createSseTransport(options: HttpTransportOptions): Transport {
  return new SseTransport(options);
}

class SseTransport implements Transport {
  readonly kind = 'sse';
  readonly correlates = false;
  lastByteAt = performance.now();

  readonly #options: HttpTransportOptions;
  readonly #touch = (): void => {
    this.lastByteAt = performance.now();
  };
  /** The POSTs of requests, until they are answered on the stream. */
  readonly #calls = new Map<number, Answer>();
  readonly #posts = new Map<Answer, (fault: GatewayFault) => void>();
  readonly #lingering = new Lingering();
  #sink: TransportSink | undefined;
  #client: HttpClient | undefined;
  #headers: RequestHeaders | undefined;
  #stream: Answer | undefined;
  #endpoint: string | undefined;
  #closed = false;

  constructor(options: HttpTransportOptions) {
    this.#options = options;
  }

  async open(sink: TransportSink, signal: AbortSignal): Promise<void> {
    const { upstream, config, credentials } = this.#options;
    const url = upstreamUrl(upstream, config.url);
    this.#headers = new RequestHeaders(upstream, url, config.headers);
    const dialTimeout = config.timeouts.dial;
    const client = await HttpClient.open({ upstream, url, tls: config.tls, dialTimeout, credentials });
    this.#client = client;
    this.#sink = sink;
    try {
      await this.#openStream(client, url, signal);
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  /** Resolves with the `endpoint` event. */
  #openStream(client: HttpClient, url: URL, signal: AbortSignal): Promise<void> {
    const { upstream, config } = this.#options;
    return new Promise((resolve, reject) => {
      const fail = (fault: GatewayFault): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        reject(fault);
        this.#over(fault);
      };
      const onAbort = (): void => fail(new GatewayFault('CANCELLED', 'opening was given up', { upstream }));
      const timer = setTimeout(() => {
        const text = `no "endpoint" event in ${config.timeouts.connect} ms`;
        fail(new GatewayFault('UPSTREAM_TIMEOUT', text, { upstream, delivery: 'rejected-unprocessed' }));
      }, config.timeouts.connect);
      const stream: Answer = new Answer(upstream, config.limits.message, {
        head: () => {
          if (!stream.ok || stream.sse !== undefined) return;
          stream.abort();
          fail(this.#protocol(`not an event stream (${stream.contentType || 'no content type'})`, { httpStatus: 200 }));
        },
        event: (data, event) => {
          if (event !== 'endpoint') {
            this.#receive(data);
            return;
          }
          if (this.#endpoint !== undefined) return;
          const target = endpointOf(data.toString('utf8'), url);
          if (target === undefined) {
            fail(this.#protocol('the "endpoint" event names another origin, or no address'));
            return;
          }
          this.#endpoint = target;
          clearTimeout(timer);
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
        complete: () => {
          if (stream.ok) fail(this.#lost());
          else {
            const refusal = readRefusal({ upstream, answer: stream, session: false, hint: client.hint });
            fail(refusal instanceof GatewayFault ? refusal : this.#protocol('the stream was refused'));
          }
        },
        failed: (fault) => fail(fault.fault === 'RESULT_TOO_LARGE' ? this.#endless() : fault),
        bytes: this.#touch,
        // The channel is everybody's: the others' answers still come on it (F-I7).
        skipped: (fault, id) => {
          this.#options.log('warn', `skipped a message: ${fault.message}`);
          if (id === undefined || !this.#calls.has(id)) return;
          this.#answered(id);
          this.#sink?.failed(id, fault);
        },
      });
      this.#stream = stream;
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      const headers = this.#headers?.forStream() ?? [];
      stream.exchange = client.send({ method: 'GET', path: url.pathname + url.search, headers }, stream);
    });
  }

  #protocol(text: string, data?: Record<string, unknown>): GatewayFault {
    const { upstream } = this.#options;
    return new GatewayFault('UPSTREAM_PROTOCOL', text, { upstream, delivery: 'rejected-unprocessed', data });
  }

  /** One event has no end: nobody's answer would ever come behind it (F-I6). */
  #endless(): GatewayFault {
    const { upstream, config } = this.#options;
    const text = `the event stream was given up: one event is without an end, limits.message is ${config.limits.message} bytes`;
    return new GatewayFault('UPSTREAM_PROTOCOL', text, { upstream, delivery: 'maybe-sent' });
  }

  #lost(): GatewayFault {
    return new GatewayFault('UPSTREAM_DISCONNECTED', 'the event stream ended', {
      upstream: this.#options.upstream,
      delivery: 'maybe-sent',
    });
  }

  /** The stream is over, and with it the transport; told once, and only if it had been open. */
  #over(fault: GatewayFault): void {
    const wasOpen = this.#endpoint !== undefined;
    const sink = this.#sink;
    this.#end();
    if (wasOpen) sink?.closed(fault.delivery === 'not-sent' ? fault.with({ delivery: 'maybe-sent' }) : fault);
  }

  #receive(data: Buffer): void {
    if (data.length === 0) return;
    for (const message of readMessages(data)) {
      if (message.kind === 'invalid' && message.id === undefined) {
        this.#sink?.noise(data.toString('utf8', 0, 200));
        this.#unreadable(answerId(data), message.reason);
        continue;
      }
      if (message.kind === 'result' || message.kind === 'error') this.#answered(Number(message.id));
      this.#sink?.message(message);
    }
  }

  /** An answer that is cut off or nested too deep: the request it shows itself to be of has its end (F-I3, F-I20). */
  #unreadable(id: number | undefined, reason: string): void {
    if (id === undefined || !this.#calls.has(id)) return;
    this.#answered(id);
    const text = `sent an answer that cannot be read: ${reason}`;
    const { upstream } = this.#options;
    this.#sink?.failed(id, new GatewayFault('UPSTREAM_PROTOCOL', text, { upstream, delivery: 'maybe-sent' }));
  }

  /** A POST that is still open behind its answer may end by itself for a moment. */
  #answered(id: number): void {
    const post = this.#calls.get(id);
    if (post === undefined) return;
    this.#calls.delete(id);
    this.#lingering.add(post);
  }

  request(request: OutgoingRequest): void {
    const client = this.#client;
    if (client === undefined || this.#endpoint === undefined || this.#headers === undefined || this.#closed) {
      const fault = new GatewayFault('UPSTREAM_DISCONNECTED', 'the transport is not open', {
        upstream: this.#options.upstream,
      });
      const sink = this.#sink;
      queueMicrotask(() => sink?.failed(request.id, fault));
      return;
    }
    const { id } = request;
    const fail = (answer: Answer, fault: GatewayFault): void => {
      this.#lingering.delete(answer);
      if (this.#calls.get(id) !== answer) return;
      this.#calls.delete(id);
      this.#sink?.failed(id, fault);
    };
    const answer: Answer = new Answer(this.#options.upstream, this.#options.config.limits.message, {
      event: (data) => this.#receive(data),
      complete: () => {
        this.#lingering.delete(answer);
        if (answer.ok) this.#acknowledged(answer);
        else {
          this.#touch();
          const refusal = readRefusal({
            upstream: this.#options.upstream,
            answer,
            session: true,
            id,
            hint: client.hint,
          });
          if (refusal instanceof GatewayFault) fail(answer, refusal);
          else if (this.#calls.delete(id)) this.#sink?.message(refusal, id);
        }
      },
      failed: (fault) => fail(answer, fault),
      bytes: ACKNOWLEDGED,
    });
    this.#calls.set(id, answer);
    answer.exchange = client.send(
      { method: 'POST', path: this.#endpoint, headers: this.#headers.forRequest(request), body: request.text },
      answer,
    );
  }

  /** Most servers answer a POST with "Accepted"; a few with the answer itself. */
  #acknowledged(answer: Answer): void {
    if (!answer.contentType.endsWith('json')) return;
    const body = answer.body();
    if (body.length === 0) return;
    for (const message of readMessages(body)) {
      if (message.kind === 'result' || message.kind === 'error') {
        if (message.id === undefined || !this.#calls.delete(Number(message.id))) continue;
        this.#touch();
        this.#sink?.message(message);
      }
    }
  }

  post(text: string): Promise<void> {
    const { upstream, config } = this.#options;
    const client = this.#client;
    const headers = this.#headers;
    const path = this.#endpoint;
    return new Promise((resolve, reject) => {
      if (client === undefined || headers === undefined || path === undefined || this.#closed) {
        reject(new GatewayFault('UPSTREAM_DISCONNECTED', 'the transport is not open', { upstream }));
        return;
      }
      const done = (fault?: GatewayFault): void => {
        clearTimeout(timer);
        this.#posts.delete(answer);
        if (fault === undefined) resolve();
        else reject(fault);
      };
      const answer: Answer = new Answer(upstream, config.limits.message, {
        event: (data) => this.#receive(data),
        complete: () => {
          const refusal = answer.ok ? undefined : readRefusal({ upstream, answer, session: true, hint: client.hint });
          done(refusal instanceof GatewayFault ? refusal : undefined);
        },
        failed: (fault) => done(fault),
        bytes: ACKNOWLEDGED,
      });
      const timer = setTimeout(() => {
        answer.abort();
        const text = `no answer to a POST in ${config.timeouts.connect} ms`;
        done(new GatewayFault('UPSTREAM_TIMEOUT', text, { upstream, delivery: 'maybe-sent' }));
      }, config.timeouts.connect);
      timer.unref();
      this.#posts.set(answer, done);
      answer.exchange = client.send({ method: 'POST', path, headers: headers.forPost(text), body: text }, answer);
    });
  }

  abandon(id: number): void {
    this.#answered(id);
  }

  negotiated(settled: Negotiated): void {
    this.#headers?.settle(settled.era, settled.revision);
  }

  #end(): void {
    this.#closed = true;
    this.#sink = undefined;
    this.#stream?.abort();
    for (const answer of this.#calls.values()) answer.abort();
    this.#calls.clear();
    const ended = this.#lost();
    for (const [answer, done] of [...this.#posts]) {
      answer.abort();
      done(ended);
    }
    this.#lingering.close();
  }

  async close(_grace?: number): Promise<void> {
    this.#end();
    await this.#client?.close();
  }
}

/** Path and query to post to: of the stream's own origin only, because the address came from the peer (SSRF). */
function endpointOf(text: string, base: URL): string | undefined {
  if (!URL.canParse(text, base.href)) return undefined;
  const target = new URL(text, base);
  return target.origin === base.origin ? target.pathname + target.search : undefined;
}
