// The GET stream of a legacy session, on which the server sends what belongs to no request. It comes back after a
// break with patience, whatever the server does (F-H18), and goes on behind the last event it saw.
import type { TransportLog } from '../transport.ts';
import { Answer, type AnswerEvents } from './http-answer.ts';

export interface StandingOptions {
  upstream: string;
  limit: number;
  /** Sends the GET. */
  send(answer: Answer, lastEventId: string): void;
  event(data: Buffer): void;
  bytes(): void;
  log: TransportLog;
}

/** 409: the server has not noticed yet that the last stream is gone. */
const LATER = new Set([408, 409, 425, 429, 500]);
const BASE_DELAY = 1_000;
const MAX_DELAY = 30_000;
/** At most so many reconnections within `WINDOW` milliseconds. */
const MAX_IN_WINDOW = 9;
const WINDOW = 60_000;

export class StandingStream {
  readonly #options: StandingOptions;
  #answer: Answer | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastEventId = '';
  #attempt = 0;
  #opened: number[] = [];
  #closed = false;

  constructor(options: StandingOptions) {
    this.#options = options;
    this.#open();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#answer?.abort();
  }

  #open(): void {
    const events: AnswerEvents = {
      head: (answer) => this.#head(answer),
      event: (data) => {
        this.#attempt = 0;
        if (data.length > 0) this.#options.event(data);
      },
      complete: (answer) => this.#ended(answer),
      failed: (_fault, answer) => this.#ended(answer),
      skipped: (fault) => this.#options.log('warn', `skipped an unasked message: ${fault.message}`),
      bytes: this.#options.bytes,
    };
    this.#answer = new Answer(this.#options.upstream, this.#options.limit, events);
    this.#options.send(this.#answer, this.#lastEventId);
  }

  #head(answer: Answer): void {
    if (answer.sse !== undefined || LATER.has(answer.status) || answer.status > 501) return;
    // 405 says that there is no such stream; any other answer says it less politely.
    this.#options.log('debug', `no stream for unasked messages (HTTP ${answer.status})`);
    this.close();
  }

  #ended(answer: Answer): void {
    if (this.#closed) return;
    this.#answer = undefined;
    const id = answer.sse?.lastEventId ?? '';
    if (id !== '') this.#lastEventId = id;
    const delay = this.#delay(answer.sse?.retry);
    this.#options.log('debug', `the stream for unasked messages ended; again in ${Math.round(delay)} ms`);
    this.#timer = setTimeout(() => this.#open(), delay);
    this.#timer.unref();
  }

  /** What the server asked for, else full jitter; never more than `MAX_IN_WINDOW` times a minute. */
  #delay(retry: number | undefined): number {
    const cap = Math.min(MAX_DELAY, BASE_DELAY * 2 ** this.#attempt);
    this.#attempt++;
    const wanted = Math.min(retry ?? Math.random() * cap, WINDOW * 10);
    const now = performance.now();
    this.#opened = this.#opened.filter((at) => at > now - WINDOW);
    const oldest = this.#opened.length >= MAX_IN_WINDOW ? (this.#opened.at(-MAX_IN_WINDOW) ?? now) : undefined;
    const delay = oldest === undefined ? wanted : Math.max(wanted, oldest + WINDOW - now);
    this.#opened.push(now + delay);
    return delay;
  }
}
