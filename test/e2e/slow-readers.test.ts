// Who does not read costs the gateway a bounded amount of memory, and nobody else anything (performance: back-pressure).
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { residentBytes } from '../support/processes.ts';
import { withTempDir } from '../support/temp-dir.ts';

const MiB = 1024 * 1024;
/** What the server has to say: several times what may wait for one reader (32 MiB). */
const FLOOD = 96 * MiB;

/** `flood` tells its caller so much about its progress, as fast as its stdout takes it; `end` is answered when it has. */
const SERVER = `
const { createInterface } = require('node:readline');
const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
const text = (id, text) => say({ id, result: { content: [{ type: 'text', text }] } });
let ended;
const flooding = new Promise((resolve) => { ended = resolve; });
async function flood(id, progressToken) {
  const message = 'x'.repeat(60_000);
  for (let sent = 0, progress = 1; sent < ${FLOOD}; sent += message.length, progress++) {
    const more = say({ method: 'notifications/progress', params: { progressToken, progress, message } });
    if (!more) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
  text(id, 'flooded');
  ended();
}
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') say({ id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'flood', version: '1' } } });
  else if (method === 'tools/list') say({ id, result: { tools: ['flood', 'end', 'echo'].map((name) => ({ name, inputSchema: { type: 'object' } })) } });
  else if (method === 'tools/call' && params.name === 'echo') text(id, params.arguments.nonce);
  else if (method === 'tools/call' && params.name === 'end') flooding.then(() => text(id, 'ended'));
  else if (method === 'tools/call') void flood(id, params._meta.progressToken);
  else if (id !== undefined) say({ id, result: {} });
});
`;

it('a reader that does not read is cut off at what may wait for it; others are served meanwhile (F-C7)', async () => {
  await withTempDir(async (folder) => {
    const file = join(folder, 'flood.cjs');
    writeFileSync(file, SERVER);
    const upstream = { command: process.execPath, args: [file] };
    await using gateway = await startGateway({ config: { upstreams: { loud: upstream, quiet: upstream } } });
    await gateway.upstreamsIn();
    await using client = new LegacyHttpClient(`${gateway.url}/mcp/passthrough`);
    await client.initialize();
    const echo = async (upstreamName: string, nonce: string) =>
      expect(JSON.stringify(await client.call(`${upstreamName}__echo`, { nonce }))).toContain(nonce);
    await echo('quiet', 'before');
    const before = residentBytes(gateway.pid);

    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.pause();
    const body = JSON.stringify({
      ...{ jsonrpc: '2.0', id: 7, method: 'tools/call' },
      params: { name: 'loud__flood', arguments: {}, _meta: { progressToken: 'p' } },
    });
    socket.write(
      `POST /mcp/passthrough HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
        `accept: application/json, text/event-stream\r\nmcp-session-id: ${client.sessionId}\r\n` +
        `mcp-protocol-version: 2025-11-25\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    let most = 0;
    let answered = false;
    const ended = client.call('loud__end', {}).finally(() => {
      answered = true;
    });
    for (let turn = 0; !answered; turn++) {
      await echo('quiet', `meanwhile ${turn}`);
      most = Math.max(most, residentBytes(gateway.pid));
    }
    await ended;
    expect(most - before).toBeLessThan(FLOOD);

    let received = 0;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'close');
    expect(received).toBeLessThan(48 * MiB);
  });
});
