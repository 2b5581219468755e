// What answers requests of the OpenAPI face: calls, documents, pages. Read with the first of them.
import { createValueHash } from '../../core/value-hash.ts';
import { presented } from '../../http/auth.ts';
import { sendDetail } from '../../http/body.ts';
import type { HttpExchange } from '../../http/listener.ts';
import { requestId } from '../../http/request-id.ts';
import { type CallDeps, callTool, fail } from './call.ts';
import { Documents, type Seen } from './documents.ts';
import type { OpenApiDeps } from './index.ts';
import { pageFiles, sendPage } from './page.ts';
import { decoded, findTool, findUpstream, segmentOf } from './paths.ts';

type Handle = (exchange: HttpExchange) => void | Promise<void>;

export interface OpenApiHandlers {
  /** Calls the tool that the path means. */
  call: Handle;
  /** Document and page over all upstreams, and of one. */
  all: Handle;
  ofUpstream: Handle;
  /** A static file of the pages. */
  asset: Handle;
}

export function createOpenApiHandlers(deps: OpenApiDeps): OpenApiHandlers {
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

  return { call, all, ofUpstream, asset };
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
