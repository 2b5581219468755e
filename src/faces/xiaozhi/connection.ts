// One open socket to an endpoint, from its upgrade to its end: a client session on it, and proof that it is alive.
import type { Principal } from '../../core/context.ts';
import { isObject } from '../../core/json.ts';
import { Payload } from '../../core/payload.ts';
import type { RequestId } from '../../core/rpc.ts';
import { Channel } from '../../session/channel.ts';
import type { GatewayIdentity } from '../../session/protocol.ts';
import { writeResult } from '../../wire/envelope.ts';
import { type DialedSocket, keepAlive } from '../../wire/websocket.ts';
import type { Ending } from './ending.ts';
import { Evidence, type Experience } from './evidence.ts';
import type { EndpointSurface } from './tool-shaping.ts';

/** Counted over all connections of an endpoint. */
export interface Traffic {
  received: number;
  sent: number;
  /** Binary frames that hold no JSON text. */
  dropped: number;
}

export interface ConnectionOptions {
  surface: EndpointSurface;
  principal: Principal;
  identity: GatewayIdentity;
  depth: number;
  health: { interval: number; timeout: number; silence: number };
  experience: Experience;
  traffic: Traffic;
  /** The peer introduced itself. */
  initialised(): void;
  /** A ping was answered after so many milliseconds. */
  answered(time: number): void;
  /** Whether this gateway still has the endpoint; one that slept too long finds out with the first message. */
  mayLive?: (() => boolean) | undefined;
}

/** Bytes that may wait for a peer that does not read; more, and it is given up. */
const MAX_WAITING = 16 * 1024 * 1024;
/** How long the peer has to answer our close frame, in milliseconds. */
const CLOSE_TIME = 2_000;

export class Connection {
  /** Resolves once it is over; the session has ended then. */
  readonly ended: Promise<Ending>;
  readonly opened = performance.now();
  readonly #dialed: DialedSocket;
  readonly #options: ConnectionOptions;
  readonly #channel: Channel;
  readonly #evidence: Evidence;
  #end: (ending: Ending) => void = () => undefined;
  #over = false;
  #closing: { redial: boolean } | undefined;
  #deafTimer: NodeJS.Timeout | undefined;
  #deafAt = Number.POSITIVE_INFINITY;
  readonly #stopPings: () => void;
  #spokeAfter: number | undefined;

  constructor(dialed: DialedSocket, options: ConnectionOptions) {
    this.#dialed = dialed;
    this.#options = options;
    const { surface, principal, identity, depth, health, experience } = options;
    const { socket } = dialed;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#channel = new Channel({
      face: 'xiaozhi',
      principal,
      surface,
      identity,
      depth,
      send: (message) => this.#send(message),
    });
    this.#evidence = new Evidence(this.opened, health, experience);
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#receive(data, isBinary));
    socket.on('close', (code: number, reason: Buffer) =>
      this.#finish({
        kind: 'closed',
        code,
        reason: reason.toString('utf8'),
        open: performance.now() - this.opened,
        initialised: this.initialised,
      }),
    );
    this.#stopPings = keepAlive(
      dialed,
      { every: health.interval, within: health.timeout, answered: (time) => options.answered(time) },
      () => this.#giveUp('no-pong'),
    );
    this.#watchSilence();
    socket.resume();
  }

  get initialised(): boolean {
    return this.#channel.client !== undefined;
  }

  get lastMessage(): number | undefined {
    return this.#evidence.lastMessage;
  }

  /** How long it took the peer to say something, in milliseconds; undefined while it has not. */
  get spokeAfter(): number | undefined {
    return this.#spokeAfter;
  }

  /**
   * Closes it in order: calls in flight are given `drain` milliseconds, then the peer is told. Resolves when it is over,
   * or when `stay` was called meanwhile.
   */
  async close(drain: number, redial: boolean): Promise<void> {
    const closing = { redial };
    this.#closing = closing;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, drain);
    });
    await Promise.race([this.#idle(), late, this.ended]);
    clearTimeout(timer);
    if (this.#over || this.#closing !== closing) return;
    this.#channel.close();
    const { socket } = this.#dialed;
    socket.close(1000);
    const force = setTimeout(() => socket.terminate(), CLOSE_TIME);
    await this.ended;
    clearTimeout(force);
  }

  /** Ends it at once: another gateway may dial any moment. */
  drop(): void {
    this.#closing = { redial: true };
    this.#dialed.socket.terminate();
  }

  /** Takes `close` back, as long as it only waits for calls. */
  stay(): void {
    if (this.#dialed.socket.readyState === this.#dialed.socket.OPEN) this.#closing = undefined;
  }

  /** Calls are answered, and the answers have been handed to the socket. */
  async #idle(): Promise<void> {
    await this.#options.surface.idle();
    await this.#channel.idle();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#over) return;
    if (this.#options.mayLive?.() === false) return this.drop();
    if (isBinary && !isJson(data)) {
      this.#options.traffic.dropped++;
      return;
    }
    this.#options.traffic.received++;
    const now = performance.now();
    this.#spokeAfter ??= now - this.opened;
    this.#evidence.message(now, isPing(data));
    if (this.#evidence.deafAt() < this.#deafAt) this.#watchSilence();
    const before = this.initialised;
    this.#channel.receive(this.#tolerated(data));
    if (!before && this.initialised) this.#options.initialised();
  }

  /**
   * A relay of old gives notifications an id and expects an answer to it; the session below is told of the notification
   * as it was meant (D-24).
   */
  #tolerated(data: Buffer): Buffer {
    if (data.length > 64 * 1024 || !data.includes('"notifications/')) return data;
    let message: unknown;
    try {
      message = JSON.parse(data.toString('utf8'));
    } catch {
      return data;
    }
    if (!isObject(message) || typeof message.method !== 'string' || !('id' in message)) return data;
    if (!message.method.startsWith('notifications/')) return data;
    const { id, ...rest } = message;
    if (typeof id === 'string' || typeof id === 'number') this.#send(writeResult(id as RequestId, Payload.of({})));
    return Buffer.from(JSON.stringify(rest));
  }

  #send(message: Buffer): void {
    const { socket } = this.#dialed;
    if (this.#over || socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MAX_WAITING) return this.#giveUp('stuck');
    this.#options.traffic.sent++;
    socket.send(message, { binary: false }, () => undefined);
  }

  #watchSilence(): void {
    clearTimeout(this.#deafTimer);
    this.#deafAt = this.#evidence.deafAt();
    if (this.#over || this.#deafAt === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(this.#deafAt - performance.now(), LONGEST_TIMER);
    this.#deafTimer = setTimeout(
      () => {
        if (performance.now() < this.#evidence.deafAt()) return this.#watchSilence();
        // Calls under way are evidence too: what they wait for is on our side.
        if (this.#options.surface.inFlight > 0) return this.#lookAgain();
        this.#giveUp('no-message');
      },
      Math.max(0, wait),
    );
    this.#deafTimer.unref();
  }

  #lookAgain(): void {
    this.#deafTimer = setTimeout(() => this.#watchSilence(), this.#options.health.interval);
    this.#deafTimer.unref();
  }

  /** A peer that may still be reachable is told properly, so that it cleans up before the next connection (D-26). */
  #giveUp(why: 'no-pong' | 'no-message' | 'stuck'): void {
    if (this.#over) return;
    const { socket } = this.#dialed;
    const ending: Ending = { kind: 'deaf', why, open: performance.now() - this.opened };
    if (why !== 'no-message') {
      this.#finish(ending);
      return socket.terminate();
    }
    this.#leave();
    const force = setTimeout(() => socket.terminate(), CLOSE_TIME);
    socket.once('close', () => clearTimeout(force));
    this.#afterClose = ending;
    socket.close(1000);
  }
  #afterClose: Ending | undefined;

  /** The session ends; its calls are treated as `onLost` says, unless we closed it ourselves. */
  #leave(): void {
    this.#stopPings();
    clearTimeout(this.#deafTimer);
    if (this.#closing !== undefined) this.#channel.close();
    else this.#options.surface.lose(() => this.#channel.close());
  }

  #finish(ending: Ending): void {
    if (this.#over) return;
    this.#over = true;
    this.#leave();
    if (this.#closing !== undefined) this.#end({ kind: 'ours', redial: this.#closing.redial });
    else this.#end(this.#afterClose ?? ending);
  }
}

/** setTimeout takes 31 bits. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Whether a message is an MCP ping, as machines write one; what looks like one inside a call is longer. */
function isPing(data: Buffer): boolean {
  return data.length < 200 && /"method"\s*:\s*"ping"/.test(data.toString('latin1'));
}

/** Some peers send text in binary frames. */
function isJson(data: Buffer): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
    return true;
  } catch {
    return false;
  }
}
