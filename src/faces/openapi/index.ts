// The OpenAPI face: every tool at `POST /{upstream}/{tool}`, documents and pages beside them (U-03, requirements 10.13).
import type { Catalog } from '../../core/catalog.ts';
import type { EventStream } from '../../core/events.ts';
import type { Scope } from '../../core/scope.ts';
import { createValueHash } from '../../core/value-hash.ts';
import { presented } from '../../http/auth.ts';
import { sendDetail } from '../../http/body.ts';
import type { HttpExchange, Route } from '../../http/listener.ts';
import { requestId } from '../../http/request-id.ts';
import { type CallDeps, callTool, fail } from './call.ts';
import { Documents, type OpenApiSettings, type Seen } from './documents.ts';
import { pageFiles, sendPage } from './page.ts';
import { decoded, findTool, findUpstream, segmentOf } from './paths.ts';

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
  const documents = new Documents(settings, deps.isReserved);
  const assets = pageFiles();
  const whole: CallDeps = { ...deps, catalog: deps.catalog(undefined), hashOf: createValueHash() };

  /** What exists for the caller. */
  function seenBy({ principal: { scope } }: HttpExchange): Seen {
    const upstreams = deps.upstreams();
    return {
      scope: scope?.id ?? '',
      catalog: deps.catalog(scope),
      upstreams: scope === undefined ? upstreams : upstreams.filter(scope.upstream),
    };
  }

  /** Below the prefix, or as it is: what `--path-prefix` leaves at the root are the documents over all (10.26). */
  function route(path: string): Route | undefined {
    const { prefix, single, strictAuth } = settings();
    const below = path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
    const rest = below ?? path.slice(1);
    if (rest === 'openapi.json' || rest === 'docs') return readable(strictAuth, all);
    if (rest.startsWith('docs/assets/')) return { access: 'open', face: 'openapi', handle: asset };
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

  const CALL: Route = { access: 'call', face: 'openapi', handle: call };

  function readable(strict: boolean, handle: Route['handle']): Route {
    return strict
      ? { access: 'read', face: 'openapi', challenge: STRICT_CHALLENGE, handle }
      : { access: 'open', face: 'openapi', handle };
  }

  async function call(exchange: HttpExchange): Promise<void> {
    const { path, request, response } = exchange;
    const seen = seenBy(exchange);
    const target = targetOf(path, seen);
    if (target === undefined) {
      request.resume();
      response.setHeader('x-request-id', requestId(request));
      return fail(response, request.headers.accept, { status: 404, detail: unknown(path, seen) });
    }
    if (request.method !== 'POST') {
      request.resume();
      response.setHeader('allow', 'POST');
      response.setHeader('x-request-id', requestId(request));
      return fail(response, request.headers.accept, { status: 405, detail: 'Method Not Allowed' });
    }
    const callDeps = seen.scope === '' ? whole : { ...whole, catalog: seen.catalog };
    await callTool(callDeps, exchange, target.upstream, target.name);
  }

  /** Upstream and tool that a path means: at the root only where there is exactly one upstream (10.26). */
  function targetOf(path: string, { catalog, upstreams: ids }: Seen): { upstream: string; name: string } | undefined {
    const { prefix } = settings();
    const rest = path.slice(path.startsWith(prefix) ? prefix.length : 1);
    const cut = rest.indexOf('/');
    if (cut > 0) {
      const upstream = findUpstream(catalog, ids, rest.slice(0, cut));
      const name = decoded(rest.slice(cut + 1));
      if (upstream !== undefined) return name === undefined || name === '' ? undefined : { upstream, name };
    }
    const [only] = ids;
    const name = decoded(rest);
    if (ids.length !== 1 || only === undefined || name === undefined || name === '') return undefined;
    if (deps.isReserved(name.split('/', 1)[0] as string)) return undefined;
    const view = catalog.view(only);
    // A path of one step may be a tool that is not listed yet; with more, only one that is.
    if (cut !== -1 && (view === undefined || findTool(view, name) === undefined)) return undefined;
    return { upstream: only, name };
  }

  function unknown(path: string, { upstreams }: Seen): string {
    const first = decoded(path.slice(settings().prefix.length).split('/', 1)[0] ?? '') ?? '';
    const near = deps.nearest(first, upstreams);
    const hint = near.length === 0 ? '' : `; did you mean ${near.map((one) => JSON.stringify(one)).join(' or ')}?`;
    return `there is no upstream ${JSON.stringify(first)}${hint}`;
  }

  async function all(exchange: HttpExchange): Promise<void> {
    const { path, request, response } = exchange;
    if (!isRead(request.method)) return await guardedCall(exchange);
    const seen = seenBy(exchange);
    if (path.endsWith('/openapi.json')) return sendDocument(exchange, documents.ofAll(seen));
    const { info, secured, prefix, single } = settings();
    const from = path.startsWith(prefix) ? '' : prefix.slice(1);
    const links = seen.upstreams.map((id) => ({
      name: id,
      href: `${from}${encodeURIComponent(segmentOf(seen.catalog.view(id), id))}/docs`,
    }));
    const shown = single && links.length === 1 ? [] : links;
    sendPage(response, { title: info.title, spec: 'openapi.json', assets: 'docs/assets/', links: shown, secured });
  }

  async function ofUpstream(exchange: HttpExchange): Promise<void> {
    const { path, request, response } = exchange;
    if (!isRead(request.method)) return await guardedCall(exchange);
    const [segment = ''] = path.slice(settings().prefix.length).split('/', 1);
    const seen = seenBy(exchange);
    const id = findUpstream(seen.catalog, seen.upstreams, segment);
    if (id === undefined) return sendDetail(response, 404, unknown(path, seen), { 'x-request-id': requestId(request) });
    if (path.endsWith('/openapi.json')) return sendDocument(exchange, documents.ofUpstream(id, seen));
    const links = [{ name: 'all upstreams', href: '../docs' }];
    const { secured } = settings();
    sendPage(response, { title: id, spec: 'openapi.json', assets: '../docs/assets/', links, secured });
  }

  /** A tool that is called `docs` or `openapi.json`: its path is open to readers, so the key is looked at here. */
  async function guardedCall(exchange: HttpExchange): Promise<void> {
    const { roles } = exchange.principal;
    if (roles.includes('call') || roles.includes('admin')) return await call(exchange);
    exchange.request.resume();
    const known = presented(exchange.request) !== undefined;
    deps.events.emit({
      type: 'auth.refused',
      face: 'openapi',
      reason: known ? 'the key is not known' : 'a key is needed',
    });
    const status = known ? 403 : 401;
    const text = known ? 'the key is not known, or lacks the role call' : 'a key is needed';
    sendDetail(exchange.response, status, text, exchange.refusal(status, 'call'));
  }

  function asset(exchange: HttpExchange): void {
    const { path, request, response } = exchange;
    request.resume();
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (!isRead(request.method)) sendDetail(response, 405, 'Method Not Allowed', { allow: 'GET, HEAD' });
    else if (!assets.send(name, exchange, 'public, max-age=3600'))
      sendDetail(response, 404, `the page has no file ${JSON.stringify(name)}`);
  }

  return { route };
}

function isRead(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD';
}

function sendDocument({ request, response }: HttpExchange, bytes: Buffer): void {
  request.resume();
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId(request),
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}
