// One configured MCP server as the rest of the house sees it: assembled here, the work is done by its parts.
import { performance } from 'node:perf_hooks';
import type { UpstreamConfig } from '../config/schema.ts';
import type { CallContext } from '../core/context.ts';
import type { EventStream } from '../core/events.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import type { RpcNotification } from '../core/rpc.ts';
import type {
  Upstream,
  UpstreamCall,
  UpstreamFacts,
  UpstreamIdentity,
  UpstreamLists,
  UpstreamState,
} from '../core/upstream.ts';
import { DeadlineWheel } from '../resilience/deadline.ts';
import { Limiter } from '../resilience/limiter.ts';
import type { StartSlots } from '../resilience/start-slots.ts';
import { HEADER_MISMATCH } from '../wire/revisions.ts';
import { connect, type EraMemory } from './connect.ts';
import { Link } from './link.ts';
import { ListKeeper } from './list-keeper.ts';
import type { LinkAnswer } from './pending.ts';
import type { ChildRecords } from './process/leftovers.ts';
import { declaredCapabilities } from './server-requests.ts';
import { Subscriptions } from './subscriptions.ts';
import { type Ready, Supervisor } from './supervisor.ts';
import type { Transport } from './transport.ts';
import { type CreateTransport, createTransport, transportKinds } from './transports/index.ts';

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
  /** Gives [0, 1); for tests of the waits. */
  random?: (() => number) | undefined;
}

/** Nothing is started yet: call `start()`. */
export function createUpstream(name: string, config: UpstreamConfig, deps: UpstreamDeps): Upstream {
  return new ConfiguredUpstream(name, config, deps);
}

class ConfiguredUpstream implements Upstream {
  readonly name: string;
  readonly #config: UpstreamConfig;
  readonly #deps: UpstreamDeps;
  readonly #wheel = new DeadlineWheel();
  readonly #limiter: Limiter;
  /** Callers of a server that asks questions on a shared channel, one at a time (requirements 10.6). */
  readonly #turns: Limiter;
  readonly #supervisor: Supervisor;
  readonly #lists: ListKeeper;
  readonly #subscriptions: Subscriptions;
  readonly #notified = new Set<(notification: RpcNotification) => void>();
  readonly #changed = new Set<(what: 'state' | 'lists') => void>();
  readonly #hint = { probeKills: false };
  #identity: UpstreamIdentity | undefined;
  #transport: Transport | undefined;
  #lastExit: UpstreamFacts['lastExit'];
  #lastId = 0;
  #noise = 0;
  #errors = 0;

  constructor(name: string, config: UpstreamConfig, deps: UpstreamDeps) {
    this.name = name;
    this.#config = config;
    this.#deps = deps;
    const { timeouts, limits, supervisor, recovery } = config;
    const inFlight = config.serial ? 1 : limits.inFlight;
    this.#limiter = new Limiter({ inFlight, queue: limits.queue, wheel: this.#wheel, upstream: name });
    this.#turns = new Limiter({ inFlight: 1, queue: limits.queue, wheel: this.#wheel, upstream: name });
    const log = this.#log;
    const changed = (): void => this.#tell('lists');
    this.#lists = new ListKeeper({ kept: deps.keptLists, timeout: timeouts.list, changed, log });
    this.#subscriptions = new Subscriptions({ timeout: timeouts.list, log });
    const process = config.command !== undefined;
    this.#supervisor = new Supervisor(
      {
        name,
        process,
        timeouts: { start: process ? timeouts.start : timeouts.connect, ready: timeouts.ready },
        cooldown: supervisor.cooldown,
        stableAfter: supervisor.stableAfter,
        dial: recovery.connect,
        waits: recovery.enabled,
        wheel: this.#wheel,
        connect: (signal, phase) => this.#connect(signal, phase),
        changed: (from, to) => this.#stateChanged(from, to),
        log,
        random: deps.random,
      },
      config.enabled ? 'never-started' : 'disabled',
    );
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
    return {
      pid: link?.transport.pid,
      inFlight: this.#limiter.inFlight,
      queued: this.#limiter.queued,
      restarts: this.#supervisor.restarts,
      noise: this.#noise + (link?.noise ?? 0),
      stderr: this.#transport?.stderr ?? [],
      lastExit: this.#lastExit,
      errorCount: this.#errors,
      reconnectAttempts: this.#supervisor.attempts,
    };
  }

  async call(call: UpstreamCall, context: CallContext): Promise<UpstreamAnswer> {
    try {
      return await this.#call(call, context);
    } catch (thrown) {
      this.#errors++;
      throw asFault(thrown, { correlationId: context.id }).with({ upstream: this.name, correlationId: context.id });
    }
  }

  async subscribe(uri: string, context: CallContext): Promise<UpstreamAnswer | undefined> {
    const began = performance.now();
    const link = await this.#supervisor.link(this.#deadline(undefined, context), context.signal);
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
    this.#supervisor.start();
  }

  async stop(options: { drain: number; reason: 'removed' | 'shutdown' | 'disabled' | 'idle' }): Promise<void> {
    await this.#supervisor.stop(options);
    if (options.reason === 'removed' || options.reason === 'shutdown') this.#wheel.close();
  }

  restart({ force }: { force: boolean }): void {
    this.#supervisor.restart(force);
  }

  #deadline(timeout: number | undefined, context: CallContext): number {
    return Math.min(context.deadline, performance.now() + (timeout ?? this.#config.timeouts.call));
  }

  async #call(call: UpstreamCall, context: CallContext): Promise<UpstreamAnswer> {
    const began = performance.now();
    const deadline = this.#deadline(call.timeout, context);
    this.#supervisor.refuseEarly();
    const place = this.#limiter.acquire(deadline, context.signal);
    if (place !== undefined) await place;
    try {
      const placed = performance.now();
      const waiting = this.#supervisor.link(deadline, context.signal);
      const link = waiting instanceof Link ? waiting : await waiting;
      const connected = performance.now();
      const answer = await this.#inTurn(link, call, context, deadline);
      const timing = {
        attempts: 1,
        queue: placed - began,
        connect: connected - placed,
        upstream: performance.now() - connected,
      };
      return { ...answer, era: link.era, timing };
    } finally {
      this.#limiter.release();
    }
  }

  async #inTurn(link: Link, call: UpstreamCall, context: CallContext, deadline: number): Promise<LinkAnswer> {
    if (!link.interactive || context.ask === undefined) return this.#send(link, call, context, deadline);
    await this.#turns.acquire(deadline, context.signal);
    try {
      return await this.#send(link, call, context, deadline);
    } finally {
      this.#turns.release();
    }
  }

  async #send(link: Link, call: UpstreamCall, context: CallContext, deadline: number): Promise<LinkAnswer> {
    const mirrors = link.era === 'modern' && link.transport.correlates && call.method === 'tools/call';
    const request = {
      method: call.method,
      params: call.params,
      exactArguments: call.exactArguments,
      subject: call.subject,
      headers: mirrors ? this.#lists.headersFor(call.subject, call.params.arguments) : undefined,
      deadline,
      length: call.timeout ?? this.#config.timeouts.call,
      context,
      signal: context.signal,
    };
    const answer = await link.request(request);
    if (!mirrors || !('error' in answer) || answer.error.code !== HEADER_MISMATCH) return answer;
    // The tool has changed since it was listed: its headers are read again, once (MP9).
    await this.#lists.refreshTools();
    return link.request({ ...request, headers: this.#lists.headersFor(call.subject, call.params.arguments) });
  }

  async #connect(
    signal: AbortSignal,
    phase: (phase: 'queued' | 'spawning' | 'handshake' | 'listing') => void,
  ): Promise<Ready> {
    const { name } = this;
    const config = this.#config;
    const { transports, records, startSlots, eraMemory, clientInfo } = this.#deps;
    const process = config.command !== undefined;
    const log = this.#log;
    this.#refuseInvalid();
    const { link, identity } = await connect({
      upstream: name,
      kinds: transportKinds(config),
      create: (kind) => createTransport(kind, { upstream: name, config, log, records }, transports),
      link: (transport) => this.#link(transport),
      clientInfo,
      declared: declaredCapabilities(config.session.declare),
      timeout: process ? config.timeouts.start : config.timeouts.connect,
      memory: eraMemory,
      slots: process ? startSlots : undefined,
      hint: this.#hint,
      signal,
      phase,
    });
    try {
      phase('listing');
      this.#identity = identity;
      await this.#lists.attach(link, identity, signal);
      this.#subscriptions.attach(link, identity);
      return { link, identity };
    } catch (fault) {
      this.#lists.detach();
      await link.close(asFault(fault, { upstream: name }), 0);
      throw fault;
    }
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
      notified: (notification) => this.#notification(notification),
      closed: (fault) => this.#linkClosed(link, fault),
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
    this.#supervisor.lost(link, fault);
  }

  #notification(notification: RpcNotification): void {
    if (this.#lists.notified(notification.method)) return;
    const told = this.#subscriptions.accept(notification);
    if (told === undefined) return;
    for (const listener of this.#notified) listener(told);
  }

  #stateChanged(from: UpstreamState, to: UpstreamState): void {
    if (from.state === 'ready' || from.state === 'degraded') {
      if (to.state !== 'degraded' && to.state !== 'ready') {
        this.#lists.detach();
        this.#subscriptions.detach();
      }
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
