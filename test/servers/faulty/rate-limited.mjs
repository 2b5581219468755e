// F-H2: 429 for `ms` with Retry-After, by order of the test: control({ms: 2000, form: 'seconds' | 'date'}).
// Calls that came too early are in the ledger as `refused`. A WebSocket is cut, and its next openings are refused.
import { onEveryRequest, serve } from './scaffold.mjs';

let until = 0;
let form = 'seconds';
const refused = ({ ledger }) => {
  if (Date.now() >= until) return false;
  ledger.add('refused', { status: 429 });
  return true;
};
const headers = () => ({
  'retry-after': form === 'date' ? new Date(until + 999).toUTCString() : Math.ceil((until - Date.now()) / 1000),
  'content-type': 'text/plain',
});
serve({
  control({ ms = 2_000, form: wanted = 'seconds' }, { sockets }) {
    until = Date.now() + ms;
    form = wanted;
    for (const socket of sockets ?? []) socket.terminate();
  },
  http: onEveryRequest(refused, ({ response }) => response.writeHead(429, headers()).end('Too Many Requests')),
  upgrade: ({ server, refuse }) => refused(server) && refuse(429, headers(), 'Too Many Requests'),
});
