// F-I5: writes its answer byte by byte, in the middle of letters too.
import { serve } from './scaffold.mjs';

serve({
  async call({ execute, message, port, args }) {
    execute();
    const result = { content: [{ type: 'text', text: `${args.nonce} 敏捷的棕色狐狸 🦊 über` }] };
    const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
    await port.pieces([...bytes].map((byte) => Buffer.from([byte])));
    return null;
  },
});
