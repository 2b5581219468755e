// F-P14: speaks only a version that nobody knows.
import { serve } from './scaffold.mjs';

serve({
  message({ id, method }, port) {
    if (method === 'initialize') {
      const result = { protocolVersion: '1999-12-31', capabilities: {}, serverInfo: { name: 'faulty', version: '1' } };
      port.send({ jsonrpc: '2.0', id, result });
    } else if (method === 'server/discover') {
      const data = { supported: ['1999-12-31'] };
      port.send({ jsonrpc: '2.0', id, error: { code: -32022, message: 'Unsupported protocol version', data } });
    }
    return true;
  },
});
