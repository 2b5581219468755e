// One endpoint: a remote MCP client that the gateway dials, and dials again, for as long as it is wanted (X-60 … X-62).
import type { EndpointConfig } from '../../config/schema-endpoint.ts';
import type { EventStream } from '../../core/events.ts';
import { asFault } from '../../core/fault.ts';
import type { Lease } from '../../core/shared.ts';
import type { GatewayIdentity } from '../../session/protocol.ts';
import { DialError, loadTls } from '../../wire/http-dial.ts';
import { type DialedSocket, type SocketDial, UpgradeRefused } from '../../wire/websocket.ts';
import { Connection, type Traffic } from './connection.ts';
import {
  describeEnding,
  type Ending,
  isRefusal,
  isReplaced,
  isUnclean,
  judge,
  SLOW_PROBE,
  type Verdict,
  waitAfter,
} from './ending.ts';
import { Score } from './score.ts';
import { readToken, shownText, shownUrl, type TokenFacts } from './token.ts';
import type { EndpointSurface } from './tool-shaping.ts';

/** What an endpoint is doing; each state carries only its own data. Times on the clock of `Date.now()`. */
export type EndpointState = { since: number } /** Not wanted now: a cold standby, or disconnected by somebody. */ & (
  | { state: 'idle' }
  | { state: 'disabled' }
  /** Another gateway of the cluster has it. */
  | { state: 'elsewhere' }
  | { state: 'dialling' }
  /** Open, but the peer has not introduced itself: not healthy (F-X5). */
  | { state: 'connected' }
  | { state: 'initialised' }
  | { state: 'backoff'; until: number }
  /** Another client has the place. */
  | { state: 'replaced'; until: number }
  /** Only a person can help; looked at once an hour all the same. */
  | { state: 'stopped'; until: number }
);

export interface EndpointDeps {
  dial(dial: SocketDial, signal: AbortSignal): Promise<DialedSocket>;
  identity: GatewayIdentity;
  limits: { body: number; depth: number };
  events: EventStream;
  /** Gives [0, 1). */
  random(): number;
  /** Extra milliseconds before this endpoint, lost now, is dialled (F-X8). */
  spread(baseDelay: number): number;
  /** Only who holds it may dial (F-R3); undefined for a gateway that is alone. */
  lease: Lease | undefined;
  /** Called after every change of state, at once. */
  changed(endpoint: Endpoint): void;
}

/** Refusals count while they are this close, in milliseconds (F-X1). */
const REFUSAL_WINDOW = 600_000;
/** A lease that comes within this is not told of, in milliseconds. */
const ELSEWHERE_AFTER = 250;
/** So many short connections that ended with 1000 in a row mean "replaced" without saying so. */
const SHORT_LIVES = 3;

export class Endpoint {
  readonly name: string;
  readonly score = new Score();
  readonly facts: TokenFacts;
  readonly surface: EndpointSurface;
  readonly #deps: EndpointDeps;
  #config: EndpointConfig;
  #state: EndpointState;
  #wanted = false;
  #running: Promise<void> | undefined;
  #abort = new AbortController();
  #wake: (() => void) | undefined;
  #connection: Connection | undefined;
  readonly #traffic: Traffic = { received: 0, sent: 0, dropped: 0 };
  #attempts = 0;
  #evictions = 0;
  #shortLives = 0;
  #refusals: number[] = [];
  #experience = { unclean: false, spokeWithin: undefined as number | undefined, doubts: 0 };
  #lost = false;
  #stopped = false;
  #lastConnected: number | undefined;
  #lastMessage: number | undefined;
  #lastError: string | undefined;

  constructor(name: string, config: EndpointConfig, surface: EndpointSurface, deps: EndpointDeps) {
    this.name = name;
    this.#config = config;
    this.surface = surface;
    this.#deps = deps;
    this.facts = readToken(config.url);
    this.#state = { state: config.enabled ? 'idle' : 'disabled', since: Date.now() };
  }

  get config(): EndpointConfig {
    return this.#config;
  }

  get state(): EndpointState {
    return this.#state;
  }

  /** Whether its socket is open. */
  get connected(): boolean {
    return this.#state.state === 'connected' || this.#state.state === 'initialised';
  }

  /** Whether it was lost, could not be reached, or was disconnected; not while it is on its first way up. */
  get down(): boolean {
    return !this.connected && this.#lost;
  }

  /** Connected, introduced, and with a score above 50 (4.2, F-X5). */
  get healthy(): boolean {
    return this.#state.state === 'initialised' && this.score.value > 50;
  }

  /** Takes settings over that need no new connection. */
  configure(config: EndpointConfig): void {
    this.#config = config;
  }

  /** Dials, now; a wait that is under way ends. Nothing happens where it is connected or disabled. */
  connect(): void {
    if (!this.#config.enabled) return;
    this.#wanted = true;
    if (this.#running === undefined || this.connected) this.#lost = false;
    this.#connection?.stay();
    if (this.#running === undefined) this.#running = this.#run();
    else this.#wake?.();
  }

  /** Closes the connection in order and dials no more until `connect`. */
  async disconnect(drain = this.#config.timeouts.drain): Promise<void> {
    this.#wanted = false;
    this.#lost = true;
    this.#wake?.();
    const connection = this.#connection;
    if (connection === undefined) this.#abort.abort('not wanted any more');
    else await connection.close(drain, false);
  }

  /** A new connection at once, after calls in flight: how some peers learn of changed tools. */
  async redial(): Promise<void> {
    await this.#connection?.close(this.#config.timeouts.drain, true);
  }

  /** The end: calls in flight are given `drain` milliseconds. */
  async close(drain: number): Promise<void> {
    await this.disconnect(drain);
    await this.#running;
    await this.#deps.lease?.release();
    this.surface.close();
  }

  async #run(): Promise<void> {
    while (this.#wanted) {
      this.#abort = new AbortController();
      if (!(await this.#mayDial(this.#abort.signal))) break;
      const ending = await this.#live(this.#abort.signal).catch((error) => this.#broke(error));
      if (!this.#wanted) break;
      const wait = this.#after(ending);
      if (wait === undefined) break;
      if (wait > 0) await this.#pause(wait);
    }
    this.#running = undefined;
    this.#wanted = false;
    this.#enter({ state: 'idle', since: Date.now() });
  }

  /** Waits until no other gateway has it; false where it is not wanted any more. */
  async #mayDial(signal: AbortSignal): Promise<boolean> {
    const { lease } = this.#deps;
    if (lease === undefined || lease.held) return true;
    const asking = lease.gained(signal).then(
      () => true,
      () => false,
    );
    const soon = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), ELSEWHERE_AFTER));
    const first = await Promise.race([asking, soon]);
    if (first !== undefined) return first;
    this.#lost = false;
    this.#enter({ state: 'elsewhere', since: Date.now() });
    return await asking;
  }

  /** A bug of ours ends one connection, not the endpoint. */
  #broke(error: unknown): Ending {
    const { message } = asFault(error);
    this.#deps.events.emit({
      type: 'log',
      level: 'error',
      text: `endpoint ${this.name}: ${shownText(message, this.#config.url)}`,
    });
    return { kind: 'unreachable', code: 'INTERNAL' };
  }

  /** One life of a connection. */
  async #live(signal: AbortSignal): Promise<Ending> {
    this.#enter({ state: 'dialling', since: Date.now() });
    const { url, timeouts, tls, health } = this.#config;
    const { identity, limits } = this.#deps;
    let dialed: DialedSocket;
    const { lease } = this.#deps;
    const stop = lease?.onLost(() => {
      this.#abort.abort('another gateway may have it');
      this.#connection?.drop();
    });
    try {
      const connectTls = tls === undefined ? { rejectUnauthorized: true } : await loadTls(tls, this.name);
      dialed = await this.#deps.dial(
        { url, headers: {}, tls: connectTls, timeout: timeouts.dial, maxPayload: limits.body },
        signal,
      );
    } catch (error) {
      stop?.();
      return lease?.held === false ? { kind: 'ours', redial: true } : this.#dialFailed(error);
    }
    const connection = new Connection(dialed, {
      surface: this.surface,
      principal: { id: `xiaozhi:${this.name}`, roles: ['call'] },
      identity,
      depth: limits.depth,
      health,
      experience: this.#experience,
      traffic: this.#traffic,
      initialised: () => this.#introduced(),
      answered: (time) => this.score.answered(time),
      mayLive: () => lease?.held !== false,
    });
    this.#connection = connection;
    if (lease?.held === false) connection.drop();
    this.#lastConnected = Date.now();
    if (!this.#wanted) void connection.close(0, false);
    this.#enter({ state: 'connected', since: Date.now() });
    this.#deps.events.emit({ type: 'face.connected', face: 'xiaozhi', endpoint: this.name });
    const ending = await connection.ended;
    stop?.();
    this.#connection = undefined;
    this.#learn(connection, ending);
    return ending;
  }

  #introduced(): void {
    this.#enter({ state: 'initialised', since: Date.now() });
    const { listed } = this.surface.table();
    const shown = this.surface.serving ? `${listed.length} tools` : 'a standby, no tools until it is needed';
    this.#deps.events.emit({
      type: 'log',
      level: 'info',
      text: `endpoint ${this.name}: the peer introduced itself; ${shown}`,
    });
  }

  #dialFailed(error: unknown): Ending {
    this.score.connectFailed();
    if (error instanceof UpgradeRefused) return { kind: 'refused', status: error.status };
    if (error instanceof DialError) return { kind: 'unreachable', code: error.code };
    return { kind: 'unreachable', code: asFault(error).fault };
  }

  #learn(connection: Connection, ending: Ending): void {
    const { spokeAfter, lastMessage } = connection;
    const before = this.#experience;
    if (lastMessage !== undefined) this.#lastMessage = Date.now() - (performance.now() - lastMessage);
    this.#experience = {
      unclean: isUnclean(ending),
      spokeWithin: spokeAfter === undefined ? before.spokeWithin : Math.max(before.spokeWithin ?? 0, spokeAfter),
      doubts: spokeAfter === undefined ? before.doubts + 1 : 0,
    };
    if (ending.kind === 'deaf') this.score.missed();
  }

  /** Decides what follows: milliseconds to the next dial, undefined for none. */
  #after(ending: Ending): number | undefined {
    if (ending.kind === 'ours') return 0;
    this.#lost = true;
    const { reconnect } = this.#config;
    const open = 'open' in ending ? ending.open : 0;
    if (open >= reconnect.stableAfter) {
      this.#attempts = 0;
      this.#evictions = 0;
      this.#shortLives = 0;
    }
    const now = performance.now();
    this.#refusals = isRefusal(ending) ? [...this.#refusals.filter((at) => now - at < REFUSAL_WINDOW), now] : [];
    const normal = ending.kind === 'closed' && ending.code === 1000 && open < reconnect.stableAfter;
    this.#shortLives = normal ? this.#shortLives + 1 : 0;
    // Once stopped, one refusal an hour is enough to stay so.
    const asked = judge(ending, this.#stopped ? Number.POSITIVE_INFINITY : this.#refusals.length);
    const verdict: Verdict = asked === 'heals' && this.#shortLives >= SHORT_LIVES ? 'replaced' : asked;
    this.#stopped = verdict === 'permanent';
    this.#attempts++;
    if (verdict === 'replaced') this.#evictions++;
    const attempt = verdict === 'replaced' ? this.#evictions : this.#attempts;
    let wait = waitAfter(verdict, attempt, reconnect, () => this.#deps.random());
    if ('open' in ending && verdict === 'heals') wait += this.#deps.spread(reconnect.baseDelay);
    this.#lastError = this.#describe(ending);
    const next = reconnect.enabled ? wait : undefined;
    this.#tell(ending, verdict, next);
    if (next === undefined) {
      this.#wanted = false;
      return undefined;
    }
    const state = { heals: 'backoff', replaced: 'replaced', permanent: 'stopped' } as const;
    this.#enter({ state: state[verdict], since: Date.now(), until: Date.now() + next });
    return Math.min(next, SLOW_PROBE * 2);
  }

  #describe(ending: Ending): string {
    const reason = ending.kind === 'closed' && !isReplaced(ending) ? shownText(ending.reason, this.#config.url) : '';
    return reason === '' ? describeEnding(ending) : `${describeEnding(ending)}: ${reason}`;
  }

  #tell(ending: Ending, verdict: Verdict, wait: number | undefined): void {
    const { events } = this.#deps;
    const reason = this.#lastError as string;
    if ('open' in ending)
      events.emit({ type: 'face.lost', face: 'xiaozhi', endpoint: this.name, reason, retryInMs: wait });
    const warn = (text: string) =>
      events.emit({
        type: 'log',
        level: 'warn',
        text: `endpoint ${this.name}: ${text}`,
        data: { url: shownUrl(this.#config.url) },
      });
    const again = wait === undefined ? '' : `; next try in ${Math.round(wait / 1000)} s`;
    if (verdict === 'permanent') warn(`${reason}: stopped${again}. Replace its URL with a fresh one.`);
    else if (verdict === 'replaced')
      warn(`${reason}${again}. Two programs use this token: end the other one, or give each a token of its own.`);
    else if (this.#attempts === this.#config.reconnect.quickAttempts + 1)
      warn(`${reason}: ${this.#attempts} failures in a row; it is tried every minute or so from now on`);
    else if (!('open' in ending)) {
      // The event of a lost connection says the rest; one that never came is told until everybody knows.
      const level = this.#attempts > this.#config.reconnect.quickAttempts ? 'debug' : 'info';
      events.emit({ type: 'log', level, text: `endpoint ${this.name}: ${reason}${again}` });
    }
  }

  async #pause(wait: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, wait);
    });
    clearTimeout(timer);
    this.#wake = undefined;
  }

  #enter(state: EndpointState): void {
    const from = this.#state.state;
    this.#state = state;
    if (from === state.state) return;
    const waits = 'until' in state;
    this.#deps.events.emit({
      type: 'endpoint.state',
      endpoint: this.name,
      from,
      to: state.state,
      ...(waits && { reason: this.#lastError }),
    });
    this.#deps.changed(this);
  }

  /** Everything a status page shows (D-02 and more); nothing of it is secret. */
  status(): EndpointStatus {
    const { url, group, role, standby, view } = this.#config;
    const { listed, leftOut, bytes } = this.surface.table();
    const state = this.#state;
    const last = this.#connection?.lastMessage;
    const lastMessage = last === undefined ? this.#lastMessage : Date.now() - (performance.now() - last);
    const { agent, endpointId, expiresAt } = this.facts;
    const owner = this.#deps.lease?.owner;
    return {
      name: this.name,
      endpoint: shownUrl(url),
      ...(group !== undefined && { group }),
      role,
      ...(role === 'standby' && { standby, promoted: this.surface.serving }),
      view,
      state: state.state,
      since: iso(state.since),
      ...('until' in state && { nextTryAt: iso(state.until) }),
      ...(state.state === 'elsewhere' && owner !== undefined && { owner }),
      connected: this.connected,
      initialised: state.state === 'initialised',
      healthy: this.healthy,
      ...(this.#lastConnected !== undefined && { lastConnected: iso(this.#lastConnected) }),
      ...(lastMessage !== undefined && { lastMessage: iso(lastMessage) }),
      ...(this.#lastError !== undefined && { lastError: this.#lastError }),
      reconnectAttempts: this.#attempts,
      healthScore: Math.round(this.score.value),
      ...(agent !== undefined && { agent }),
      ...(endpointId !== undefined && { endpointId }),
      ...(expiresAt !== undefined && { expiresAt: iso(expiresAt) }),
      tools: { listed: this.surface.serving ? listed.length : 0, bytes, leftOut: leftOut.length },
      calls: this.surface.calls,
      inFlight: this.surface.inFlight,
      tasks: this.surface.tasks,
      frames: { ...this.#traffic },
      remarks: this.#remarks(listed.length, leftOut, expiresAt),
    };
  }

  #remarks(listed: number, leftOut: readonly string[], expiresAt: number | undefined): string[] {
    const remarks: string[] = [];
    if (this.#state.state === 'connected')
      remarks.push('connected, not initialised: the peer has not said anything yet');
    if (leftOut.length > 0) remarks.push(`left out for maxTools or maxBytes: ${leftOut.slice(0, 20).join(', ')}`);
    else if (listed > MANY && this.#config.maxTools === undefined)
      remarks.push(`${listed} tools are listed; some relays hang above ${MANY} (maxTools)`);
    if (expiresAt !== undefined && expiresAt < Date.now()) remarks.push('the token says that it has expired');
    return remarks;
  }
}

/** Users report relays that hang above about this many tools (D-29). */
const MANY = 25;

function iso(time: number): string {
  return new Date(time).toISOString();
}

export interface EndpointStatus {
  name: string;
  /** Its address without the token. */
  endpoint: string;
  group?: string;
  role: 'active' | 'standby';
  standby?: 'warm' | 'cold';
  promoted?: boolean;
  view: string;
  state: EndpointState['state'];
  since: string;
  nextTryAt?: string;
  /** The gateway that has it, where it is another one of the cluster. */
  owner?: string;
  connected: boolean;
  initialised: boolean;
  healthy: boolean;
  lastConnected?: string;
  lastMessage?: string;
  lastError?: string;
  reconnectAttempts: number;
  healthScore: number;
  agent?: string;
  endpointId?: string;
  expiresAt?: string;
  tools: { listed: number; bytes: number; leftOut: number };
  calls: number;
  inFlight: number;
  /** Late results kept or awaited. */
  tasks: number;
  frames: Traffic;
  remarks: string[];
}
