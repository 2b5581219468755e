// F-X3: closes the WebSocket with `code` (4004) in the middle of a call, or with `at` = start as soon as it is open (ws).
import { serve } from './scaffold.mjs';

serve({
  socket(socket, { options }) {
    if (options.set.at === 'start') socket.close(options.set.code ?? 4004, 'go away');
  },
  call({ port, server }) {
    port.socket.close(server.options.set.code ?? 4004, 'go away');
    return null;
  },
});
