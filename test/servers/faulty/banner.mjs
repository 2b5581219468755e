// F-I2: prints a banner before the handshake: on stdout, on the event stream, in a frame.
import { serve } from './scaffold.mjs';

const BANNER = '*** Welcome to the Faulty Server v1.0 ***';
serve({
  start: ({ options }) => options.transport === 'stdio' && process.stdout.write(`${BANNER}\nlistening on stdio\n`),
  socket: (socket) => void socket.send(BANNER),
  async http(exchange) {
    await exchange.next();
    const { request, response, server } = exchange;
    if (request.method === 'GET' && server.options.transport === 'sse') response.write(`data: ${BANNER}\n\n`);
  },
});
