// F-I20: an answer nested `depth` (50,000) levels deep; written by hand, since JSON.stringify cannot.
import { serve } from './scaffold.mjs';

serve({
  async call({ execute, message, port, args, server }) {
    execute();
    const depth = server.options.set.depth ?? 50_000;
    const deep = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    const text = `{"jsonrpc":"2.0","id":${message.id},"result":{"content":[{"type":"text","text":"${args.nonce}"}],"structuredContent":${deep}}}`;
    await port.pieces([text]);
    return null;
  },
});
