// F-P22: from the first faulty call on it reads nothing any more.
import { serve } from './scaffold.mjs';

serve({
  call() {
    process.stdin.pause();
    return null;
  },
});
