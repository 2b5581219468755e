// How the answer to one POST travels: as JSON when it is the first thing to say and comes soon, else over a stream
// that carries notifications first (requirements 10.28).
import type { ServerResponse } from 'node:http';
import type { ClientAnswer, ClientRequest } from '../../core/context.ts';
import type { RequestId, RpcNotification } from '../../core/rpc.ts';
import { sendJson } from '../../http/body.ts';
import type { Exchange, Reply } from '../../session/protocol.ts';
import { writeError, writeNotification, writeResult } from '../../wire/envelope.ts';
import { OutgoingStream } from './event-stream.ts';

/** How long an answer may take before the stream opens without it, and how often a silent stream is kept alive. */
export const OPEN_AFTER = 5_000;
export const COMMENT_EVERY = 15_000;

export interface AnsweringOptions {
  response: ServerResponse;
  /** What the client's Accept allows. */
  json: boolean;
  sse: boolean;
  /** A legacy session's stream can be resumed; a modern one's disconnect cancels. */
  legacy: boolean;
  /** The stream opens with an event without data (2025-11-25, SEP-1699). */
  priming: boolean;
  headers: Record<string, string>;
  /** A stream was opened, so that it can be found for a resumption. */
  opened?: ((stream: OutgoingStream) => void) | undefined;
  /** Sends a request to the client over `send` and waits for its answer. */
  ask?:
    | ((request: ClientRequest, signal: AbortSignal, send: (text: string) => void) => Promise<ClientAnswer>)
    | undefined;
}

export class Answering implements Exchange {
  readonly ask: Exchange['ask'];
  readonly notify: (notification: RpcNotification) => void;
  readonly startedAt = performance.now();
  readonly #options: AnsweringOptions;
  readonly #abort = new AbortController();
  #stream: OutgoingStream | undefined;
  #lastSent = 0;
  #done = false;

  constructor(options: AnsweringOptions) {
    this.#options = options;
    const { response, legacy, ask } = options;
    this.notify = (notification) => this.#send(writeNotification(notification.method, notification.params));
    if (ask !== undefined && options.sse) {
      this.ask = (request, signal) => ask(request, signal, (text) => this.#send(text));
    }
    response.on('close', () => {
      // A legacy client that goes away has not cancelled (MP4); a modern one has, by going.
      if (!this.#done && !legacy) this.cancel('the client closed the response stream');
    });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  readonly cancel = (reason: string): void => {
    if (!this.#abort.signal.aborted) this.#abort.abort(reason);
  };

  /** Called from time to time: opens a stream for an answer that takes long, keeps an open one alive. */
  tick(now: number): void {
    if (this.#done) return;
    if (this.#stream === undefined) {
      if (this.#options.sse && now - this.startedAt >= OPEN_AFTER) this.#open();
    } else if (now - this.#lastSent >= COMMENT_EVERY) {
      this.#lastSent = now;
      this.#stream.comment();
    }
  }

  /** The one answer. After a cancellation nothing more is sent (2026-07-28 cancellation). */
  finish(id: RequestId, reply: Reply): void {
    if (this.#done) return;
    const body = 'result' in reply ? writeResult(id, reply.result) : writeError(id, reply.error);
    this.finishWith(body, 'result' in reply ? 200 : reply.status);
  }

  finishWith(body: Buffer, status: number): void {
    if (this.#done) return;
    this.#done = true;
    if (this.#abort.signal.aborted && !this.#options.legacy) return;
    if (this.#stream !== undefined || (!this.#options.json && status === 200)) {
      this.#open();
      this.#stream?.send(body);
      this.#stream?.end();
      return;
    }
    sendJson(this.#options.response, status, body, this.#options.headers);
  }

  /** Ends the exchange without an answer, as a cancelled legacy request ends. */
  drop(): void {
    if (this.#done) return;
    this.#done = true;
    if (this.#stream !== undefined) this.#stream.end();
    else if (!this.#options.response.headersSent) {
      this.#options.response.writeHead(200, { ...this.#options.headers, 'content-type': 'text/event-stream' });
      this.#options.response.end();
    }
  }

  #open(): OutgoingStream {
    if (this.#stream === undefined) {
      const { legacy, response, headers, priming } = this.#options;
      this.#stream = new OutgoingStream(legacy);
      this.#lastSent = performance.now();
      this.#options.opened?.(this.#stream);
      if (!response.destroyed) this.#stream.attach(response, { headers, priming });
    }
    return this.#stream;
  }

  #send(text: string): void {
    if (this.#done || !this.#options.sse) return;
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
