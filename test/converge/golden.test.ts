// What the three dialects show and answer, byte for byte (requirements 10.5). A change here is a change for every model
// that uses the gateway: update the files only on purpose (`vitest run test/converge/golden.test.ts -u`).
import { expect, test } from 'vitest';
import type { Dialect } from '../../src/converge/definitions.ts';
import { GatewayFault } from '../../src/core/fault.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { files, stage, weather } from './fixture.ts';

const rows = Array.from({ length: 12 }, (_, id) => ({ id, name: `user ${id}`, mail: `u${id}@example.com` }));
const table = { content: [{ type: 'text', text: JSON.stringify(rows, null, 2) }] };
const text = { content: [{ type: 'text', text: 'plain text' }] };
const contents = { contents: [{ uri: 'file:///a.txt', text: 'hello' }] };
const blob = { contents: [{ uri: 'file:///b.png', mimeType: 'image/png', blob: 'aGk=' }] };
const down = new GatewayFault('UPSTREAM_TIMEOUT', 'no answer from files in 60 s', {
  upstream: 'files',
  delivery: 'maybe-sent',
  correlationId: 'c-1',
});

type Step = [tool: string, args: JsonObject, answer?: JsonObject | GatewayFault];

const SCRIPTS: Record<Dialect, Step[]> = {
  'inspect-exec': [
    ['inspect', {}],
    ['inspect', { server_name: 'files' }],
    ['inspect', { server_name: 'files', tool_name: 'read_file' }],
    ['inspect', { server_name: 'files', tool_name: 'read_file', detail: 'schema' }],
    ['inspect', { query: 'read a file' }],
    ['inspect', { server_name: 'flies' }],
    ['inspect', { server_name: 'files', tool_name: 'readfile' }],
    ['exec', { server_name: 'files', tool_name: 'read_file', arguments: { path: 'a' } }, text],
    ['exec', { server_name: 'files', tool_name: 'read_file', arguments: { path: 'a' } }, table],
    ['exec', { server_name: 'files', tool_name: 'read_file', arguments: { paht: 'a', head: 0 } }],
    ['exec', { server_name: 'nowhere', tool_name: 'x' }],
    ['exec', { server_name: 'files', tool_name: 'delete_everything' }],
    ['exec', { server_name: 'files', tool_name: 'write_file', arguments: { path: 'a', content: 'b' } }, down],
    ['exec', { server_name: '天气.v2', tool_name: 'now.at', arguments: { city: '杭州' } }, text],
    ['resources', { server_name: 'files', uri: 'file:///a.txt' }, contents],
    ['resources', { uri: 'file:///b.png' }, blob],
    ['resources', { uri: 'nothing:///here' }],
    ['resources', { server_name: '天气.v2' }],
  ],
  'describe-call': [
    ['describe', {}],
    ['describe', { method: 'files' }],
    ['describe', { method: 'files.read_file' }],
    ['describe', { method: '天气.v2.now.at' }],
    ['describe', { query: 'write file' }],
    ['describe', { method: 'files.nothing' }],
    ['call', { method: 'files.read_file', arguments: { path: 'a' } }, text],
    ['call', { method: '天气.v2.now.at', arguments: { city: '杭州' } }, table],
    ['call', { method: 'files.read_file', arguments: {} }],
    ['call', { method: 'nowhere.x' }],
    ['resources', { server_name: 'files', uri: 'file:///a.txt' }, contents],
  ],
  'invoke-read': [
    ['invoke', { method: 'files.read_file', arguments: { path: 'a' } }, text],
    ['invoke', { method: 'files.read_file', arguments: { path: 'a' } }, table],
    ['invoke', { method: 'files.read_file', arguments: { path: 7 } }],
    ['invoke', { method: 'files' }],
    ['invoke', { method: 'files.nothing' }],
    ['invoke', { method: 'nowhere' }],
    ['invoke', {}],
    ['read', { server_name: 'files', uri: 'file:///a.txt' }, contents],
    ['read', { server_name: 'files', uri: 'file:///b.png' }, blob],
    ['read', { server_name: 'files' }, contents],
  ],
};

test.each(Object.entries(SCRIPTS) as [Dialect, Step[]][])('10.5: the dialect %s', async (dialect, steps) => {
  const scene = stage([files, weather], { converged: { dialect } });
  const lines: unknown[] = [{ tools: scene.converged.listTools() }];
  for (const [tool, args, answer] of steps) {
    scene.answer(answer ?? text);
    const { result } = await scene.call(tool, args);
    lines.push({ tool, arguments: args, result });
  }
  await expect(`${JSON.stringify(lines, null, 2)}\n`).toMatchFileSnapshot(`golden/${dialect}.golden`);
});
