// F-H7: stops listening for `ms` at control({ms: 3000, lose: true}) and cuts what is open; `lose` forgets the sessions.
import { serve } from './scaffold.mjs';

serve({
  control({ ms = 3_000, lose = false }, { http, sessions, sockets }) {
    const { port } = http.address();
    if (lose) sessions.clear();
    setImmediate(() => {
      http.close();
      http.closeAllConnections();
      for (const socket of sockets ?? []) socket.terminate();
      setTimeout(() => http.listen(port, '127.0.0.1'), ms);
    });
  },
});
