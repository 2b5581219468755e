// The command under test of the suite's client scenarios: a gateway whose upstream is the suite's mock server, and a
// client in front of it. The last argument is the mock server's URL; `--face VERSION` the revision the client speaks.
import { parseArgs } from 'node:util';
import { DRIVES } from './lib/drives.mjs';
import { startGateway } from './lib/gateway.mjs';
import { driveLogins, oauthFor } from './lib/logins.mjs';
import { McpClient } from './lib/mcp-client.mjs';

const LIMIT = 20_000;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { face: { type: 'string' } },
});
const url = positionals.at(-1) ?? '';
const { MCP_CONFORMANCE_SCENARIO, MCP_CONFORMANCE_CONTEXT = '{}', MCP_CONFORMANCE_PROTOCOL_VERSION } = process.env;
const scenario = MCP_CONFORMANCE_SCENARIO ?? '';
const context = JSON.parse(MCP_CONFORMANCE_CONTEXT);
const isProtected = scenario.startsWith('auth/');
const drive = DRIVES[isProtected ? 'tools_call_any' : scenario];
if (!drive) throw new Error(`no drive for scenario ${scenario}`);

// The suite only ends the shell around this process when it takes too long: this one ends itself, and the gateway.
const timer = setTimeout(() => process.kill(process.pid, 'SIGTERM'), LIMIT);
const gateway = await startGateway(
  'mock',
  { url, transport: 'streamable-http', ...(isProtected && { oauth: oauthFor(scenario, context) }) },
  { healthy: false },
);
try {
  const client = new McpClient(gateway.url, values.face ?? MCP_CONFORMANCE_PROTOCOL_VERSION ?? '2025-11-25');
  const use = async () => {
    await client.connect();
    await drive(client, context);
  };
  if (isProtected) await driveLogins(scenario, gateway, use);
  else await use();
} catch (error) {
  process.exitCode = 1;
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
} finally {
  const code = await gateway.stop();
  clearTimeout(timer);
  if (code !== 0) {
    process.exitCode = 1;
    process.stderr.write(`the gateway ended with ${code ?? 'a kill'} after SIGTERM\n`);
  }
}
