// One SSE stream to a client: bounded, and for legacy sessions kept for a while so that it can be resumed.
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { writeComment, writeEvent } from '../../wire/sse.ts';

/** Replay buffer of one stream (requirements 10.18). */
const REPLAY_EVENTS = 256;
const REPLAY_BYTES = 1024 * 1024;

export const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;

export class OutgoingStream {
  /** What a slow reader may have waiting when the next event comes, in bytes; beyond, it is cut off (reliability F-C7). */
  static readonly MAX_WAITING = 32 * 1024 * 1024;
  readonly id = randomBytes(8).toString('hex');
  readonly #replays: boolean;
  #response: ServerResponse | undefined;
  #sequence = 0;
  #kept: { sequence: number; bytes: Buffer }[] = [];
  #keptBytes = 0;
  #ended = false;
  /** Told when a client went. */
  onLeft: ((stream: OutgoingStream) => void) | undefined;

  /** `replays`: events carry ids and the last ones are kept (legacy sessions). */
  constructor(replays: boolean) {
    this.#replays = replays;
  }

  get attached(): boolean {
    return this.#response !== undefined;
  }

  /** Bytes that are kept for a resumption. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Takes a response to write to: a new one, or one that resumes after event `after`. */
  attach(
    response: ServerResponse,
    options: { headers?: Record<string, string>; priming?: boolean; after?: number } = {},
  ): void {
    this.#response?.end();
    this.#response = response;
    response.on('close', () => {
      if (this.#response === response) this.#response = undefined;
      this.onLeft?.(this);
    });
    response.writeHead(200, { ...SSE_HEADERS, ...options.headers });
    response.flushHeaders();
    if (options.after !== undefined) {
      for (const { sequence, bytes } of this.#kept) if (sequence > options.after) this.#write(bytes);
      if (this.#ended) response.end();
      return;
    }
    // The first event, from which a client can resume; whoever has its id need not be told it again.
    if (options.priming === true) this.#write(writeEvent('', { retry: 1000, id: this.#nextId() }));
  }

  /** One JSON-RPC message. */
  send(message: string | Buffer): void {
    if (!this.#ended) this.#event(message);
  }

  comment(): void {
    this.#write(writeComment('keep-alive'));
  }

  end(): void {
    this.#ended = true;
    this.#response?.end();
  }

  /** Cuts the connection without an end; what was sent stays for a resumption. */
  destroy(): void {
    this.#response?.destroy();
    this.#response = undefined;
  }

  #nextId(): string {
    this.#sequence++;
    return `${this.id}_${this.#sequence}`;
  }

  #event(data: string | Buffer): void {
    if (!this.#replays) return this.#write(writeEvent(data));
    const bytes = writeEvent(data, { id: this.#nextId() });
    const sequence = this.#sequence;
    this.#kept.push({ sequence, bytes });
    this.#keptBytes += bytes.length;
    while (this.#kept.length > 1 && (this.#kept.length > REPLAY_EVENTS || this.#keptBytes > REPLAY_BYTES)) {
      this.#keptBytes -= (this.#kept.shift() as { bytes: Buffer }).bytes.length;
    }
    this.#write(bytes);
  }

  #write(bytes: Buffer): void {
    const response = this.#response;
    if (response === undefined || response.destroyed) return;
    if (response.writableLength > OutgoingStream.MAX_WAITING) this.destroy();
    else response.write(bytes);
  }
}

/** Which stream and which event a `Last-Event-ID` names. */
export function readEventId(header: string): { stream: string; sequence: number } | undefined {
  const match = /^([0-9a-f]{16})_(\d{1,12})$/.exec(header);
  return match === null ? undefined : { stream: match[1] as string, sequence: Number(match[2]) };
}
