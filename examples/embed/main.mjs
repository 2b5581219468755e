// A program with a gateway inside. `holdfast` is this package; in a project of yours it is a dependency.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createGateway, defineConfig } from 'holdfast';

const dataDir = mkdtempSync(join(tmpdir(), 'embedded-'));
const gateway = createGateway({
  config: defineConfig({
    upstreams: { everything: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-everything'] } },
    defaultView: 'passthrough',
  }),
  port: 0,
  dataDir,
});
gateway.events.subscribe((event) => {
  if (event.type === 'upstream.state') process.stdout.write(`${event.upstream}: ${event.from} → ${event.to}\n`);
});

const url = await gateway.listen();
gateway.start();
try {
  const client = new Client({ name: 'example', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`)));
  // The server may still be starting: the call waits for it.
  const { content } = await client.callTool({ name: 'everything__echo', arguments: { message: 'hello' } });
  process.stdout.write(`${content[0].text}\n`);
  await client.close();
} finally {
  await gateway.stop();
  rmSync(dataDir, { recursive: true });
}
