// F-P6: blocks its event loop for `ms` (30,000), then goes on as if nothing had been.
import { block, serve } from './scaffold.mjs';

serve({
  call: ({ server }) => {
    block(server.options.set.ms ?? 30_000);
  },
});
