// F-P3: runs the call and ends before it answers.
import { serve } from './scaffold.mjs';

serve({
  call({ execute }) {
    execute();
    process.exit(1);
  },
});
