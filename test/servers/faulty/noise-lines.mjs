// F-I1: lines that are no JSON stand between its answers (stdio).
import { serve } from './scaffold.mjs';

serve({
  message(_message, port) {
    if (port.kind === 'stdio') port.raw('[info] handling a request\n{broken json\n\n');
  },
});
