// F-H22: its answer comes one byte every `ms` (50).
import { onFaultyCall, serve, sleep } from './scaffold.mjs';

serve({
  http: onFaultyCall(async (exchange) => {
    exchange.execute();
    const { response, message, server } = exchange;
    const result = { content: [{ type: 'text', text: message.params.arguments.nonce }] };
    const body = JSON.stringify({ jsonrpc: '2.0', id: message.id, result });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    for (const letter of body) {
      if (response.destroyed) return;
      response.write(letter);
      await sleep(server.options.set.ms ?? 50);
    }
    response.end();
  }),
});
