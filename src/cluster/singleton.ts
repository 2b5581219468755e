// An upstream of which the cluster runs one: the gateway that holds its lease runs it, the others reach it through that
// gateway (requirements F-R10). To the rest of the house it is an upstream like any other.
import type { CallContext } from '../core/context.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import type { RpcNotification } from '../core/rpc.ts';
import type { Lease } from '../core/shared.ts';
import {
  NO_FACTS,
  NO_LISTS,
  type StopOptions,
  type Upstream,
  type UpstreamCall,
  type UpstreamFacts,
  type UpstreamIdentity,
  type UpstreamLists,
  type UpstreamState,
} from '../core/upstream.ts';
import type { Cluster } from './cluster.ts';

export interface SingletonOptions {
  /** Makes the upstream itself, anew each time this gateway becomes its owner; nothing is started yet. */
  make(): Upstream;
  /** How long a call waits while nobody has it, and for the owner's answer, in milliseconds. */
  timeouts: { ready: number; call: number };
}

interface Shown {
  lists: UpstreamLists;
  identity: UpstreamIdentity | undefined;
}

const VERB = 'upstream.call';
const SHOW = 'upstream.show';
const SUBSCRIBE = 'upstream.subscribe';
const CHANGED = 'upstream.changed';
const TOLD = 'upstream.told';
const RESTART = 'upstream.restart';
/** Between two looks for an owner, in milliseconds. */
const LOOK_AGAIN = 200;
/** How often what the owner shows is asked for, in case a message was lost, in milliseconds. */
const SHOW_EVERY = 5_000;

/** What this gateway does for the others: once for all singletons, which are found by name. */
export function serveSingletons(cluster: Cluster, singleton: (name: string) => Singleton | undefined): void {
  const owned = (name: unknown): Upstream => {
    const own = singleton(String(name))?.owned;
    if (own !== undefined) return own;
    const delivery = 'rejected-unprocessed';
    throw new GatewayFault('UPSTREAM_NOT_READY', `this gateway does not run ${JSON.stringify(name)}`, { delivery });
  };
  cluster.peers.serve(VERB, ({ upstream, call }, context) =>
    owned(upstream).call(call as unknown as UpstreamCall, context),
  );
  cluster.peers.serve(SUBSCRIBE, async ({ upstream, uri, on }, context) => {
    if (on === false) await owned(upstream).unsubscribe(String(uri));
    else return (await owned(upstream).subscribe(String(uri), context)) ?? { value: null };
    return { value: null };
  });
  cluster.peers.serve(SHOW, async ({ upstream }) => {
    const { lists, identity } = owned(upstream);
    return { value: { lists, identity } };
  });
  cluster.on(CHANGED, (name) => singleton(String(name))?.look());
  cluster.on(TOLD, (body) => {
    const { upstream, notification } = body as { upstream: string; notification: RpcNotification };
    singleton(upstream)?.told(notification);
  });
  cluster.on(RESTART, (body) => {
    const { upstream, force } = body as { upstream: string; force: boolean };
    singleton(upstream)?.owned?.restart({ force });
  });
}

export class Singleton implements Upstream {
  readonly name: string;
  readonly #options: SingletonOptions;
  readonly #cluster: Cluster;
  readonly #lease: Lease;
  readonly #uris = new Map<string, CallContext>();
  #changed: ((what: 'state' | 'lists') => void)[] = [];
  #notified: ((notification: RpcNotification) => void)[] = [];
  #local: Upstream | undefined;
  #shown: Shown | undefined;
  #since = Date.now();
  #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #ending: Promise<unknown> = Promise.resolve();

  constructor(name: string, cluster: Cluster, options: SingletonOptions) {
    this.name = name;
    this.#cluster = cluster;
    this.#options = options;
    this.#lease = cluster.lease(`upstream:${name}`);
    this.#lease.onLost(() => this.#lost());
  }

  /** The upstream itself, while it runs here. */
  get owned(): Upstream | undefined {
    return this.#lease.held ? this.#local : undefined;
  }

  get state(): UpstreamState {
    if (this.#local !== undefined) return this.#local.state;
    if (this.#stop.signal.aborted) return { state: 'stopped', reason: 'removed', since: this.#since };
    if (this.#shown !== undefined) return { state: 'ready', since: this.#since };
    return { state: 'starting', attempt: 1, deadline: Number.POSITIVE_INFINITY, phase: 'queued', since: this.#since };
  }

  get identity(): UpstreamIdentity | undefined {
    return this.#local?.identity ?? this.#shown?.identity;
  }

  get lists(): UpstreamLists {
    return this.#local?.lists ?? this.#shown?.lists ?? NO_LISTS;
  }

  facts(): UpstreamFacts {
    return this.#local?.facts() ?? NO_FACTS;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#stop = new AbortController();
    this.#timer = setInterval(() => this.look(), SHOW_EVERY).unref();
    void this.#own();
    this.look();
  }

  async stop(options: StopOptions): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stop.abort();
    const local = this.#local;
    this.#local = undefined;
    await Promise.all([local?.stop(options), this.#ending]);
    await this.#lease.release();
  }

  restart({ force }: { force: boolean }): void {
    if (this.owned !== undefined) this.owned.restart({ force });
    else this.#cluster.tell(RESTART, { upstream: this.name, force });
  }

  async call(call: UpstreamCall, context: CallContext): Promise<UpstreamAnswer> {
    const repeats = call.safety === 'write' ? 0 : 1;
    return await this.#somewhere(
      context,
      repeats,
      (own) => own.call(call, context),
      (owner, bounded) =>
        this.#cluster.peers.ask(owner, { verb: VERB, body: { upstream: this.name, call: call as never } }, bounded),
    );
  }

  async whenUp(context: CallContext): Promise<void> {
    if (this.#shown !== undefined && this.#local === undefined) return;
    await this.#somewhere(
      context,
      1,
      (own) => own.whenUp(context),
      async (owner, bounded) => this.#show((await this.#ask(owner, SHOW, {}, bounded)) as Shown),
    );
  }

  async subscribe(uri: string, context: CallContext): Promise<UpstreamAnswer | undefined> {
    this.#uris.set(uri, context);
    return await this.#somewhere(
      context,
      1,
      (own) => own.subscribe(uri, context),
      async (owner, bounded) => {
        await this.#ask(owner, SUBSCRIBE, { uri, on: true }, bounded);
        return undefined;
      },
    );
  }

  async unsubscribe(uri: string): Promise<void> {
    const context = this.#uris.get(uri);
    this.#uris.delete(uri);
    const { owner } = this.#lease;
    if (this.owned !== undefined) await this.owned.unsubscribe(uri);
    else if (owner !== undefined && context !== undefined)
      await this.#ask(owner, SUBSCRIBE, { uri, on: false }, context);
  }

  onNotification(listener: (notification: RpcNotification) => void): () => void {
    this.#notified = [...this.#notified, listener];
    return () => {
      this.#notified = this.#notified.filter((other) => other !== listener);
    };
  }

  onChange(listener: (what: 'state' | 'lists') => void): () => void {
    this.#changed = [...this.#changed, listener];
    return () => {
      this.#changed = this.#changed.filter((other) => other !== listener);
    };
  }

  /** The owner told something unasked. */
  told(notification: RpcNotification): void {
    if (this.#local === undefined) for (const listener of this.#notified) listener(notification);
  }

  /** Asks the owner what it shows now. */
  look(): void {
    const { owner } = this.#lease;
    if (this.#local !== undefined || this.#stop.signal.aborted) return;
    if (owner === undefined) return void setTimeout(() => this.look(), LOOK_AGAIN).unref();
    this.#ask(owner, SHOW, {}, ownContext(this.#stop.signal)).then(
      (value) => this.#show(value as Shown),
      () => void setTimeout(() => this.look(), 5 * LOOK_AGAIN).unref(),
    );
  }

  #show(shown: Shown): void {
    const before = this.#shown;
    this.#shown = shown;
    if (before === undefined) this.#tell('state');
    if (JSON.stringify(before?.lists) !== JSON.stringify(shown.lists)) this.#tell('lists');
  }

  #ask(owner: string, verb: string, body: JsonObject, context: CallContext): Promise<unknown> {
    return this.#cluster.peers.value(owner, { verb, body: { upstream: this.name, ...body } }, context);
  }

  /** Wherever it runs; waits while that is nowhere. What may have been done is repeated `repeats` times at most. */
  async #somewhere<T>(
    context: CallContext,
    repeats: number,
    here: (own: Upstream) => Promise<T>,
    there: (owner: string, bounded: CallContext) => Promise<T>,
  ): Promise<T> {
    const { ready, call } = this.#options.timeouts;
    const end = Math.min(context.deadline, performance.now() + ready);
    for (let left = repeats; ; ) {
      const { owned } = this;
      if (owned !== undefined) return await here(owned);
      const { owner } = this.#lease;
      try {
        if (owner !== undefined) return await there(owner, bounded(context, call));
      } catch (error) {
        const fault = asFault(error, { upstream: this.name });
        const undone = fault.delivery === 'not-sent' || fault.delivery === 'rejected-unprocessed';
        const waits = fault.fault === 'UPSTREAM_UNREACHABLE' || fault.fault === 'UPSTREAM_NOT_READY';
        if (!(undone && waits) && !(fault.fault === 'UPSTREAM_DISCONNECTED' && left-- > 0)) throw fault;
      }
      if (performance.now() >= end || context.signal.aborted) {
        throw new GatewayFault('UPSTREAM_NOT_READY', `no gateway of the cluster runs "${this.name}" right now`, {
          upstream: this.name,
          correlationId: context.id,
          retryAfterMs: 1_000,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    }
  }

  /** Asks for the lease, runs it, and asks again once it was lost. */
  async #own(): Promise<void> {
    try {
      await this.#lease.gained(this.#stop.signal);
      // The one before has to be gone.
      await this.#ending;
    } catch {
      return;
    }
    if (this.#stop.signal.aborted || !this.#lease.held) return this.#stop.signal.aborted ? undefined : this.#own();
    const local = this.#options.make();
    this.#local = local;
    this.#since = Date.now();
    local.onChange((what) => {
      this.#tell(what);
      if (local.state.state === 'ready') this.#cluster.tell(CHANGED, this.name);
    });
    local.onNotification((notification) => {
      for (const listener of this.#notified) listener(notification);
      this.#cluster.tell(TOLD, { upstream: this.name, notification });
    });
    local.start();
    for (const [uri, context] of this.#uris) void local.subscribe(uri, context).catch(() => undefined);
  }

  #lost(): void {
    const local = this.#local;
    this.#local = undefined;
    this.#since = Date.now();
    if (local !== undefined) {
      this.#shown ??= { lists: local.lists, identity: local.identity };
      this.#ending = local.stop({ drain: 0, reason: 'removed' }).catch(() => undefined);
    }
    this.#tell('state');
    if (!this.#stop.signal.aborted) void this.#own();
  }

  #tell(what: 'state' | 'lists'): void {
    for (const listener of this.#changed) listener(what);
  }
}

function bounded(context: CallContext, call: number): CallContext {
  return { ...context, deadline: Math.min(context.deadline, performance.now() + call) };
}

function ownContext(signal: AbortSignal): CallContext {
  return {
    id: 'cluster',
    face: 'admin',
    principal: { id: 'cluster', roles: ['read'] },
    client: { era: 'modern', revision: '', capabilities: {}, info: {}, key: 'cluster' },
    deadline: performance.now() + 5_000,
    signal,
  };
}
