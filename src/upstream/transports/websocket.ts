// An MCP server on a WebSocket: one JSON-RPC message a text frame, subprotocol `mcp`. An extension of our own: no
// revision of the specification has it.
import type { WebSocket } from 'ws';
import type { UpstreamConfig } from '../../config/schema.ts';
import type { RequestCredentials } from '../../core/credentials.ts';
import { type Delivery, GatewayFault } from '../../core/fault.ts';
import type { FaultName } from '../../core/fault-table.ts';
import { DialError, loadTls } from '../../wire/http-dial.ts';
import { answerId } from '../../wire/stdio-lines.ts';
import {
  type DialedSocket,
  dialSocket,
  type KeepAlive,
  keepAlive,
  type SocketDial,
  UpgradeRefused,
} from '../../wire/websocket.ts';
import type { OutgoingRequest, Transport, TransportLog, TransportSink } from '../transport.ts';
import { readMessages } from './http-answer.ts';
import { retryAfter } from './http-refusal.ts';

const UNSENT_LIMIT = 64 * 1024 * 1024;
const CLOSE_GRACE = 2000;
const SAMPLE = 200;
const KEEP_ALIVE: KeepAlive = { every: 30_000, within: 10_000 };

export interface WebSocketOptions {
  upstream: string;
  config: UpstreamConfig;
  log: TransportLog;
  /** The gateway's login there; asked when the connection is made, as nothing can be said about it later. */
  credentials?: RequestCredentials | undefined;
  /** For tests: 30 s and 10 s unless told. */
  keepAlive?: KeepAlive | undefined;
}

export function createWebSocketTransport(options: WebSocketOptions): Transport {
  return new WebSocketTransport(options);
}

class WebSocketTransport implements Transport {
  readonly kind = 'websocket';
  readonly correlates = false;
  lastByteAt = 0;
  readonly #options: WebSocketOptions;
  readonly #limit: number;
  /** Requests without an answer: what cannot be read may be theirs. */
  readonly #waiting = new Set<number>();
  readonly #abort = new AbortController();
  #sink: TransportSink | undefined;
  #dialed: DialedSocket | undefined;
  #stopWatching: () => void = () => undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #over = false;

  constructor(options: WebSocketOptions) {
    this.#options = options;
    this.#limit = options.config.limits.message;
  }

  open(sink: TransportSink, signal: AbortSignal): Promise<void> {
    this.#opening ??= this.#open(sink, signal);
    return this.#opening;
  }

  async #open(sink: TransportSink, signal: AbortSignal): Promise<void> {
    const { upstream, config } = this.#options;
    this.#sink = sink;
    const tls = await loadTls(config.tls, upstream);
    try {
      this.#dialed = await this.#dial(
        {
          url: config.url ?? '',
          headers: config.headers,
          tls,
          timeout: config.timeouts.dial,
          // The library ends the connection over it, and every call with it; between the two only one call is refused.
          maxPayload: 2 * this.#limit,
          subprotocol: 'mcp',
        },
        AbortSignal.any([signal, this.#abort.signal]),
      );
    } catch (error) {
      this.#over = true;
      if (signal.reason instanceof GatewayFault) throw signal.reason;
      throw error instanceof GatewayFault ? error : this.#dialFault(error);
    }
    this.#attach(this.#dialed);
  }

  /** With our login, if there is one; once more where its refusal gave another token. */
  async #dial(dial: SocketDial, signal: AbortSignal): Promise<DialedSocket> {
    const { credentials } = this.#options;
    if (credentials === undefined) return await dialSocket(dial, signal);
    const withLogin = (authorization: string | undefined): SocketDial =>
      authorization === undefined ? dial : { ...dial, headers: { ...dial.headers, authorization } };
    const sent = await credentials.header();
    try {
      return await dialSocket(withLogin(sent), signal);
    } catch (error) {
      if (!(error instanceof UpgradeRefused) || (error.status !== 401 && error.status !== 403)) throw error;
      const { status } = error;
      if (!(await credentials.refused({ status, challenge: error.headers['www-authenticate'], sent }))) throw error;
      return await dialSocket(withLogin(await credentials.header()), signal);
    }
  }

  #attach(dialed: DialedSocket): void {
    const { socket } = dialed;
    socket.on('message', (data) => {
      this.lastByteAt = performance.now();
      // `nodebuffer` is the library's default type.
      this.#receive(data as Buffer);
    });
    // Pings and pongs are the work of a library: they show that the way holds, not that the server answers.
    socket.on('close', (code, reason) => this.#closed(code, reason.toString('utf8')));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') this.#end('UPSTREAM_PROTOCOL', this.#tooLarge(), {});
    });
    this.#stopWatching = keepAlive(dialed, this.#options.keepAlive ?? KEEP_ALIVE, () => {
      this.#end('UPSTREAM_DISCONNECTED', 'did not answer a ping', {});
      socket.terminate();
    });
    socket.resume();
  }

  #receive(bytes: Buffer): void {
    if (this.#over) return;
    if (bytes.length > this.#limit) {
      this.#refuse(bytes, 'RESULT_TOO_LARGE', this.#tooLarge(), 'answered');
      return;
    }
    for (const message of readMessages(bytes)) {
      if (message.kind === 'invalid' && message.id === undefined) {
        this.#refuse(bytes, 'UPSTREAM_PROTOCOL', `sent a message that cannot be read: ${message.reason}`, 'maybe-sent');
        continue;
      }
      if (message.kind !== 'request' && message.kind !== 'notification') this.#waiting.delete(Number(message.id));
      this.#sink?.message(message);
    }
  }

  /** A message that is not delivered; the request it answers, if it shows which, has its end. */
  #refuse(bytes: Buffer, name: FaultName, reason: string, delivery: Delivery): void {
    this.#sink?.noise(bytes.toString('utf8', 0, 4 * SAMPLE).slice(0, SAMPLE));
    const id = answerId(bytes, delivery === 'answered' ? bytes : undefined);
    if (id !== undefined) this.#fail(id, this.#fault(name, reason, delivery, { bytes: bytes.length }));
  }

  #tooLarge(): string {
    return `sent a message larger than limits.message (${this.#limit} bytes)`;
  }

  request(request: OutgoingRequest): void {
    this.#waiting.add(request.id);
    const refusal = this.#send(request.text);
    // Told later, as everything else is: whoever sends has finished sending by then.
    if (refusal !== undefined) queueMicrotask(() => this.#fail(request.id, refusal));
  }

  async post(text: string): Promise<void> {
    const refusal = this.#send(text);
    if (refusal !== undefined) throw refusal;
  }

  /** Gives the fault if nothing was sent. */
  #send(text: string): GatewayFault | undefined {
    const socket = this.#dialed?.socket;
    if (socket === undefined || this.#over || socket.readyState !== socket.OPEN)
      return this.#fault('UPSTREAM_DISCONNECTED', 'is not connected', 'not-sent');
    const waiting = socket.bufferedAmount;
    if (waiting > 0 && waiting + text.length > UNSENT_LIMIT) {
      const reason = `does not read: ${waiting} bytes wait to be sent`;
      return this.#fault('UPSTREAM_DISCONNECTED', reason, 'not-sent', { unsentBytes: waiting });
    }
    // What goes wrong from here on closes the socket, which is told there.
    socket.send(text, () => undefined);
    return undefined;
  }

  abandon(id: number): void {
    this.#waiting.delete(id);
  }

  negotiated(): void {
    // Nothing depends on the era here.
  }

  close(grace = CLOSE_GRACE): Promise<void> {
    this.#closing ??= this.#close(grace);
    return this.#closing;
  }

  async #close(grace: number): Promise<void> {
    this.#over = true;
    this.#abort.abort();
    this.#stopWatching();
    this.#waiting.clear();
    await this.#opening?.catch(() => undefined);
    this.#stopWatching();
    const socket = this.#dialed?.socket;
    if (socket !== undefined) await closeSocket(socket, Math.min(grace, CLOSE_GRACE));
  }

  #closed(code: number, reason: string): void {
    const { name, text } = closeMeaning(code);
    this.#end(name, `${text} (${code}${reason === '' ? '' : `, ${reason}`})`, { close: { code, reason } });
  }

  /** Tells the sink, once, that it is over. */
  #end(name: FaultName, reason: string, data: Record<string, unknown>): void {
    this.#stopWatching();
    if (this.#over) return;
    this.#over = true;
    this.#waiting.clear();
    this.#sink?.closed(this.#fault(name, reason, 'maybe-sent', data));
  }

  #fail(id: number, fault: GatewayFault): void {
    if (this.#waiting.delete(id)) this.#sink?.failed(id, fault);
  }

  #dialFault(error: unknown): GatewayFault {
    if (error instanceof UpgradeRefused) {
      const { name, text } = refusalMeaning(error.status);
      const { upstream } = this.#options;
      const authenticate = error.headers['www-authenticate'];
      const fault = new GatewayFault(name, `upstream "${upstream}" ${text} (HTTP ${error.status})`, {
        upstream,
        delivery: 'not-sent',
        retryAfterMs: retryAfter(error.headers['retry-after']),
        data: { httpStatus: error.status, ...(authenticate !== undefined && { wwwAuthenticate: authenticate }) },
      });
      const hint = name === 'UPSTREAM_UNAUTHORIZED' ? this.#options.credentials?.hint : undefined;
      return hint === undefined ? fault : fault.with({ hint });
    }
    const code = error instanceof DialError ? error.code : undefined;
    const message = error instanceof Error ? error.message : String(error);
    const reason = `cannot be reached: ${message || String(code)}`;
    return this.#fault('UPSTREAM_UNREACHABLE', reason, 'not-sent', code === undefined ? {} : { errno: code });
  }

  #fault(name: FaultName, reason: string, delivery: Delivery, data?: Record<string, unknown>): GatewayFault {
    const { upstream } = this.#options;
    return new GatewayFault(name, `upstream "${upstream}" ${reason}`, { upstream, delivery, data });
  }
}

async function closeSocket(socket: WebSocket, grace: number): Promise<void> {
  if (socket.readyState === socket.CLOSED) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => socket.terminate(), grace);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.close(1000);
  });
}

interface Meaning {
  name: FaultName;
  text: string;
}

function refusalMeaning(status: number): Meaning {
  if (status === 401 || status === 403) return { name: 'UPSTREAM_UNAUTHORIZED', text: 'refused our credentials' };
  if (status === 429) return { name: 'UPSTREAM_RATE_LIMITED', text: 'limits its callers' };
  if (status >= 500) return { name: 'UPSTREAM_FAILED', text: 'answered the upgrade with a server error' };
  return { name: 'UPSTREAM_UNREACHABLE', text: 'does not speak WebSocket at this URL' };
}

/** RFC 6455 section 7.4.1 and IANA's registry; 44xx as HTTP's 4xx, by wide custom. */
function closeMeaning(code: number): Meaning {
  if ([1008, 3000, 3003, 4401, 4403].includes(code))
    return { name: 'UPSTREAM_UNAUTHORIZED', text: 'closed the connection by its policy' };
  if ([1002, 1003, 1007, 1009, 1010].includes(code))
    return { name: 'UPSTREAM_PROTOCOL', text: 'closed the connection over a message' };
  return { name: 'UPSTREAM_DISCONNECTED', text: 'closed the connection' };
}
