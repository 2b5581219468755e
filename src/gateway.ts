// The composition root: the only place that builds things, and that starts, changes and stops them.

import { protection } from './access-tokens.ts';
import { interactive } from './bridge/interactive.ts';
import { ParkedCalls } from './bridge/parked.ts';
import { RunningCatalog } from './catalog/catalog.ts';
import type { Cluster } from './cluster/cluster.ts';
import { KeyRing } from './cluster/key-ring.ts';
import { PEER_PATH } from './cluster/peers.ts';
import type { Config } from './config/schema.ts';
import { secretsSoFar } from './config/secrets.ts';
import { Validator } from './converge/validate.ts';
import type { CallContext } from './core/context.ts';
import { EventStream } from './core/events.ts';
import { globMatches } from './core/glob.ts';
import type { JsonObject } from './core/json.ts';
import { nearest } from './core/nearest.ts';
import { createRedactor } from './core/redact.ts';
import type { Scope } from './core/scope.ts';
import { createValueHash } from './core/value-hash.ts';
import type { ResultCache } from './dispatch/cache.ts';
import { createDispatch, type Dispatch } from './dispatch/dispatch.ts';
import { createGate, type Gate } from './dispatch/gate.ts';
import { ReadCache } from './dispatch/read-cache.ts';
import { McpHttpFace } from './faces/mcp/http.ts';
import type { ClientSession } from './faces/mcp/open-sessions.ts';
import { SessionIds } from './faces/mcp/session-id.ts';
import { type KeptSessions, SessionStates } from './faces/mcp/session-states.ts';
import { McpSseFace } from './faces/mcp/sse.ts';
import type { OpenApiFace } from './faces/openapi/index.ts';
import { XiaozhiFace } from './faces/xiaozhi/endpoint-manager.ts';
import { Fleet } from './fleet.ts';
import { guarded } from './guarded.ts';
import { keyOf } from './http/keys.ts';
import { Listener } from './http/listener.ts';
import type { Violation } from './http/validation.ts';
import { Keys } from './keys.ts';
import { UpstreamLogins } from './logins.ts';
import { openApiFace } from './openapi.ts';
import { type HealthReport, healthReport } from './operations/health.ts';
import { HeapGuard } from './operations/heap-guard.ts';
import { createTracing, type Tracing } from './operations/tracing.ts';
import { createPolicy, createReadPermit } from './policy.ts';
import { createResultCache } from './result-cache.ts';
import { createRoutes } from './routes.ts';
import { createScaleOut, type ScaleOut } from './scale-out.ts';
import { Approvals } from './security/approvals.ts';
import type { GatewayIdentity } from './session/protocol.ts';
import type { Surface } from './session/surface.ts';
import { type GatewaySetup, listening, type Managed, type Mounted } from './setup.ts';
import { DataDir } from './store/data-dir.ts';
import { Surfaces } from './surfaces.ts';
import { VERSION } from './version.ts';

export const IDENTITY: GatewayIdentity = { name: 'holdfast', title: 'Holdfast', version: VERSION };

export class Gateway {
  readonly events: EventStream;
  readonly dataDir: DataDir;
  readonly fleet: Fleet;
  readonly keys: Keys;
  readonly approvals: Approvals;
  /** A new key signs session ids from now on; sessions that are open stay valid (10.18). */
  readonly rotateSigningKey: () => Promise<void>;
  readonly catalog: RunningCatalog;
  readonly dispatch: Dispatch;
  readonly #setup: GatewaySetup;
  readonly #secretsSoFar = secretsSoFar(() => this.#config);
  readonly #startedAt = Date.now();
  readonly #redact = createRedactor(() => this.secrets());
  /** @internal Kept out of the published types, as `xiaozhi` is: they would need those of the OAuth libraries. */
  readonly logins: UpstreamLogins;
  readonly surfaces: Surfaces;
  /** @internal Kept out of the published types: they would need those of `ws`. */
  readonly xiaozhi: XiaozhiFace;
  readonly resultCache: ResultCache;
  readonly #validator = new Validator();
  readonly #hashOf = createValueHash();
  readonly #policy: ReturnType<typeof createPolicy>;
  #stopForgetting: (() => unknown)[] = [];
  readonly #heap = new HeapGuard({
    changed: (full, used) => this.events.emit({ type: 'gateway.heap', full, used }),
  });
  readonly #parked: ParkedCalls;
  readonly #reads: ReadCache;
  readonly #mcp: McpHttpFace;
  readonly #sse: McpSseFace;
  readonly #openApi: OpenApiFace;
  readonly #tracing: Tracing | undefined;
  readonly #direct: Dispatch & { readonly inFlight: number };
  readonly #listener: Listener;
  readonly #scaleOut: ScaleOut | undefined;
  readonly #gate: Gate;
  readonly #states: SessionStates;
  #mounted: Mounted | undefined;
  #managed: Managed | undefined;
  #config: Config;
  #version = 1;
  #rejected: { at: string; problems: string[] } | undefined;
  #stopped: Promise<void> | undefined;
  #address = '';

  /** @throws SetupRefused */
  constructor(setup: GatewaySetup) {
    this.#setup = setup;
    this.#config = setup.config;
    this.events = setup.events ?? new EventStream();
    const { server, limits } = setup.config;
    const listen = listening(setup);
    const warn = (text: string) => this.events.emit({ type: 'log', level: 'warn', text });
    this.dataDir = DataDir.open(setup.dataDir, warn);
    for (const note of this.dataDir.notes) warn(note);

    const adminSecret = this.dataDir.secret('admin-token', 32).toString('base64url');
    this.keys = new Keys({
      config: setup.config,
      given: setup.keys ?? [],
      adminToken: keyOf('admin', adminSecret, ['read', 'call', 'admin']),
      closed: listen.closed,
      documents: this.dataDir,
      events: this.events,
    });
    const clientInfo: JsonObject = { ...IDENTITY };
    this.logins = new UpstreamLogins({
      dataDir: setup.dataDir,
      events: this.events,
      publicUrl: server.publicUrl?.replace(/\/+$/, ''),
      address: () => this.#address,
      changed: (upstream) => this.#loginChanged(upstream),
    });
    const signing = new KeyRing(this.dataDir.secret('session-key', 32), this.dataDir);
    if (setup.config.storage.shared === undefined) signing.recall();
    this.rotateSigningKey = async () =>
      this.cluster === undefined ? signing.rotateAlone() : this.cluster.rotateKeys();
    this.#scaleOut = createScaleOut(setup.config.storage.shared, {
      events: this.events,
      keys: signing,
      report: () => ({ config: this.health(false).config, inFlight: this.inFlight, upstreams: this.#upstreamStates() }),
    });
    this.approvals = new Approvals({
      documents: this.dataDir,
      events: this.events,
      settings: () => this.#config.security,
      lists: (upstream) => this.fleet.get(upstream)?.lists,
      instructions: (upstream) => this.fleet.get(upstream)?.identity?.instructions,
      redact: this.#redact,
      decided: () => this.#decided(),
    });
    this.fleet = new Fleet({
      approvals: this.approvals,
      cluster: this.cluster,
      events: this.events,
      dataDir: this.dataDir,
      clientInfo,
      transports: setup.transports,
      credentials: (name, config) => this.logins.credentials(name, config),
      dispatch: (operation, context) => this.#direct(operation, context),
    });
    this.#policy = createPolicy(
      (name) => this.fleet.get(name),
      (name) => this.fleet.config(name),
      this.approvals,
    );
    this.approvals.consider(setup.config);
    this.catalog = new RunningCatalog({ members: [], prefix: setup.config.naming.prefix }, this.events);
    this.fleet.apply(setup.config, () => this.#reshape());
    this.#parked = new ParkedCalls({ keys: signing, among: this.#scaleOut?.parked });
    const direct = createDispatch({
      upstream: (name) => this.fleet.get(name),
      upstreams: () => this.fleet.names(),
      tool: (upstream, name) => this.#policy(upstream, name),
      held: (upstream, name) => this.approvals.heldTool(upstream, name),
      permit: createReadPermit((name) => this.fleet.get(name), this.approvals),
      nearest: (name, candidates) => nearest(name, candidates),
      limit: limits.gateway,
      admit: () => this.#heap.admit(),
      events: this.events,
      gate: (upstream, context) => this.#mounted?.gate(upstream, context),
    });
    this.#direct = direct;
    const identityOf = (upstream: string, context: CallContext): string => this.fleet.identityOf(upstream, context);
    this.resultCache = createResultCache({
      dispatch: direct,
      upstream: (name) => this.fleet.get(name),
      upstreamConfig: (name) => this.fleet.config(name),
      policy: this.#policy,
      config: setup.config.cache,
      identity: identityOf,
      events: this.events,
    });
    this.#reads = new ReadCache(this.resultCache.dispatch, undefined, identityOf);
    const behind = { config: () => this.#config, policy: this.#policy, events: this.events };
    const path = interactive(guarded(this.#reads.dispatch, behind), this.#parked);
    const { tracing } = setup.config;
    this.#tracing = tracing.enabled
      ? createTracing({ config: tracing, version: VERSION, events: this.events, redact: this.#redact })
      : undefined;
    this.#gate = createGate(this.#tracing?.wrap(path) ?? path, {
      upstreams: () => this.fleet.names(),
      nearest: (name, candidates) => nearest(name, candidates),
      events: this.events,
    });
    this.dispatch = this.#gate.dispatch;
    const { events, catalog, fleet, dispatch } = this;
    this.surfaces = new Surfaces({
      config: setup.config,
      catalog,
      fleet,
      dispatch,
      validator: this.#validator,
      events,
    });

    const states = new SessionStates({
      load: () => this.dataDir.read<KeptSessions>('sessions.json'),
      save: (read) => this.dataDir.save('sessions.json', read),
    });
    this.#states = states;
    const shared = {
      elsewhere: this.#scaleOut?.elsewhere,
      surface: (view: string, scope?: Scope) => this.surfaces.get(view, scope),
      views: (scope?: Scope) => this.surfaces.names(scope),
      identity: IDENTITY,
      limits: { body: limits.body, depth: limits.depth, streams: MAX_STREAMS, sessions: limits.sessions },
      forwards: () => this.fleet.forwards,
      traces: tracing.enabled,
    };
    this.keys.onChange((gone) => {
      this.#mcp.endOf(gone);
      this.#sse.endOf(gone);
    });
    const sessionIds = new SessionIds(signing, states.capabilities);
    this.#mcp = new McpHttpFace({ ...shared, sessionIds, states });
    this.#sse = new McpSseFace({ ...shared, rootPath: server.rootPath });
    this.#openApi = openApiFace({
      config: setup.config,
      setup: setup.openApi,
      catalog: (scope) => this.surfaces.catalog(scope),
      upstream: (name) => fleet.get(name),
      upstreams: () => fleet.names(),
      upstreamConfig: (name) => fleet.config(name),
      dispatch,
      forwards: () => fleet.forwards,
      validate: (hash, schema, value) => this.#validator.validate(hash, schema, value),
      events,
      secured: () => this.keys.ring.closed,
      single: setup.single === true,
      version: VERSION,
    });
    this.xiaozhi = new XiaozhiFace({
      surface: (view) => this.surface(view),
      tool: (view, exposed) => catalog.view(view)?.tools.get(exposed),
      held: (view, exposed) => catalog.view(view)?.held.get(exposed),
      matches: globMatches,
      upstreams: () => fleet.upstreams(),
      validate: ({ upstream, definition: { inputSchema } }, args) => this.checkArguments(upstream, inputSchema, args),
      identity: IDENTITY,
      limits: { body: limits.body, depth: limits.depth },
      locale: () => this.#config.locale,
      events,
      lease: (name) => this.cluster?.lease(name),
    });
    this.xiaozhi.apply(setup.config.endpoints);
    const shielded = protection(setup.config, () => this.#address);
    this.#listener = new Listener({
      ...listen,
      keys: this.keys.ring,
      tokens: shielded?.tokens,
      route: createRoutes({
        mcp: this.#mcp,
        sse: this.#sse,
        defaultView: () => this.defaultView,
        health: (detailed) => this.health(detailed),
        draining: () => this.#listener.draining,
        others: (path) =>
          (path === PEER_PATH ? this.cluster?.peers.route : undefined) ??
          shielded?.route(path) ??
          this.logins.route(path) ??
          this.#mounted?.route(path) ??
          this.#openApi.route(path),
      }),
      events: this.events,
    });
  }

  get url(): string {
    return this.#listener.url;
  }

  /** The gateways that share a store with this one; undefined for one that is alone. */
  get cluster(): Cluster | undefined {
    return this.#scaleOut?.cluster;
  }

  get config(): Config {
    return this.#config;
  }

  /** Values that must not be shown anywhere: those of the configuration, and the gateway's logins. */
  secrets(): readonly string[] {
    // Asked for every text that is cleaned.
    const logins = this.logins.secrets();
    return logins.length === 0 ? this.#secretsSoFar() : [...this.#secretsSoFar(), ...logins];
  }

  /** An upstream that waits for a login is tried at once; one that works takes the new token with its next request. */
  #loginChanged(name: string): void {
    const upstream = this.fleet.get(name);
    const { state } = upstream?.state ?? {};
    const loggedIn = this.logins.status(name)?.state === 'logged_in';
    if (!loggedIn || (state !== 'ready' && state !== 'degraded')) upstream?.restart({ force: true });
  }

  /** Binds the port; upstreams are started after that, and only then (12.1). @throws ListenFailed */
  async listen(): Promise<string> {
    await this.#scaleOut?.join({
      sessions: this.#states,
      parked: this.#parked,
      mcp: this.#mcp,
      fleet: this.fleet,
      catalog: this.catalog,
      approvals: this.approvals,
      counts: {
        spent: () => this.#gate.spent(),
        charge: (spent) => this.#gate.charge(spent),
        changed: () => this.resultCache.changed(),
        forget: (upstream) => this.resultCache.changedElsewhere(upstream),
      },
      forget: (upstream, uri) => this.#forget(upstream, uri),
    });
    await this.#listener.listen({ hold: true });
    this.#address = this.url;
    this.dataDir.announce(this.url);
    await this.#scaleOut?.announce(this.url, this.#setup.host ?? this.#config.server.host);
    this.#managed = await this.#setup.manage?.(this);
    this.#listener.open();
    return this.url;
  }

  start(): void {
    this.fleet.start();
    this.xiaozhi.start();
  }

  /** Takes another configuration; what the listener is made of needs a restart, and is told so. */
  apply(
    config: Config,
    note?: { by: string; reason: string; version?: number },
  ): { added: string[]; removed: string[]; changed: string[]; needsRestart: string[] } {
    const { added, removed, restarted, updated } = this.fleet.plan(config);
    const needsRestart = ['server', 'limits', 'storage', 'tracing'].filter(
      (key) => JSON.stringify(config[key as keyof Config]) !== JSON.stringify(this.#config[key as keyof Config]),
    );
    this.#config = config;
    this.#rejected = undefined;
    this.#version = note?.version ?? this.#version + 1;
    this.approvals.consider(config, note);
    this.fleet.apply(config, () => this.#reshape());
    this.surfaces.apply(config);
    this.keys.apply(config);
    this.fleet.start();
    this.xiaozhi.apply(config.endpoints);
    const changed = [...restarted, ...updated];
    this.events.emit({ type: 'config.applied', ...note, version: this.#version, added, removed, changed });
    return { added, removed, changed, needsRestart };
  }

  /** Somebody approved or rejected something: what may run now starts, what may not ends. */
  #decided(): void {
    this.approvals.consider(this.#config);
    this.fleet.apply(this.#config, () => this.#reshape());
    this.fleet.start();
  }

  /** Keeps the running configuration and remembers why the next one was refused (F-K1). */
  reject(problems: string[]): void {
    this.#rejected = { at: new Date().toISOString(), problems };
    this.events.emit({ type: 'config.rejected', problems });
  }

  surface(view: string): Surface | undefined {
    return this.surfaces.get(view);
  }

  /** Puts management before the tools: its routes, and its say on which upstream waits. */
  mount(mounted: Mounted): void {
    this.#mounted = mounted;
    this.#version = mounted.configVersion;
  }

  /** What is wrong with the arguments of a tool; nothing where `validate: never` says so (10.19). */
  async checkArguments(upstream: string, inputSchema: unknown, args: JsonObject): Promise<readonly Violation[]> {
    if (this.fleet.config(upstream)?.validate === 'never') return [];
    return this.#validator.validate(this.#hashOf(inputSchema), inputSchema, args);
  }

  /** Calls under way, over all upstreams. */
  get inFlight(): number {
    return this.#direct.inFlight;
  }

  /** Client sessions that have a stream open, or for which something is kept. */
  get sessions(): ClientSession[] {
    return [...this.#mcp.sessions, ...this.#sse.sessions];
  }

  /** See `Managed`; undefined for a gateway that nobody manages. */
  dashboardLink(): string | undefined {
    return this.#managed?.dashboardLink();
  }

  /** What `/mcp` shows (requirements 10.13). */
  get defaultView(): string {
    const { view, single } = this.#setup;
    const named = view ?? this.#config.defaultView;
    if (named !== undefined) return named;
    const names = this.fleet.names();
    return single === true && names.length === 1 ? (names[0] as string) : 'converged';
  }

  views(): string[] {
    return this.surfaces.names();
  }

  health(detailed: boolean): HealthReport {
    return healthReport({
      version: VERSION,
      startedAt: this.#startedAt,
      config: { version: this.#version, ...(this.#rejected !== undefined && { rejected: this.#rejected }) },
      upstreams: this.fleet.upstreams(),
      detailed,
      redact: this.#redact,
    });
  }

  /**
   * Stops accepting, answers what was accepted, then ends every process (X-86, 10.31). What still runs after the
   * drain time is cancelled, and its caller told. `grace`: see `Upstream.stop`.
   */
  stop(
    drain = Math.max(0, ...Object.values(this.#config.upstreams).map(({ timeouts }) => timeouts.drain)),
    grace?: number,
  ): Promise<void> {
    this.#stopped ??= this.#stop(drain, grace);
    return this.#stopped;
  }

  async #stop(drain: number, grace: number | undefined): Promise<void> {
    this.#managed?.stopping();
    this.cluster?.draining();
    await this.#listener.lookAway(this.#config.server.drainDelay);
    this.#listener.drain();
    this.#mcp.close();
    this.#parked.close();
    const endpoints = this.xiaozhi.close(drain);
    this.#sse.close();
    await Promise.all([this.#listener.finished(drain), endpoints]);
    this.logins.close();
    await this.fleet.stop(0, grace);
    this.#heap.close();
    await this.#listener.finished(250);
    await this.#listener.close();
    await this.#managed?.close();
    await this.cluster?.close();
    this.surfaces.close();
    this.resultCache.close();
    await this.#tracing?.close();
    this.catalog.close();
    this.dataDir.close();
  }

  #upstreamStates(): JsonObject {
    return Object.fromEntries(this.fleet.upstreams().map(({ name, state }) => [name, state.state]));
  }

  #reshape(): void {
    const { naming, views } = this.#config;
    for (const stop of this.#stopForgetting) stop();
    this.#stopForgetting = this.fleet.upstreams().flatMap((upstream) => [
      upstream.onNotification(({ method, params }) => {
        if (method === 'notifications/resources/updated') this.#forget(upstream.name, params?.uri);
      }),
      upstream.onChange((what) => what === 'lists' && this.#forget(upstream.name, undefined)),
    ]);
    this.catalog.reshape({ members: this.fleet.catalogMembers(), prefix: naming.prefix, views });
  }

  /** What was kept of an upstream's resources is old. */
  #forget(upstream: string, uri: unknown): void {
    const one = typeof uri === 'string' ? uri : undefined;
    this.#reads?.forget(upstream, one);
    this.surfaces?.forget(upstream, one);
  }
}

/** Streams open at once, over all clients (reliability F-C8). */
const MAX_STREAMS = 10_000;
