// MCP on a WebSocket: one JSON-RPC message per text frame, subprotocol `mcp`.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { turns } from './written.mjs';

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
    noServer: true,
    handleProtocols: (offered) => (offered.has('mcp') ? 'mcp' : false),
  });
  sockets.on('connection', (socket) => {
    const turn = turns();
    const port = {
      kind: 'ws',
      socket,
      raw: (bytes) => socket.send(bytes),
      noise: (text) => socket.send(text),
      pieces: (parts) =>
        turn.long(async () => {
          for await (const part of parts) {
            if (socket.readyState !== socket.OPEN) return;
            await new Promise((resolve) => socket.send(part, { binary: false, fin: false }, resolve));
            await new Promise(setImmediate);
          }
          socket.send('', { binary: false, fin: true });
        }),
      send: (message) => {
        if (behaviour.answer && message.id !== undefined && message.method === undefined)
          behaviour.answer(message, port);
        else turn.now(() => socket.send(JSON.stringify(message)));
      },
    };
    socket.on('error', () => {});
    if (behaviour.socket?.(socket, server) === true) return;
    socket.on('message', (data) => void protocol.handle(JSON.parse(data.toString()), port));
  });
  // A behaviour may refuse the upgrade as an HTTP server would, or never answer it.
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    if (behaviour.upgrade?.({ request, socket, server, refuse: refuseUpgrade(socket) }) === true) return;
    sockets.handleUpgrade(request, socket, head, (open) => sockets.emit('connection', open, request));
  });
  Object.assign(server, { http, sockets: sockets.clients, sessions: new Set() });
  await once(http.listen(options.port, '127.0.0.1'), 'listening');
  process.stdout.write(`ready ws://127.0.0.1:${http.address().port}/mcp\n`);
  behaviour.ready?.(server);
}

const refuseUpgrade =
  (socket) =>
  (status, headers = {}, body = '') => {
    const lines = Object.entries({ ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.end(`HTTP/1.1 ${status} Refused\r\n${head}\r\n${body}`);
    return true;
  };
