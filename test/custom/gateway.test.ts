// Custom tools through the whole gateway: listed, called, changed and taken away while it runs.
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { GatewayEvent } from '../../src/core/events.ts';
import { Gateway } from '../../src/gateway.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { backend, json, tool } from './support.ts';

const MEMORY = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-memory/dist/index.js');

it('custom tools are listed and called like any others, and replaced while the gateway runs (D-40, X-07)', async () => {
  const directory = await makeTempDir('custom');
  onTestFinished(() => removeDir(directory));
  await writeFile(join(directory, 'a.sh'), 'echo "hello $HOLDFAST_ARG_q"');
  const { url } = await backend((request, response) => json(response, { url: request.url }));
  const load = (tools: unknown[]) => {
    const memory = { command: process.execPath, args: [MEMORY], env: { MEMORY_FILE_PATH: join(directory, 'm.json') } };
    const input = { upstreams: { memory }, customTools: { allow: ['script'], tools } } as ConfigInput;
    const loaded = parseConfig(input, { env: {}, directory });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return loaded.config;
  };
  const tools = [
    tool('get', { type: 'http', url: `${url}/x/{q}` }),
    tool('sh', { type: 'script', script: 'a.sh' }),
    tool('alias', { type: 'mcp', upstream: 'memory', tool: 'read_graph' }),
    tool('both', {
      type: 'chain',
      tools: [
        { upstream: 'memory', tool: 'read_graph', arguments: {} },
        { tool: 'sh', arguments: { q: '{{q}} {{result.entities}}' } },
      ],
    }),
  ];
  const gateway = new Gateway({ config: load(tools), dataDir: join(directory, 'data'), port: 0 });
  onTestFinished(() => gateway.stop(0));
  const finished: GatewayEvent[] = [];
  gateway.events.subscribe((event) => event.type === 'call.finished' && finished.push(event));
  await gateway.listen();
  gateway.start();
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp/passthrough`)));
  onTestFinished(() => client.close());
  const names = async () => (await client.listTools()).tools.map(({ name }) => name);
  const custom = async () => (await names()).filter((name) => name.startsWith('custom__'));
  const call = async (name: string, args: Record<string, unknown>) => {
    const { content } = await client.callTool({ name, arguments: args });
    return (content as { text: string }[])[0]?.text;
  };
  await expect.poll(names, { timeout: 20_000 }).toContain('memory__read_graph');
  expect(await custom()).toEqual(['custom__get', 'custom__sh', 'custom__alias', 'custom__both']);
  expect(await call('custom__get', { q: 'a b' })).toBe('{"url":"/x/a%20b"}');
  expect(await call('custom__sh', { q: 'world' })).toBe('hello world');
  expect(JSON.parse((await call('custom__alias', {})) ?? '')).toEqual({ entities: [], relations: [] });
  expect(await call('custom__both', { q: 'chain' })).toBe('hello chain []');
  // A step is a call of its own in the records, told apart by its number.
  expect(
    finished.slice(-3).map((event) => event.type === 'call.finished' && [event.upstream, event.id.split('.')[1]]),
  ).toEqual([
    ['memory', '1'],
    ['custom', '2'],
    ['custom', undefined],
  ]);
  expect(gateway.apply(load(tools))).toMatchObject({ added: [], removed: [], changed: [] });
  expect(gateway.apply(load([tool('other', { type: 'http', url })]))).toMatchObject({ changed: ['custom'] });
  expect(await custom()).toEqual(['custom__other']);
  expect(gateway.apply(load([]))).toMatchObject({ removed: ['custom'] });
  expect(await custom()).toEqual([]);
});
