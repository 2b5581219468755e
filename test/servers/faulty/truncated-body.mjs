// F-H11: cuts the connection in the middle of its answer: of the JSON, or of the frame.
import { onFaultyCall, serve } from './scaffold.mjs';

const HALF = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"te';
serve({
  http: onFaultyCall((exchange) => {
    exchange.execute();
    const { response } = exchange;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 500 });
    response.write(HALF, () => response.socket.destroy());
  }),
  call({ execute, port }) {
    if (port.kind !== 'ws') return undefined;
    execute();
    // The head of a text frame of 100 bytes, and fewer of them.
    const frame = Buffer.concat([Buffer.from([0x81, 100]), Buffer.from(HALF)]);
    port.socket._socket.write(frame, () => port.socket._socket.destroy());
    return null;
  },
});
