// F-H1: every request gets `status` for `ms`, by order of the test: control({status: 502, ms: 1000}). 0 ms ends it.
// What is open is cut at its beginning: streams and sockets do not outlive the proxy that breaks.
import { onEveryRequest, serve } from './scaffold.mjs';

const HTML = '<html><head><title>Bad Gateway</title></head><body><h1>nginx</h1></body></html>';
let until = 0;
let status = 502;
const refused = ({ ledger }) => {
  if (Date.now() >= until) return false;
  ledger.add('refused', { status });
  return true;
};
serve({
  control({ ms = 1_000, status: wanted = 502 }, { sockets, ports }) {
    until = Date.now() + ms;
    status = wanted;
    if (ms === 0) return;
    for (const socket of sockets ?? []) socket.terminate();
    for (const { response } of ports?.values() ?? []) response.destroy();
  },
  http: onEveryRequest(refused, ({ response }) =>
    response.writeHead(status, { 'content-type': 'text/html' }).end(HTML),
  ),
  upgrade: ({ server, refuse }) => refused(server) && refuse(status, { 'content-type': 'text/html' }, HTML),
});
