// F-P23: keeps `mb` (20) more memory with every faulty call, and answers.
import { serve } from './scaffold.mjs';

const kept = [];
serve({
  call: ({ server }) => {
    kept.push(Buffer.alloc((server.options.set.mb ?? 20) * 2 ** 20, 1));
  },
});
