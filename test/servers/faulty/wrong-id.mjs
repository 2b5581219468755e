// F-I11: answers under an id that nobody used.
import { serve } from './scaffold.mjs';

serve({
  call({ execute, port, result }) {
    execute();
    port.send({ jsonrpc: '2.0', id: 987_654_321, result: result() });
    return null;
  },
});
