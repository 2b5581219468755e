// F-I17: runs the call at once and answers `ms` (3,000) later, when nobody waits any more.
import { serve } from './scaffold.mjs';

serve({
  call({ execute, answer, result, server }) {
    execute();
    setTimeout(() => answer(result()), server.options.set.ms ?? 3_000);
    return null;
  },
});
