// F-H22: its answer comes one byte every `ms` (50).
import { serve, sleep } from './scaffold.mjs';

serve({
  async call({ execute, message, port, result, server }) {
    execute();
    const slow = async function* () {
      for (const byte of Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: result() }))) {
        yield Buffer.from([byte]);
        await sleep(server.options.set.ms ?? 50);
      }
    };
    await port.pieces(slow()).catch(() => {}); // nobody waits any more
    return null;
  },
});
