// F-H20: an answer of `mb` (500) that is tiny on the wire; `broken` = yes: bytes that are no gzip at all.
import { gzipSync } from 'node:zlib';
import { onFaultyCall, serve } from './scaffold.mjs';

/** A megabyte, packed once: members of a gzip stream may follow each other, so the bomb costs its server nothing. */
const BLANKS = gzipSync(Buffer.alloc(2 ** 20, 0x20));

serve({
  http: onFaultyCall((exchange) => {
    exchange.execute();
    const { response, message, server } = exchange;
    const { mb = 500, broken } = server.options.set;
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    if (broken === 'yes') return response.end('this is not gzip');
    response.write(gzipSync(`{"jsonrpc":"2.0","id":${message.id},"result":{"content":[{"type":"text","text":"`));
    for (let sent = 0; sent < mb; sent++) response.write(BLANKS);
    response.end(gzipSync('"}]}}'));
  }),
});
