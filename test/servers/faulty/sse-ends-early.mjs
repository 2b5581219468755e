// F-H15: opens a stream for the answer and ends it before the answer. With `ids` = yes the stream has event ids and a
// GET with Last-Event-ID brings the answer (2025-11-25 resumption). On HTTP+SSE the one stream ends, on WebSocket the socket.
import { onFaultyCall, serve } from './scaffold.mjs';

const parked = new Map();
const onCall = onFaultyCall((exchange) => {
  exchange.execute();
  const { response, message, server } = exchange;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const id = `${message.id}-0`;
  if (server.options.set.ids === 'yes') {
    parked.set(id, {
      jsonrpc: '2.0',
      id: message.id,
      result: { content: [{ type: 'text', text: message.params.arguments.nonce }] },
    });
    response.write(`id: ${id}\nretry: 50\ndata: \n\n`);
  }
  setTimeout(() => response.end(': going\n\n'), 20);
});

serve({
  call({ execute, port }) {
    execute();
    if (port.kind === 'ws') port.socket.close(1001, 'going');
    else port.response.end(': going\n\n');
    return null;
  },
  http(exchange) {
    if (exchange.server.options.transport === 'sse') return exchange.next();
    const answer = parked.get(exchange.request.headers['last-event-id']);
    if (exchange.request.method !== 'GET' || answer === undefined) return onCall(exchange);
    exchange.server.ledger.add('resumed');
    exchange.response.writeHead(200, { 'content-type': 'text/event-stream' });
    exchange.response.end(`id: ${answer.id}-1\nevent: message\ndata: ${JSON.stringify(answer)}\n\n`);
  },
});
