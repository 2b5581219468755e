// F-I6: a message that never ends; it pauses for ever after `mb` (2,000) for the sake of the machine.
import { serve } from './scaffold.mjs';

serve({
  async call({ server, port }) {
    const piece = Buffer.alloc(2 ** 20, 0x61);
    const endless = async function* () {
      yield '{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"';
      for (let sent = 0; sent < (server.options.set.mb ?? 2_000); sent++) yield piece;
      await new Promise(() => {});
    };
    await port.pieces(endless()).catch(() => {}); // nobody reads any more
    return null;
  },
});
