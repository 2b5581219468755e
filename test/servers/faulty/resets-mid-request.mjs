// F-H8: runs the faulty call and resets the connection.
import { onFaultyCall, serve } from './scaffold.mjs';

serve({
  http: onFaultyCall((exchange) => {
    exchange.execute();
    exchange.request.socket.resetAndDestroy();
  }),
  call({ execute, port }) {
    if (port.kind !== 'ws') return undefined;
    execute();
    port.socket._socket.resetAndDestroy();
    return null;
  },
});
