// The paths of a gateway (requirements 10.13): what is served at once is a table, the rest is asked for by its path.
import { LRUCache } from 'lru-cache';
import type { McpHttpFace } from './faces/mcp/http.ts';
import type { McpSseFace } from './faces/mcp/sse.ts';
import { sendJson } from './http/body.ts';
import type { Route } from './http/listener.ts';
import { allHealthy, type HealthReport } from './operations/health.ts';

export interface Routed {
  mcp: Pick<McpHttpFace, 'handle'>;
  sse: Pick<McpSseFace, 'stream' | 'message'>;
  /** What `/mcp` and `/sse` show. */
  defaultView(): string;
  health(detailed: boolean): HealthReport;
  draining(): boolean;
  /** The route of a path that is in neither table. */
  others(path: string): Route | undefined;
}

/** Finds the route of a path; a request makes none. */
export function createRoutes(routed: Routed): (path: string) => Route | undefined {
  const mcp = (view: string | undefined): Route => ({
    access: 'call',
    handle: (exchange) => routed.mcp.handle(exchange, view ?? routed.defaultView()),
  });
  const sse = (view: string | undefined): Route => ({
    access: 'call',
    handle: (exchange) => routed.sse.stream(exchange, view ?? routed.defaultView()),
  });
  const fixed: Readonly<Record<string, Route>> = {
    '/mcp': mcp(undefined),
    '/sse': sse(undefined),
    '/messages': { access: 'call', handle: (exchange) => routed.sse.message(exchange) },
    '/health': {
      access: 'open',
      handle: ({ response, query, principal }) => {
        const report = routed.health(principal.roles.includes('read') || principal.roles.includes('admin'));
        const strict = query.get('strict') === '1' && !allHealthy(report);
        sendJson(response, strict ? 503 : 200, JSON.stringify(report));
      },
    },
    '/health/live': {
      access: 'open',
      anyHost: true,
      handle: ({ response }) => sendJson(response, 200, '{"status":"ok"}'),
    },
    '/health/ready': {
      access: 'open',
      anyHost: true,
      handle: ({ response }) => {
        const draining = routed.draining();
        sendJson(response, draining ? 503 : 200, JSON.stringify({ status: draining ? 'draining' : 'ready' }));
      },
    },
  };
  const views = new LRUCache<string, Route>({ max: 1000 });
  const viewRoute = (path: string): Route | undefined => {
    if (path.startsWith('/mcp/')) return mcp(decoded(path.slice(5)));
    return path.startsWith('/sse/') ? sse(decoded(path.slice(5))) : undefined;
  };
  return (path) => {
    const known = fixed[path] ?? views.get(path);
    if (known !== undefined) return known;
    const route = viewRoute(path);
    if (route === undefined) return routed.others(path);
    views.set(path, route);
    return route;
  };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
