// Against servers that other people wrote: the official SDKs, both generations.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { listen } from '../../../test/servers/http/listener.ts';
import { RecordingSink } from '../../../test/servers/http/sink.ts';
import { Program } from '../../../test/support/program.ts';
import { writeNotification, writeRequest } from '../../wire/envelope.ts';
import { paramHeaders, readParamHeaders } from '../../wire/headers.ts';
import type { Transport } from '../transport.ts';
import { createSseTransport } from './sse.ts';
import { createStreamableHttpTransport } from './streamable-http.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

const options = (url: string) => ({
  upstream: 'peer',
  config: { url, headers: {}, limits: { message: 1_000_000 }, timeouts: { dial: 5_000, connect: 10_000 } },
  log: () => {},
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts the official demo server and waits until it takes connections. */
async function everything(mode: 'streamableHttp' | 'sse', port: number): Promise<Program> {
  const file = new URL('../../../node_modules/@modelcontextprotocol/server-everything/dist/index.js', import.meta.url);
  const program = new Program(process.execPath, {
    args: [file.pathname, mode],
    env: { ...process.env, PORT: String(port) },
  });
  cleanup.push(() => program.stop());
  for (;;) {
    const probe = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    await probe?.arrayBuffer();
    if (probe !== undefined) return program;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function initialize(transport: Transport, sink: RecordingSink): Promise<void> {
  await transport.open(sink, AbortSignal.timeout(10_000));
  cleanup.push(() => transport.close());
  const clientInfo = { name: 'holdfast-test', version: '1' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  transport.request({ id: 1, method: 'initialize', text: writeRequest(1, 'initialize', params) });
  expect(await sink.result(1)).toMatchObject({ protocolVersion: '2025-11-25' });
  transport.negotiated({ era: 'legacy', revision: '2025-11-25' });
  await transport.post(writeNotification('notifications/initialized'));
}

const callTool = (transport: Transport, id: number, name: string, args: object, meta = {}): void =>
  transport.request({
    id,
    method: 'tools/call',
    subject: name,
    text: writeRequest(id, 'tools/call', { name, arguments: args, _meta: meta }),
  });

describe('the official demo server', () => {
  it.each(['streamableHttp', 'sse'] as const)('%s: handshake, lists, calls, progress, an error', async (mode) => {
    const port = await freePort();
    await everything(mode, port);
    const sink = new RecordingSink();
    const transport =
      mode === 'sse'
        ? createSseTransport(options(`http://127.0.0.1:${port}/sse`))
        : createStreamableHttpTransport(options(`http://127.0.0.1:${port}/mcp`));
    await initialize(transport, sink);
    transport.request({ id: 2, method: 'tools/list', text: writeRequest(2, 'tools/list', {}) });
    const { tools } = (await sink.result(2)) as { tools: { name: string }[] };
    expect(tools.map(({ name }) => name)).toContain('echo');
    callTool(transport, 3, 'echo', { message: '漢字 😀' });
    expect(await sink.result(3)).toMatchObject({ content: [{ type: 'text', text: 'Echo: 漢字 😀' }] });
    const slow = tools.find(({ name }) => /long/i.test(name))?.name ?? '';
    callTool(transport, 4, slow, { duration: 0.3, steps: 3 }, { progressToken: 'p' });
    await sink.result(4);
    const progress = sink.heard.filter(
      ({ message }) => message?.kind === 'notification' && message.method === 'notifications/progress',
    );
    expect(progress.length).toBeGreaterThanOrEqual(3);
    for (const { stream } of progress) expect(stream).toBe(mode === 'sse' ? undefined : 4);
    transport.request({ id: 5, method: 'no/such', text: writeRequest(5, 'no/such', {}) });
    expect(await sink.end(5)).toMatchObject({ kind: 'error', error: { code: -32601 } });
  });

  it('F-H6: restarted, it refuses the old session by an error that the link settles; a new transport works', async () => {
    const port = await freePort();
    const before = await everything('streamableHttp', port);
    const url = `http://127.0.0.1:${port}/mcp`;
    const sink = new RecordingSink();
    const transport = createStreamableHttpTransport(options(url));
    await initialize(transport, sink);
    await before.stop();
    await everything('streamableHttp', port);
    callTool(transport, 2, 'echo', { message: 'x' });
    expect(await sink.end(2)).toMatchObject({ kind: 'error', error: { code: -32000 } });
    const fresh = new RecordingSink();
    const again = createStreamableHttpTransport(options(url));
    await initialize(again, fresh);
    callTool(again, 2, 'echo', { message: 'x' });
    expect(await fresh.result(2)).toMatchObject({ content: [{ text: 'Echo: x' }] });
  });
});

describe('an SDK v2 server of 2026-07-28', () => {
  it('discover, a call with its headers checked by the server, and a modern error', async () => {
    const handler = createMcpHandler(() => {
      const server = new McpServer({ name: 'two', version: '1' });
      server.registerTool(
        'song',
        { inputSchema: z.object({ region: z.string().meta({ 'x-mcp-header': 'Region' }), n: z.number() }) },
        ({ region, n }) => ({ content: [{ type: 'text' as const, text: `${region} ${n}` }] }),
      );
      return server;
    });
    const server = await listen((request, response) => void serve(handler.fetch, request, response));
    cleanup.push(() => server.close());
    const transport = createStreamableHttpTransport(options(`${server.url}/mcp`));
    const sink = new RecordingSink();
    await transport.open(sink, AbortSignal.timeout(5_000));
    cleanup.push(() => transport.close());
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': { name: 'holdfast-test', version: '1' },
    };
    transport.request({ id: 1, method: 'server/discover', text: writeRequest(1, 'server/discover', { _meta }) });
    expect(await sink.result(1)).toMatchObject({ supportedVersions: expect.arrayContaining(['2026-07-28']) });
    transport.negotiated({ era: 'modern', revision: '2026-07-28' });

    transport.request({ id: 2, method: 'tools/list', text: writeRequest(2, 'tools/list', { _meta }) });
    const { tools } = (await sink.result(2)) as { tools: { name: string; inputSchema: object }[] };
    const { map, problem } = readParamHeaders(tools[0]?.inputSchema);
    expect(problem).toBeUndefined();
    expect([...map.keys()]).toEqual(['Region']);

    const args = { region: ' 東京\r\nx: y', n: 1 };
    const text = (id: number) => writeRequest(id, 'tools/call', { name: 'song', arguments: args, _meta });
    transport.request({
      id: 3,
      method: 'tools/call',
      subject: 'song',
      text: text(3),
      headers: paramHeaders(map, args),
    });
    expect(await sink.result(3)).toMatchObject({ content: [{ text: ' 東京\r\nx: y 1' }] });

    const wrong = { 'Mcp-Param-Region': 'elsewhere' };
    transport.request({ id: 4, method: 'tools/call', subject: 'song', text: text(4), headers: wrong });
    expect(await sink.end(4)).toMatchObject({ kind: 'error', error: { code: -32020 } });
  });
});

/** node:http in front of a handler of web requests. */
async function serve(
  handle: (request: Request) => Promise<Response>,
  request: { method: string; path: string; headers: IncomingMessage['headers']; body: string },
  response: ServerResponse,
): Promise<void> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
  const answer = await handle(
    new Request(`http://127.0.0.1${request.path}`, {
      method: request.method,
      headers,
      ...(request.body !== '' && { body: request.body }),
    }),
  );
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  for await (const chunk of answer.body ?? []) response.write(chunk);
  response.end();
}
