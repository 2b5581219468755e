// Independent clients and servers through the gateway: whatever they speak, the call arrives and comes back.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpV2,
  SSEClientTransport as SseV2,
} from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as SseV1 } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';

const run = promisify(execFile);
const bin = (name: string) => new URL(`../../node_modules/.bin/${name}`, import.meta.url).pathname;
const MAIN = new URL('../../dist/main.js', import.meta.url).pathname;
const info = { name: 'peer', version: '1.0.0' };

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({
    config: {
      upstreams: {
        everything: { command: bin('mcp-server-everything'), args: ['stdio'] },
        thinking: { command: bin('mcp-server-sequential-thinking') },
        context7: { command: bin('context7-mcp') },
      },
      defaultView: 'passthrough',
    },
  });
  await gateway.upstreamsIn();
});

afterAll(async () => {
  await gateway.stop();
});

/** What every client can do here, whatever its SDK. */
async function works(client: Pick<ClientV1, 'listTools' | 'callTool' | 'close'>): Promise<void> {
  const { tools } = await client.listTools();
  const names = tools.map(({ name }) => name);
  expect(names).toContain('everything__echo');
  expect(names).toContain('thinking__sequentialthinking');
  const result = (await client.callTool({ name: 'everything__echo', arguments: { message: 'hällo 你好' } })) as {
    content: { text: string }[];
  };
  expect(result.content[0]?.text).toBe('Echo: hällo 你好');
  await client.close();
}

describe('official SDK v1', () => {
  it('over streamable HTTP', async () => {
    const client = new ClientV1(info);
    await client.connect(new HttpV1(new URL(`${gateway.url}/mcp`)) as Parameters<ClientV1['connect']>[0]);
    await works(client);
  });

  it('over legacy HTTP+SSE', async () => {
    const client = new ClientV1(info);
    await client.connect(new SseV1(new URL(`${gateway.url}/sse`)));
    await works(client);
  });

  it('over stdio, joined to the running gateway (10.25)', async () => {
    const client = new ClientV1(info);
    const args = [MAIN, 'stdio', '--data-dir', gateway.dataDir, '--config', gateway.configPath];
    await client.connect(new StdioV1({ command: process.execPath, args, stderr: 'ignore' }));
    await works(client);
  });

  it('over stdio, with a gateway of its own', async () => {
    const client = new ClientV1(info);
    const args = [MAIN, 'stdio', '--standalone', '--', bin('mcp-server-everything'), 'stdio'];
    await client.connect(new StdioV1({ command: process.execPath, args, stderr: 'ignore' }));
    // One server alone is shown under its own names; a call waits for it to come up (10.13, 10.15).
    const result = (await client.callTool({ name: 'echo', arguments: { message: 'alone' } })) as {
      content: { text: string }[];
    };
    expect(result.content[0]?.text).toBe('Echo: alone');
    await client.close();
  });
});

describe('official SDK v2', () => {
  const modes = ['legacy', 'auto'] as const;

  it.each(modes)('over streamable HTTP, %s', async (mode) => {
    const client = new ClientV2(info, { versionNegotiation: { mode } });
    await client.connect(new HttpV2(new URL(`${gateway.url}/mcp`)));
    expect(client.getProtocolEra()).toBe(mode === 'auto' ? 'modern' : 'legacy');
    await works(client as unknown as ClientV1);
  });

  it('over legacy HTTP+SSE', async () => {
    const client = new ClientV2(info);
    await client.connect(new SseV2(new URL(`${gateway.url}/sse/passthrough`)));
    await works(client as unknown as ClientV1);
  });

  it.each(modes)('over stdio, %s', async (mode) => {
    const client = new ClientV2(info, { versionNegotiation: { mode } });
    const args = [MAIN, 'stdio', '--data-dir', gateway.dataDir, '--config', gateway.configPath];
    await client.connect(new StdioV2({ command: process.execPath, args, stderr: 'ignore' }));
    await works(client as unknown as ClientV1);
  });

  it('hears progress before the result, on its own request (MP7)', async () => {
    const client = new ClientV2(info, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new HttpV2(new URL(`${gateway.url}/mcp/everything`)));
    const heard: number[] = [];
    await client.callTool(
      { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 2 } },
      { onprogress: ({ progress }) => heard.push(progress) },
    );
    expect(heard).toEqual([1, 2]);
    await client.close();
  });
});

describe('other clients', () => {
  it("the inspector's CLI lists and calls", async () => {
    const { stdout } = await run(bin('mcp-inspector'), [
      ...['--cli', `${gateway.url}/mcp`, '--transport', 'http'],
      ...['--method', 'tools/call', '--tool-name', 'everything__echo', '--tool-arg', 'message=inspected'],
    ]);
    expect(stdout).toContain('Echo: inspected');
  });

  it('mcporter calls by URL', async () => {
    const { stdout } = await run(bin('mcporter'), [
      'call',
      '--http-url',
      `${gateway.url}/mcp/everything`,
      '--allow-http',
      '--tool',
      'echo',
      '--args',
      '{"message":"carried"}',
    ]);
    expect(stdout).toContain('Echo: carried');
  });
});

describe('independent servers', () => {
  it('lists the tools of a server that speaks 2026-07-28', async () => {
    const { upstreams } = await gateway.health();
    expect(upstreams.context7?.state).toBe('ready');
    expect(upstreams.context7?.tools).toBe(2);
  });

  it('reads a resource and a prompt under their own URI and exposed name', async () => {
    const client = new ClientV1(info);
    await client.connect(new HttpV1(new URL(`${gateway.url}/mcp`)) as Parameters<ClientV1['connect']>[0]);
    const { resources } = await client.listResources();
    const uri = resources[0]?.uri as string;
    expect((await client.readResource({ uri })).contents[0]?.uri).toBe(uri);
    const { prompts } = await client.listPrompts();
    const prompt = prompts.find(({ name }) => name === 'everything__simple-prompt');
    expect((await client.getPrompt({ name: prompt?.name as string })).messages.length).toBeGreaterThan(0);
    await client.close();
  });
});
