// Upstream sessions that belong to one caller (`pooled`) or to one call (`isolated`): handed out, kept ready within
// bounds, and never handed on with another caller's state (requirements 10.6).
import type { CallSignal } from '../core/call-signal.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import type { PoolUse } from '../core/upstream.ts';
import type { DeadlineWheel } from '../resilience/deadline.ts';
import { Limiter } from '../resilience/limiter.ts';
import { type HeaderSet, identityKey } from './forward-headers.ts';
import type { Link } from './link.ts';
import type { Ready } from './supervisor.ts';

export interface SessionPoolOptions {
  name: string;
  mode: 'pooled' | 'isolated';
  /** Sessions kept ready, sessions at most; how long one may stay unused and how old it may get (ms). */
  pool: { min: number; max: number; idle: number; maxAge: number };
  /** Calls that may wait for a session. */
  queue: number;
  wheel: DeadlineWheel;
  /** Makes a session that was told these capabilities, in the name of the caller with these headers. @throws GatewayFault */
  connect(capabilities: JsonObject, signal: AbortSignal, headers?: HeaderSet): Promise<Ready>;
  log(level: 'debug' | 'info' | 'warn' | 'error', text: string, data?: Record<string, unknown>): void;
}

/** Who asks: sessions with another key, other capabilities or other headers are never given to him. */
export interface Caller {
  key: string;
  capabilities: JsonObject;
  /** What says who he is, where the caller's headers are forwarded. */
  headers?: HeaderSet | undefined;
}

interface Session {
  /** The caller it belongs to; undefined while it is only kept ready. */
  owner: string | undefined;
  capabilities: string;
  /** Hash of the headers it was opened with. */
  identity: string;
  made: number;
  used: number;
  busy: number;
  /** Holds the place of its owner while it is busy. */
  ready: Promise<Ready>;
  link: Link | undefined;
  dead: boolean;
}

const LONGEST_SWEEP = 60_000;
const SHORTEST_SWEEP = 20;

export class SessionPool {
  readonly #options: SessionPoolOptions;
  readonly #places: Limiter;
  readonly #sessions = new Set<Session>();
  #stop = new AbortController();
  readonly #making = new Set<Promise<Ready>>();
  readonly #closing = new Set<Promise<void>>();
  #wanted: JsonObject = {};
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SessionPoolOptions) {
    this.#options = options;
    const { pool, queue, wheel, name } = options;
    this.#places = new Limiter({ inFlight: pool.max, queue, wheel, upstream: name });
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** How much of it is taken. */
  get use(): PoolUse {
    let inUse = 0;
    for (const session of this.#sessions) if (session.busy > 0) inUse++;
    return { inUse, idle: this.#sessions.size - inUse, waiting: this.#places.queued };
  }

  /** Calls in flight on all sessions. */
  get inFlight(): number {
    let all = 0;
    for (const session of this.#sessions) all += session.busy;
    return all;
  }

  /** Gives a session of this caller alone; owes one `release`. @throws GatewayFault nothing of the call was sent */
  async lease(caller: Caller, deadline: number, signal: CallSignal): Promise<Link> {
    const identity = identityKey(caller.headers);
    const owner = `${caller.key}\n${identity}\n${JSON.stringify(caller.capabilities)}`;
    this.#wanted = caller.capabilities;
    const shared = this.#options.mode === 'pooled' ? this.#of(owner) : undefined;
    if (shared !== undefined && shared.busy > 0) {
      shared.busy++;
      return this.#link(shared, deadline, signal);
    }
    const place = this.#places.acquire(deadline, signal);
    if (place !== undefined) await place;
    // Another call of this caller may have come to a session while this one waited.
    const meanwhile = this.#options.mode === 'pooled' ? this.#of(owner) : undefined;
    if (meanwhile !== undefined && meanwhile.busy > 0) this.#places.release();
    const session =
      meanwhile ??
      this.#unused(JSON.stringify(caller.capabilities), identity) ??
      this.#make(caller.capabilities, identity, caller.headers);
    session.owner = owner;
    session.busy++;
    return this.#link(session, deadline, signal);
  }

  /** The call is over. */
  release(link: Link): void {
    for (const session of this.#sessions) {
      if (session.link === link) {
        this.#released(session);
        return;
      }
    }
  }

  /** A session that is dead or suspected reaches no further call; what is in flight on it may end. */
  drop(link: Link): void {
    for (const session of this.#sessions) {
      if (session.link !== link) continue;
      session.dead = true;
      if (session.busy === 0) this.#discard(session);
    }
  }

  /** Fills up to the minimum. */
  warm(): void {
    const { min, max } = this.#options.pool;
    if (this.#stop.signal.aborted) return;
    let ready = [...this.#sessions].filter((session) => session.busy === 0 && !session.dead).length;
    for (; ready < min && this.#sessions.size < max; ready++) this.#make(this.#wanted, '');
  }

  async close(fault: GatewayFault): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    for (const session of [...this.#sessions]) this.#discard(session, fault);
    // What was just being made ends too, before this is over.
    await Promise.allSettled(this.#making);
    await Promise.all(this.#closing);
    this.#stop = new AbortController(); // the upstream may be started again
  }

  #of(owner: string): Session | undefined {
    for (const session of this.#sessions) {
      if (session.owner !== owner || session.dead) continue;
      if (session.busy > 0 || !this.#old(session)) return session;
      this.#discard(session);
    }
    return undefined;
  }

  /** One that was made ready and has never belonged to anybody. */
  #unused(capabilities: string, identity: string): Session | undefined {
    for (const session of this.#sessions) {
      if (session.owner !== undefined || session.capabilities !== capabilities || session.identity !== identity)
        continue;
      if (!session.dead && !this.#old(session)) return session;
    }
    return undefined;
  }

  #old(session: Session): boolean {
    return performance.now() - session.made > this.#options.pool.maxAge || session.link?.ended !== undefined;
  }

  #make(capabilities: JsonObject, identity: string, headers?: HeaderSet): Session {
    if (this.#sessions.size >= this.#options.pool.max) this.#evict();
    const now = performance.now();
    const session: Session = {
      owner: undefined,
      capabilities: JSON.stringify(capabilities),
      identity,
      made: now,
      used: now,
      busy: 0,
      ready: this.#options.connect(capabilities, this.#stop.signal, headers),
      link: undefined,
      dead: false,
    };
    this.#sessions.add(session);
    this.#making.add(session.ready);
    session.ready.then(
      ({ link }) => {
        this.#making.delete(session.ready);
        session.link = link;
        if (!this.#sessions.has(session)) this.#end(link);
      },
      (fault: unknown) => {
        this.#making.delete(session.ready);
        session.dead = true;
        this.#sessions.delete(session);
        if (session.busy === 0 && !this.#stop.signal.aborted)
          this.#options.log('warn', 'a session could not be made ready', { error: String(fault) });
      },
    );
    this.#sweepLater();
    return session;
  }

  /** Makes room: of those that nobody uses, the one that has not been used for longest. */
  #evict(): void {
    let oldest: Session | undefined;
    for (const session of this.#sessions) {
      if (session.busy === 0 && (oldest === undefined || session.used < oldest.used)) oldest = session;
    }
    if (oldest !== undefined) this.#discard(oldest);
  }

  async #link(session: Session, deadline: number, signal: CallSignal): Promise<Link> {
    try {
      const { link } = await this.#before(session.ready, deadline, signal);
      if (link.ended === undefined) return link;
      throw link.ended;
    } catch (thrown) {
      const fault = asFault(thrown, { upstream: this.#options.name });
      const gaveUp = session.link === undefined && !session.dead;
      // Who gave up waiting has not used it: it is as good as new for the next one.
      if (gaveUp && session.busy === 1) session.owner = undefined;
      else if (!gaveUp) session.dead = true;
      this.#released(session);
      throw fault.with({ delivery: 'not-sent' });
    }
  }

  #before<T>(promise: Promise<T>, deadline: number, signal: CallSignal): Promise<T> {
    const { wheel, name } = this.#options;
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(new GatewayFault('CANCELLED', 'the caller cancelled before anything was sent'));
      const text = `a session of upstream "${name}" was not ready in time`;
      const late = wheel.add(deadline, () => reject(new GatewayFault('UPSTREAM_NOT_READY', text, { upstream: name })));
      signal.addEventListener('abort', abort, { once: true });
      promise.then(resolve, reject).finally(() => {
        late.cancel();
        signal.removeEventListener('abort', abort);
      });
    });
  }

  #released(session: Session): void {
    session.busy--;
    session.used = performance.now();
    if (session.busy > 0) return;
    this.#places.release();
    const used = this.#options.mode === 'isolated' && session.owner !== undefined;
    if (session.dead || used || this.#old(session)) this.#discard(session);
    this.warm();
  }

  #discard(session: Session, fault?: GatewayFault): void {
    this.#sessions.delete(session);
    if (session.link !== undefined) this.#end(session.link, fault);
  }

  #end(
    link: Link,
    fault = new GatewayFault('UPSTREAM_NOT_READY', 'the session is over', { delivery: 'maybe-sent' }),
  ): void {
    const closing = link.close(link.ended ?? fault).catch(() => undefined);
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }

  #sweepLater(): void {
    if (this.#timer !== undefined || this.#stop.signal.aborted) return;
    const { idle } = this.#options.pool;
    this.#timer = setTimeout(() => this.#sweep(), Math.min(Math.max(idle / 2, SHORTEST_SWEEP), LONGEST_SWEEP));
  }

  #sweep(): void {
    this.#timer = undefined;
    const { idle, min } = this.#options.pool;
    const now = performance.now();
    let kept = this.#sessions.size;
    for (const session of this.#sessions) {
      if (session.busy > 0) continue;
      const spare = now - session.used > idle && kept > min;
      if (!spare && !session.dead && !this.#old(session)) continue;
      this.#discard(session);
      kept--;
    }
    this.warm();
    if (this.#sessions.size > 0) this.#sweepLater();
  }
}
