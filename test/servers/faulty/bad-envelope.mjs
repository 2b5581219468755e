// F-I18: an answer whose envelope is wrong; `kind`: neither | both | version | array | scalar.
import { serve } from './scaffold.mjs';

serve({
  call({ execute, message, port, result, server }) {
    execute();
    const { id } = message;
    const error = { code: -32000, message: 'and an error' };
    const kinds = {
      neither: { jsonrpc: '2.0', id },
      both: { jsonrpc: '2.0', id, result: result(), error },
      version: { jsonrpc: '1.0', id, result: result() },
      array: [
        { jsonrpc: '2.0', id, result: result() },
        { jsonrpc: '2.0', id, result: result() },
      ],
      scalar: 42,
    };
    port.send(kinds[server.options.set.kind ?? 'neither']);
    return null;
  },
});
