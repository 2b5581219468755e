// F-I19: a result of the wrong shape; `kind`: text | list | content | missing | result-type | error-shape.
import { serve } from './scaffold.mjs';

serve({
  call({ execute, message, port, server, result }) {
    execute();
    const base = { jsonrpc: '2.0', id: message.id };
    const kinds = {
      text: { ...base, result: 'just text' },
      list: { ...base, result: [1, 2, 3] },
      content: { ...base, result: { content: 'not a list' } },
      missing: { ...base, result: {} },
      'result-type': { ...base, result: { ...result(), resultType: 'surprise' } },
      'error-shape': { ...base, error: 'text in place of an object' },
    };
    port.send(kinds[server.options.set.kind ?? 'text']);
    return null;
  },
});
