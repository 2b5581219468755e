// Dials a WebSocket and watches that somebody is there: what an upstream's transport and a dial-out face have in common.
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { type ConnectTls, DialError } from './http-dial.ts';

export interface SocketDial {
  /** ws:, wss:, or http(s): which mean the same. */
  url: string;
  headers: Readonly<Record<string, string>>;
  tls: ConnectTls;
  /** Milliseconds for TCP, TLS and upgrade together. */
  timeout: number;
  /** Bytes of one message; a larger one ends the connection. */
  maxPayload: number;
  /** Asked for; a server that does not know it is taken all the same. */
  subprotocol?: string | undefined;
}

export interface DialedSocket {
  /** Open and paused, so that no message is lost before somebody listens: call `resume()` then. */
  socket: WebSocket;
  /** Bytes received so far, of messages that are still on their way too. */
  bytesRead(): number;
}

/** The peer answered the upgrade with something else than 101, so nothing was sent. */
export class UpgradeRefused extends Error {
  override readonly name = 'UpgradeRefused';
  readonly status: number;
  readonly headers: IncomingHttpHeaders;

  constructor(status: number, headers: IncomingHttpHeaders) {
    super(`HTTP ${status}`);
    this.status = status;
    this.headers = headers;
  }
}

/** @throws UpgradeRefused | DialError */
export async function dialSocket(dial: SocketDial, signal: AbortSignal): Promise<DialedSocket> {
  const first = await attempt(dial, dial.subprotocol, signal);
  if ('socket' in first) return first;
  // The peer did upgrade, and the library refused its answer: it agrees to no subprotocol, most likely.
  if (first.upgraded && dial.subprotocol !== undefined && !signal.aborted) {
    const second = await attempt(dial, undefined, signal);
    if ('socket' in second) return second;
  }
  throw first.error;
}

type Attempt = DialedSocket | { error: Error; upgraded: boolean };

async function attempt(dial: SocketDial, subprotocol: string | undefined, signal: AbortSignal): Promise<Attempt> {
  // Loaded on first use: a gateway without such upstreams does not pay for it.
  const { WebSocket } = await import('ws');
  const url = dial.url.replace(/^http/i, 'ws');
  if (signal.aborted) return { error: new DialError('not wanted any more', 'ABORT_ERR'), upgraded: false };
  return new Promise((resolve) => {
    let stream: Socket | undefined;
    const socket = new WebSocket(url, subprotocol === undefined ? [] : [subprotocol], {
      headers: dial.headers,
      ...dial.tls,
      handshakeTimeout: dial.timeout,
      maxPayload: dial.maxPayload,
      perMessageDeflate: false,
      followRedirects: false,
    });
    const settle = (attempt: Attempt): void => {
      signal.removeEventListener('abort', abort);
      resolve(attempt);
    };
    const fail = (error: Error): void => settle({ error, upgraded: stream !== undefined });
    const abort = (): void => {
      fail(new DialError('not wanted any more', 'ABORT_ERR'));
      socket.terminate();
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.once('upgrade', (response) => {
      stream = response.socket;
    });
    socket.once('unexpected-response', (request, response) => {
      fail(new UpgradeRefused(response.statusCode ?? 0, response.headers));
      response.resume();
      request.destroy();
    });
    // Stays for good: an error without a listener would end the process.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // The library's own timeout has no code.
      const code = error.code ?? (stream === undefined ? 'ETIMEDOUT' : 'EUPGRADE');
      fail(new DialError(error.message, code, error));
    });
    socket.once('open', () => {
      socket.pause();
      settle({ socket, bytesRead: () => stream?.bytesRead ?? 0 });
    });
  });
}

export interface KeepAlive {
  /** Milliseconds between two pings. */
  every: number;
  /** Milliseconds the peer has to answer, by a pong or by any byte. */
  within: number;
  /** Told after every pong, with the milliseconds it took. */
  answered?: ((time: number) => void) | undefined;
}

/** Calls `lost` once when the peer is silent (F-X4). Returns the function that ends the watch; call it on close. */
export function keepAlive(dialed: DialedSocket, times: KeepAlive, lost: () => void): () => void {
  let deadline: NodeJS.Timeout | undefined;
  let sent: number | undefined;
  if (times.answered !== undefined) {
    dialed.socket.on('pong', () => {
      if (sent !== undefined) times.answered?.(performance.now() - sent);
      sent = undefined;
    });
  }
  const timer = setInterval(() => {
    if (deadline !== undefined) return;
    const before = dialed.bytesRead();
    sent = performance.now();
    dialed.socket.ping(undefined, undefined, () => undefined);
    deadline = setTimeout(() => {
      deadline = undefined;
      if (dialed.bytesRead() !== before) return;
      stop();
      lost();
    }, times.within);
    deadline.unref();
  }, times.every);
  timer.unref();
  const stop = (): void => {
    clearInterval(timer);
    clearTimeout(deadline);
  };
  return stop;
}
