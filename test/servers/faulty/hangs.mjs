// F-I26, F-H9: runs the call and never answers it; everything else goes on. Cancellations are in the ledger.
import { serve } from './scaffold.mjs';

serve({
  call({ execute }) {
    execute();
    return null;
  },
});
