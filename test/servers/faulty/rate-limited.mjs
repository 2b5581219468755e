// F-H2: 429 for `ms` with Retry-After, by order of the test: control({ms: 2000, form: 'seconds' | 'date'}).
// Calls that came too early are in the ledger as `refused`.
import { onEveryRequest, serve } from './scaffold.mjs';

let until = 0;
let form = 'seconds';
serve({
  control({ ms = 2_000, form: wanted = 'seconds' }) {
    until = Date.now() + ms;
    form = wanted;
  },
  http: onEveryRequest(
    ({ ledger }) => {
      if (Date.now() >= until) return false;
      ledger.add('refused', { status: 429 });
      return true;
    },
    ({ response }) => {
      const after = form === 'date' ? new Date(until + 999).toUTCString() : Math.ceil((until - Date.now()) / 1000);
      response.writeHead(429, { 'retry-after': after, 'content-type': 'text/plain' }).end('Too Many Requests');
    },
  ),
});
