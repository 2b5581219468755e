// F-H1: every request gets `status` for `ms`, by order of the test: control({status: 502, ms: 1000}). 0 ms ends it.
import { onEveryRequest, serve } from './scaffold.mjs';

const HTML = '<html><head><title>Bad Gateway</title></head><body><h1>nginx</h1></body></html>';
let until = 0;
let status = 502;
serve({
  control({ ms = 1_000, status: wanted = 502 }) {
    until = Date.now() + ms;
    status = wanted;
  },
  http: onEveryRequest(
    ({ ledger }) => {
      if (Date.now() >= until) return false;
      ledger.add('refused', { status });
      return true;
    },
    ({ response }) => response.writeHead(status, { 'content-type': 'text/html' }).end(HTML),
  ),
});
