// F-I5: writes its answer byte by byte, in the middle of letters too (stdio).
import { serve } from './scaffold.mjs';

serve({
  async call({ execute, message, port, args }) {
    execute();
    const result = { content: [{ type: 'text', text: `${args.nonce} 敏捷的棕色狐狸 🦊 über` }] };
    for (const byte of Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, result })}\n`)) {
      port.raw(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    return null;
  },
});
