// F-P9: says that it is up and never answers anything.
import { serve } from './scaffold.mjs';

serve({
  start: () => process.stderr.write('Server started and listening\n'),
  message: () => true,
});
