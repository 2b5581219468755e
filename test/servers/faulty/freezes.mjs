// F-P5: stops itself (SIGSTOP) in the middle of a call; nothing in it moves any more.
import { serve } from './scaffold.mjs';

serve({
  call() {
    process.kill(process.pid, 'SIGSTOP');
    return null;
  },
});
