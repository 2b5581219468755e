// F-I6: a line that never ends (stdio); it stops after `mb` (2,000) for the sake of the machine.
import { once } from 'node:events';
import { serve } from './scaffold.mjs';

serve({
  async call({ server }) {
    const piece = Buffer.alloc(2 ** 20, 0x61);
    process.stdout.write('{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"');
    for (let sent = 0; sent < (server.options.set.mb ?? 2_000); sent++) {
      if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
      await new Promise(setImmediate);
    }
    return null;
  },
});
