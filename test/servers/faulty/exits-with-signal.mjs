// F-P4: dies of SIGKILL in the middle of a call, `after` ms (0) behind its start.
import { serve } from './scaffold.mjs';

serve({
  call({ server }) {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), server.options.set.after ?? 0);
    return null;
  },
});
