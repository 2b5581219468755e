// F-I3: runs the call and writes only the first half of its answer.
import { serve } from './scaffold.mjs';

serve({
  async call({ execute, message, port, result }) {
    execute();
    const line = JSON.stringify({ jsonrpc: '2.0', id: message.id, result: result() });
    await port.pieces([line.slice(0, line.length / 2)]);
    return null;
  },
});
