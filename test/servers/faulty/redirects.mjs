// F-H19: answers faulty calls, or with `all` = yes everything, by a redirect to `to` (itself: a loop); `status` 307.
// What reaches it by a redirect is in the ledger as `followed`, with whether credentials came along.
import { onFaultyCall, serve } from './scaffold.mjs';

const away = ({ response, request, server }) => {
  const { to = `http://${request.headers.host}/mcp?again=1`, status = 307 } = server.options.set;
  response.writeHead(status, { location: to }).end();
};
const onCall = onFaultyCall(away);
serve({
  http(exchange) {
    const { request, server } = exchange;
    if (server.options.transport === 'sse' && server.options.set.all !== 'yes') return onCall(exchange);
    if (request.url !== '/mcp')
      server.ledger.add('followed', { credentials: request.headers.authorization !== undefined });
    return server.options.set.all === 'yes' || request.url !== '/mcp' ? away(exchange) : onCall(exchange);
  },
  upgrade: ({ refuse, server }) =>
    server.options.set.all === 'yes' && refuse(307, { location: server.options.set.to ?? '/mcp' }),
});
