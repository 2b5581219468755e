// MCP on a WebSocket: one JSON-RPC message per text frame, subprotocol `mcp`.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

export async function listen(server) {
  const { behaviour, options, protocol, ledger } = server;
  const http = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      if (request.url === '/control')
        await behaviour.control?.(JSON.parse(Buffer.concat(chunks).toString() || '{}'), server);
      response.end(request.url === '/ledger' ? JSON.stringify(ledger.all()) : '{}');
    });
  });
  const sockets = new WebSocketServer({
    server: http,
    path: '/mcp',
    handleProtocols: (offered) => (offered.has('mcp') ? 'mcp' : false),
  });
  sockets.on('connection', (socket) => {
    const port = {
      kind: 'ws',
      socket,
      raw: (bytes) => socket.send(bytes),
      send: (message) => {
        if (behaviour.answer && message.id !== undefined && message.method === undefined)
          behaviour.answer(message, port);
        else socket.send(JSON.stringify(message));
      },
    };
    socket.on('error', () => {});
    if (behaviour.socket?.(socket, server) === true) return;
    socket.on('message', (data) => void protocol.handle(JSON.parse(data.toString()), port));
  });
  await once(http.listen(options.port, '127.0.0.1'), 'listening');
  process.stdout.write(`ready ws://127.0.0.1:${http.address().port}/mcp\n`);
  behaviour.ready?.(server);
}
