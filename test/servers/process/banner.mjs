// Talks on stdout as if it were a terminal, before and between its answers (F-I1, F-I2).
import { serve } from './requests.mjs';

process.stdout.write('\uFEFFServer v1.2 starting...\r\n\r\n[1, 2, 3]\n"ready"\n{ not: "json" }\n');
serve((request) => {
  process.stdout.write(`handling ${request.method}\n`);
  return { ok: true };
});
