// Operations and management API over real upstreams, the real path and a real listener, without the rest of the gateway.
import { RunningCatalog } from '../../../src/catalog/catalog.ts';
import { safetyOf, toolAllowed } from '../../../src/catalog/entries.ts';
import type { Config, ConfigInput } from '../../../src/config/schema.ts';
import { secretsOf } from '../../../src/config/secrets.ts';
import { EventStream, type GatewayEvent } from '../../../src/core/events.ts';
import { GatewayFault } from '../../../src/core/fault.ts';
import type { ConfigChange, ConfigControl, ConfigPlan, Control } from '../../../src/core/ports.ts';
import { createRedactor } from '../../../src/core/redact.ts';
import { createDispatch } from '../../../src/dispatch/dispatch.ts';
import { type AdminFace, createAdminFace } from '../../../src/faces/admin/index.ts';
import { Fleet } from '../../../src/fleet.ts';
import { CallerKeys, type Key, keyOf } from '../../../src/http/keys.ts';
import { Listener } from '../../../src/http/listener.ts';
import { createOperations, type Operations } from '../../../src/operations/operations.ts';
import { DataDir } from '../../../src/store/data-dir.ts';
import { groupMembers } from '../../../src/upstream/process/proc.ts';
import { groupUsage } from '../../../src/upstream/process/usage.ts';
import { makeTempDir, removeDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait.ts';
import { configOf } from './fixture.ts';

export const ADMIN = 'admin-token-of-this-test';

export interface AdminHouse {
  url: string;
  events: EventStream;
  seen: GatewayEvent[];
  operations: Operations;
  face: AdminFace;
  fleet: Fleet;
  changes: { change: ConfigChange; by: string; reason: string }[];
  toggled: unknown[];
  folder: string;
  ready(): Promise<void>;
  get(
    path: string,
    headers?: Record<string, string>,
  ): Promise<{ status: number; headers: Headers; text: string; json: never }>;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): ReturnType<AdminHouse['get']>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const NO_PLAN: ConfigPlan = { added: [], removed: [], restarted: [], updated: [], settings: [], needsRestart: [] };

export async function startAdminHouse(input: ConfigInput, keys: readonly Key[] = []): Promise<AdminHouse> {
  let config: Config = configOf(input);
  const folder = await makeTempDir('admin');
  const events = new EventStream();
  const seen: GatewayEvent[] = [];
  events.subscribe((event) => seen.push(event));
  const dataDir = DataDir.open(folder, () => undefined);
  const fleet = new Fleet({
    events,
    dataDir,
    clientInfo: { name: 'holdfast', version: '0' },
    dispatch: () => Promise.reject(new Error('no custom tools here')),
  });
  const catalog = new RunningCatalog({ members: [], prefix: 'always' }, events);
  fleet.apply(config, () => catalog.reshape({ members: fleet.catalogMembers(), prefix: 'always' }));
  const tool = (upstream: string, name: string) => {
    const settings = fleet.config(upstream);
    const definition = fleet.get(upstream)?.lists.tools.find((one) => one.name === name);
    if (settings === undefined || definition === undefined) return undefined;
    return { enabled: toolAllowed(settings.tools, name), safety: safetyOf(definition, true) };
  };
  const dispatch = createDispatch({
    upstream: (name) => fleet.get(name),
    upstreams: () => fleet.names(),
    tool: (upstream, name) => {
      const policy = tool(upstream, name);
      return policy?.enabled === true ? policy : undefined;
    },
    nearest: () => [],
    limit: 1000,
    events,
  });
  const redact = createRedactor(() => secretsOf(config));
  const restart = (name: string, force: boolean) => fleet.get(name)?.restart({ force });
  const operations = createOperations({
    events,
    version: '1.2.3',
    config: () => config,
    configState: () => ({ version: 1 }),
    upstreams: () => fleet.upstreams(),
    documents: dataDir,
    notes: dataDir.notes,
    redact,
    usage: groupUsage,
    inFlight: () => dispatch.inFlight,
    restart: (name) => restart(name, false),
  });
  const changes: AdminHouse['changes'] = [];
  const toggled: unknown[] = [];
  const paused = new Map<string, { by: string; since: number }>();
  const control: Control = {
    restart: (name, { force }) => void restart(name, force),
    setEnabled: async (...given) => void toggled.push(given),
    setToolEnabled: async (...given) => void toggled.push(given),
    pause: (name, by) => void paused.set(name, { by, since: Date.now() }),
    resume: (name) => void paused.delete(name),
    paused: (name) => paused.get(name),
    processes: async (name) => {
      const pid = fleet.get(name)?.facts().pid;
      return pid === undefined
        ? []
        : (await groupMembers(pid)).map(({ pid: one, parent, state, rss, cpu }) => ({
            pid: one,
            parent,
            state,
            rss,
            cpu,
          }));
    },
    check: async (name) => {
      if (fleet.get(name)?.state.state !== 'ready')
        throw new GatewayFault('UPSTREAM_NOT_READY', `${name} is not ready`);
      return 1;
    },
  };
  const info = { version: 1, at: 0, by: 'file', reason: 'start', hash: 'x' };
  const configControl: ConfigControl = {
    current: async () => ({ version: 1, etag: 'e1', text: '{}', format: 'native', file: undefined, writes: 'memory' }),
    explain: async () => [],
    effective: () => JSON.parse(JSON.stringify(config)) as never,
    plan: async (change) =>
      'text' in change && change.text === 'broken'
        ? { ok: false, reason: 'invalid', problems: [{ path: '', message: 'not JSON', line: 1 }] }
        : { ok: true, plan: NO_PLAN },
    apply: async (change, note) => {
      if (change.etag !== undefined && change.etag !== 'e1')
        return { ok: false, reason: 'changed-meanwhile', problems: [] };
      if ('text' in change && change.text === 'broken') return { ok: false, reason: 'invalid', problems: [] };
      changes.push({ change, ...note });
      if ('edits' in change && change.edits[0]?.path.join('.') === 'monitor.rules') {
        config = configOf({ ...input, monitor: { ...input.monitor, rules: change.edits[0].value as never } });
        operations.update();
      }
      return { ok: true, version: 2, plan: NO_PLAN };
    },
    versions: () => [info],
    version: async (version) => (version === 1 ? { info, text: '{}' } : undefined),
    difference: async () => ({ ok: false, reason: 'unknown-version', problems: [] }),
    rollback: async (version, note) => {
      if (version !== 1) return { ok: false, reason: 'unknown-version', problems: [] };
      changes.push({ change: { text: '{}' }, ...note });
      return { ok: true, version: 2, plan: NO_PLAN };
    },
    schema: () => ({ type: 'object' }),
  };
  let level = 'info';
  const face = createAdminFace({
    version: '1.2.3',
    url: () => listener.url,
    views: operations,
    control,
    config: configControl,
    events,
    catalog,
    health: () => ({ status: 'healthy' }),
    upstreams: () => fleet.upstreams(),
    upstreamConfig: (name) => fleet.config(name),
    tool,
    dispatch,
    redact,
    bodyLimit: () => 64 * 1024,
    tokens: (text) => Math.ceil(text.length / 4),
    log: {
      level: () => level,
      setLevel: (next) => {
        level = next;
      },
    },
  });
  const listener = new Listener({
    host: '127.0.0.1',
    port: 0,
    tries: 0,
    allowedHosts: [],
    allowedOrigins: [],
    keys: new CallerKeys(keys, { adminToken: keyOf('admin', ADMIN, ['read', 'call', 'admin']) }),
    route: (path) => face.route(path),
    events,
  });
  await listener.listen();
  fleet.start();
  operations.start();
  const send: AdminHouse['send'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${listener.url}${path}`, {
      method,
      redirect: 'manual',
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      get json() {
        return JSON.parse(text) as never;
      },
    };
  };
  const stop = async () => {
    face.close();
    await listener.close();
    await fleet.stop(0);
    await operations.close();
    catalog.close();
    dataDir.close();
    await removeDir(folder);
  };
  return {
    url: listener.url,
    events,
    seen,
    operations,
    face,
    fleet,
    changes,
    toggled,
    folder,
    ready: async () =>
      void (await waitFor(() => fleet.upstreams().every(({ state }) => state.state === 'ready'), { within: 60_000 })),
    get: (path, headers) => send('GET', path, undefined, headers),
    send,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
