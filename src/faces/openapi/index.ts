// The OpenAPI face: every tool at `POST /{upstream}/{tool}`, documents and pages beside them (U-03, requirements 10.13).
import type { Catalog } from '../../core/catalog.ts';
import type { EventStream } from '../../core/events.ts';
import { part } from '../../core/part.ts';
import type { Scope } from '../../core/scope.ts';
import type { HttpExchange, Route } from '../../http/listener.ts';
import type { CallDeps } from './call.ts';
import type { OpenApiSettings } from './documents.ts';
import type { OpenApiHandlers } from './handlers.ts';
import { decoded } from './paths.ts';

export type { OpenApiSettings } from './documents.ts';
export { normalPrefix, normalRoot } from './paths.ts';

export interface OpenApiDeps extends Omit<CallDeps, 'hashOf' | 'catalog'> {
  /** The catalogue as it is for a scope. */
  catalog(scope: Scope | undefined): Catalog;
  /** Ids of all upstreams, in the order of the configuration. */
  upstreams(): readonly string[];
  /** As the configuration says now; prefix and root made normal by `normalPrefix` and `normalRoot`. */
  settings(): OpenApiSettings;
  /** First segments of paths that are the gateway's own (requirements 10.12). */
  isReserved(segment: string): boolean;
  events: EventStream;
}

export interface OpenApiFace {
  /** The route of a path, as it came (not decoded); undefined for a path that is not of this face. */
  route(path: string): Route | undefined;
}

/** Two headers: browsers ask for a name and password only where Basic stands in one of its own. */
const STRICT_CHALLENGE = ['Bearer', 'Basic realm="holdfast"'];

export function createOpenApiFace(deps: OpenApiDeps): OpenApiFace {
  const { settings } = deps;
  let handlers: OpenApiHandlers | undefined;
  const read = part('OpenAPI', async () => (await import('./handlers.ts')).createOpenApiHandlers(deps));

  const handle =
    (name: keyof OpenApiHandlers): Route['handle'] =>
    (exchange) =>
      handlers === undefined ? first(name, exchange) : handlers[name](exchange);

  async function first(name: keyof OpenApiHandlers, exchange: HttpExchange): Promise<void> {
    handlers = await read();
    // Whoever went meanwhile is told of by no event any more.
    if (!exchange.response.destroyed) await handlers[name](exchange);
  }

  const all = handle('all');
  const ofUpstream = handle('ofUpstream');
  const CALL: Route = { access: 'call', face: 'openapi', handle: handle('call') };
  const ASSET: Route = { access: 'open', face: 'openapi', handle: handle('asset') };

  /** Below the prefix, or as it is: what `--path-prefix` leaves at the root are the documents over all (10.26). */
  function route(path: string): Route | undefined {
    const { prefix, single, strictAuth } = settings();
    const below = path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
    const rest = below ?? path.slice(1);
    if (rest === 'openapi.json' || rest === 'docs') return readable(strictAuth, all);
    if (rest.startsWith('docs/assets/')) return ASSET;
    if (below === undefined && !single) return undefined;
    const cut = rest.indexOf('/');
    const first = cut === -1 ? rest : rest.slice(0, cut);
    if (first === '' || (prefix === '/' && deps.isReserved(decoded(first) ?? first))) return undefined;
    const last = rest.slice(cut + 1);
    if (cut !== -1 && below !== undefined && (last === 'openapi.json' || last === 'docs')) {
      return readable(strictAuth, ofUpstream);
    }
    return CALL;
  }

  function readable(strict: boolean, handle: Route['handle']): Route {
    return strict
      ? { access: 'read', face: 'openapi', challenge: STRICT_CHALLENGE, handle }
      : { access: 'open', face: 'openapi', handle };
  }

  return { route };
}
