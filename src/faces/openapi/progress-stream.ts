// A call whose caller wants to see it proceed: server-sent events `progress`, `message`, then `result` or `error`. The
// stream opens with the first thing to say; a failure before that is an ordinary answer with its status.
import type { ServerResponse } from 'node:http';
import type { RpcNotification } from '../../core/rpc.ts';
import { writeComment, writeEvent } from '../../wire/sse.ts';

/** As on the MCP face: how long a silent call stays without a stream, and a stream without a sign (10.28). */
const OPEN_AFTER = 5_000;
const COMMENT_EVERY = 15_000;
/** What a slow reader may have waiting before progress is left out; results never are. */
const MAX_WAITING = 1024 * 1024;

export class ProgressStream {
  readonly #response: ServerResponse;
  #timer: NodeJS.Timeout;

  constructor(response: ServerResponse) {
    this.#response = response;
    this.#timer = setTimeout(() => {
      this.#open();
      this.#timer = setInterval(() => void response.write(writeComment()), COMMENT_EVERY);
    }, OPEN_AFTER);
    response.on('close', () => this.close());
  }

  get opened(): boolean {
    return this.#response.headersSent;
  }

  /** A progress or log notification of this call. */
  notify({ method, params = {} }: RpcNotification): void {
    if (this.#response.writableEnded || this.#response.destroyed) return;
    if (this.#response.writableLength > MAX_WAITING) return;
    const { progressToken: _, ...data } = params;
    this.#write(method === 'notifications/progress' ? 'progress' : 'message', JSON.stringify(data));
  }

  /** The last event. */
  end(event: 'result' | 'error', data: string): void {
    this.close();
    this.#write(event, data);
    this.#response.end();
  }

  /** Nothing more will be said here: an ordinary answer follows, or the caller is gone. */
  close(): void {
    clearTimeout(this.#timer);
  }

  #write(event: string, data: string): void {
    this.#open();
    this.#response.write(writeEvent(data, { event }));
  }

  #open(): void {
    if (this.#response.headersSent) return;
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    this.#response.flushHeaders();
  }
}
