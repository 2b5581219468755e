// F-I13: answers under the id null.
import { serve } from './scaffold.mjs';

serve({
  call({ execute, port, result }) {
    execute();
    port.send({ jsonrpc: '2.0', id: null, result: result() });
    return null;
  },
});
