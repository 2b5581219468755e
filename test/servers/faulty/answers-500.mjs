// F-H3, F-H23: runs the faulty call and then says `status` (500; 502 for F-H23) as if it had failed; on WebSocket it
// closes with 1011.
import { onFaultyCall, serve } from './scaffold.mjs';

serve({
  http: onFaultyCall((exchange) => {
    exchange.execute();
    const { response, server } = exchange;
    response
      .writeHead(server.options.set.status ?? 500, { 'content-type': 'text/html' })
      .end('<h1>Internal Server Error</h1>');
  }),
  call({ execute, port }) {
    if (port.kind !== 'ws') return undefined;
    execute();
    port.socket.close(1011, 'internal error');
    return null;
  },
});
