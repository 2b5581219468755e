// Server-sent events: the stream of one legacy request, which outlives its connection, and the plain one of a modern one.
import { isRequest } from '../rpc.mjs';

const SSE_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', connection: 'keep-alive' };
const RETRY = 200;

/** @param {any} message */
const isAnswer = (message) => message.method === undefined;

/** @param {import('node:http').ServerResponse} response @param {number} status @param {unknown} [body] @param {Record<string, string>} [headers] */
export function sendJson(response, status, body, headers = {}) {
  response.writeHead(status, body === undefined ? headers : { 'content-type': 'application/json', ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

/** The answer to one modern POST: JSON when nothing comes before the result, else a stream. Nothing can be resumed. */
export class PlainStream {
  #response;
  /** @param {import('node:http').ServerResponse} response */
  constructor(response) {
    this.#response = response;
  }

  /** @param {object} message @param {number} [status] */
  send = (message, status = 200) => {
    const response = this.#response;
    if (response.writableEnded || response.destroyed) return;
    if (!response.headersSent) {
      if (isAnswer(message)) return sendJson(response, status, message);
      response.writeHead(200, SSE_HEADERS);
    }
    response.write(`data: ${JSON.stringify(message)}\n\n`);
    if (isAnswer(message)) response.end();
  };
}

/** A legacy stream: keeps its events, so that a client that lost the connection gets the rest by Last-Event-ID. */
export class ResumableStream {
  #id;
  #primes;
  #headers;
  #open;
  /** @type {string[]} */
  #events = [];
  #delivered = 0;
  /** @type {import('node:http').ServerResponse | undefined} */
  #sink;

  /**
   * @param {object} options
   * @param {string} options.id
   * @param {boolean} options.primes sends an empty event first (2025-11-25)
   * @param {Record<string, string>} options.headers
   * @param {any[]} [options.messages] what the POST held; without it the stream never ends by itself
   */
  constructor({ id, primes, headers, messages }) {
    this.#id = id;
    this.#primes = primes;
    this.#headers = headers;
    this.#open = messages ? messages.filter(isRequest).length : Number.POSITIVE_INFINITY;
  }

  /** @param {string} lastEventId */
  owns(lastEventId) {
    return lastEventId.startsWith(`${this.#id}:`);
  }

  /** @param {import('node:http').ServerResponse} response @param {string} [lastEventId] */
  attach(response, lastEventId) {
    this.#sink?.end();
    this.#sink = response;
    response.on('close', () => {
      if (this.#sink === response) this.#sink = undefined;
    });
    if (lastEventId !== undefined) this.#delivered = Number(lastEventId.split(':')[1]) + 1;
    if (lastEventId !== undefined || this.#open === Number.POSITIVE_INFINITY) {
      this.#start();
      this.#flush();
    }
  }

  /** @param {any} message */
  send = (message) => {
    const sink = this.#sink;
    if (isAnswer(message)) {
      this.#open -= 1;
      if (sink && !sink.headersSent && this.#open === 0) return sendJson(sink, 200, message, this.#headers);
    }
    if (sink && !sink.headersSent) this.#start();
    this.#keep(`data: ${JSON.stringify(message)}`);
    this.#flush();
  };

  /** Ends the connection, not the stream (SEP-1699). */
  detach = () => {
    if (!this.#sink) return;
    if (!this.#sink.headersSent) this.#start();
    this.#sink.end();
    this.#sink = undefined;
  };

  #start() {
    this.#sink?.writeHead(200, { ...SSE_HEADERS, ...this.#headers });
    this.#sink?.flushHeaders();
    if (this.#primes && this.#events.length === 0) this.#keep(`retry: ${RETRY}\ndata:`);
    this.#flush();
  }

  /** @param {string} fields */
  #keep(fields) {
    this.#events.push(`id: ${this.#id}:${this.#events.length}\n${fields}\n\n`);
  }

  #flush() {
    if (!this.#sink) return;
    for (const event of this.#events.slice(this.#delivered)) this.#sink.write(event);
    this.#delivered = this.#events.length;
    if (this.#open === 0) this.#sink.end();
  }
}
