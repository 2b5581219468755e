// F-I21: `__proto__` and `constructor` as keys of an answer; as text, since an object literal would lose them.
import { serve } from './scaffold.mjs';

const EVIL = '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}';

serve({
  async call({ execute, message, port, args }) {
    execute();
    const content = `[{"type":"text","text":"${args.nonce}",${EVIL}}]`;
    const text = `{"jsonrpc":"2.0","id":${message.id},${EVIL},"result":{"content":${content},"structuredContent":{${EVIL}},${EVIL}}}`;
    await port.pieces([text]);
    return null;
  },
});
