// A 503 with Retry-After on faulty calls: refused, not run (`rejected-unprocessed`). `after` seconds (1).
import { onFaultyCall, serve } from './scaffold.mjs';

serve({
  http: onFaultyCall(({ response, server }) => {
    response.writeHead(503, { 'retry-after': server.options.set.after ?? 1 }).end('busy');
  }),
});
