// F-H16: a stream of comments every `ms` (100) and never an answer.
import { onFaultyCall, serve } from './scaffold.mjs';

serve({
  http: onFaultyCall((exchange) => {
    exchange.execute();
    const { response, server } = exchange;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const timer = setInterval(() => response.write(': keep-alive\n\n'), server.options.set.ms ?? 100);
    response.on('close', () => clearInterval(timer));
  }),
});
