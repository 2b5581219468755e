// The running upstreams of one configuration, and how one set becomes the next: the new one is up before the old one
// goes, and what did not change is not touched (requirements X-07; reliability F-K6, F-K7).
import { isDeepStrictEqual } from 'node:util';
import type { CatalogMember } from './catalog/entries.ts';
import { prefixOf } from './catalog/naming.ts';
import type { Cluster } from './cluster/cluster.ts';
import { Singleton } from './cluster/singleton.ts';
import { UNCOMPILED } from './config/parsing.ts';
import { fingerprint } from './config/plan.ts';
import type { Config, UpstreamConfig } from './config/schema.ts';
import type { CustomToolsConfig } from './config/schema-custom.ts';
import { upstreamSchema } from './config/schema-upstream.ts';
import type { CallContext } from './core/context.ts';
import type { RequestCredentials } from './core/credentials.ts';
import type { EventStream } from './core/events.ts';
import { type HeldWhy, NO_HELD } from './core/held.ts';
import type { JsonObject } from './core/json.ts';
import type { RpcNotification } from './core/rpc.ts';
import type { Upstream } from './core/upstream.ts';
import { CUSTOM, createCustomUpstream, type StartChild } from './custom/index.ts';
import type { Dispatch } from './dispatch/dispatch.ts';
import { HostWatch } from './resilience/host-watch.ts';
import { StartSlots } from './resilience/start-slots.ts';
import type { Approvals } from './security/approvals.ts';
import type { DataDir } from './store/data-dir.ts';
import { KeptLists } from './store/kept-lists.ts';
import type { EraMemory, EraVerdict } from './upstream/connect.ts';
import { createAnyUpstream } from './upstream/create.ts';
import { forwardedHeaders, forwards, identityKey } from './upstream/forward-headers.ts';
import { LocalPorts } from './upstream/local-ports.ts';
import { UpstreamChild } from './upstream/process/child.ts';
import { ChildRecords, reapLeftovers } from './upstream/process/leftovers.ts';
import { QuarantinedUpstream } from './upstream/quarantined.ts';
import { needsRestart } from './upstream/settings.ts';
import type { CreateTransport } from './upstream/transports/index.ts';
import type { ReconfigurableUpstream } from './upstream/upstream.ts';

export interface FleetDeps {
  events: EventStream;
  dataDir: DataDir;
  clientInfo: JsonObject;
  transports?: Readonly<Record<string, CreateTransport>> | undefined;
  /** The gateway's login at an upstream; undefined where it has none to make. */
  credentials?: ((name: string, config: UpstreamConfig) => RequestCredentials | undefined) | undefined;
  /** The gateways that share a store with this one. */
  cluster?: Cluster | undefined;
  /** What waits for approval (10.21); absent: nothing ever does. */
  approvals?: Pick<Approvals, 'heldServer' | 'heldTools' | 'seen'> | undefined;
  /** For custom tools that call others; below whatever asks clients questions. */
  dispatch: Dispatch;
}

interface Member {
  config: UpstreamConfig;
  upstream: ReconfigurableUpstream;
}

/** Custom tools have settings of their own; what an upstream's say, they have by default. */
const CUSTOM_CONFIG: UpstreamConfig = {
  ...upstreamSchema.parse({}, UNCOMPILED),
  replicas: [],
  transport: 'in-process',
  unresolved: [],
  invalid: [],
  secrets: [],
};

export class Fleet {
  readonly #deps: FleetDeps;
  readonly #slots = new StartSlots();
  readonly #hostWatch: HostWatch;
  readonly #localPorts = new LocalPorts();
  readonly #kept: KeptLists;
  readonly #records: ChildRecords;
  readonly #stopping = new Set<Promise<void>>();
  /** Those that take a changed one's place as soon as they are up; the old one serves until then. */
  readonly #successors = new Map<string, Member & { stopWatching(): void }>();
  #listeners: ((upstream: string, notification: RpcNotification) => void)[] = [];
  #members = new Map<string, Member>();
  #forwards = false;
  #customTools: CustomToolsConfig | undefined;

  constructor(deps: FleetDeps) {
    this.#deps = deps;
    this.#kept = new KeptLists(deps.dataDir);
    const log = (level: 'debug' | 'info' | 'warn' | 'error', text: string, data?: Record<string, unknown>) =>
      deps.events.emit({ type: 'log', level, text, ...(data !== undefined && { data }) });
    this.#hostWatch = new HostWatch({
      total: () => this.#members.size,
      alarm: (failed) =>
        log('error', `${failed.length} upstreams fail together: look at the machine or its network`, { failed }),
    });
    // What a killed gateway left behind goes first; the old records are taken over before new ones are written.
    const file = deps.dataDir.writable ? `${deps.dataDir.path}/children.json` : undefined;
    if (file !== undefined) void reapLeftovers(file, log);
    this.#records = new ChildRecords(file, log);
  }

  get(name: string): Upstream | undefined {
    return this.#members.get(name)?.upstream;
  }

  /** Processes that no signal has ended (C-33). */
  survivors(): { upstream: string; pid: number }[] {
    return this.#records.survivors();
  }

  config(name: string): UpstreamConfig | undefined {
    return this.#members.get(name)?.config;
  }

  /** The id behind a prefix, as it stands in paths and exposed names. */
  byPrefix(prefix: string): string | undefined {
    for (const [id, { config }] of this.#members) if (prefixOf(id, config.alias) === prefix) return id;
    return undefined;
  }

  /** Whether any upstream is sent headers of its callers. */
  get forwards(): boolean {
    return this.#forwards;
  }

  /** Whose name a call goes on in, where its caller's headers do: equal for callers who may see each other's results. */
  identityOf(upstream: string, { headers }: CallContext): string {
    const config = headers === undefined ? undefined : this.config(upstream);
    return config?.forwardHeaders.enabled === true ? identityKey(forwardedHeaders(config, headers)) : '';
  }

  names(): string[] {
    return [...this.#members.keys()];
  }

  upstreams(): Upstream[] {
    return [...this.#members.values()].map(({ upstream }) => upstream);
  }

  /** As the catalogue needs them, in the order of the configuration. */
  catalogMembers(): CatalogMember[] {
    return [...this.#members.values()].map(({ upstream, config: { alias, tools, trustAnnotations } }) => ({
      upstream,
      alias,
      tools,
      held: () => this.#deps.approvals?.heldTools(upstream.name, upstream.lists) ?? NO_HELD,
      trustAnnotations,
    }));
  }

  /** What any upstream tells unasked, whichever come and go. */
  onNotification(listener: (upstream: string, notification: RpcNotification) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  /** An upstream told another gateway something unasked. */
  heard(upstream: string, notification: RpcNotification): void {
    for (const listener of this.#listeners) listener(upstream, notification);
  }

  /** What a configuration would change, by name. */
  plan(config: Config): { added: string[]; removed: string[]; restarted: string[]; updated: string[] } {
    const plan = { added: [] as string[], removed: [] as string[], restarted: [] as string[], updated: [] as string[] };
    for (const [name, next] of Object.entries(config.upstreams)) {
      const now = this.#successors.get(name) ?? this.#members.get(name);
      if (now === undefined) plan.added.push(name);
      else if (needsRestart(now.config, next)) plan.restarted.push(name);
      else if (!isDeepStrictEqual(now.config, next)) plan.updated.push(name);
    }
    for (const name of this.#members.keys())
      if (name !== CUSTOM && !Object.hasOwn(config.upstreams, name)) plan.removed.push(name);
    const had = this.#members.has(CUSTOM);
    const has = config.customTools.tools.length > 0;
    if (has !== had) plan[has ? 'added' : 'removed'].push(CUSTOM);
    else if (has && !isDeepStrictEqual(this.#customTools, config.customTools)) plan.updated.push(CUSTOM);
    return plan;
  }

  /**
   * Takes another set of upstreams. `swapped` is called when the catalogue has to be made anew: at once, and again as
   * each changed upstream's successor has come up. An old one is drained after its successor took its place.
   */
  apply(config: Config, swapped: () => void): void {
    const before = this.#members;
    this.#members = new Map();
    this.#forwards = Object.values(config.upstreams).some((upstream) => upstream.enabled && forwards(upstream));
    for (const [name, next] of Object.entries(config.upstreams)) {
      const why = this.#deps.approvals?.heldServer(name);
      if (why !== undefined) {
        this.#quarantine(name, why, next, before.get(name));
        continue;
      }
      const now = released(before.get(name));
      const coming = this.#successors.get(name);
      if (now !== undefined && coming !== undefined && !needsRestart(coming.config, next)) {
        this.#members.set(name, now);
        coming.config = next;
        coming.upstream.reconfigure(next);
        continue;
      }
      this.#dismiss(name);
      if (now !== undefined && !needsRestart(now.config, next)) {
        now.upstream.reconfigure(next);
        this.#members.set(name, { upstream: now.upstream, config: next });
      } else if (now === undefined || !serving(now.upstream) || !next.enabled) {
        const fresh = this.#create(name, next);
        if (now !== undefined) {
          fresh.upstream.inherit(now.upstream);
          this.#retire(now, 'removed');
        }
        this.#members.set(name, fresh);
      } else {
        this.#members.set(name, now);
        this.#replace(name, now, next, swapped);
      }
    }
    this.#applyCustom(config.customTools, before.get(CUSTOM));
    for (const [name, member] of before) {
      if (this.#members.has(name)) continue;
      this.#dismiss(name);
      this.#retire(member, 'removed');
    }
    swapped();
  }

  /** Nothing that nobody approved runs, nor what ran before in its name: that is not in the configuration any more. */
  #quarantine(name: string, why: HeldWhy, config: UpstreamConfig, now: Member | undefined): void {
    this.#dismiss(name);
    const { state } = now?.upstream ?? {};
    if (now !== undefined && state?.state === 'quarantined' && state.why === why) {
      this.#members.set(name, { upstream: now.upstream, config });
      return;
    }
    const upstream = new QuarantinedUpstream(name, why);
    this.#members.set(name, { config, upstream });
    const from = state?.state ?? 'stopped';
    this.#deps.events.emit({ type: 'upstream.state', upstream: name, from, to: 'quarantined', reason: why });
    if (now !== undefined) this.#retire(now, 'removed');
  }

  /** Ready at once, so the new one takes the place of the old one in one step; calls of the old one are drained. */
  #applyCustom(tools: CustomToolsConfig, now: Member | undefined): void {
    if (tools.tools.length === 0) return;
    if (now !== undefined && isDeepStrictEqual(this.#customTools, tools)) {
      this.#members.set(CUSTOM, now);
      return;
    }
    this.#customTools = tools;
    const { events, dispatch } = this.#deps;
    const startChild: StartChild = (start) => UpstreamChild.start({ ...start, records: this.#records });
    const custom = createCustomUpstream({ ...tools, dispatch, events, startChild });
    // It is replaced whole instead.
    const upstream = Object.assign(custom, { reconfigure: () => undefined, inherit: () => undefined });
    this.#members.set(CUSTOM, { config: CUSTOM_CONFIG, upstream });
    if (now !== undefined) this.#retire(now, 'removed');
  }

  start(): void {
    for (const { upstream, config } of this.#members.values()) if (config.enabled) upstream.start();
  }

  /** Ends all of them, in parallel; resolves when no process is left. `grace`: see `Upstream.stop`. */
  async stop(drain: number, grace?: number): Promise<void> {
    for (const name of [...this.#successors.keys()]) this.#dismiss(name);
    await Promise.all([
      ...[...this.#members.values()].map(({ upstream }) => upstream.stop({ drain, reason: 'shutdown', grace })),
      ...this.#stopping,
    ]);
  }

  #create(name: string, config: UpstreamConfig): Member {
    const kept = this.#kept;
    const print = fingerprint(config);
    const eraMemory: EraMemory = {
      get: (upstream) => kept.verdict(upstream, print) as EraVerdict | undefined,
      set: (upstream, verdict) => kept.keepVerdict(upstream, print, verdict),
    };
    const make = (settings: UpstreamConfig) =>
      createAnyUpstream(name, settings, {
        events: this.#deps.events,
        startSlots: this.#slots,
        hostWatch: this.#hostWatch,
        localPorts: this.#localPorts,
        eraMemory,
        clientInfo: this.#deps.clientInfo,
        keptLists: kept.lists(name, print),
        records: this.#records,
        transports: this.#deps.transports,
        credentials: this.#deps.credentials?.(name, settings),
      });
    const upstream = this.#singleton(name, config, make) ?? make(config);
    upstream.onChange((what) => {
      this.#deps.approvals?.seen(name, upstream.lists);
      if (what !== 'lists') return;
      if (upstream.lists.confirmed) kept.keepLists(name, print, upstream.lists);
    });
    upstream.onNotification((notification) => {
      for (const listener of this.#listeners) listener(name, notification);
    });
    return { config, upstream };
  }

  /** One that runs at one gateway of the cluster; undefined for any other. */
  #singleton(
    name: string,
    config: UpstreamConfig,
    make: (config: UpstreamConfig) => ReconfigurableUpstream,
  ): ReconfigurableUpstream | undefined {
    const { cluster } = this.#deps;
    if (cluster === undefined || !config.singleton) return undefined;
    let settings = config;
    let running: ReconfigurableUpstream | undefined;
    const singleton = new Singleton(name, cluster, {
      make: () => {
        running = make(settings);
        return running;
      },
      timeouts: config.timeouts,
    });
    return Object.assign(singleton, {
      reconfigure: (next: UpstreamConfig) => {
        settings = next;
        running?.reconfigure(next);
      },
      inherit: () => undefined,
    });
  }

  /** The singleton of this name, for the other gateways. */
  singleton(name: string): Singleton | undefined {
    const upstream = this.#members.get(name)?.upstream;
    return upstream instanceof Singleton ? upstream : undefined;
  }

  /** Make before break: the old one serves until the new one is up, or has failed for good. */
  #replace(name: string, old: Member, config: UpstreamConfig, swapped: () => void): void {
    const next = this.#create(name, config);
    const look = (): void => {
      const { state } = next.upstream.state;
      if (state === 'starting' || state === 'stopped' || state === 'backoff') return;
      stopWatching();
      this.#successors.delete(name);
      next.upstream.inherit(old.upstream);
      this.#members.set(name, { upstream: next.upstream, config: successor.config });
      swapped();
      this.#retire(old, 'removed');
    };
    const stopWatching = next.upstream.onChange(look);
    const successor = { ...next, stopWatching };
    this.#successors.set(name, successor);
    next.upstream.start();
  }

  /** One that was on its way is not wanted any more. */
  #dismiss(name: string): void {
    const successor = this.#successors.get(name);
    if (successor === undefined) return;
    this.#successors.delete(name);
    successor.stopWatching();
    this.#retire(successor, 'removed');
  }

  #retire({ upstream, config }: Member, reason: 'removed' | 'disabled'): void {
    const stopped = upstream
      .stop({ drain: config.timeouts.drain, reason })
      .catch((error: unknown) =>
        this.#deps.events.emit({
          type: 'log',
          level: 'error',
          text: `stopping failed: ${String(error)}`,
          upstream: upstream.name,
        }),
      )
      .finally(() => this.#stopping.delete(stopped));
    this.#stopping.add(stopped);
  }
}

/** One that was quarantined has nothing that could be kept. */
function released(member: Member | undefined): Member | undefined {
  return member?.upstream instanceof QuarantinedUpstream ? undefined : member;
}

function serving(upstream: Upstream): boolean {
  const { state } = upstream.state;
  return state === 'ready' || state === 'degraded';
}
