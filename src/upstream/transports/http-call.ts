// One request over streamable HTTP and its answer: JSON, or an event stream that may break and be asked for again.
import { GatewayFault } from '../../core/fault.ts';
import type { IdTable } from '../../core/id-table.ts';
import type { Era } from '../../core/rpc.ts';
import type { Incoming } from '../../wire/envelope.ts';
import type { HttpClient } from '../../wire/http-client.ts';
import type { OutgoingRequest, TransportLog, TransportSink } from '../transport.ts';
import { Answer, type AnswerEvents, isAnswerTo, readMessages, readMessagesOf } from './http-answer.ts';
import type { Lingering } from './http-linger.ts';
import { readRefusal } from './http-refusal.ts';
import type { RequestHeaders } from './http-requests.ts';

/** What all requests of one transport share. */
export interface HttpLine {
  readonly upstream: string;
  /** Bytes of one message. */
  readonly limit: number;
  readonly log: TransportLog;
  readonly path: string;
  readonly client: HttpClient;
  readonly headers: RequestHeaders;
  readonly sink: TransportSink;
  /** Requests that have no answer yet; one that is not in here says nothing more. */
  readonly calls: IdTable<HttpCall>;
  readonly lingering: Lingering;
  readonly touch: () => void;
  era: Era | undefined;
  /** The server said that it does not know our session. */
  sessionLost: boolean;
}

/** How often a broken answer is asked for again without having got anything new (F-H15). */
const RESUMES = 1;
/** The same where the server announced that it would close the stream (`retry`, SEP-1699). */
const ANNOUNCED_RESUMES = 3;
/** What setTimeout can count to. */
const LONGEST_TIMER = 2 ** 31 - 1;

export class HttpCall implements AnswerEvents {
  readonly #line: HttpLine;
  readonly #id: number;
  readonly #initializes: boolean;
  /** Whether it carried a session id. */
  readonly #session: boolean;
  #answer: Answer | undefined;
  /** The answer under way is not that of the POST, but the rest of it, asked for by GET. */
  #resuming = false;
  /** Events came since it was last asked for. */
  #progress = false;
  #resumes = 0;
  #lastEventId = '';
  #retry: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Something that is no message came on its stream. */
  #garbled = false;

  /** Sends the request; its end is told to the sink of the line, unless it is abandoned. */
  constructor(line: HttpLine, request: OutgoingRequest) {
    this.#line = line;
    this.#id = request.id;
    this.#initializes = request.method === 'initialize';
    if (this.#initializes) line.headers.takeSession(undefined);
    this.#session = line.headers.session !== undefined;
    line.calls.set(request.id, this);
    const answer = new Answer(line.upstream, line.limit, this);
    this.#answer = answer;
    answer.exchange = line.client.send(
      { method: 'POST', path: line.path, headers: line.headers.forRequest(request), body: request.text },
      answer,
    );
  }

  /** Nobody waits for it any more. `linger`: its stream may end by itself first. */
  abandon(linger: boolean): void {
    this.#line.calls.delete(this.#id);
    clearTimeout(this.#timer);
    if (this.#answer === undefined) return;
    if (linger) this.#line.lingering.add(this.#answer);
    else this.#answer.abort();
  }

  bytes(): void {
    this.#line.touch();
  }

  head(answer: Answer): void {
    if (!this.#initializes || !answer.ok) return;
    if (!this.#line.headers.takeSession(answer.headers?.get('mcp-session-id'))) {
      this.#line.log('warn', 'the upstream sent a session id that is not visible ASCII; it is not used');
    }
  }

  event(data: Buffer, _event: string | undefined, answer: Answer): void {
    this.#progress = true;
    // An event without data only tells its id (SEP-1699).
    if (data.length === 0) return;
    for (const message of readMessages(data)) {
      // One that at least names this request ends it; the link says how (F-I18).
      if (message.kind !== 'invalid' || message.id !== undefined) this.#deliver(message, answer);
      else {
        this.#garbled = true;
        this.#line.sink.noise(data.toString('utf8', 0, 200));
      }
    }
  }

  complete(answer: Answer): void {
    this.#line.lingering.delete(answer);
    if (!this.#waits()) return;
    if (answer.sse !== undefined) this.#broken(answer);
    // The rest of it does not come, so whether it was run stays unknown.
    else if (this.#resuming) this.#fail(this.#cut());
    else if (answer.ok) this.#plain(answer);
    else this.#refused(answer);
  }

  failed(fault: GatewayFault, answer: Answer): void {
    this.#line.lingering.delete(answer);
    if (!this.#waits()) return;
    const isBreak = fault.fault === 'UPSTREAM_DISCONNECTED' && answer.sse !== undefined;
    if (fault.fault === 'RESULT_TOO_LARGE' || !(isBreak || this.#resuming)) this.#fail(fault);
    else this.#broken(answer, fault.with({ delivery: 'maybe-sent' }));
  }

  #waits(): boolean {
    return this.#line.calls.get(this.#id) === this;
  }

  #fail(fault: GatewayFault): void {
    this.#line.calls.delete(this.#id);
    clearTimeout(this.#timer);
    this.#line.sink.failed(this.#id, fault);
  }

  /** Hands a message on; the answer itself ends the call. */
  #deliver(message: Incoming, answer: Answer): void {
    if (!this.#waits()) return;
    if (isAnswerTo(message, this.#id)) {
      this.#line.calls.delete(this.#id);
      if (answer.sse !== undefined) this.#line.lingering.add(answer);
    }
    this.#line.sink.message(message, this.#id);
  }

  #plain(answer: Answer): void {
    const body = answer.pieces();
    if (body.length > 0) {
      for (const message of readMessagesOf(body)) if (message.kind !== 'invalid') this.#deliver(message, answer);
    }
    if (this.#waits()) this.#fail(this.#noAnswer(answer));
  }

  #refused(answer: Answer): void {
    const { upstream, client } = this.#line;
    const { hint } = client;
    const refusal = readRefusal({ upstream, answer, session: this.#session, id: this.#id, hint });
    if (!(refusal instanceof GatewayFault)) this.#deliver(refusal, answer);
    else {
      if (refusal.fault === 'UPSTREAM_SESSION_LOST') this.#line.sessionLost = true;
      this.#fail(refusal);
    }
    if (this.#waits()) this.#fail(this.#noAnswer(answer));
  }

  /** What came is no answer to this request, whatever its status says (F-H13, F-I18). */
  #noAnswer(answer: Answer): GatewayFault {
    const body = answer.sse === undefined ? answer.body() : Buffer.alloc(0);
    const what = answer.contentType === '' ? 'no content type' : answer.contentType;
    if (body.length > 0) {
      this.#line.log('warn', `not an MCP answer (${what})`, { sample: body.toString('utf8', 0, 100) });
    }
    // An object that is no JSON-RPC message may be how a server says that it does not know the session.
    const ambiguous = this.#session && (answer.contentType.endsWith('json') || answer.contentType === 'text/plain');
    const isEmpty = body.length === 0 && answer.sse === undefined;
    return new GatewayFault('UPSTREAM_PROTOCOL', `not an MCP answer (${isEmpty ? 'empty' : what})`, {
      upstream: this.#line.upstream,
      delivery: 'maybe-sent',
      data: { httpStatus: answer.status, contentType: answer.contentType, ...(ambiguous && { ambiguous }) },
    });
  }

  #cut(): GatewayFault {
    return new GatewayFault('UPSTREAM_DISCONNECTED', 'the event stream ended before the answer', {
      upstream: this.#line.upstream,
      delivery: 'maybe-sent',
    });
  }

  /** The event stream ended before the answer: asked for again where the server has given ids (legacy). */
  #broken(answer: Answer, cause?: GatewayFault): void {
    const { sse } = answer;
    if (sse !== undefined && sse.lastEventId !== '') this.#lastEventId = sse.lastEventId;
    this.#retry = sse?.retry ?? this.#retry;
    if (this.#progress) this.#resumes = 0;
    this.#progress = false;
    const allowed = this.#retry === undefined ? RESUMES : ANNOUNCED_RESUMES;
    if (this.#line.era !== 'legacy' || this.#lastEventId === '' || this.#resumes >= allowed) {
      this.#fail(this.#garbled ? this.#noAnswer(answer) : (cause ?? this.#cut()));
      return;
    }
    this.#resumes++;
    this.#answer = undefined;
    this.#timer = setTimeout(() => this.#resume(), Math.min(this.#retry ?? 0, LONGEST_TIMER));
  }

  #resume(): void {
    const { client, headers, path, upstream, limit } = this.#line;
    this.#resuming = true;
    const answer = new Answer(upstream, limit, this);
    this.#answer = answer;
    answer.exchange = client.send({ method: 'GET', path, headers: headers.forStream(this.#lastEventId) }, answer);
  }
}
