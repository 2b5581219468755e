// F-H10: sends the head of a 200 and nothing more; `type` application/json, or text/event-stream.
import { onFaultyCall, serve } from './scaffold.mjs';

serve({
  http: onFaultyCall((exchange) => {
    exchange.execute();
    const { response, server } = exchange;
    response.writeHead(200, { 'content-type': server.options.set.type ?? 'application/json' }).flushHeaders();
  }),
});
