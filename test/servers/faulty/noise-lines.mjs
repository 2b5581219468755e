// F-I1: what is no JSON stands before each of its answers.
import { serve } from './scaffold.mjs';

serve({
  message({ method, id }, port) {
    if (port.kind === 'stdio') port.raw('[info] handling a request\n{broken json\n\n');
    else if (method !== undefined && id !== undefined) {
      port.noise('[info] handling a request');
      port.noise('{broken json');
    }
  },
});
