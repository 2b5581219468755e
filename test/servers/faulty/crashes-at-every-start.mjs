// F-P7: says why on stderr and ends, every time; `code` (1).
import { serve } from './scaffold.mjs';

serve({
  start({ options }) {
    for (let line = 1; line <= 30; line++) process.stderr.write(`cannot open the database (line ${line})\n`);
    process.exit(options.set.code ?? 1);
  },
});
