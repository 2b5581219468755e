// How the answer to one POST travels: as JSON when it is the first thing to say and comes soon, else over a stream
// that carries notifications first (requirements 10.28).
import type { ServerResponse } from 'node:http';
import { CallAbort } from '../../core/call-signal.ts';
import type { ClientAnswer, ClientRequest } from '../../core/context.ts';
import { WRITES_AS_ONE } from '../../core/fast-paths.ts';
import type { Era, RequestId, RpcNotification } from '../../core/rpc.ts';
import { sendJson, sendJsonParts, sendJsonText } from '../../http/body.ts';
import type { Exchange, Reply } from '../../session/protocol.ts';
import { resultParts, writeError, writeNotification, writeResult, writeResultAsText } from '../../wire/envelope.ts';
import { wantsPriming } from '../../wire/revisions.ts';
import { OutgoingStream } from './event-stream.ts';
import type { Accepts } from './refuse.ts';

/** How long an answer may take before the stream opens without it, and how often a silent stream is kept alive. */
export const OPEN_AFTER = 5_000;
export const COMMENT_EVERY = 15_000;
/** Results above this are written in parts instead of being put together, in bytes. */
const LARGE = 32 * 1024;
/** Results up to this leave with the head of their response in one write, in bytes. */
const AT_ONCE = WRITES_AS_ONE ? 15 * 1024 : -1;

/** The legacy session an answer belongs to: its stream can be resumed, and its client asked. */
export interface AnsweringSession {
  readonly nonce: string;
  readonly revision: string;
  /** A stream was opened, so that it can be found for a resumption. */
  opened(stream: OutgoingStream, nonce: string): void;
  /** Sends a request to the client over `send` and waits for its answer. */
  ask(nonce: string, request: ClientRequest, signal: AbortSignal, send: (text: string) => void): Promise<ClientAnswer>;
}

export interface AnsweringOptions {
  response: ServerResponse;
  accepts: Accepts;
  era: Era;
  /** Headers of the answer, `Mcp-Session-Id` for one. */
  headers?: Record<string, string> | undefined;
  session?: AnsweringSession | undefined;
  /** The client's id of the request, by which it may cancel. */
  id?: RequestId | undefined;
}

/** One of these is made for every request: what it does not need before something happens is made then. */
export class Answering implements Exchange {
  /** Its place among those under way; kept by `Exchanges`. */
  place = -1;
  readonly session: AnsweringSession | undefined;
  readonly id: RequestId | undefined;
  readonly signal = new CallAbort();
  readonly #startedAt = performance.now();
  readonly #response: ServerResponse;
  readonly #accepts: Accepts;
  readonly #legacy: boolean;
  readonly #headers: Record<string, string> | undefined;
  #stream: OutgoingStream | undefined;
  #lastSent = 0;
  #done = false;

  constructor({ response, accepts, era, headers, session, id }: AnsweringOptions) {
    this.#response = response;
    this.#accepts = accepts;
    this.#legacy = era === 'legacy';
    this.#headers = headers;
    this.session = session;
    this.id = id;
    // A legacy client that goes away has not cancelled (MP4); a modern one has, by going.
    if (!this.#legacy) response.on('close', () => this.#done || this.cancel('the client closed the response stream'));
  }

  /** Asks the client over the stream of this answer; undefined for one that cannot be asked there. */
  get ask(): Exchange['ask'] {
    const { session } = this;
    if (session === undefined || !this.#accepts.sse) return undefined;
    return (request, signal) => session.ask(session.nonce, request, signal, (text) => this.#send(text));
  }

  readonly notify = (notification: RpcNotification): void => {
    this.#send(writeNotification(notification.method, notification.params));
  };

  readonly cancel = (reason: string): void => this.signal.abort(reason);

  /** Called from time to time: opens a stream for an answer that takes long, keeps an open one alive. */
  tick(now: number): void {
    if (this.#done) return;
    if (this.#stream === undefined) {
      if (this.#accepts.sse && now - this.#startedAt >= OPEN_AFTER) this.#open();
    } else if (now - this.#lastSent >= COMMENT_EVERY) {
      this.#lastSent = now;
      this.#stream.comment();
    }
  }

  /** The one answer. After a cancellation nothing more is sent (2026-07-28 cancellation). */
  finish(id: RequestId, reply: Reply): void {
    if (this.#done) return;
    if ('result' in reply && this.#stream === undefined && this.#accepts.json) {
      const { size } = reply.result;
      if (size > LARGE) {
        if (this.#ends()) sendJsonParts(this.#response, 200, resultParts(id, reply.result), this.#headers);
        return;
      }
      if (size <= AT_ONCE && typeof id === 'number') {
        if (this.#ends()) sendJsonText(this.#response, 200, writeResultAsText(id, reply.result), this.#headers);
        return;
      }
    }
    const body = 'result' in reply ? writeResult(id, reply.result) : writeError(id, reply.error);
    this.finishWith(body, 'result' in reply ? 200 : reply.status);
  }

  finishWith(body: Buffer, status: number): void {
    if (this.#done || !this.#ends()) return;
    if (this.#stream !== undefined || (!this.#accepts.json && status === 200)) {
      this.#open();
      this.#stream?.send(body);
      this.#stream?.end();
      return;
    }
    sendJson(this.#response, status, body, this.#headers);
  }

  /** It is over; whether the answer is still wanted. */
  #ends(): boolean {
    this.#done = true;
    return !this.signal.aborted || this.#legacy;
  }

  /** Ends the exchange without an answer, as a cancelled legacy request ends. */
  drop(): void {
    if (this.#done) return;
    this.#done = true;
    if (this.#stream !== undefined) this.#stream.end();
    else if (!this.#response.headersSent) {
      this.#response.writeHead(200, { ...this.#headers, 'content-type': 'text/event-stream' });
      this.#response.end();
    }
  }

  #open(): OutgoingStream {
    if (this.#stream === undefined) {
      const { session } = this;
      this.#stream = new OutgoingStream(this.#legacy);
      this.#lastSent = performance.now();
      session?.opened(this.#stream, session.nonce);
      const priming = session !== undefined && wantsPriming(session.revision);
      if (!this.#response.destroyed) this.#stream.attach(this.#response, { headers: this.#headers ?? {}, priming });
    }
    return this.#stream;
  }

  #send(text: string): void {
    if (this.#done || !this.#accepts.sse) return;
    this.#lastSent = performance.now();
    this.#open().send(text);
  }
}

/** Several messages answered as one JSON array (2025-03-26 batches). */
export function batchBody(parts: readonly Buffer[]): Buffer {
  return Buffer.concat([
    Buffer.from('['),
    ...parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from(','), part])),
    Buffer.from(']'),
  ]);
}
