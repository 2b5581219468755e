// The admin face: `/ui`, `/metrics`, `/diagnostics`, `/status` and the management API under `/api/v1` (12.3, 12.4, 12.6).
import { part } from '../../core/part.ts';
import type { HttpExchange, Route } from '../../http/listener.ts';
import { dashboardRoutes } from './dashboard.ts';
import type { AdminDeps } from './deps.ts';
import { EventFeed } from './event-feed.ts';
import { Logins } from './logins.ts';
import type { ManagementApi } from './management-api.ts';
import { plainRoutes } from './plain-routes.ts';

export type { AdminDeps } from './deps.ts';

export interface AdminFace {
  /** The route of a path, as it came (not decoded); undefined for a path that is not of this face. */
  route(path: string): Route | undefined;
  /** What the API can do, for documents. */
  operations(): Promise<ManagementApi['operations']>;
  /** A one-time code for a dashboard link: `<url>/ui#code=<code>`. */
  code(): string;
  /** These keys are gone or may do other things now: browsers that logged in with them log in again. */
  keysChanged(names: readonly string[]): void;
  /** Ends the event streams; to be called before the listener drains. */
  close(): void;
}

const PREFIX = '/api/v1';

export function createAdminFace(deps: AdminDeps): AdminFace {
  const logins = new Logins();
  const feed = new EventFeed(deps);
  const plain = plainRoutes(deps);
  const dashboard = dashboardRoutes();
  const read = part('management API', async () => {
    const { createManagementApi } = await import('./management-api.ts');
    return createManagementApi({ deps, prefix: PREFIX, logins, feed });
  });
  // The listener leaves the decision to us: which key is needed depends on the method, and a cookie may stand for one.
  const api: Route = { access: 'open', handle };

  async function handle(exchange: HttpExchange): Promise<void> {
    const { handle: answer } = await read();
    // Whoever went meanwhile is told of by no event any more.
    if (!exchange.response.destroyed) await answer(exchange);
  }

  return {
    route: (path) => plain[path] ?? (path === PREFIX || path.startsWith(`${PREFIX}/`) ? api : dashboard(path)),
    operations: async () => (await read()).operations,
    code: () => logins.code(),
    keysChanged: (names) => logins.endOf(names),
    close: () => feed.close(),
  };
}
