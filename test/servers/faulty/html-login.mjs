// F-H13: a login page in place of an answer, with 200. `all` = yes: for everything, from the start.
import { onFaultyCall, serve } from './scaffold.mjs';

const HTML = '<!doctype html><title>Sign in</title><form></form>';
const HEADERS = { 'content-type': 'text/html; charset=utf-8' };
const page = ({ response }) => response.writeHead(200, HEADERS).end(HTML);
const onCall = onFaultyCall(page);
serve({
  http: (exchange) => (exchange.server.options.set.all === 'yes' ? page(exchange) : onCall(exchange)),
  upgrade: ({ refuse, server }) => server.options.set.all === 'yes' && refuse(200, HEADERS, HTML),
});
