// The OpenAPI face with real upstreams, the real path and a real listener, without the rest of the gateway.
import { RunningCatalog } from '../../../src/catalog/catalog.ts';
import { safetyOf, toolAllowed } from '../../../src/catalog/entries.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { isReserved } from '../../../src/config/reserved.ts';
import type { Config, ConfigInput } from '../../../src/config/schema.ts';
import { Validator } from '../../../src/converge/validate.ts';
import { EventStream } from '../../../src/core/events.ts';
import { nearest } from '../../../src/core/nearest.ts';
import { createDispatch, type Dispatch } from '../../../src/dispatch/dispatch.ts';
import { createOpenApiFace, normalPrefix, normalRoot, type OpenApiSettings } from '../../../src/faces/openapi/index.ts';
import { Fleet } from '../../../src/fleet.ts';
import { CallerKeys, keyOf } from '../../../src/http/keys.ts';
import { Listener } from '../../../src/http/listener.ts';
import { DataDir } from '../../../src/store/data-dir.ts';
import { makeTempDir, removeDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait.ts';

export const SERVER = new URL('./server.mjs', import.meta.url).pathname;

/** The configuration of an upstream that runs the server of these tests. */
export function server(name = 'mcp-time', ...args: string[]): { command: string; args: string[] } {
  return { command: process.execPath, args: [SERVER, '--name', name, ...args] };
}

export interface HouseOptions {
  config: ConfigInput;
  key?: string;
  strictAuth?: boolean;
  legacyResources?: boolean;
  single?: boolean;
  info?: OpenApiSettings['info'];
  /** Changes the path between face and upstreams. */
  dispatch?: (dispatch: Dispatch, config: Config) => Dispatch;
}

export interface House extends AsyncDisposable {
  url: string;
  events: EventStream;
  fleet: Fleet;
  catalog: RunningCatalog;
  ready(): Promise<void>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  stop(): Promise<void>;
}

export async function startHouse(options: HouseOptions): Promise<House> {
  const parsed = parseConfig(options.config, { env: {} });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { config } = parsed;
  const folder = await makeTempDir('openapi');
  const events = new EventStream();
  const dataDir = DataDir.open(folder, () => undefined);
  const fleet = new Fleet({
    events,
    dataDir,
    clientInfo: { name: 'holdfast', version: '0' },
    dispatch: () => Promise.reject(new Error('no custom tools here')),
  });
  const catalog = new RunningCatalog({ members: [], prefix: 'always' }, events);
  fleet.apply(config, () => catalog.reshape({ members: fleet.catalogMembers(), prefix: 'always' }));
  const plain = createDispatch({
    upstream: (name) => fleet.get(name),
    upstreams: () => fleet.names(),
    tool: (upstream, name) => {
      const settings = fleet.config(upstream);
      const lists = fleet.get(upstream)?.lists;
      if (settings === undefined || !toolAllowed(settings.tools, name)) return undefined;
      if (lists === undefined || lists.revision === 0) return { safety: 'write' as const };
      const definition = lists.tools.find((tool) => tool.name === name);
      return definition && { safety: safetyOf(definition, true) };
    },
    nearest: (name, candidates) => nearest(name, candidates),
    limit: 1000,
    events,
  });
  const validator = new Validator();
  const face = createOpenApiFace({
    catalog: () => catalog,
    upstream: (name) => fleet.get(name),
    upstreams: () => fleet.names(),
    dispatch: options.dispatch?.(plain, config) ?? plain,
    nearest: (name, candidates) => nearest(name, candidates),
    validate: (hash, schema, value) => validator.validate(hash, schema, value),
    validates: (upstream) => fleet.config(upstream)?.validate !== 'never',
    isReserved,
    limits: { body: config.limits.body, depth: config.limits.depth },
    events,
    settings: () => ({
      root: normalRoot(config.server.rootPath),
      prefix: normalPrefix(config.server.pathPrefix),
      secured: options.key !== undefined,
      strictAuth: options.strictAuth === true,
      legacyResources: options.legacyResources === true,
      single: options.single === true,
      info: options.info ?? { title: 'Holdfast', description: 'All upstreams', version: '1.0' },
    }),
  });
  const listener = new Listener({
    host: '127.0.0.1',
    port: 0,
    tries: 0,
    allowedHosts: [],
    allowedOrigins: [],
    keys: new CallerKeys(options.key === undefined ? [] : [keyOf('test', options.key, ['read', 'call'])]),
    route: (path) => face.route(path),
    events,
  });
  await listener.listen();
  fleet.start();
  const { url } = listener;
  const stop = async () => {
    await listener.close();
    await fleet.stop(0);
    catalog.close();
    dataDir.close();
    await removeDir(folder);
  };
  return {
    url,
    events,
    fleet,
    catalog,
    stop,
    ready: async () => {
      await waitFor(() => Promise.resolve(fleet.upstreams().every(({ state }) => state.state === 'ready')), {
        within: 15_000,
        every: 10,
        what: () => `upstreams ready: ${JSON.stringify(fleet.upstreams().map(({ state }) => state))}`,
      });
    },
    post: (path, body, headers) =>
      fetch(url + path, {
        method: 'POST',
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      }),
    [Symbol.asyncDispose]: stop,
  };
}
