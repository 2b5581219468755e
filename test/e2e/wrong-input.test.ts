// Wrong input from clients, operators and the network: a clear error of the right code, nothing else disturbed.
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { Program } from '../support/program.ts';
import { textOf } from '../support/rpc.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { faulty } from '../support/upstream.ts';

const MAIN = new URL('../../dist/main.js', import.meta.url).pathname;

let gateway: Gateway;
let session: string;

beforeAll(async () => {
  gateway = await startGateway({
    config: { upstreams: { u: faulty('healthy') }, defaultView: 'passthrough', limits: { body: '64KB' } },
  });
  await gateway.upstreamsIn();
  const client = new LegacyHttpClient(`${gateway.url}/mcp`);
  await client.initialize();
  session = client.sessionId as string;
});
afterAll(async () => {
  await gateway.stop();
});

interface Reply {
  status: number;
  code?: number;
  message: string;
  id?: unknown;
  headers: Headers;
  text: string;
}

async function send(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  path = '/mcp',
  method = 'POST',
): Promise<Reply> {
  const response = await fetch(gateway.url + path, {
    method,
    ...(method === 'POST' && { body }),
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
  });
  const text = await response.text();
  const json = text.startsWith('{')
    ? (JSON.parse(text) as { error?: { code: number; message: string }; id?: unknown; detail?: string })
    : {};
  return {
    status: response.status,
    ...(json.error !== undefined && { code: json.error.code }),
    message: json.error?.message ?? json.detail ?? '',
    id: json.id,
    headers: response.headers,
    text,
  };
}

const inSession = () => ({ 'mcp-session-id': session });
const request = (extra: object) => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', ...extra });

describe('messages (MP5, F-C1, F-C2, F-C16, F-C17)', () => {
  it.each([
    ['not JSON', '{"jsonrpc":', 400, -32700],
    ['a binary body', '\u0000\u0001', 400, -32700],
    ['an empty body', '', 400, -32700],
    ['a string', '"hello"', 400, -32600],
    ['null', 'null', 400, -32600],
    ['the wrong version', '{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, -32600],
    ['an id that is null', '{"jsonrpc":"2.0","id":null,"method":"ping"}', 400, -32600],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"ping"}', 400, -32600],
    ['an id with a fraction', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 400, -32600],
    ['a method that is a number', '{"jsonrpc":"2.0","id":1,"method":5}', 400, -32600],
    ['params that are an array', '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', 400, -32602],
    [
      'nesting 70 deep',
      `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${'['.repeat(70)}${']'.repeat(70)}}}`,
      400,
      -32600,
    ],
  ])('%s', async (_name, body, status, code) => {
    expect(await send(body, inSession())).toMatchObject({ status, code });
  });

  it('a body 50,000 levels deep does not hurt', async () => {
    const body = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${'['.repeat(25_000)}${']'.repeat(25_000)}}}`;
    expect(await send(body, inSession())).toMatchObject({ status: 400, code: -32600 });
    expect(await send(request({}), inSession())).toMatchObject({ status: 200 });
  });

  it('a body over the limit is refused with 413, also chunked', async () => {
    const large = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: { a: 'x'.repeat(70_000) } });
    expect(await send(large, inSession())).toMatchObject({ status: 413 });
    const response = await fetch(`${gateway.url}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...inSession() },
      body: new ReadableStream({
        start(controller) {
          for (let part = 0; part < 20; part++) controller.enqueue(new TextEncoder().encode('x'.repeat(8192)));
          controller.close();
        },
      }),
      duplex: 'half',
    } as RequestInit).catch((error: Error) => error);
    if (response instanceof Response) expect(response.status).toBe(413);
  });

  it('a batch is refused where its revision has none, and served where it has', async () => {
    const batch = JSON.stringify([
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { jsonrpc: '2.0', id: 2, method: 'tools/list' },
      { bad: 1 },
    ]);
    expect(await send(batch, inSession())).toMatchObject({ status: 400, code: -32600 });
    const opened = await send(
      request({
        method: 'initialize',
        params: { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'b', version: '1' } },
      }),
    );
    const old = { 'mcp-session-id': opened.headers.get('mcp-session-id') as string };
    const { status, text } = await send(batch, old);
    expect(status).toBe(200);
    expect((JSON.parse(text) as { id: unknown }[]).map(({ id }) => id)).toEqual([1, 2, null]);
    expect(await send('[]', old)).toMatchObject({ status: 400, code: -32600 });
  });

  it('an unknown method, tool, prompt, resource, cursor', async () => {
    expect(await send(request({ method: 'nope' }), inSession())).toMatchObject({ status: 200, code: -32601 });
    const unknown = await send(
      request({ method: 'tools/call', params: { name: 'u__raed', arguments: {} } }),
      inSession(),
    );
    expect(unknown).toMatchObject({ status: 200, code: -32602 });
    expect(unknown.message).toContain('u__read');
    expect(await send(request({ method: 'resources/read', params: { uri: 'nope://x' } }), inSession())).toMatchObject({
      code: -32002,
    });
    expect(await send(request({ method: 'tools/list', params: { cursor: 'garbage' } }), inSession())).toMatchObject({
      code: -32602,
    });
    expect(await send(request({ method: 'tools/call', params: {} }), inSession())).toMatchObject({ code: -32602 });
  });

  it('__proto__ in arguments is data (F-C4)', async () => {
    const body =
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"u__read","arguments":{"nonce":"p","__proto__":{"polluted":1}}}}';
    expect(await send(body, inSession())).toMatchObject({ status: 200 });
    expect(await send(request({}), inSession())).toMatchObject({ status: 200 });
  });
});

describe('HTTP (MP3, F-C5, F-C11)', () => {
  it('a wrong content type is 415, a wrong Accept 406, a wrong method 405', async () => {
    expect(await send(request({}), { ...inSession(), 'content-type': 'text/plain' })).toMatchObject({ status: 415 });
    expect(await send(request({}), { ...inSession(), accept: 'image/png' })).toMatchObject({ status: 406 });
    expect(await send('', inSession(), '/mcp', 'PUT')).toMatchObject({ status: 405 });
  });

  it('sessions: missing 400, unknown or foreign 404, of another view 404', async () => {
    expect(await send(request({}))).toMatchObject({ status: 400 });
    expect(await send(request({}), { 'mcp-session-id': 'guess' })).toMatchObject({ status: 404 });
    expect(await send(request({}), { 'mcp-session-id': `${session.slice(0, -2)}AA` })).toMatchObject({ status: 404 });
    expect(await send(request({}), inSession(), '/mcp/u')).toMatchObject({ status: 404 });
    expect(await send(request({}), { ...inSession(), 'mcp-protocol-version': '1999-01-01' })).toMatchObject({
      status: 400,
    });
  });

  it('an unknown view is 404 with the names that exist (10.13)', async () => {
    const { status, code, message } = await send(request({}), {}, '/mcp/nope');
    expect([status, code]).toEqual([404, -32602]);
    expect(message).toContain('passthrough');
  });

  it.each([
    ['evil.example', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1.nip.io', 403],
  ])('the Host %s is refused', async (host, status) => {
    const { request: raw } = await import('node:http');
    const got = await new Promise<number | undefined>((resolve, reject) => {
      const { hostname, port } = new URL(gateway.url);
      raw({ hostname, port, path: '/mcp', method: 'POST', headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end('{}');
    });
    expect(got).toBe(status);
  });

  it.each(['https://evil.example', 'null', 'http://localhost.evil.example', 'http://user@localhost', 'file://'])(
    'the Origin %s is refused with 403',
    async (origin) => {
      expect(await send(request({}), { ...inSession(), origin })).toMatchObject({ status: 403 });
    },
  );

  it('a loopback Origin on any port is served, and its preflight answered', async () => {
    const origin = 'http://localhost:5173';
    const { status, headers } = await send(request({}), { ...inSession(), origin });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([200, origin]);
    const preflight = await fetch(`${gateway.url}/mcp`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, origin]);
  });
});

describe('modern requests (MP2)', () => {
  const modern = () => new ModernHttpClient(`${gateway.url}/mcp`);

  it('a removed method is 404 with -32601', async () => {
    for (const method of ['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'nope']) {
      const { status, message } = await modern().exchange(method);
      expect([method, status, message.error?.code]).toEqual([method, 404, -32601]);
    }
  });

  it('headers that do not say what the body says are 400 with -32020', async () => {
    const wrong = { 'mcp-method': 'tools/list' };
    const { status, message } = await modern().exchange('server/discover', {}, { headers: wrong });
    expect([status, message.error?.code]).toEqual([400, -32020]);
  });
});

describe('the gateway itself (12.1, F-G5, F-P11)', () => {
  const serve = (args: string[], env: Record<string, string> = {}) =>
    withTempDir(async (dataDir) => {
      const program = new Program(process.execPath, { args: [MAIN, 'serve', '--data-dir', dataDir, ...args], env });
      const exit = await program.exited;
      return { ...exit, stderr: program.stderr };
    });

  it('an explicit port in use is exit 1, and says so, and who has it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await serve(['--port', String(port), '--', process.execPath]);
    other.close();
    expect(code).toBe(1);
    expect(stderr).toContain('address in use');
    if (process.platform === 'linux') expect(stderr).toContain(`(pid ${process.pid})`);
  });

  it.each([
    [['--port', 'abc'], 2, '--port must be a number'],
    [['--nope'], 2, 'unknown option'],
    [['--config', '/does/not/exist.json'], 2, 'does not exist'],
    [['--host', '0.0.0.0', '--port', '0'], 2, 'without a key'],
    [['--view', 'nope', '--port', '0'], 2, 'there is no view'],
  ])('%j is exit %i', async (args, code, text) => {
    const result = await serve(args);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(text);
  });

  it('a wrong file tells all its problems with line, column and path, and starts nothing (F-K3)', async () => {
    await withTempDir(async (folder) => {
      const { writeFile } = await import('node:fs/promises');
      const file = `${folder}/holdfast.json`;
      await writeFile(
        file,
        '{\n  // three problems\n  "upstreams": {\n    "a": { "command": "x", "timeouts": { "call": "soon" } },\n    "b": {}\n  },\n  "sever": {}\n}\n',
      );
      const { code, stderr } = await serve(['--config', file]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/holdfast\.json:4:\d+: upstreams\.a\.timeouts\.call/);
      expect(stderr).toMatch(/holdfast\.json:5:\d+: upstreams\.b/);
      expect(stderr).toMatch(/holdfast\.json:7:\d+: .*server/s);
    });
  });

  it('a key on the command line protects MCP, never health (12.3)', async () => {
    await using locked = await startGateway({
      config: { upstreams: { u: faulty('healthy') } },
      env: { HOLDFAST_API_KEY: 'correct-horse-battery' },
    });
    const url = `${locked.url}/mcp`;
    const none = await fetch(url, { method: 'POST', body: '{}' });
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    const wrong = await fetch(url, { method: 'POST', body: '{}', headers: { authorization: 'Bearer no' } });
    expect(wrong.status).toBe(403);
    expect((await fetch(`${locked.url}/health/live`)).status).toBe(200);
    await locked.upstreamsIn();
    await using client = new LegacyHttpClient(`${locked.url}/mcp/u`, {
      headers: { authorization: 'Bearer correct-horse-battery' },
    });
    await client.initialize();
    expect(textOf(await client.call('read', { nonce: 'n' }))).toBe('n');
  });
});
