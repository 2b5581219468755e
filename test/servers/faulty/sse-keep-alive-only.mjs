// F-H16: a stream of comments every `ms` (100) and never an answer; on WebSocket pings.
import { onFaultyCall, serve } from './scaffold.mjs';

const onCall = onFaultyCall((exchange) => {
  exchange.execute();
  const { response, server } = exchange;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const timer = setInterval(() => response.write(': keep-alive\n\n'), server.options.set.ms ?? 100);
  response.on('close', () => clearInterval(timer));
});
serve({
  http: (exchange) => (exchange.server.options.transport === 'sse' ? exchange.next() : onCall(exchange)),
  call({ execute, port, server }) {
    execute();
    const beat = () => (port.kind === 'ws' ? port.socket.ping() : port.response.write(': keep-alive\n\n'));
    const timer = setInterval(beat, server.options.set.ms ?? 100);
    (port.socket ?? port.response).on('close', () => clearInterval(timer));
    return null;
  },
});
