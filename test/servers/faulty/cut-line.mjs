// F-I3: runs the call and writes only the first half of its answer's line (stdio).
import { serve } from './scaffold.mjs';

serve({
  call({ execute, message, port, result }) {
    execute();
    const line = JSON.stringify({ jsonrpc: '2.0', id: message.id, result: result() });
    port.raw(`${line.slice(0, line.length / 2)}\n`);
    return null;
  },
});
