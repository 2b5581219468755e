// F-I16: holds faulty calls until `n` (50) are there, and answers the last one first.
import { serve } from './scaffold.mjs';

const held = [];
serve({
  call({ execute, answer, result, server }) {
    execute();
    held.push(() => answer(result()));
    if (held.length >= (server.options.set.n ?? 50)) for (const release of held.splice(0).reverse()) release();
    return null;
  },
});
