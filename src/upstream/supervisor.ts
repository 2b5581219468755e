// What an upstream is doing and what it does next: the one writer of its state. Every start, loss, wait and stop goes
// through here; a generation number makes what an earlier life still says harmless (reliability §3).
import type { CallSignal } from '../core/call-signal.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import type { StopOptions, UpstreamIdentity, UpstreamState } from '../core/upstream.ts';
import type { DeadlineWheel } from '../resilience/deadline.ts';
import { type DialOptions, planDial } from '../resilience/dial.ts';
import { type CooldownOptions, planRestart, StormWatch } from '../resilience/restart.ts';
import type { Link } from './link.ts';
import { isPermanent, refusal } from './refusal.ts';
import { WaitingCalls } from './waiting.ts';

/** A link that is ready for calls. */
export interface Ready {
  link: Link;
  identity: UpstreamIdentity;
}

export type StartPhase = 'queued' | 'spawning' | 'handshake' | 'listing';

export interface SupervisorOptions {
  name: string;
  /** Whether it is a process of ours: starts are then counted and cooled down, else dialled again and again. */
  process: boolean;
  /** Milliseconds. */
  timeouts: { start: number; ready: number };
  cooldown: CooldownOptions;
  stableAfter: number;
  dial: DialOptions;
  /** False: nobody waits for an upstream that is away (requirements 8.2, recovery.enabled). */
  waits: boolean;
  wheel: DeadlineWheel;
  /** One whole start: transport, handshake, lists. @throws GatewayFault */
  connect(signal: AbortSignal, phase: (phase: StartPhase) => void): Promise<Ready>;
  /**
   * Calls `listens` once, when its server takes connections again and that can be known without a dial, as long as
   * `wanted`; `cause` ended the last dial. Returns the function that ends it.
   */
  watch?: ((cause: GatewayFault, wanted: () => boolean, listens: () => void) => () => void) | undefined;
  /**
   * Whether a link that was suspected still holds its conversation; false where a new one is needed.
   * @throws GatewayFault while nobody answers
   */
  revive(ready: Ready, signal: AbortSignal): Promise<boolean>;
  /** Is told every change before anybody else is. */
  changed(from: UpstreamState, to: UpstreamState): void;
  log(level: 'debug' | 'info' | 'warn' | 'error', text: string, data?: Record<string, unknown>): void;
  /** Calls in flight on links beside this one, which a drain waits for too. */
  elsewhere?: (() => number) | undefined;
  /** Further milliseconds to wait after a failure, when it is not this upstream's alone (10.3, host problem). */
  spread?: (() => number) | undefined;
  random?: (() => number) | undefined;
}

/** The state without its time. */
type NewState = UpstreamState extends infer S ? (S extends unknown ? Omit<S, 'since'> : never) : never;

/** A login that was refused is tried again without being asked after this long (reliability §2). */
const LOGIN_RETRY = 3_600_000;
/** What a server asks for with Retry-After is believed up to this long. */
const LONGEST_SILENCE = 3_600_000;
const DRAIN_STEP = 20;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #waiting: WaitingCalls;
  readonly #storm = new StormWatch();
  readonly #random: () => number;
  #state: UpstreamState;
  #ready: Ready | undefined;
  #readyAt = 0;
  /** The life that is being prepared or waited for; aborted when another one takes its place. */
  #life: AbortController | undefined;
  #wake: (() => void) | undefined;
  #failures = 0;
  #starts = 0;
  #attempts = 0;
  /** Of these, since it was last ready: all, and those that failed. */
  #tries = 0;
  #failedTries = 0;
  #stopping: Promise<void> | undefined;
  /** Settles when no earlier life has anything running any more. */
  #lives: Promise<void> | undefined;
  #forced = false;
  /** Until then a remote server asked not to be dialled (F-H2); on the clock of `performance.now()`. */
  #notBefore = 0;
  readonly #retiring = new Set<Link>();
  /** A link that may still hold; asked first when the way is open again. */
  #suspected: Ready | undefined;

  constructor(options: SupervisorOptions, first: 'disabled' | 'never-started') {
    this.#options = options;
    this.#waiting = new WaitingCalls(options.wheel);
    this.#random = options.random ?? Math.random;
    const since = Date.now();
    this.#state = first === 'disabled' ? { state: 'disabled', since } : { state: 'stopped', reason: first, since };
  }

  get state(): UpstreamState {
    return this.#state;
  }
  get current(): Ready | undefined {
    return this.#ready;
  }
  /** Starts after the first one that became ready. */
  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }
  get attempts(): number {
    return this.#attempts;
  }
  /** Tries to come back since it was last ready. */
  get reconnects(): number {
    return this.#starts === 0 ? Math.max(0, this.#tries - 1) : this.#tries;
  }
  get failedTries(): number {
    return this.#failedTries;
  }
  get #mayHurry(): boolean {
    return performance.now() >= this.#notBefore;
  }
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Makes it run, if it does not. */
  start(): void {
    const { state } = this.#state;
    if (state !== 'stopped' && state !== 'disabled') return;
    this.#begin({});
  }

  /** The link for a call, now or after a wait. @throws GatewayFault as requirements 10.15 */
  link(deadline: number, signal?: CallSignal): Link | Promise<Link> {
    if (this.#ready !== undefined) return this.#ready.link;
    if (this.#state.state === 'stopped' && this.#state.reason !== 'removed') this.#begin({});
    const { name, timeouts, waits } = this.#options;
    const refuse = (): GatewayFault => refusal(name, this.#state, Date.now());
    switch (this.#state.state) {
      case 'starting':
        return this.#waiting.wait(deadline, signal, refuse);
      case 'backoff': {
        if (!waits) throw refuse();
        const limit = Math.min(deadline, performance.now() + timeouts.ready);
        const waiting = this.#waiting.wait(limit, signal, refuse);
        // Somebody needs it now: the connect loop hurries (reliability §2, Connect loop).
        if (!this.#options.process && this.#waiting.size === 1 && this.#mayHurry) this.#wake?.();
        return waiting;
      }
      default:
        throw refuse();
    }
  }

  /** Throws where a call would be refused at once, before it waits for anything else. */
  refuseEarly(): void {
    const { state } = this.#state;
    if (state === 'ready' || state === 'degraded' || state === 'starting' || state === 'backoff') return;
    if (state === 'stopped' && this.#state.reason !== 'removed') return;
    throw refusal(this.#options.name, this.#state, Date.now());
  }

  /** The link has ended by itself, or a call found that the way to the server is broken. Late news is ignored. */
  lost(link: Link, fault: GatewayFault): void {
    if (this.#ready?.link !== link) return; // a suspected link that ends is found out when it is asked
    const lived = performance.now() - this.#readyAt;
    this.#ready = undefined;
    const behind = link.ended === undefined ? link.close(fault, 0) : undefined;
    const { process, stableAfter } = this.#options;
    if (fault.fault === 'UPSTREAM_UNAUTHORIZED') this.#begin({ after: LOGIN_RETRY, state: needsAuth(fault), behind });
    else if (isPermanent(fault)) this.#fail(fault);
    else if (!process) {
      this.#failures = 0;
      this.#begin({ state: away(0, 0, fault), behind });
    } else if (link.answered === 0 && lived < stableAfter) {
      const { wait, state } = this.#failedStart(fault);
      this.#begin({ after: wait, state, behind });
    } else {
      // It had served: that was no failed start (requirements 10.3).
      this.#failures = 0;
      const { wait: spaced, began } = this.#storm.exited(performance.now());
      const wait = Math.max(spaced, this.#options.spread?.() ?? 0);
      if (began) this.#options.log('error', 'restart_storm: more than 30 exits in 60 s; restarts are spaced by 1 s');
      this.#begin({ after: wait, state: wait > 0 ? away(wait, 0, fault) : undefined, behind });
    }
  }

  /**
   * The way to the server is broken although the link has no end of its own (streamable HTTP): nobody is sent there
   * until it answers again; what is in flight on it stays. True if that was news.
   */
  suspect(link: Link, fault: GatewayFault): boolean {
    const ready = this.#ready;
    // The way to a process of ours is as good as the process: its exit or its silence tells.
    if (ready?.link !== link || this.#options.process) return false;
    this.#ready = undefined;
    this.#failures = 0;
    this.#begin({ state: away(0, 0, fault), revive: ready });
    return true;
  }

  /** Ready, but not as it should be; undefined = as it should be. */
  degrade(cause: string | undefined): void {
    const { state } = this.#state;
    if (state === 'ready' && cause !== undefined) this.#enter({ state: 'degraded', cause });
    else if (state === 'degraded' && cause === undefined) this.#enter({ state: 'ready' });
  }

  /** Makes a new link in place of one whose session the server forgot; what still runs there may end. */
  renew(link: Link, fault: GatewayFault): void {
    if (this.#ready?.link !== link) return;
    this.#ready = undefined;
    if (this.#options.process) return this.#begin({ behind: link.close(fault) });
    this.#begin({});
    this.#retire(link, fault);
  }

  /** `force` skips one wait; the count of failures goes only if the start succeeds (requirements 10.3). */
  restart(force: boolean): void {
    const { state } = this.#state;
    if (state === 'disabled' || state === 'stopping' || state === 'draining') return;
    if (!force && (state === 'cooling_down' || state === 'starting')) return;
    const old = this.#ready?.link;
    this.#ready = undefined;
    this.#forced = force;
    const { name } = this.#options;
    const text = `upstream "${name}" is restarted`;
    const fault = new GatewayFault('UPSTREAM_NOT_READY', text, { upstream: name, delivery: 'maybe-sent' });
    this.#begin({ behind: old?.close(fault) });
  }

  /** Nobody has needed it for a while: its process ends, the next call starts it again. */
  rest(): void {
    const ready = this.#ready;
    if (ready === undefined || ready.link.inFlight > 0) return;
    this.#ready = undefined;
    this.#enter({ state: 'stopped', reason: 'idle' });
    this.#lives = Promise.allSettled([this.#lives, ready.link.close(this.#unwanted())]).then(() => undefined);
  }

  /** Ends link and process; calls in flight get `drain` milliseconds first. */
  stop(options: StopOptions): Promise<void> {
    this.#stopping ??= this.#stop(options).finally(() => {
      this.#stopping = undefined;
    });
    return this.#stopping;
  }

  async #stop({ drain, reason, grace }: StopOptions): Promise<void> {
    const ready = this.#ready ?? this.#suspected;
    this.#ready = undefined;
    this.#suspected = undefined;
    this.#life?.abort();
    this.#life = undefined;
    const elsewhere = this.#options.elsewhere ?? (() => 0);
    if (ready !== undefined && drain > 0 && ready.link.inFlight + elsewhere() > 0) {
      this.#enter({ state: 'draining' });
      await drained(ready.link, drain, elsewhere);
    }
    this.#enter({ state: 'stopping' });
    const { name } = this.#options;
    const fault = new GatewayFault('UPSTREAM_NOT_READY', `upstream "${name}" was stopped (${reason})`, {
      upstream: name,
      delivery: 'maybe-sent',
      hint: 'It was stopped before it answered; do not assume that the call did not run.',
    });
    this.#waiting.refuse(fault.with({ delivery: 'not-sent', hint: undefined }));
    await Promise.all([ready?.link, ...this.#retiring].map((link) => link?.close(fault, grace)));
    await this.#lives;
    const stopped = reason === 'idle' ? 'idle' : reason === 'disabled' ? undefined : 'removed';
    this.#enter(stopped === undefined ? { state: 'disabled' } : { state: 'stopped', reason: stopped });
  }

  /** A new life: waits `after` milliseconds in `state` (else it is starting), then tries until it is ready. */
  #begin(how: {
    after?: number;
    state?: NewState | undefined;
    behind?: Promise<void> | undefined;
    revive?: Ready | undefined;
  }): void {
    this.#life?.abort();
    const life = new AbortController();
    this.#life = life;
    const forgotten = this.#suspected;
    this.#suspected = how.revive;
    if (forgotten !== undefined) void forgotten.link.close(this.#unwanted(), 0).catch(() => undefined);
    const before = this.#lives;
    this.#lives = (async () => {
      // A process is gone before its successor is spawned; its ports and locks are free then.
      await Promise.allSettled([before, how.behind]);
      await this.#run(life.signal, how.after ?? 0);
    })().catch((error: unknown) => {
      if (!life.signal.aborted) this.#fail(asFault(error, { upstream: this.#options.name }));
    });
    if (how.state === undefined) this.#starting('queued');
    else this.#enter(how.state);
  }

  /** Tries until it is ready, has failed for good or is not wanted any more. */
  async #run(signal: AbortSignal, after: number): Promise<void> {
    let slow = 0;
    let cause: GatewayFault | undefined;
    for (let wait = after; ; ) {
      if (wait > 0) await this.#sleep(wait, signal, cause);
      if (signal.aborted) return;
      // A remote upstream stays `backoff` while it is dialled: its callers wait for `timeouts.ready`, not for ever.
      const quiet = !this.#options.process && this.#state.state === 'backoff';
      if (!quiet) this.#starting('queued');
      this.#attempts++;
      this.#tries++;
      try {
        const ready = await this.#attempt(signal, quiet);
        if (!signal.aborted) return this.#becomeReady(ready);
        if (ready !== this.#suspected) await ready.link.close(this.#unwanted(), 0);
        return;
      } catch (thrown) {
        if (signal.aborted) return;
        this.#failedTries++;
        const fault = asFault(thrown, { upstream: this.#options.name });
        cause = fault;
        if (isPermanent(fault)) return this.#fail(fault);
        if (fault.fault === 'UPSTREAM_UNAUTHORIZED') {
          this.#enter(needsAuth(fault));
          wait = LOGIN_RETRY;
        } else if (this.#options.process) {
          const next = this.#failedStart(fault);
          this.#enter(next.state);
          wait = next.wait;
          this.#tellTry(fault, wait);
        } else {
          const { since } = this.#waiting;
          const waitedFor = since === undefined ? undefined : performance.now() - since;
          const plan = planDial({ waitedFor, slow }, this.#options.dial, this.#random);
          if (plan.slow) slow++;
          const asked = Math.min(fault.retryAfterMs ?? 0, LONGEST_SILENCE);
          this.#notBefore = performance.now() + asked;
          wait = Math.max(plan.wait, this.#options.spread?.() ?? 0, asked);
          this.#enter(away(wait, ++this.#failures, fault));
          this.#tellTry(fault, wait);
        }
      }
    }
  }

  /** Every failed try with its reason (B-23); a server that is away for long has many, so they are for who asks. */
  #tellTry(cause: GatewayFault, wait: number): void {
    const data = { try: this.#tries, fault: cause.fault, reason: cause.message, nextInMs: Math.round(wait) };
    this.#options.log('debug', `try ${this.#tries} to connect failed`, data);
  }

  /** One try: the suspected link if it still holds, else a new one. */
  async #attempt(signal: AbortSignal, quiet: boolean): Promise<Ready> {
    const suspected = this.#suspected;
    if (suspected !== undefined) {
      if (suspected.link.ended === undefined && (await this.#options.revive(suspected, signal))) return suspected;
      if (this.#suspected === suspected) {
        this.#suspected = undefined;
        this.#retire(suspected.link);
      }
    }
    return this.#options.connect(signal, (phase) => {
      if (!signal.aborted && !quiet) this.#starting(phase);
    });
  }

  #becomeReady(ready: Ready): void {
    this.#life = undefined;
    if (this.#suspected !== ready) this.#starts++;
    this.#suspected = undefined;
    this.#tries = 0;
    this.#failedTries = 0;
    this.#ready = ready;
    this.#readyAt = performance.now();
    if (this.#forced || !this.#options.process) this.#failures = 0;
    this.#forced = false;
    this.#enter({ state: 'ready' });
    // The link may have ended between its last answer and now.
    if (ready.link.ended !== undefined) this.lost(ready.link, ready.link.ended);
    else this.#waiting.admit(ready.link);
  }

  /** Counts a failed start, and gives the wait (ms) and the state of its turn. */
  #failedStart(cause: GatewayFault): { wait: number; state: NewState } {
    const attempt = ++this.#failures;
    const { tier, wait: own } = planRestart(attempt, this.#options.cooldown, this.#random);
    const wait = Math.max(own, this.#options.spread?.() ?? 0);
    const until = Date.now() + wait;
    return { wait, state: { state: tier === 'fast' ? 'backoff' : 'cooling_down', attempt, until, cause } };
  }

  #starting(phase: StartPhase): void {
    const now = this.#state;
    if (now.state === 'starting' && now.phase === phase) return;
    const since = now.state === 'starting' ? now.since : Date.now();
    const deadline = since + this.#options.timeouts.start;
    this.#enter({ state: 'starting', attempt: this.#failures + 1, deadline, phase });
  }

  #fail(cause: GatewayFault): void {
    this.#life?.abort();
    this.#life = undefined;
    this.#enter({ state: 'failed', cause });
  }

  /** Calls in flight may end on a link that gets no new ones. */
  #retire(link: Link, fault = this.#unwanted()): void {
    this.#retiring.add(link);
    void drained(link, this.#options.timeouts.ready)
      .then(() => link.close(fault))
      .catch(() => undefined)
      .finally(() => this.#retiring.delete(link));
  }

  #unwanted(): GatewayFault {
    const { name } = this.#options;
    return new GatewayFault('UPSTREAM_NOT_READY', `upstream "${name}" is not wanted any more`, { upstream: name });
  }

  #enter(next: NewState): void {
    const from = this.#state;
    const to = { ...next, since: Date.now() } as UpstreamState;
    // While it stays away, its state has one beginning.
    if (from.state === to.state && (to.state === 'backoff' || to.state === 'starting')) to.since = from.since;
    this.#state = to;
    if (to.state === 'backoff') {
      if (from.state !== 'backoff') this.#waiting.limit(performance.now() + this.#options.timeouts.ready);
      if (!this.#options.waits) this.#waiting.refuse(refusal(this.#options.name, to, Date.now()));
    } else if (to.state === 'cooling_down' || to.state === 'failed' || to.state === 'needs_auth')
      this.#waiting.refuse(refusal(this.#options.name, to, Date.now()));
    this.#options.changed(from, to);
  }

  /** Waits; ends early when somebody wakes it or it is not wanted any more. */
  #sleep(milliseconds: number, signal: AbortSignal, cause: GatewayFault | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        unwatch?.();
        signal.removeEventListener('abort', done);
        if (this.#wake === done) this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      const waited = () => this.#waiting.size > 0;
      const unwatch =
        cause !== undefined && waited() && this.#mayHurry ? this.#options.watch?.(cause, waited, done) : undefined;
      this.#wake = done;
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }
}

function away(wait: number, attempt: number, cause: GatewayFault): NewState {
  return { state: 'backoff', attempt, until: Date.now() + wait, cause };
}

function needsAuth(cause: GatewayFault): NewState {
  return { state: 'needs_auth', cause, until: Date.now() + LOGIN_RETRY };
}

/** Resolves when a link has nothing in flight any more, or after `limit` milliseconds. */
async function drained(link: Link, limit: number, elsewhere = (): number => 0): Promise<void> {
  const end = performance.now() + limit;
  while (link.inFlight + elsewhere() > 0 && link.ended === undefined && performance.now() < end) {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, DRAIN_STEP);
    });
  }
}
