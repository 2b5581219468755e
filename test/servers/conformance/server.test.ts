// The conformance upstream over the carriers that the official suite cannot reach by itself: pipe, HTTP+SSE, WebSocket.
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Program } from '../../support/program.ts';
import { StdioClient } from '../../support/stdio-client.ts';

const MAIN = fileURLToPath(new URL('main.mjs', import.meta.url));
const MODERN = '2026-07-28';
const elicitation = { capabilities: { elicitation: {} } };

const onStdio = (era: string, revision: string): StdioClient =>
  new StdioClient(process.execPath, { args: [MAIN, '--era', era], revision, ...elicitation });

const urlOf = async (server: Program): Promise<string> => String((await server.line(/"url":"([^"]+)"/))[1]);

test('legacy over stdio: knows no server/discover, asks in the middle of a call, reports progress (MP10)', async () => {
  await using client = onStdio('legacy', '2025-11-25');
  await expect(client.request('server/discover')).rejects.toMatchObject({ code: -32600 });
  await client.initialize();
  client.responder = () => ({ action: 'accept', content: { name: 'Ada' } });
  const hello = await client.call('test_input_required_result_elicitation');
  expect(hello.content).toEqual([{ type: 'text', text: 'Hello, Ada!' }]);
  await client.call('test_tool_with_progress', {}, { progressToken: 'p' });
  expect(client.notifications.map(({ params }) => params?.progress)).toEqual([0, 50, 100]);
});

test('modern over stdio: no handshake, asks in its result, tells changes to who listens (MP10)', async () => {
  await using client = onStdio('modern', MODERN);
  expect(await client.initialize()).toMatchObject({ supportedVersions: [MODERN], resultType: 'complete' });
  await expect(client.request('initialize')).rejects.toMatchObject({ code: -32601 });
  const first = await client.call('test_input_required_result_request_state');
  expect(first).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) });
  const params = { name: 'test_input_required_result_request_state', requestState: `${first.requestState}x` };
  await expect(client.request('tools/call', params)).rejects.toMatchObject({ code: -32602 });

  const listening = client.exchange('subscriptions/listen', { notifications: { toolsListChanged: true } });
  listening.catch(() => {}); // it stays open until the program ends
  await client.notification('notifications/subscriptions/acknowledged');
  const before = await client.list('tools');
  await client.call('test_trigger_tool_change');
  await client.notification('notifications/tools/list_changed');
  expect(await client.list('tools')).not.toEqual(before);
});

test('dual over stdio: both eras on one pipe', async () => {
  await using modern = onStdio('dual', MODERN);
  await modern.initialize();
  const legacy = await modern.exchange('ping');
  expect(legacy.message.error).toMatchObject({ code: -32601 });
  modern.write({ jsonrpc: '2.0', id: 'i', method: 'initialize', params: { protocolVersion: '2025-06-18' } });
  modern.write({ jsonrpc: '2.0', id: 'p', method: 'resources/subscribe', params: { uri: 'test://watched-resource' } });
  await modern.call('test_trigger_resource_update', { uri: 'test://watched-resource' });
  await modern.notification('notifications/resources/updated');
});

test('HTTP+SSE serves an independent client', async () => {
  await using server = new Program(process.execPath, { args: [MAIN, '--era', 'legacy', '--transport', 'sse'] });
  const url = await urlOf(server);
  const client = new Client({ name: 'peer', version: '1' }, elicitation);
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' }));
  await client.connect(new SSEClientTransport(new URL(url)));
  const { content } = await client.callTool({ name: 'test_elicitation', arguments: { message: 'Who?' } });
  expect(content).toEqual([{ type: 'text', text: 'User response: action=decline, content={}' }]);
  await client.close();
});

test('WebSocket carries one message a frame', async () => {
  await using server = new Program(process.execPath, { args: [MAIN, '--era', 'modern', '--transport', 'ws'] });
  const url = await urlOf(server);
  const socket = new WebSocket(url);
  const answer = new Promise<string>((resolve, reject) => {
    socket.once('message', (data) => resolve(String(data))).once('error', reject);
  });
  socket.once('open', () => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': MODERN,
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    socket.send(
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'test://x', _meta } }),
    );
  });
  expect(JSON.parse(await answer)).toMatchObject({ id: 1, error: { code: -32602, data: { uri: 'test://x' } } });
  socket.close();
});
