// The server the official conformance suite expects, written by hand on plain JSON-RPC, in either era or both.
//   node main.mjs [--era legacy|modern|dual] [--transport stdio|http|sse|ws] [--port N]
// Over the network its first line on stdout is {"url": "…"}.
import { parseArgs } from 'node:util';
import { serveHttp } from './carriers/http.mjs';
import { serveSse } from './carriers/sse.mjs';
import { serveStdio } from './carriers/stdio.mjs';
import { serveWebSocket } from './carriers/websocket.mjs';
import { World } from './world.mjs';

const { values } = parseArgs({
  options: {
    era: { type: 'string', default: 'dual' },
    transport: { type: 'string', default: 'stdio' },
    port: { type: 'string', default: '0' },
  },
});
const era = /** @type {import('./carriers/duplex.mjs').Era} */ (values.era);
if (!['legacy', 'modern', 'dual'].includes(era)) throw new Error(`unknown era: ${era}`);
const world = new World();
const port = Number(values.port);

const serve = {
  stdio: () => serveStdio({ world, era }),
  http: () => serveHttp({ world, era, port }),
  sse: () => serveSse({ world, port }),
  ws: () => serveWebSocket({ world, era, port }),
}[values.transport];
if (!serve) throw new Error(`unknown transport: ${values.transport}`);
if (values.transport === 'sse' && era !== 'legacy') throw new Error('HTTP+SSE exists in the legacy era only');

const url = await serve();
if (url) process.stdout.write(`${JSON.stringify({ url })}\n`);
for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) process.on(signal, () => process.exit(0));
