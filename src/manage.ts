// Watching and managing a running gateway: metrics, alerts, history, and the API that shows and changes it.
import { safetyOf, toolAllowed } from './catalog/entries.ts';
import { FleetControl } from './control.ts';
import { signatureOf } from './converge/schema-signature.ts';
import { estimateTokens } from './converge/tokens.ts';
import { createRedactor } from './core/redact.ts';
import type { SecretPort } from './faces/admin/deps.ts';
import { type AdminFace, createAdminFace } from './faces/admin/index.ts';
import type { Gateway } from './gateway.ts';
import { keyControl } from './key-control.ts';
import { LiveConfig } from './live-config.ts';
import type { LiveConfigSource } from './live-source.ts';
import { createOperations } from './operations/operations.ts';
import type { Managed } from './setup.ts';
import { SecretStore, SecretsFailed } from './store/secret-store.ts';
import { groupUsage } from './upstream/process/usage.ts';
import { VERSION } from './version.ts';

export interface ManageOptions {
  /** Where the configuration comes from, and goes to when it is changed. */
  source: LiveConfigSource;
  /** Follow changes of its file. */
  watch: boolean;
  /** Reads and changes the least level that is written. */
  log?: { level(): string; setLevel(level: string): void } | undefined;
}

/** What `GatewaySetup.manage` wants: begins all of it on a gateway whose port is bound. */
export function management(options: ManageOptions): (gateway: Gateway) => Promise<Managed> {
  return async (gateway) => {
    const live = await LiveConfig.open(gateway, options.source);
    const { admin, close } = mount(gateway, live, options.source.env, options.log);
    if (gateway.cluster !== undefined) await live.join(gateway.cluster);
    if (options.watch) await live.watch();
    return {
      stopping() {
        live.close();
        admin.close();
      },
      dashboardLink: () => `${gateway.url}/ui#code=${admin.code()}`,
      close,
    };
  };
}

function mount(
  gateway: Gateway,
  live: LiveConfig,
  env: LiveConfigSource['env'],
  log: ManageOptions['log'],
): { admin: AdminFace; close(): Promise<void> } {
  const { events, fleet, catalog, dataDir } = gateway;
  const redact = createRedactor(() => gateway.secrets());
  const control = new FleetControl(fleet, live);
  const operations = createOperations({
    events,
    version: VERSION,
    config: () => gateway.config,
    configState: () => gateway.health(true).config,
    upstreams: () => fleet.upstreams(),
    documents: dataDir,
    notes: dataDir.notes,
    approvals: gateway.approvals,
    redact,
    usage: groupUsage,
    inFlight: () => gateway.inFlight,
    restart: (upstream) => control.restart(upstream, { force: false }),
    clients: () => {
      const { sessions } = gateway;
      return { sessions: sessions.length, streams: sessions.filter(({ kind }) => kind !== 'kept').length };
    },
    endpoints: () => gateway.xiaozhi.status(),
    claim: gateway.cluster?.claim,
    sharedDown: () => gateway.cluster?.down(),
    notWritten: () => dataDir.trouble(),
    survivors: () => fleet.survivors(),
    caches: () => {
      const { hits, misses, current_size: size, max_size: max, memory_usage: memory } = gateway.resultCache.figures();
      return { results: { hits, misses, size, max, memory } };
    },
  });
  const admin = createAdminFace({
    version: VERSION,
    url: () => gateway.url,
    views: operations,
    control,
    config: live,
    events,
    catalog,
    health: () => gateway.health(true),
    upstreams: () => fleet.upstreams(),
    upstreamConfig: (name) => fleet.config(name),
    tool: (upstream, name) => {
      const config = fleet.config(upstream);
      const definition = fleet.get(upstream)?.lists.tools.find((tool) => tool.name === name);
      if (config === undefined || definition === undefined) return undefined;
      return { enabled: toolAllowed(config.tools, name), safety: safetyOf(definition, config.trustAnnotations) };
    },
    dispatch: gateway.dispatch,
    checkArguments: (upstream, schema, args) => gateway.checkArguments(upstream, schema, args),
    redact,
    bodyLimit: () => gateway.config.limits.body,
    signature: (definition) => signatureOf(definition.inputSchema),
    tokens: estimateTokens,
    log,
    readPasted: async (text) => (await import('./config/paste.ts')).readPasted(text),
    locale: () => gateway.config.locale,
    endpoints: gateway.xiaozhi,
    sessions: () => gateway.sessions,
    cluster: gateway.cluster,
    keys: keyControl(gateway.keys, live),
    approvals: gateway.approvals,
    rotateSigningKey: gateway.rotateSigningKey,
    logins: gateway.logins,
    secrets: secretPort(gateway.dataDir, env),
  });
  gateway.keys.onChange((gone) => admin.keysChanged(gone));
  gateway.mount({
    route: (path) => admin.route(path),
    gate: (upstream, context) => control.gate(upstream, context),
    configVersion: live.configVersion,
  });
  const stop = events.subscribe((event) => {
    if (event.type === 'config.applied') operations.update();
  });
  operations.start();
  return {
    admin,
    async close() {
      stop();
      await operations.close();
    },
  };
}

/** Read anew each time: the command line changes the same store. */
function secretPort(dataDir: Gateway['dataDir'], env: LiveConfigSource['env']): SecretPort {
  const store = () => new SecretStore(dataDir.path, env);
  const writable = () => {
    if (!dataDir.writable) throw new SecretsFailed(`this gateway does not write ${dataDir.path}; nothing was changed`);
    return store();
  };
  return {
    list() {
      const one = store();
      return { secrets: one.list(), key: one.place };
    },
    set: async (name, value) => await writable().set(name, value),
    remove: async (name) => await writable().remove(name),
  };
}
