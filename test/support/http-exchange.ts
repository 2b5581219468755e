// One HTTP request on the wire as it is: JSON or an SSE stream, events as they come, nothing hidden or repeated.
import { type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import type { RpcMessage } from './rpc.ts';

export interface SseEvent {
  /** `message` where the event names none; comments come as `:`. */
  event: string;
  data: string;
  id?: string;
  retry?: number;
}

export interface ExchangeOptions {
  method?: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
  agent?: Agent;
  signal?: AbortSignal;
  onEvent?: (event: SseEvent) => void;
  /** Every JSON-RPC message in the answer, in order, as soon as it is complete. */
  onMessage?: (message: RpcMessage) => void;
}

export interface Exchange {
  status: number;
  headers: IncomingHttpHeaders;
  /** `application/json`, `text/event-stream` …, without parameters. */
  type: string;
  /** Resolves with the whole body when it has ended; rejects when it was cut. */
  body: Promise<string>;
  /** Closes the connection, as a client that leaves does. */
  leave(): void;
}

/** Sends the request and resolves at the answer's headers. */
export function exchange(url: string, options: ExchangeOptions = {}): Promise<Exchange> {
  const { method = 'POST', headers = {}, body, agent, signal, onEvent, onMessage } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      headers: { ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }), ...headers },
      ...(agent !== undefined && { agent }),
      ...(signal !== undefined && { signal }),
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const type = (incoming.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
      const streams = type === 'text/event-stream';
      const decoder = new StringDecoder('utf8');
      const parse = sseParser((event) => {
        onEvent?.(event);
        if (event.event === 'message' && event.data !== '') onMessage?.(JSON.parse(event.data) as RpcMessage);
      });
      const whole = new Promise<string>((done, fail) => {
        let text = '';
        incoming.on('data', (chunk: Buffer) => {
          const piece = decoder.write(chunk);
          text += piece;
          if (streams) parse(piece);
        });
        incoming.on('end', () => {
          if (!streams && type === 'application/json' && text !== '' && onMessage) {
            const parsed = JSON.parse(text) as RpcMessage | RpcMessage[];
            for (const message of Array.isArray(parsed) ? parsed : [parsed]) onMessage(message);
          }
          done(text);
        });
        incoming.on('error', fail);
        incoming.on('close', () => {
          if (!incoming.complete) fail(new Error('the answer was cut'));
        });
      });
      whole.catch(() => {}); // seen by whoever waits for the body
      resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        type,
        body: whole,
        leave: () => outgoing.destroy(),
      });
    });
    outgoing.end(body);
  });
}

/** A parser of `text/event-stream` that is fed pieces of any size. */
export function sseParser(emit: (event: SseEvent) => void): (piece: string) => void {
  let rest = '';
  let fresh: SseEvent = { event: 'message', data: '' };
  let touched = false;
  return (piece) => {
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (touched) emit({ ...fresh, data: fresh.data.replace(/\n$/, '') });
        fresh = { event: 'message', data: '' };
        touched = false;
        continue;
      }
      const colon = line.indexOf(':');
      if (colon === 0) {
        emit({ event: ':', data: line.slice(1).trim() });
        continue;
      }
      const field = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
      touched = true;
      if (field === 'data') fresh.data += `${value}\n`;
      else if (field === 'event') fresh.event = value;
      else if (field === 'id') fresh.id = value;
      else if (field === 'retry') fresh.retry = Number(value);
    }
  };
}
