// Streamable HTTP, 2025-03-26 to 2026-07-28: one POST per message, its answer as JSON or as an event stream of its own.
import { GatewayFault } from '../../core/fault.ts';
import type { Incoming } from '../../wire/envelope.ts';
import { HttpClient } from '../../wire/http-client.ts';
import type { Negotiated, OutgoingRequest, Transport, TransportLog, TransportSink } from '../transport.ts';
import { Answer, type AnswerEvents, isAnswerTo, readMessages } from './http-answer.ts';
import { Lingering } from './http-linger.ts';
import { readRefusal } from './http-refusal.ts';
import { type HttpUpstreamConfig, RequestHeaders, upstreamUrl } from './http-requests.ts';
import { StandingStream } from './http-standing.ts';

export interface HttpTransportOptions {
  /** Name of the upstream. */
  upstream: string;
  config: HttpUpstreamConfig;
  log: TransportLog;
}

/** A transport to one URL; a session lasts as long as the transport. */
export function createStreamableHttpTransport(options: HttpTransportOptions): Transport {
  return new StreamableHttp(options);
}

/** How often a broken answer is asked for again without having got anything new (F-H15). */
const RESUMES = 1;
/** The same where the server announced that it would close the stream (`retry`, SEP-1699). */
const ANNOUNCED_RESUMES = 3;
/** Longest wait for a server to take note of the end of its session, in milliseconds. */
const FAREWELL = 2_000;
/** What setTimeout can count to. */
const LONGEST_TIMER = 2 ** 31 - 1;

interface Call {
  readonly id: number;
  readonly method: string;
  /** Whether it carried a session id. */
  readonly session: boolean;
  answer: Answer | undefined;
  /** Events seen since the last time it had to be resumed. */
  progress: boolean;
  resumes: number;
  lastEventId: string;
  retry: number | undefined;
  timer: NodeJS.Timeout | undefined;
  /** Something that is no message came on its stream. */
  garbled: boolean;
}

class StreamableHttp implements Transport {
  readonly kind = 'streamable-http';
  readonly correlates = true;
  lastByteAt = performance.now();

  readonly #options: HttpTransportOptions;
  readonly #calls = new Map<number, Call>();
  /** Exchanges without an id, and how each is ended early. */
  readonly #posts = new Map<Answer, (fault: GatewayFault) => void>();
  readonly #lingering = new Lingering();
  readonly #touch = (): void => {
    this.lastByteAt = performance.now();
  };
  #sink: TransportSink | undefined;
  #client: HttpClient | undefined;
  #headers: RequestHeaders | undefined;
  #path = '/';
  #settled: Negotiated | undefined;
  #initialized = false;
  #standing: StandingStream | undefined;
  #sessionLost = false;
  #closed = false;

  constructor(options: HttpTransportOptions) {
    this.#options = options;
  }

  async open(sink: TransportSink, signal: AbortSignal): Promise<void> {
    const { upstream, config } = this.#options;
    const url = upstreamUrl(upstream, config.url);
    this.#headers = new RequestHeaders(upstream, url, config.headers);
    this.#path = url.pathname + url.search;
    const client = await HttpClient.open({ upstream, url, tls: config.tls, dialTimeout: config.timeouts.dial });
    if (signal.aborted || this.#closed) {
      await client.close();
      throw new GatewayFault('CANCELLED', 'the transport was closed while it was opened', { upstream });
    }
    this.#client = client;
    this.#sink = sink;
  }

  request(request: OutgoingRequest): void {
    const client = this.#client;
    const headers = this.#headers;
    if (client === undefined || headers === undefined || this.#closed) {
      const fault = new GatewayFault('UPSTREAM_DISCONNECTED', 'the transport is not open', {
        upstream: this.#options.upstream,
      });
      queueMicrotask(() => this.#sink?.failed(request.id, fault));
      return;
    }
    if (request.method === 'initialize') headers.takeSession(undefined);
    const call: Call = {
      id: request.id,
      method: request.method,
      session: headers.session !== undefined,
      answer: undefined,
      progress: false,
      resumes: 0,
      lastEventId: '',
      retry: undefined,
      timer: undefined,
      garbled: false,
    };
    this.#calls.set(call.id, call);
    const answer = new Answer(this.#options.upstream, this.#options.config.limits.message, this.#eventsOf(call));
    call.answer = answer;
    answer.exchange = client.send(
      { method: 'POST', path: this.#path, headers: headers.forRequest(request), body: request.text },
      answer,
    );
  }

  #eventsOf(call: Call): AnswerEvents {
    return {
      head: (answer) => {
        if (call.method === 'initialize' && answer.ok) this.#takeSession(answer);
      },
      event: (data, _event, answer) => this.#event(call, data, answer),
      complete: (answer) => this.#complete(call, answer),
      failed: (fault, answer) => {
        if (fault.fault === 'UPSTREAM_DISCONNECTED' && answer.sse !== undefined) this.#broken(call, answer, fault);
        else this.#fail(call, answer, fault);
      },
      bytes: this.#touch,
    };
  }

  #takeSession(answer: Answer): void {
    if (this.#headers?.takeSession(answer.headers?.get('mcp-session-id')) === false) {
      this.#options.log('warn', 'the upstream sent a session id that is not visible ASCII; it is not used');
    }
  }

  #event(call: Call, data: Buffer, answer: Answer): void {
    call.progress = true;
    // An event without data only tells its id (SEP-1699).
    if (data.length === 0) return;
    for (const message of readMessages(data)) {
      if (message.kind === 'invalid') {
        call.garbled = true;
        this.#sink?.noise(data.toString('utf8', 0, 200));
        continue;
      }
      this.#deliver(call, message, answer);
    }
  }

  /** Hands a message on; the answer itself ends the call. */
  #deliver(call: Call, message: Incoming, answer: Answer): void {
    if (this.#calls.get(call.id) !== call) return;
    if (isAnswerTo(message, call.id)) {
      this.#calls.delete(call.id);
      if (answer.sse !== undefined) this.#lingering.add(answer);
    }
    this.#sink?.message(message, call.id);
  }

  #complete(call: Call, answer: Answer): void {
    this.#lingering.delete(answer);
    if (this.#calls.get(call.id) !== call) return;
    if (answer.sse !== undefined) {
      this.#broken(call, answer);
      return;
    }
    if (!answer.ok) {
      const refusal = readRefusal({ ...this.#refused(answer, call.session), id: call.id });
      if (refusal instanceof GatewayFault) this.#fail(call, answer, refusal);
      else this.#deliver(call, refusal, answer);
      if (this.#calls.get(call.id) === call) this.#fail(call, answer, this.#noAnswer(answer, call));
      return;
    }
    const body = answer.body();
    const messages = body.length === 0 ? [] : readMessages(body);
    for (const message of messages) if (message.kind !== 'invalid') this.#deliver(call, message, answer);
    if (this.#calls.get(call.id) === call) this.#fail(call, answer, this.#noAnswer(answer, call));
  }

  #refused(answer: Answer, session: boolean) {
    if (answer.status === 404 && session) this.#sessionLost = true;
    return { upstream: this.#options.upstream, answer, session };
  }

  /** An answer with a good status and without the answer (F-H13, F-I18). */
  #noAnswer(answer: Answer, call: Call): GatewayFault {
    const body = answer.sse === undefined ? answer.body() : Buffer.alloc(0);
    const what = answer.contentType === '' ? 'no content type' : answer.contentType;
    if (body.length > 0) {
      this.#options.log('warn', `not an MCP answer (${what})`, { sample: body.toString('utf8', 0, 100) });
    }
    // An object that is no JSON-RPC message may be how a server says that it does not know the session.
    const ambiguous = call.session && (answer.contentType.endsWith('json') || answer.contentType === 'text/plain');
    return new GatewayFault('UPSTREAM_PROTOCOL', `not an MCP answer (${body.length === 0 ? 'empty' : what})`, {
      upstream: this.#options.upstream,
      delivery: 'maybe-sent',
      data: { httpStatus: answer.status, contentType: answer.contentType, ...(ambiguous && { ambiguous }) },
    });
  }

  #fail(call: Call, answer: Answer | undefined, fault: GatewayFault): void {
    if (answer !== undefined) this.#lingering.delete(answer);
    if (this.#calls.get(call.id) !== call) return;
    this.#calls.delete(call.id);
    clearTimeout(call.timer);
    this.#sink?.failed(call.id, fault);
  }

  /** The event stream of a call ended before its answer. */
  #broken(call: Call, answer: Answer, cause?: GatewayFault): void {
    this.#lingering.delete(answer);
    if (this.#calls.get(call.id) !== call) return;
    const sse = answer.sse;
    if (sse !== undefined && sse.lastEventId !== '') call.lastEventId = sse.lastEventId;
    call.retry = sse?.retry ?? call.retry;
    if (call.progress) call.resumes = 0;
    call.progress = false;
    const allowed = call.retry === undefined ? RESUMES : ANNOUNCED_RESUMES;
    if (this.#settled?.era !== 'legacy' || call.lastEventId === '' || call.resumes >= allowed) {
      this.#fail(call, answer, call.garbled ? this.#noAnswer(answer, call) : (cause ?? this.#cut()));
      return;
    }
    call.resumes++;
    call.answer = undefined;
    call.timer = setTimeout(() => this.#resume(call), Math.min(call.retry ?? 0, LONGEST_TIMER));
  }

  #cut(): GatewayFault {
    return new GatewayFault('UPSTREAM_DISCONNECTED', 'the event stream ended before the answer', {
      upstream: this.#options.upstream,
      delivery: 'maybe-sent',
    });
  }

  #resume(call: Call): void {
    if (this.#client === undefined || this.#headers === undefined) return;
    const answer: Answer = new Answer(this.#options.upstream, this.#options.config.limits.message, {
      ...this.#eventsOf(call),
      complete: () => {
        // What it was asked for again does not come: whether the call was run stays unknown.
        if (answer.sse === undefined) this.#fail(call, answer, this.#cut());
        else this.#complete(call, answer);
      },
      failed: (fault) => {
        if (fault.fault === 'RESULT_TOO_LARGE') this.#fail(call, answer, fault);
        else this.#broken(call, answer, fault.with({ delivery: 'maybe-sent' }));
      },
    });
    call.answer = answer;
    const headers = this.#headers.forStream(call.lastEventId);
    answer.exchange = this.#client.send({ method: 'GET', path: this.#path, headers }, answer);
  }

  async post(text: string): Promise<void> {
    const client = this.#client;
    const headers = this.#headers;
    if (client === undefined || headers === undefined || this.#closed) {
      throw new GatewayFault('UPSTREAM_DISCONNECTED', 'the transport is not open', {
        upstream: this.#options.upstream,
      });
    }
    const session = headers.session !== undefined;
    await this.#exchange('POST', headers.forPost(text), this.#options.config.timeouts.connect, session, text);
    if (!this.#initialized && text.includes('"notifications/initialized"')) {
      this.#initialized = true;
      this.#openStanding();
    }
  }

  /** One exchange without an answer of its own; resolves with its status. @throws GatewayFault */
  #exchange(
    method: 'POST' | 'DELETE',
    headers: string[],
    timeout: number,
    session: boolean,
    body?: string,
  ): Promise<void> {
    const { upstream, config } = this.#options;
    return new Promise((resolve, reject) => {
      const done = (answer: Answer, fault?: GatewayFault): void => {
        clearTimeout(timer);
        this.#posts.delete(answer);
        this.#lingering.delete(answer);
        if (fault === undefined) resolve();
        else reject(fault);
      };
      const answer = new Answer(upstream, config.limits.message, {
        head: (answer) => {
          // A server may answer by a stream; what comes on it belongs to no request.
          if (answer.sse === undefined) return;
          clearTimeout(timer);
          resolve();
        },
        event: (data) => this.#unasked(data),
        complete: (answer) => {
          if (answer.ok) return done(answer);
          const refusal = readRefusal(this.#refused(answer, session));
          done(answer, refusal instanceof GatewayFault ? refusal : this.#cut());
        },
        failed: (fault, answer) => done(answer, fault),
        bytes: this.#touch,
      });
      const timer = setTimeout(() => {
        answer.abort();
        const text = `no answer to a ${method} in ${timeout} ms`;
        done(answer, new GatewayFault('UPSTREAM_TIMEOUT', text, { upstream, delivery: 'maybe-sent' }));
      }, timeout);
      timer.unref();
      this.#posts.set(answer, reject);
      answer.exchange = this.#client?.send({ method, path: this.#path, headers, body }, answer);
    });
  }

  #unasked(data: Buffer): void {
    if (data.length === 0 || this.#closed) return;
    for (const message of readMessages(data)) {
      if (message.kind === 'invalid') this.#sink?.noise(data.toString('utf8', 0, 200));
      else this.#sink?.message(message);
    }
  }

  abandon(id: number): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#calls.delete(id);
    clearTimeout(call.timer);
    const answer = call.answer;
    if (answer === undefined) return;
    // Modern: closing the stream is the cancellation. Legacy: it means nothing, so the stream may end by itself first.
    if (this.#settled?.era === 'legacy') this.#lingering.add(answer);
    else answer.abort();
  }

  negotiated(settled: Negotiated): void {
    this.#settled = settled;
    this.#headers?.settle(settled.era, settled.revision);
    this.#openStanding();
  }

  /** Opens the GET stream once the server has been told that we are ready, as it may refuse it before. */
  #openStanding(): void {
    const wanted = this.#settled?.era === 'legacy' && this.#initialized && !this.#closed;
    if (!wanted || this.#standing !== undefined) return;
    this.#standing = new StandingStream({
      upstream: this.#options.upstream,
      limit: this.#options.config.limits.message,
      send: (answer, lastEventId) => {
        const headers = this.#headers?.forStream(lastEventId) ?? [];
        answer.exchange = this.#client?.send({ method: 'GET', path: this.#path, headers }, answer);
      },
      event: (data) => this.#unasked(data),
      bytes: this.#touch,
      log: this.#options.log,
    });
  }

  async close(grace = FAREWELL): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#sink = undefined;
    this.#standing?.close();
    for (const call of this.#calls.values()) {
      clearTimeout(call.timer);
      call.answer?.abort();
    }
    this.#calls.clear();
    const ended = new GatewayFault('UPSTREAM_DISCONNECTED', 'the transport was closed', {
      upstream: this.#options.upstream,
      delivery: 'maybe-sent',
    });
    for (const [answer, reject] of this.#posts) {
      answer.abort();
      reject(ended);
    }
    this.#posts.clear();
    this.#lingering.close();
    const headers = this.#headers;
    if (headers?.session !== undefined && !this.#sessionLost && grace > 0) {
      // Only a courtesy: the server forgets the session sooner.
      await this.#exchange('DELETE', headers.forStream(), Math.min(grace, FAREWELL), true).catch(() => {});
    }
    await this.#client?.close();
  }
}
