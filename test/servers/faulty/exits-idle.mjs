// F-P1: exits by itself `after` ms (200) behind the last message, in its first `times` (1) lives; `code` (3).
import { serve } from './scaffold.mjs';

let timer;
serve({
  message(_message, _port, { options, ledger }) {
    const { after = 200, times = 1, code = 3 } = options.set;
    clearTimeout(timer);
    if (ledger.count('started') <= times) timer = setTimeout(() => process.exit(code), after);
  },
});
