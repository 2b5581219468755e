// F-P2: ends when it has got the call and not run it.
import { serve } from './scaffold.mjs';

serve({ call: () => process.exit(1) });
