// Several servers that do the same, under one name: one set of lists, calls spread over them, what is safe tried on
// another one when one fails, and a legacy client kept on the server that holds its state (requirements 10.2).
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { ReplicaConfig, UpstreamConfig } from '../config/schema.ts';
import { platformSignal } from '../core/call-signal.ts';
import type { CallContext } from '../core/context.ts';
import { EventStream } from '../core/events.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import type { RpcNotification } from '../core/rpc.ts';
import type {
  StateName,
  Upstream,
  UpstreamCall,
  UpstreamFacts,
  UpstreamIdentity,
  UpstreamLists,
  UpstreamState,
} from '../core/upstream.ts';
import { NO_LISTS } from '../core/upstream.ts';
import { Balancer } from '../resilience/balance.ts';
import { decideRetry } from '../resilience/retry.ts';
import { RetryBudget } from '../resilience/retry-budget.ts';
import { withIdempotencyKey } from './idempotency.ts';
import { leaveOut, leaveOutSlow, Replica } from './replica.ts';
import { createUpstream, type ReconfigurableUpstream, type UpstreamDeps } from './upstream.ts';

/** Legacy clients whose replica is remembered. */
const REMEMBERED_CLIENTS = 10_000;

/** The first of these that any replica is in is what the whole is in. */
const BEST_FIRST: readonly StateName[] = [
  'ready',
  'degraded',
  'starting',
  'backoff',
  'cooling_down',
  'needs_auth',
  'failed',
  'quarantined',
  'draining',
  'stopping',
  'stopped',
  'disabled',
];

/** Nothing is started yet: call `start()`. `config.replicas` holds at least one. */
export function createReplicatedUpstream(
  name: string,
  config: UpstreamConfig,
  deps: UpstreamDeps,
): ReconfigurableUpstream {
  return new ReplicatedUpstream(name, config, deps);
}

class ReplicatedUpstream implements ReconfigurableUpstream {
  readonly name: string;
  #config: UpstreamConfig;
  readonly #deps: UpstreamDeps;
  readonly #replicas: readonly Replica[];
  readonly #balancer: Balancer;
  readonly #budget = new RetryBudget();
  readonly #homes = new LRUCache<string, Replica>({ max: REMEMBERED_CLIENTS });
  readonly #subscribed = new Map<string, Replica>();
  readonly #changed = new Set<(what: 'state' | 'lists') => void>();
  #state: UpstreamState;
  #lists: UpstreamLists;
  /** Whose lists these are, as that replica gave them. */
  #source: UpstreamLists | undefined;

  constructor(name: string, config: UpstreamConfig, deps: UpstreamDeps) {
    this.name = name;
    this.#config = config;
    this.#deps = deps;
    this.#lists = deps.keptLists ?? NO_LISTS;
    this.#balancer = new Balancer(deps.random);
    this.#replicas = config.replicas.map((replica, index) => {
      const id = `${name}#${index + 1}`;
      const events = eventsOf(name, index + 1, deps.events);
      const upstream = createUpstream(id, single(config, replica), { ...deps, events });
      upstream.onChange((what) => (what === 'lists' ? this.#listsChanged() : this.#stateChanged()));
      return new Replica(upstream);
    });
    this.#state = this.#derived();
  }

  get state(): UpstreamState {
    return this.#state;
  }

  get identity(): UpstreamIdentity | undefined {
    return (this.#leader ?? this.#replicas.find(({ upstream }) => upstream.identity !== undefined))?.upstream.identity;
  }

  get lists(): UpstreamLists {
    return this.#lists;
  }

  facts(): UpstreamFacts {
    const all = this.#replicas.map(({ upstream }) => upstream.facts());
    const sum = (of: (facts: UpstreamFacts) => number) => all.reduce((total, facts) => total + of(facts), 0);
    const latest = (values: (number | undefined)[]) =>
      values.reduce((a, b) => (b === undefined || (a ?? 0) > b ? a : b), undefined);
    const exits = all.flatMap(({ lastExit }) => lastExit ?? []).sort((a, b) => b.at - a.at);
    return {
      pid: (this.#leader ?? this.#replicas[0])?.upstream.facts().pid,
      inFlight: sum(({ inFlight }) => inFlight),
      peak: Math.max(...all.map(({ peak }) => peak ?? 0)),
      queued: sum(({ queued }) => queued),
      restarts: sum(({ restarts }) => restarts),
      noise: sum(({ noise }) => noise),
      stderr: all.flatMap(({ stderr }, index) => stderr.map((line) => `#${index + 1} ${line}`)),
      lastExit: exits[0],
      errorCount: sum(({ errorCount }) => errorCount),
      reconnectAttempts: sum(({ reconnectAttempts }) => reconnectAttempts),
      connects: sum(({ connects }) => connects),
      ...(all.some(({ pool }) => pool !== undefined) && {
        pool: {
          inUse: sum(({ pool }) => pool?.inUse ?? 0),
          idle: sum(({ pool }) => pool?.idle ?? 0),
          waiting: sum(({ pool }) => pool?.waiting ?? 0),
        },
      }),
      lastCheck: latest(all.map(({ lastCheck }) => lastCheck)),
      circuitOpen: all.every(({ circuitOpen }) => circuitOpen === true),
      ...(all.some(({ certificate }) => certificate !== undefined) && { certificate: 'not checked' }),
    };
  }

  async call(call: UpstreamCall, context: CallContext): Promise<UpstreamAnswer> {
    const { recovery, timeouts, tools } = this.#config;
    const deadline = Math.min(context.deadline, performance.now() + (call.timeout ?? timeouts.call));
    const override =
      call.method === 'tools/call' && call.subject !== undefined ? tools.overrides[call.subject] : undefined;
    const retries = recovery.enabled ? recovery.call.retries : 0;
    const tried = new Set<Replica>();
    let repeats = 0;
    let unknown: GatewayFault | undefined;
    this.#budget.called();
    for (let attempts = 1; ; attempts++) {
      const replica = this.#pick(call, context, tried);
      const request = attempts > 1 ? withIdempotencyKey(call, attempts, context.id) : call;
      try {
        const answer = await this.#send(replica, request, { ...context, deadline });
        this.#budget.succeeded();
        return attempts === 1 ? answer : { ...answer, timing: { ...answer.timing, attempts } };
      } catch (thrown) {
        const fault = asFault(thrown).with({ upstream: this.name });
        if (fault.delivery === 'maybe-sent') unknown = fault;
        tried.add(replica);
        const other = this.#replicas.some((one) => !tried.has(one) && one.usable);
        const decision = decideRetry(
          {
            fault,
            safety: call.safety,
            tool: call.method === 'tools/call',
            mode:
              override?.retry === 'always' && !override.retryWritesTwice && call.safety === 'write'
                ? 'safe'
                : override?.retry,
            attempts,
            repeats,
            renewals: attempts,
            remaining: deadline - performance.now(),
          },
          { ...recovery.call, retries },
          this.#deps.random ?? Math.random,
        );
        // What one replica did not take, another one may: it is asked at once, whatever the first one's fault says.
        const elsewhere = other && attempts <= retries && untouched(fault);
        const again = elsewhere || (decision.again && recovery.enabled);
        const cost = decision.again ? decision.cost : 0;
        if (!again || context.signal.aborted || performance.now() >= deadline || !this.#budget.take(cost))
          throw unknown !== undefined && fault.delivery !== 'maybe-sent' ? unknown : fault;
        if (fault.delivery === 'maybe-sent') repeats++;
        if (!other && decision.again)
          await pause(Math.min(decision.delay, deadline - performance.now()), context.signal);
      }
    }
  }

  async whenUp(context: CallContext): Promise<void> {
    if (this.#leader !== undefined) return;
    const coming = this.#replicas.map(({ upstream }) => upstream.whenUp(context));
    await Promise.any(coming).catch((error: AggregateError) => {
      throw asFault(error.errors[0]).with({ upstream: this.name });
    });
  }

  async #send(replica: Replica, call: UpstreamCall, context: CallContext): Promise<UpstreamAnswer> {
    replica.begin();
    const began = performance.now();
    try {
      const answer = await replica.upstream.call(call, context);
      replica.good(performance.now() - began);
      this.#leftOut(replica, leaveOutSlow(replica, this.#replicas), 'answers far more slowly');
      return answer;
    } catch (thrown) {
      const fault = asFault(thrown);
      if (fault.row.breakerVote || fault.fault === 'CIRCUIT_OPEN') this.#failed(replica);
      throw fault;
    } finally {
      replica.end();
    }
  }

  #failed(replica: Replica): void {
    this.#leftOut(replica, leaveOut(replica, this.#replicas), 'fails more');
  }

  #leftOut(replica: Replica, until: number | undefined, why: string): void {
    if (until === undefined) return;
    const text = `replica ${replica.upstream.name} ${why} than the others and is left out for a while`;
    const data = { seconds: Math.round((until - performance.now()) / 1000), score: replica.score };
    this.#deps.events.emit({ type: 'log', level: 'warn', text, upstream: this.name, data });
    this.#stateChanged();
  }

  /** The replica for one try: those untried, ready, not left out and having the tool, as far as there are such. */
  #pick(call: UpstreamCall, context: CallContext, tried: ReadonlySet<Replica>): Replica {
    const has = (replica: Replica) => call.method !== 'tools/call' || replica.lists(call.subject);
    const narrowing: ((replica: Replica) => boolean)[] = [
      (replica) => !tried.has(replica),
      (replica) => replica.up,
      has,
      (replica) => replica.usable,
    ];
    let candidates = this.#replicas;
    for (const fits of narrowing) {
      const left = candidates.filter(fits);
      if (left.length > 0) candidates = left;
    }
    const key = this.#keepsState(context) ? `${context.principal.id}\0${context.client.key}` : undefined;
    const home = key === undefined ? undefined : this.#homes.get(key);
    if (home !== undefined && candidates.includes(home)) return home;
    const chosen = this.#balancer.choose(this.#config.strategy, candidates) as Replica;
    if (key !== undefined) this.#homes.set(key, chosen);
    return chosen;
  }

  /** A legacy client of legacy servers may have told one of them something that the others do not know. */
  #keepsState({ client }: CallContext): boolean {
    return client.era === 'legacy' && this.identity?.era === 'legacy' && this.#config.session.mode !== 'isolated';
  }

  async subscribe(uri: string, context: CallContext): Promise<UpstreamAnswer | undefined> {
    const call: UpstreamCall = { method: 'resources/subscribe', params: { uri }, safety: 'idempotent' };
    const replica = this.#subscribed.get(uri) ?? this.#pick(call, context, new Set());
    this.#subscribed.set(uri, replica);
    return await replica.upstream.subscribe(uri, context);
  }

  async unsubscribe(uri: string): Promise<void> {
    await this.#subscribed.get(uri)?.upstream.unsubscribe(uri);
  }

  onNotification(listener: (notification: RpcNotification) => void): () => void {
    const stops = this.#replicas.map(({ upstream }) => upstream.onNotification(listener));
    return () => {
      for (const stop of stops) stop();
    };
  }

  onChange(listener: (what: 'state' | 'lists') => void): () => void {
    this.#changed.add(listener);
    return () => this.#changed.delete(listener);
  }

  start(): void {
    for (const { upstream } of this.#replicas) upstream.start();
  }

  async stop(options: Parameters<Upstream['stop']>[0]): Promise<void> {
    await Promise.all(this.#replicas.map(({ upstream }) => upstream.stop(options)));
  }

  restart(options: { force: boolean }): void {
    for (const replica of this.#replicas) {
      if (options.force) replica.readmit();
      replica.upstream.restart(options);
    }
  }

  inherit(from: ReconfigurableUpstream): void {
    if (!(from instanceof ReplicatedUpstream)) return;
    from.#replicas.forEach(({ upstream }, index) => {
      this.#replicas[index]?.upstream.inherit(upstream);
    });
    for (const [uri, replica] of from.#subscribed) {
      const same = this.#replicas[from.#replicas.indexOf(replica)];
      if (same !== undefined) this.#subscribed.set(uri, same);
    }
  }

  /** Another number of replicas, or others, is a change that needs a restart. */
  reconfigure(config: UpstreamConfig): void {
    this.#config = config;
    this.#replicas.forEach(({ upstream }, index) => {
      const replica = config.replicas[index];
      if (replica !== undefined) upstream.reconfigure(single(config, replica));
    });
  }

  /** Whose word counts for all: the first that is up. */
  get #leader(): Replica | undefined {
    return this.#replicas.find(({ up }) => up);
  }

  #derived(): UpstreamState {
    const states = this.#replicas.map(({ upstream }) => upstream.state);
    const [best = { state: 'disabled', since: Date.now() } satisfies UpstreamState] = [...states].sort(
      (a, b) => BEST_FIRST.indexOf(a.state) - BEST_FIRST.indexOf(b.state),
    );
    if (best.state !== 'ready' && best.state !== 'degraded') return best;
    const bad = this.#replicas.filter(({ usable }) => !usable);
    if (best.state === 'ready' && bad.length === 0) return best;
    const which = bad.map(({ upstream, up }) => `${upstream.name} ${up ? 'left out' : upstream.state.state}`);
    const cause = bad.length > 0 ? which.join(', ') : best.state === 'degraded' ? best.cause : '';
    return { state: 'degraded', since: best.since, cause };
  }

  #stateChanged(): void {
    const from = this.#state;
    const to = this.#derived();
    this.#state = to.state === from.state ? { ...to, since: from.since } : to;
    if (from.state !== to.state) {
      const reason = 'cause' in to ? (to.cause instanceof GatewayFault ? to.cause.message : to.cause) : undefined;
      this.#deps.events.emit({ type: 'upstream.state', upstream: this.name, from: from.state, to: to.state, reason });
    }
    for (const listener of this.#changed) listener('state');
    // Another replica may be the one whose word counts now.
    this.#listsChanged();
  }

  #listsChanged(): void {
    const source = [this.#leader, ...this.#replicas].find((replica) => replica?.upstream.lists.confirmed);
    const lists = source?.upstream.lists;
    if (lists === undefined || lists === this.#source) return;
    this.#source = lists;
    this.#lists = { ...lists, revision: this.#lists.revision + 1 };
    for (const listener of this.#changed) listener('lists');
  }
}

/** What one replica tells, as news of the whole: nobody else knows it by a name of its own. */
function eventsOf(upstream: string, replica: number, whole: EventStream): EventStream {
  const own = new EventStream();
  own.subscribe((event) => {
    if (event.type === 'upstream.state') whole.emit({ ...event, type: 'replica.state', upstream, replica });
    else if (event.type === 'process.exited') whole.emit({ ...event, upstream, replica });
    else if (event.type === 'log') whole.emit({ ...event, upstream, data: { ...event.data, replica } });
    else whole.emit(event);
  });
  return own;
}

/** One replica's own configuration; trying again is for the whole to decide, and on another one. */
function single(config: UpstreamConfig, replica: ReplicaConfig): UpstreamConfig {
  const { recovery } = config;
  // What a finished replica does not have (a command, say), it does not inherit either.
  const laid = { ...config, ...replica } as UpstreamConfig;
  const transport = laid.transport === 'auto' && laid.url === undefined ? 'stdio' : laid.transport;
  return { ...laid, transport, replicas: [], recovery: { ...recovery, call: { ...recovery.call, retries: 0 } } };
}

/** It certainly did not run there, and the caller did not take it back. */
function untouched({ fault, delivery }: GatewayFault): boolean {
  return (
    fault !== 'CANCELLED' && fault !== 'DEADLINE_EXCEEDED' && ['not-sent', 'rejected-unprocessed'].includes(delivery)
  );
}

async function pause(delay: number, signal: CallContext['signal']): Promise<void> {
  if (delay > 0) await sleep(delay, undefined, { signal: platformSignal(signal) }).catch(() => undefined);
}
