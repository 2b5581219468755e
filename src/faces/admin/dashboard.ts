// `/ui`, the dashboard: static files without any data, open to everybody (requirements 12.3). What they show comes from
// the management API, which asks for a login.
import { fileURLToPath } from 'node:url';
import { sendDetail } from '../../http/body.ts';
import type { HttpExchange, Route } from '../../http/listener.ts';
import { PAGE_HEADERS, StaticFiles } from '../../http/static-files.ts';

/** Beside the bundle; and where a build has put them, for a gateway that runs from its sources. */
const PLACES = ['./ui/', '../../../dist/ui/'] as const;
const ASSETS = '/ui/assets/';
/** Their names hold a hash of what is in them. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/** The route of a path; undefined for one that is not of the dashboard. */
export function dashboardRoutes(): (path: string) => Route | undefined {
  const folders = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const page = new StaticFiles(folders);
  const assets = new StaticFiles(folders.map((folder) => `${folder}assets/`));

  const route = (answer: (exchange: HttpExchange) => void): Route => ({
    access: 'open',
    face: 'admin',
    handle: (exchange) => {
      const { request, response } = exchange;
      request.resume();
      if (request.method === 'GET' || request.method === 'HEAD') return answer(exchange);
      sendDetail(response, 405, 'Method Not Allowed', { allow: 'GET, HEAD' });
    },
  });
  // Relative, so that it holds behind a proxy that puts a path in front.
  const leadTo = (location: string): Route =>
    route(({ response }) => {
      response.writeHead(302, { ...PAGE_HEADERS, location, 'content-length': 0, 'cache-control': 'no-cache' });
      response.end();
    });
  const root = leadTo('ui');
  const slash = leadTo('../ui');
  const ui = route((exchange) => {
    if (!page.send('index.html', exchange, 'no-cache'))
      sendDetail(exchange.response, 503, 'the dashboard was not built: run `npm run build` and start again');
  });
  const asset = route((exchange) => {
    const name = exchange.path.slice(ASSETS.length);
    if (!assets.send(name, exchange, FOR_EVER))
      sendDetail(exchange.response, 404, `the dashboard has no file ${JSON.stringify(name)}`);
  });
  return (path) => {
    if (path === '/') return root;
    if (path === '/ui') return ui;
    if (path === '/ui/') return slash;
    return path.startsWith(ASSETS) ? asset : undefined;
  };
}
