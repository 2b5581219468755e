// F-H11: cuts the connection in the middle of the JSON of its answer.
import { onFaultyCall, serve } from './scaffold.mjs';

serve({
  http: onFaultyCall((exchange) => {
    exchange.execute();
    const { response } = exchange;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 500 });
    response.write('{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"te', () => response.socket.destroy());
  }),
});
