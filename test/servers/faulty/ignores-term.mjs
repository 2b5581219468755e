// F-P15: takes no notice of SIGTERM, SIGINT, SIGHUP or the end of its stdin.
import { serve } from './scaffold.mjs';

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {});
setInterval(() => {}, 1_000);
serve({ onEnd() {} });
