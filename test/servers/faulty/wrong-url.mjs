// F-H4: there is no MCP here: `status` (404; 405) for everything.
import { serve } from './scaffold.mjs';

const page = '<h1>Not here</h1>';
serve({
  http: ({ response, server }) =>
    response.writeHead(server.options.set.status ?? 404, { 'content-type': 'text/html' }).end(page),
  upgrade: ({ refuse, server }) => refuse(server.options.set.status ?? 404, { 'content-type': 'text/html' }, page),
});
