// F-I4: bytes that are no UTF-8 inside the text of an answer.
import { serve } from './scaffold.mjs';

serve({
  async call({ execute, message, port, args }) {
    execute();
    const head = `{"jsonrpc":"2.0","id":${message.id},"result":{"content":[{"type":"text","text":"${args.nonce} `;
    await port.pieces([Buffer.from(head), Buffer.from([0xff, 0xc3, 0x28, 0x80]), Buffer.from('"}]}}')]);
    return null;
  },
});
