// A gateway that knows one more kind of transport.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createGateway } from 'holdfast';
import { memory } from './calculator.mjs';

const dataDir = mkdtempSync(join(tmpdir(), 'transport-'));
const gateway = createGateway({
  // The transport decides what the URL means; this one needs none, but every upstream has a command or a URL.
  config: { upstreams: { calculator: { transport: 'memory', url: 'http://calculator.invalid/' } } },
  transports: { memory },
  port: 0,
  dataDir,
});
const url = await gateway.listen();
gateway.start();
try {
  const client = new Client({ name: 'example', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp/calculator`)));
  const { content } = await client.callTool({ name: 'add', arguments: { numbers: [1, 2, 39] } });
  process.stdout.write(`1 + 2 + 39 = ${content[0].text}\n`);
  await client.close();
} finally {
  await gateway.stop();
  rmSync(dataDir, { recursive: true });
}
