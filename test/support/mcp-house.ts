// The MCP faces on a real listener before scripted upstreams: everything of the gateway but the upstreams themselves.
import { randomBytes } from 'node:crypto';
import { interactive } from '../../src/bridge/interactive.ts';
import { ParkedCalls } from '../../src/bridge/parked.ts';
import { TaskOwners } from '../../src/bridge/tasks.ts';
import { RunningCatalog } from '../../src/catalog/catalog.ts';
import { EventStream, type GatewayEvent } from '../../src/core/events.ts';
import { nearest } from '../../src/core/nearest.ts';
import { createDispatch, type Dispatch } from '../../src/dispatch/dispatch.ts';
import { McpHttpFace } from '../../src/faces/mcp/http.ts';
import { SessionIds } from '../../src/faces/mcp/session-id.ts';
import { SessionStates, type SessionStore } from '../../src/faces/mcp/session-states.ts';
import { McpSseFace } from '../../src/faces/mcp/sse.ts';
import { CallerKeys, type Key } from '../../src/http/keys.ts';
import { Listener, type ListenerOptions } from '../../src/http/listener.ts';
import { PassthroughSurface } from '../../src/session/passthrough.ts';
import { readParamHeaders } from '../../src/wire/headers.ts';
import type { ScriptedUpstream } from './scripted-upstream.ts';

export interface HouseOptions {
  upstreams: readonly ScriptedUpstream[];
  keys?: readonly Key[];
  limits?: Partial<{ body: number; depth: number; streams: number; sessions: number; gateway: number }>;
  store?: SessionStore;
  secret?: Buffer;
  listener?: Partial<ListenerOptions>;
  parkedTtl?: number;
}

export interface McpHouse extends AsyncDisposable {
  url: string;
  events: GatewayEvent[];
  mcp: McpHttpFace;
  sse: McpSseFace;
  catalog: RunningCatalog;
  dispatch: Dispatch & { readonly inFlight: number };
  parked: ParkedCalls;
  listener: Listener;
  surface(view: string): PassthroughSurface | undefined;
}

export const IDENTITY = { name: 'holdfast', title: 'Holdfast', version: '0' };

/** `/mcp/{view}` with views `passthrough` and one per upstream; `/mcp` is passthrough. */
export async function openHouse(options: HouseOptions): Promise<McpHouse> {
  const { upstreams, keys = [], secret = randomBytes(32) } = options;
  const limits = { body: 4_000_000, depth: 64, streams: 100, sessions: 600, gateway: 100, ...options.limits };
  const stream = new EventStream();
  const events: GatewayEvent[] = [];
  stream.subscribe((event) => events.push(event));
  const find = (name: string) => upstreams.find((one) => one.name === name);
  const members = upstreams.map((upstream) => ({
    upstream,
    tools: { allow: [], disabled: [], overrides: {} },
    trustAnnotations: true,
  }));
  const catalog = new RunningCatalog({ members, prefix: 'always' }, stream);
  const dispatch = createDispatch({
    upstream: find,
    upstreams: () => upstreams.map(({ name }) => name),
    tool: () => ({ safety: 'write' }),
    nearest: (name, candidates) => nearest(name, candidates),
    limit: limits.gateway,
    events: stream,
  });
  const signing = { signing: secret, all: [secret] };
  const parked = new ParkedCalls({ keys: signing, ttl: options.parkedTtl });
  const surfaces = new Map<string, PassthroughSurface>();
  const surface = (view: string) => {
    if (!catalog.views().includes(view)) return undefined;
    const known = surfaces.get(view);
    if (known !== undefined) return known;
    const made = new PassthroughSurface(view, find(view) && view, {
      catalog,
      dispatch: interactive(dispatch, parked),
      upstream: find,
      onNotification: (listener) => {
        const stops = upstreams.map((upstream) => upstream.onNotification((told) => listener(upstream.name, told)));
        return () => {
          for (const stop of stops) stop();
        };
      },
      nearest: (name, candidates) => nearest(name, candidates),
      tasks: new TaskOwners(),
      readHeaderParams: (schema) => readParamHeaders(schema).map,
    });
    surfaces.set(view, made);
    return made;
  };
  const states = new SessionStates(options.store);
  const shared = { surface, views: () => catalog.views(), identity: IDENTITY, limits };
  const mcp = new McpHttpFace({ ...shared, sessionIds: new SessionIds(signing, states.capabilities), states });
  const sse = new McpSseFace({ ...shared, rootPath: '' });
  const listener = new Listener({
    host: '127.0.0.1',
    port: 0,
    tries: 0,
    allowedHosts: [],
    allowedOrigins: [],
    keys: new CallerKeys(keys),
    route: (path) => {
      const [, face, view = 'passthrough'] = path.split('/');
      if (face === 'mcp') return { access: 'call', handle: (exchange) => mcp.handle(exchange, view) };
      if (face === 'sse') return { access: 'call', handle: (exchange) => sse.stream(exchange, view) };
      if (face === 'messages') return { access: 'call', handle: (exchange) => sse.message(exchange) };
      return undefined;
    },
    events: stream,
    ...options.listener,
  });
  await listener.listen();
  return {
    url: listener.url,
    events,
    mcp,
    sse,
    catalog,
    dispatch,
    parked,
    listener,
    surface,
    [Symbol.asyncDispose]: async () => {
      mcp.close();
      sse.close();
      parked.close();
      await listener.close();
      catalog.close();
    },
  };
}
