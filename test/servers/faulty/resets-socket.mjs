// F-X2: every WebSocket is reset `ms` (100) behind its opening; openings are in the ledger as `socket` (ws).
import { serve } from './scaffold.mjs';

serve({
  socket(socket, { options, ledger }) {
    ledger.add('socket');
    setTimeout(() => socket.terminate(), options.set.ms ?? 100);
  },
});
