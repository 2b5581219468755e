// F-P10: takes `ms` (2,000) before it reads its first byte, as an npx download does.
import { serve, sleep } from './scaffold.mjs';

serve({ start: ({ options }) => sleep(options.set.ms ?? 2_000) });
