// WebSocket: one message a text frame.
import { WebSocketServer } from 'ws';
import { Duplex } from './duplex.mjs';
import { isLocal } from './local.mjs';

/** @param {{ world: import('../world.mjs').World, era: import('./duplex.mjs').Era, port: number }} options @returns {Promise<string>} its URL */
export async function serveWebSocket({ world, era, port }) {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port,
    verifyClient: ({ req }) => isLocal(req),
    handleProtocols: (offered) => (offered.has('mcp') ? 'mcp' : false),
  });
  server.on('connection', (socket) => {
    const duplex = new Duplex({ world, era, send: (message) => socket.send(JSON.stringify(message)) });
    socket.on('message', (data) => duplex.receive(data.toString()));
    socket.on('close', () => duplex.close());
    socket.on('error', () => socket.terminate());
  });
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  const address = server.address();
  return `ws://127.0.0.1:${typeof address === 'object' && address ? address.port : port}`;
}
