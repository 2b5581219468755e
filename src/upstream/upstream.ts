// One configured MCP server as the rest of the house sees it: assembled here, the work is done by its parts.
import { setTimeout as sleep } from 'node:timers/promises';
import type { UpstreamConfig } from '../config/schema.ts';
import type { CallContext } from '../core/context.ts';
import type { RequestCredentials } from '../core/credentials.ts';
import type { EventStream } from '../core/events.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import type { RpcNotification } from '../core/rpc.ts';
import type {
  StopOptions,
  Upstream,
  UpstreamCall,
  UpstreamFacts,
  UpstreamIdentity,
  UpstreamLists,
  UpstreamState,
} from '../core/upstream.ts';
import { Breaker } from '../resilience/breaker.ts';
import { DeadlineWheel } from '../resilience/deadline.ts';
import type { HostWatch } from '../resilience/host-watch.ts';
import { Limiter } from '../resilience/limiter.ts';
import { RetryBudget } from '../resilience/retry-budget.ts';
import type { StartSlots } from '../resilience/start-slots.ts';
import { Attempts } from './attempts.ts';
import { connect, type EraMemory } from './connect.ts';
import { forwards, type HeaderSet, withHeaders } from './forward-headers.ts';
import { withIdempotencyKey } from './idempotency.ts';
import { Link } from './link.ts';
import { type LinkSource, ownSessions, sharedByIdentity, sharedLink } from './link-source.ts';
import { ListKeeper } from './list-keeper.ts';
import { Liveness } from './liveness.ts';
import { LocalPorts } from './local-ports.ts';
import { ping, speaksModern } from './ping.ts';
import type { ChildRecords } from './process/leftovers.ts';
import { declaredCapabilities } from './server-requests.ts';
import { SessionPool } from './session-pool.ts';
import { settingsOf } from './settings.ts';
import { Subscriptions } from './subscriptions.ts';
import { type Ready, type StartPhase, Supervisor } from './supervisor.ts';
import type { Transport } from './transport.ts';
import { type CreateTransport, createTransport, transportKinds } from './transports/index.ts';
import { Upkeep } from './upkeep.ts';

/** How often a link that shall be replaced is looked at, and how long after its start it is asked for its era; ms. */
const UPGRADE_LOOK = 100;

export interface UpstreamDeps {
  events: EventStream;
  /** Shared by all upstreams of a gateway. */
  startSlots: StartSlots;
  eraMemory: EraMemory;
  /** How the gateway names itself in handshakes. */
  clientInfo: JsonObject;
  /** Lists of an earlier run under the same fingerprint, shown until this run has confirmed its own (10.14, 10.17). */
  keptLists?: UpstreamLists | undefined;
  /** Where children are written down for the next gateway. */
  records?: ChildRecords | undefined;
  /** Kinds of transport beside our own. */
  transports?: Readonly<Record<string, CreateTransport>> | undefined;
  /** Shared by all upstreams of a gateway; tells host problems apart from failures of one upstream. */
  hostWatch?: HostWatch | undefined;
  /** Shared by all upstreams of a gateway; sees servers of this machine come back. */
  localPorts?: LocalPorts | undefined;
  /** The gateway's login there. */
  credentials?: RequestCredentials | undefined;
  /** Gives [0, 1); for tests of the waits. */
  random?: (() => number) | undefined;
}

export interface ReconfigurableUpstream extends Upstream {
  /**
   * Takes changed settings while it runs, calls in flight untouched; `enabled` starts or stops it. Only for a change
   * for which `needsRestart` is false.
   */
  reconfigure(config: UpstreamConfig): void;
  /** Takes over what clients subscribed to at the upstream whose place this one takes. */
  inherit(from: ReconfigurableUpstream): void;
}

/** Nothing is started yet: call `start()`. */
export function createUpstream(name: string, config: UpstreamConfig, deps: UpstreamDeps): ReconfigurableUpstream {
  return new ConfiguredUpstream(name, config, deps);
}

class ConfiguredUpstream implements ReconfigurableUpstream {
  readonly name: string;
  #config: UpstreamConfig;
  readonly #settings: ReturnType<typeof settingsOf>;
  readonly #deps: UpstreamDeps;
  readonly #wheel = new DeadlineWheel();
  readonly #limiter: Limiter;
  readonly #supervisor: Supervisor;
  readonly #breaker: Breaker;
  readonly #liveness: Liveness;
  readonly #attempts: Attempts;
  readonly #upkeep: Upkeep;
  readonly #lists: ListKeeper;
  readonly #subscriptions: Subscriptions;
  readonly #notified = new Set<(notification: RpcNotification) => void>();
  readonly #changed = new Set<(what: 'state' | 'lists') => void>();
  /** In the modes `pooled` and `isolated`. */
  #pool: SessionPool | undefined;
  readonly #asks = { seen: false };
  readonly #hint = { probeKills: false };
  #identity: UpstreamIdentity | undefined;
  #transport: Transport | undefined;
  #lastExit: UpstreamFacts['lastExit'];
  #lastId = 0;
  #noise = 0;
  #errors = 0;
  #called = false;

  constructor(name: string, config: UpstreamConfig, deps: UpstreamDeps) {
    this.name = name;
    this.#config = config;
    this.#deps = deps;
    const settings = settingsOf(config);
    const { wheel, log } = { wheel: this.#wheel, log: this.#log };
    const ports = deps.localPorts ?? new LocalPorts();
    const limiter = Object.assign(settings.limiter, { wheel, upstream: name });
    const lists = Object.assign(settings.lists, { kept: deps.keptLists, changed: () => this.#tell('lists'), log });
    const supervisor = Object.assign(settings.supervisor, {
      name,
      process: config.command !== undefined,
      wheel,
      connect: (signal: AbortSignal, phase: (phase: StartPhase) => void) => this.#connect(signal, phase),
      revive: (ready: Ready, signal: AbortSignal) => this.#revive(ready, signal),
      changed: (from: UpstreamState, to: UpstreamState) => this.#stateChanged(from, to),
      log,
      elsewhere: () => this.#pool?.inFlight ?? 0,
      watch:
        config.command === undefined && config.url !== undefined
          ? ({ data }: GatewayFault, wanted: () => boolean, listens: () => void) =>
              data?.errno === 'ECONNREFUSED' ? ports.watch(config.url as string, wanted, listens) : () => undefined
          : undefined,
      spread: () => deps.hostWatch?.failed(name) ?? 0,
      random: deps.random,
    });
    const liveness = Object.assign(settings.liveness, { dead: (link: Link, why: string) => this.#dead(link, why) });
    const breaker = Object.assign(settings.breaker, {
      probe: (signal: AbortSignal) => this.#looks(signal),
      changed: (open: boolean) => this.#supervisor.degrade(open ? 'the circuit is open' : undefined),
      random: deps.random,
    });
    const upkeep = Object.assign(settings.upkeep, {
      busy: () => this.#limiter.inFlight > 0 || this.#subscriptions.size > 0,
      idle: () => this.#supervisor.rest(),
      tooLarge: (rss: number) => {
        log('warn', 'it uses more memory than supervisor.memoryLimit and is restarted', { rss });
        this.#supervisor.restart(false);
      },
    });
    this.#settings = settings;
    this.#limiter = new Limiter(limiter);
    this.#lists = new ListKeeper(lists);
    this.#subscriptions = new Subscriptions(lists);
    this.#supervisor = new Supervisor(supervisor, config.enabled ? 'never-started' : 'disabled');
    this.#liveness = new Liveness(liveness);
    this.#breaker = new Breaker(breaker);
    this.#upkeep = new Upkeep(upkeep);
    this.#attempts = new Attempts({
      name,
      config: () => this.#config,
      source: this.#source(),
      limiter: this.#limiter,
      turns: () => new Limiter({ inFlight: 1, queue: settings.limiter.queue, wheel, upstream: name }),
      breaker: this.#breaker,
      budget: new RetryBudget(),
      liveness: this.#liveness,
      lists: this.#lists,
      forgetEra: () => deps.eraMemory.set(name, undefined),
      forwarded: (names) => log('info', 'headers of the caller sent on', { names }),
      random: deps.random,
    });
  }

  get state(): UpstreamState {
    return this.#supervisor.state;
  }
  get identity(): UpstreamIdentity | undefined {
    return this.#identity;
  }
  get lists(): UpstreamLists {
    return this.#lists.lists;
  }

  facts(): UpstreamFacts {
    const link = this.#supervisor.current?.link;
    const { readyPatterns } = this.#config.supervisor;
    const stderr = this.#transport?.stderr ?? [];
    return {
      pid: link?.transport.pid,
      inFlight: this.#limiter.inFlight,
      peak: this.#limiter.peak,
      queued: this.#limiter.queued,
      restarts: this.#supervisor.restarts,
      noise: this.#noise + (link?.noise ?? 0),
      stderr,
      ...(readyPatterns.length > 0 && { printed: printedOf(readyPatterns, stderr) }),
      lastExit: this.#lastExit,
      errorCount: this.#errors + this.#supervisor.failedTries,
      reconnectAttempts: this.#supervisor.reconnects,
      connects: this.#supervisor.attempts,
      ...(this.#pool !== undefined && { pool: this.#pool.use }),
      lastCheck: this.#liveness.lastCheck,
      circuitOpen: this.#breaker.open,
      ...(this.#config.tls?.insecure === true && { certificate: 'not checked' }),
    };
  }

  async call(call: UpstreamCall, context: CallContext): Promise<UpstreamAnswer> {
    this.#called = true;
    try {
      const request = this.#config.idempotencyKey ? withIdempotencyKey(call, 1, context.id) : call;
      const answer = await this.#attempts.run(request, context);
      this.#errors = 0;
      return answer;
    } catch (thrown) {
      const fault = asFault(thrown, { correlationId: context.id });
      if (fault.fault !== 'CANCELLED') this.#errors++;
      // What a process wrote last is for its operator; it may hold what no caller should read.
      const { stderr: _, ...data } = fault.data ?? {};
      throw fault.with({ upstream: this.name, correlationId: context.id, data });
    } finally {
      this.#upkeep.used();
    }
  }

  async whenUp(context: CallContext): Promise<void> {
    await this.#linkNow(context);
  }

  /** The link for something that is no call. @throws GatewayFault as a call would be refused */
  async #linkNow({ deadline, signal }: CallContext): Promise<Link> {
    return await this.#supervisor.link(Math.min(deadline, performance.now() + this.#config.timeouts.call), signal);
  }

  async subscribe(uri: string, context: CallContext): Promise<UpstreamAnswer | undefined> {
    const began = performance.now();
    const link = await this.#linkNow(context);
    const answer = await this.#subscriptions.subscribe(uri, context);
    if (answer === undefined) return undefined;
    const timing = { attempts: 1, queue: 0, connect: 0, upstream: performance.now() - began };
    return { ...answer, era: link.era, timing };
  }

  unsubscribe(uri: string): Promise<void> {
    return this.#subscriptions.unsubscribe(uri);
  }

  onNotification(listener: (notification: RpcNotification) => void): () => void {
    this.#notified.add(listener);
    return () => this.#notified.delete(listener);
  }

  onChange(listener: (what: 'state' | 'lists') => void): () => void {
    this.#changed.add(listener);
    return () => this.#changed.delete(listener);
  }

  start(): void {
    if (this.#config.tls?.insecure)
      this.#log('warn', 'its certificate is not checked (tls.insecure): whoever answers is believed');
    // On demand means with the first call; but what has never been listed could never be called.
    if (this.#config.start === 'on-demand' && this.#deps.keptLists !== undefined) return;
    this.#supervisor.start();
  }

  async stop(options: StopOptions): Promise<void> {
    this.#breaker.dispose();
    this.#upkeep.end();
    await this.#supervisor.stop(options);
    await this.#closePool(options.reason);
    if (options.reason === 'removed' || options.reason === 'shutdown') this.#wheel.close();
  }

  inherit(from: ReconfigurableUpstream): void {
    if (from instanceof ConfiguredUpstream) this.#subscriptions.adopt(from.#subscriptions);
  }

  reconfigure(config: UpstreamConfig): void {
    this.#config = config;
    const next = settingsOf(config);
    for (const part of Object.keys(next) as (keyof typeof next)[]) Object.assign(this.#settings[part], next[part]);
    this.#limiter.resized();
    const { state } = this.state;
    if (!config.enabled && state !== 'disabled') {
      void this.stop({ drain: config.timeouts.drain, reason: 'disabled' });
      return;
    }
    if (config.enabled && state === 'disabled') this.start();
    const ready = this.#supervisor.current;
    if (ready !== undefined) this.#upkeep.begin(ready.link.transport, false);
  }

  /** Sessions of callers end with the upstream; a pool that is closed makes no new ones. */
  async #closePool(reason: string): Promise<void> {
    const text = `upstream "${this.name}" was stopped (${reason})`;
    const fault = new GatewayFault('UPSTREAM_NOT_READY', text, { upstream: this.name, delivery: 'maybe-sent' });
    await this.#pool?.close(fault);
  }

  restart({ force }: { force: boolean }): void {
    if (force) this.#breaker.close();
    this.#supervisor.restart(force);
  }

  #source(): LinkSource {
    const { session, pool, limits } = this.#config;
    const shared = session.mode === 'shared';
    if (shared && !forwards(this.#config)) return sharedLink(this.#supervisor);
    this.#pool = new SessionPool({
      name: this.name,
      mode: session.mode === 'shared' ? 'pooled' : session.mode,
      // Nobody's session can be opened before its caller is known.
      pool: shared ? { ...pool, min: 0 } : pool,
      queue: limits.queue,
      wheel: this.#wheel,
      connect: (capabilities, signal, headers) => this.#open(capabilities, signal, () => undefined, headers),
      log: this.#log,
    });
    if (shared)
      return sharedByIdentity(this.#supervisor, this.#pool, () => declaredCapabilities(this.#config.session.declare));
    return ownSessions(this.#supervisor, this.#pool);
  }

  /** The link that lists are read from; in `shared` mode calls take it too. */
  async #connect(signal: AbortSignal, phase: (phase: StartPhase) => void): Promise<Ready> {
    const known = this.#deps.eraMemory.get(this.name);
    const ready = await this.#open(declaredCapabilities(this.#config.session.declare), signal, phase);
    const { link, identity } = ready;
    try {
      phase('listing');
      this.#identity = identity;
      await this.#lists.attach(link, identity, signal);
      this.#subscriptions.attach(link, identity);
      if (known?.askable) void this.#lookForUpgrade(ready);
      return ready;
    } catch (fault) {
      this.#lists.detach();
      await link.close(asFault(fault, { upstream: this.name }), 0);
      throw fault;
    }
  }

  /**
   * A server that is remembered as legacy may have been upgraded since: it is asked beside its work, so that nobody
   * waits for the answer, and made anew in its new era when nothing is in flight (MP10).
   */
  async #lookForUpgrade({ link, identity }: Ready): Promise<void> {
    if (identity.era !== 'legacy') return;
    await sleep(UPGRADE_LOOK); // whoever waited for the link goes first
    if (!(await speaksModern(link, this.#config.health.timeout))) return;
    const { transport, serverInfo } = identity;
    const server = `${String(serverInfo.name ?? '')}@${String(serverInfo.version ?? '')}`;
    this.#deps.eraMemory.set(this.name, { era: 'modern', transport, server });
    while (link.inFlight > 0 && link.ended === undefined) await sleep(UPGRADE_LOOK);
    const fault = new GatewayFault('UPSTREAM_SESSION_LOST', 'the upstream has been upgraded', { upstream: this.name });
    this.#supervisor.renew(link, fault);
  }

  /** A fresh link and session, told these capabilities; with headers, in the name of the caller they came from. */
  #open(
    declared: JsonObject,
    signal: AbortSignal,
    phase: (phase: StartPhase) => void,
    headers?: HeaderSet,
  ): Promise<Ready> {
    const { name } = this;
    const own = this.#config;
    // A process that is reached by its URL runs once, however many sessions there are.
    const command = own.session.mode === 'shared' && own.url !== undefined ? undefined : own.command;
    const config = headers === undefined ? own : { ...own, command, headers: withHeaders(own.headers, headers) };
    const { transports, records, startSlots, eraMemory, clientInfo, credentials } = this.#deps;
    const process = config.command !== undefined;
    const log = this.#log;
    this.#refuseInvalid();
    return connect({
      upstream: name,
      kinds: transportKinds(config),
      create: (kind) => createTransport(kind, { upstream: name, config, log, records, credentials }, transports),
      link: (transport) => this.#link(transport),
      clientInfo,
      declared,
      timeout: process ? config.timeouts.start : config.timeouts.connect,
      memory: eraMemory,
      slots: process ? startSlots : undefined,
      wanted: () => this.#supervisor.waiting > 0,
      hint: this.#hint,
      signal,
      phase,
    });
  }

  /** A suspected link still holds its conversation; a modern server may have changed meanwhile, and is read again. */
  async #revive({ link }: Ready, signal: AbortSignal): Promise<boolean> {
    const result = await ping(link, this.#config.health.timeout, signal);
    if (result instanceof GatewayFault) throw result;
    if (result === 'answered' && link.era === 'modern') this.#lists.refresh();
    return result === 'answered';
  }

  /** The breaker's look: any answer at all means that the way is open. */
  async #looks(signal: AbortSignal): Promise<boolean> {
    const link = this.#supervisor.current?.link;
    if (link === undefined) return false; // the connect loop looks, and closes the breaker when it succeeds
    return typeof (await ping(link, this.#config.health.timeout, signal)) === 'string';
  }

  #dead(link: Link, why: string): void {
    const text = `upstream "${this.name}" does not answer any more: ${why}; it is replaced`;
    this.#log('warn', text);
    const fault = new GatewayFault('UPSTREAM_DISCONNECTED', text, { upstream: this.name, delivery: 'maybe-sent' });
    this.#supervisor.lost(link, fault);
  }

  /** What the file says wrongly of this one upstream is its start failure, not the file's (F-K9). */
  #refuseInvalid(): void {
    const { unresolved, invalid } = this.#config;
    const problems = [...invalid, ...unresolved.map((reference) => `${reference} has no value`)];
    if (problems.length === 0) return;
    const text = `upstream "${this.name}" cannot be started: ${problems.join('; ')}`;
    throw new GatewayFault('UPSTREAM_START_FAILED', text, { upstream: this.name, data: { permanent: true } });
  }

  #link(transport: Transport): Link {
    this.#transport = transport;
    const link: Link = new Link({
      upstream: this.name,
      transport,
      wheel: this.#wheel,
      nextId: () => ++this.#lastId,
      clientInfo: this.#deps.clientInfo,
      notified: (notification) => this.#notification(link, notification),
      closed: (fault) => this.#linkClosed(link, fault),
      asks: this.#asks,
      log: this.#log,
    });
    return link;
  }

  #linkClosed(link: Link, fault: GatewayFault): void {
    const { exit, pid } = link.transport;
    this.#noise += link.noise;
    if (exit !== undefined) {
      this.#lastExit = { ...exit, at: Date.now() };
      if (pid !== undefined) this.#deps.events.emit({ type: 'process.exited', upstream: this.name, pid, ...exit });
    }
    this.#pool?.drop(link);
    this.#supervisor.lost(link, fault);
  }

  #notification(link: Link, notification: RpcNotification): void {
    if (this.#lists.notified(notification.method)) return;
    // What a session of one caller tells is nobody else's business (requirements 10.6).
    if (this.#pool !== undefined && this.#supervisor.current?.link !== link) return;
    const told = this.#subscriptions.accept(notification);
    if (told === undefined) return;
    for (const listener of this.#notified) listener(told);
  }

  #stateChanged(from: UpstreamState, to: UpstreamState): void {
    const up = (state: UpstreamState): boolean => state.state === 'ready' || state.state === 'degraded';
    const link = this.#supervisor.current?.link;
    if (up(to) && !up(from) && link !== undefined) {
      // It was connected anew, or it answered: that is the probe.
      this.#breaker.close();
      this.#pool?.warm();
      if (this.#config.health.enabled) this.#liveness.watch(link);
      this.#upkeep.begin(link.transport, this.#config.start === 'on-demand' && !this.#called);
    } else if (up(from) && !up(to)) {
      this.#liveness.stop();
      this.#upkeep.end();
      if (to.state !== 'backoff') this.#lists.detach();
      if (to.state !== 'backoff') this.#subscriptions.detach();
    }
    if (from.state !== to.state) {
      const reason = 'cause' in to ? (to.cause instanceof GatewayFault ? to.cause.message : to.cause) : undefined;
      this.#deps.events.emit({ type: 'upstream.state', upstream: this.name, from: from.state, to: to.state, reason });
    }
    this.#tell('state');
  }

  #tell(what: 'state' | 'lists'): void {
    for (const listener of this.#changed) listener(what);
  }

  readonly #log = (level: 'debug' | 'info' | 'warn' | 'error', text: string, data?: Record<string, unknown>): void => {
    this.#deps.events.emit({ type: 'log', level, text, upstream: this.name, ...(data !== undefined && { data }) });
  };
}

/** Patterns that stand in a line, in whatever case. */
function printedOf(patterns: readonly string[], lines: readonly string[]): string[] {
  const printed = lines.map((line) => line.toLowerCase());
  return patterns.filter((pattern) => printed.some((line) => line.includes(pattern.toLowerCase())));
}
