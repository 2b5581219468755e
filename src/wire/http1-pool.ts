// Requests to one origin over kept-alive HTTP/1.1 connections, one at a time on each: what a call to an upstream needs,
// read straight from the socket. Streams and a general client cost a third of a call more (performance rows 1 to 4, 9).
import type { OnReadOpts, Socket } from 'node:net';
import { TurnWriter } from '../core/one-write.ts';
import { PAGED_FROM, pages } from '../core/pages.ts';
import { isHeaderValue, isToken } from './headers.ts';
import type { Dial } from './http-dial.ts';
import { type ResponseHeaders, ResponseReader, type ResponseSink } from './http1-reader.ts';

export interface Http1Request {
  method: string;
  /** The target as it stands in the request line. */
  path: string;
  /** Names and values in turn. A list that is used again is checked once, so it is never changed. */
  headers: readonly string[];
  body?: string | undefined;
}

/** Who takes the response. Exactly one of `onComplete` and `onError` ends it, unless it is aborted. */
export interface Http1Handler {
  /** Called before anything is written; an abort in it leaves the request unsent. */
  onConnect(abort: () => void): void;
  onHeaders(status: number, headers: ResponseHeaders, resume: () => void): void;
  /** False: no more until `resume`. */
  onData(chunk: Buffer): boolean;
  onComplete(): void;
  onError(error: Error): void;
}

export interface Http1PoolOptions {
  origin: URL;
  dial: Dial;
  /** Milliseconds an idle connection is kept where the server says nothing, and at most. */
  keepAlive: number;
  keepAliveMax: number;
  /** Bytes of response headers. */
  maxHeaderSize: number;
}

/** A request cannot be sent as it is: a mistake of ours, nothing was sent. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code = 'ERR_INVALID_ARG_VALUE';
}

/** The connection ended before the answer; `code` as libuv names it. */
class ConnectionLost extends Error {
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** A server's word is a little longer than what we take it for: it may close as we write. */
const MARGIN = 1_000;
const SWEEP = 500;
/** Bytes that are read at once, and of the pieces in which a large body is kept: larger ones the system maps anew each time. */
const READ = 64 * 1024;

/** What is read on any connection is handed on, or copied, before the next read: one buffer does for all. */
const SHARED = Buffer.allocUnsafeSlow(READ);

export class Http1Pool {
  readonly #options: Http1PoolOptions;
  readonly host: string;
  readonly #all = new Set<Connection>();
  /** Used last is used next, so that those too many run out. */
  readonly #idle: Connection[] = [];
  /** Checked lists of headers as they are written. */
  readonly #heads = new WeakMap<readonly string[], string>();
  /** Requests of one turn leave together. */
  readonly writer = new TurnWriter(() => this.#all.size - this.#idle.length <= 1);
  #sweeper: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: Http1PoolOptions) {
    this.#options = options;
    this.host = options.origin.host;
  }

  get maxHeaderSize(): number {
    return this.#options.maxHeaderSize;
  }

  /** Sends a request on an idle connection, or on a new one. Never throws. */
  dispatch(request: Http1Request, handler: Http1Handler): void {
    let text: Buffer | string;
    try {
      text = this.#textOf(request);
    } catch (error) {
      return handler.onError(error as Error);
    }
    if (this.#closed) return handler.onError(new ConnectionLost('the client was closed', 'ECANCELED'));
    const now = performance.now();
    for (let found = this.#idle.pop(); found !== undefined; found = this.#idle.pop()) {
      if (found.idleUntil > now) return found.send(text, handler);
      found.destroy();
    }
    const connection = new Connection(this);
    this.#all.add(connection);
    connection.dial(this.#options.dial, text, handler);
  }

  /** Takes a connection back; `idle`: for how long its server would keep it, in milliseconds. */
  free(connection: Connection, idle: number): void {
    const { keepAlive, keepAliveMax } = this.#options;
    const kept = idle === Number.POSITIVE_INFINITY ? keepAlive : Math.min(idle - MARGIN, keepAliveMax);
    if (this.#closed || kept <= 0) return connection.destroy();
    connection.idleUntil = performance.now() + kept;
    this.#idle.push(connection);
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP).unref();
  }

  forget(connection: Connection): void {
    this.#all.delete(connection);
    const place = this.#idle.indexOf(connection);
    if (place !== -1) this.#idle.splice(place, 1);
  }

  #sweep(): void {
    const now = performance.now();
    // What would be over before the next look goes now: a server shall not be the first to close (F-T7).
    for (const connection of [...this.#idle]) if (connection.idleUntil < now + SWEEP) connection.destroy();
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  /** Idle connections are closed, those in use when they are free. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#sweeper);
    for (const connection of [...this.#idle]) connection.destroy();
  }

  /** Ends every connection at once; who waits for an answer is told. */
  async destroy(): Promise<void> {
    this.close();
    const ended = new ConnectionLost('the client was closed', 'ECANCELED');
    await Promise.all([...this.#all].map((connection) => connection.abandon(ended)));
  }

  #textOf({ method, path, headers, body }: Http1Request): Buffer | string {
    if (!TARGET.test(path)) throw new RequestError('the path is no request target');
    let head = this.#heads.get(headers);
    if (head === undefined) {
      head = headText(headers, this.host);
      this.#heads.set(headers, head);
    }
    const start = `${method} ${path} HTTP/1.1\r\n${head}`;
    if (body === undefined) return WITH_BODY.has(method) ? `${start}content-length: 0\r\n\r\n` : `${start}\r\n`;
    const length = Buffer.byteLength(body);
    const whole = `${start}content-length: ${length}\r\n\r\n`;
    return length === body.length ? whole + body : Buffer.concat([Buffer.from(whole, 'latin1'), Buffer.from(body)]);
  }
}

const TARGET = /^[\x21-\x7e]+$/;
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);

/** What says where a message ends, and what becomes of the connection, is for nobody else to say. */
const OUR_OWN = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function headText(headers: readonly string[], host: string): string {
  let text = '';
  let hasHost = false;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string;
    const value = headers[at + 1] as string;
    if (!isToken(name) || !isHeaderValue(value))
      throw new RequestError(`the header ${JSON.stringify(name)} is not legal`);
    const lower = name.toLowerCase();
    if (OUR_OWN.has(lower)) continue;
    hasHost ||= lower === 'host';
    text += `${name}: ${value}\r\n`;
  }
  return `${hasHost ? '' : `host: ${host}\r\n`}connection: keep-alive\r\n${text}`;
}

class Connection implements ResponseSink {
  idleUntil = 0;
  readonly #onread: OnReadOpts = {
    buffer: () => this.#target(),
    callback: (length, buffer) => this.#arrived(length, buffer as Buffer),
  };
  readonly #pool: Http1Pool;
  readonly #reader: ResponseReader;
  readonly #resume = (): void => void this.#socket?.resume();
  /** Ends the dial that is under way. */
  #giveUp: (() => void) | undefined;
  #socket: Socket | undefined;
  #handler: Http1Handler | undefined;
  /** Bytes that are still to come of a body whose length is known. */
  #left = 0;
  #piece: Buffer | undefined;
  #filled = 0;
  /** What is being read lies in memory that the next read uses again. */
  #borrowed = false;

  constructor(pool: Http1Pool) {
    this.#pool = pool;
    this.#reader = new ResponseReader(this, pool.maxHeaderSize);
  }

  /** Connects, then sends. */
  dial(dial: Dial, text: Buffer | string, handler: Http1Handler): void {
    this.#handler = handler;
    try {
      this.#giveUp = dial(this.#onread, (...[error, socket]) => {
        this.#giveUp = undefined;
        if (error !== null) return this.#fail(error);
        this.#opened(socket);
        this.send(text, handler);
      });
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #opened(socket: Socket): void {
    this.#socket = socket;
    this.#pool.writer.add(socket);
    socket.on('error', (error) => this.#fail(error));
    socket.on('end', () => this.#closed());
    socket.on('close', () => this.#closed());
    // Where the socket does not read into our buffer (TLS, a tunnel), it gives what it has read.
    socket.on('data', (chunk: Buffer) => this.#read(chunk, false));
  }

  send(text: Buffer | string, handler: Http1Handler): void {
    let isWanted = true;
    let isSent = false;
    handler.onConnect(() => {
      isWanted = false;
      if (isSent && this.#handler === handler) this.destroy();
    });
    this.#handler = isWanted ? handler : undefined;
    if (!isWanted) return this.#pool.free(this, Number.POSITIVE_INFINITY);
    isSent = true;
    const socket = this.#socket as Socket;
    if (socket.destroyed) return this.#fail(new ConnectionLost('closed as it was used', 'EOF'));
    this.#reader.expect();
    if (typeof text === 'string') socket.write(text, 'latin1');
    else socket.write(text);
  }

  head(status: number, headers: ResponseHeaders): void {
    this.#handler?.onHeaders(status, headers, this.#resume);
  }

  body(bytes: Buffer, left: number): void {
    this.#left = left;
    const chunk = this.#borrowed ? Buffer.from(bytes) : bytes;
    if (this.#handler?.onData(chunk) === false) this.#socket?.pause();
  }

  end(idle: number): void {
    const handler = this.#handler;
    const socket = this.#socket as Socket;
    this.#handler = undefined;
    // An answer that came before the whole request was written is an answer, but the connection is not clean.
    if (idle > 0 && socket.writableLength === 0 && !socket.destroyed) this.#pool.free(this, idle);
    else this.destroy();
    handler?.onComplete();
  }

  /** Where the next read goes: the rest of a body to where it stays. */
  #target(): Buffer {
    if (this.#left === 0) return SHARED;
    this.#piece ??= this.#left > PAGED_FROM ? pages() : Buffer.allocUnsafeSlow(Math.min(this.#left, READ));
    return this.#piece.subarray(this.#filled);
  }

  #arrived(length: number, buffer: Buffer): boolean {
    if (buffer === SHARED) this.#read(SHARED.subarray(0, length), true);
    else {
      this.#filled += length;
      if (this.#filled === this.#piece?.length) {
        this.#piece = undefined;
        this.#filled = 0;
      }
      this.#read(buffer.subarray(0, length), false);
    }
    return true;
  }

  #read(bytes: Buffer, borrowed: boolean): void {
    this.#borrowed = borrowed;
    try {
      this.#reader.push(bytes);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #closed(): void {
    if (this.#handler !== undefined && !this.#reader.close())
      this.#fail(new ConnectionLost('closed by the other side', 'EOF'));
    else this.destroy();
  }

  #fail(error: Error): void {
    const handler = this.#handler;
    this.destroy();
    handler?.onError(error);
  }

  /** Closes it; nobody is told. */
  destroy(): void {
    this.#handler = undefined;
    this.#pool.forget(this);
    this.#giveUp?.();
    this.#socket?.destroy();
  }

  /** Closes it and tells who waits; settles when it is closed. */
  abandon(error: Error): Promise<void> {
    const socket = this.#socket;
    const closed = new Promise<void>((resolve) => {
      if (socket === undefined || socket.closed) resolve();
      else socket.once('close', () => resolve());
    });
    this.#fail(error);
    return closed;
  }
}
