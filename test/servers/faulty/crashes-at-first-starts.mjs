// F-P8: crashes at its first `times` (2) starts, counted in the ledger; then it is healthy.
import { serve } from './scaffold.mjs';

serve({
  start({ options, ledger }) {
    if (ledger.count('started') <= (options.set.times ?? 2)) process.exit(1);
  },
});
