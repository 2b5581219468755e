// F-I12: answers under its id written as a string.
import { serve } from './scaffold.mjs';

serve({
  call({ execute, message, port, result }) {
    execute();
    port.send({ jsonrpc: '2.0', id: String(message.id), result: result() });
    return null;
  },
});
