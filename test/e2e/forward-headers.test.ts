// Headers of callers that go on to real HTTP upstreams which write down what they get: both faces, both eras, sessions
// and kept results (X-28, U-02, MP11).
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { EventStream, type GatewayEvent } from '../../src/core/events.ts';
import { Gateway } from '../../src/gateway.ts';
import { keyOf } from '../../src/http/keys.ts';
import type { GatewaySetup } from '../../src/setup.ts';
import { PlainHttp, reply } from '../servers/plain/http.ts';
import { exchange } from '../support/http-exchange.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait.ts';

type UpstreamInput = NonNullable<ConfigInput['upstreams']>[string];

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

async function house(
  forwardHeaders: UpstreamInput['forwardHeaders'],
  {
    era = 'legacy',
    more = {},
    setup = {},
    intercept,
  }: {
    era?: 'legacy' | 'modern';
    more?: UpstreamInput;
    setup?: Partial<GatewaySetup>;
    intercept?: PlainHttp['intercept'];
  } = {},
) {
  const server = new PlainHttp();
  server.era = era;
  server.intercept = intercept;
  await server.start();
  undo.push(() => server.stop());
  const upstream: UpstreamInput = { url: server.url, forwardHeaders, ...more };
  const parsed = parseConfig({ upstreams: { up: upstream } }, { env: {} });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const dataDir = await makeTempDir('forward');
  const events = new EventStream();
  const seen: GatewayEvent[] = [];
  events.subscribe((event) => seen.push(event));
  const gateway = new Gateway({ config: parsed.config, dataDir, port: 0, events, ...setup });
  const url = await gateway.listen();
  gateway.start();
  undo.push(async () => {
    await gateway.stop(0);
    await removeDir(dataDir);
  });
  await waitFor(() => Promise.resolve(gateway.fleet.get('up')?.state.state === 'ready'), { within: 30_000, every: 10 });
  const rest = (headers: Record<string, string> = {}, tool = 'echo') =>
    fetch(`${url}/up/${tool}`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json', ...headers },
    });
  let id = 0;
  const mcp = (method: string, params: object, headers: Record<string, string>) =>
    fetch(`${url}/mcp/up`, {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }),
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
    });
  /** A legacy client session with these headers on each of its requests. */
  const legacy = async (headers: Record<string, string>) => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
    const opened = await mcp('initialize', params, headers);
    const session = opened.headers.get('mcp-session-id') ?? '';
    return () => mcp('tools/call', { name: 'echo', arguments: {} }, { ...headers, 'mcp-session-id': session });
  };
  const modern = (headers: Record<string, string>) => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const own = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' };
    return mcp('tools/call', { name: 'echo', arguments: {}, _meta }, { ...headers, ...own });
  };
  const calls = () => server.got.filter(({ method }) => method === 'tools/call');
  return { server, gateway, url, seen, rest, legacy, modern, calls };
}

describe('nothing goes on by itself (MP11)', () => {
  it('without forwardHeaders no header of a caller reaches the upstream', async () => {
    const { rest, modern, legacy, server } = await house(undefined);
    const headers = { authorization: 'Bearer planted-token', 'x-user-id': '7', cookie: 'c=planted' };
    await rest(headers);
    await modern(headers);
    await (await legacy(headers))();
    expect(server.got.length).toBeGreaterThan(5);
    expect(JSON.stringify(server.got)).not.toMatch(/planted|x-user-id/);
  });

  it('Authorization only where it is named, and never a key of the gateway', async () => {
    const key = keyOf('team', 'gateway-key-planted', ['read', 'call']);
    const { rest, calls, server } = await house(
      { enabled: true, allow: ['Authorization', 'X-API-Key'] },
      { setup: { keys: [key] } },
    );
    expect((await rest({ authorization: 'Bearer gateway-key-planted' })).status).toBe(200);
    expect((await rest({ 'x-api-key': 'gateway-key-planted', authorization: 'Bearer of-the-user' })).status).toBe(200);
    expect((await rest({ 'x-api-key': 'wrong', authorization: 'Bearer of-the-user' })).status).toBe(403);
    expect(calls().map(({ headers }) => headers.authorization)).toEqual([undefined, 'Bearer of-the-user']);
    expect(JSON.stringify(server.got)).not.toContain('gateway-key-planted');
  });

  it('cookies only where they are named, and never a login of the gateway', async () => {
    const { rest, calls, server } = await house({ enabled: true, allow: ['cookie'] });
    await rest({ cookie: 'a=1; holdfast_1f2e=planted; b=2' });
    await rest({ cookie: 'holdfast_1f2e=planted' });
    expect(calls().map(({ headers }) => headers.cookie)).toEqual(['a=1; b=2', undefined]);
    expect(JSON.stringify(server.got)).not.toContain('planted');
  });

  it('a * lets no credential through', async () => {
    const { rest, server } = await house({ enabled: true, allow: ['*'] });
    await rest({ authorization: 'Bearer planted', cookie: 'planted', 'x-api-key': 'planted', 'x-user-id': '7' });
    expect(JSON.stringify(server.got)).not.toContain('planted');
    expect(server.got.at(-1)?.headers['x-user-id']).toBe('7');
  });
});

describe.each(['legacy', 'modern'] as const)('to a %s server (X-28)', (era) => {
  const allow = ['X-User-*', 'authorization', 'traceparent'];

  it('goes on from REST, from modern and from legacy MCP clients, each request with what it came with', async () => {
    const { rest, modern, legacy, calls } = await house({ enabled: true, allow, deny: ['x-user-secret'] }, { era });
    const sent = { 'X-User-Id': 'ada', 'x-user-secret': 's', 'x-other': 'o', Authorization: 'Bearer ada' };
    expect((await rest(sent)).status).toBe(200);
    expect((await modern(sent)).status).toBe(200);
    expect((await (await legacy(sent))()).status).toBe(200);
    expect(calls()).toHaveLength(3);
    for (const { headers } of calls()) {
      expect(headers).toMatchObject({
        'x-user-id': 'ada',
        authorization: 'Bearer ada',
        'content-type': 'application/json',
      });
      expect(headers).not.toHaveProperty('x-user-secret');
      expect(headers).not.toHaveProperty('x-other');
    }
  });

  it('replaces a configured header that is named, for this request alone', async () => {
    const { rest, calls, server } = await house(
      { enabled: true, allow },
      { era, more: { headers: { Authorization: 'Bearer own' } } },
    );
    await rest({ authorization: 'Bearer ada' });
    await rest();
    expect(calls().map(({ headers }) => headers.authorization)).toEqual(['Bearer ada', 'Bearer own']);
    expect(server.got[0]?.headers.authorization).toBe('Bearer own');
  });

  it('a token that is refused is the business of its caller alone', async () => {
    const { rest, gateway, server, calls } = await house({ enabled: true, allow }, { era });
    server.intercept = ({ headers }, response) => {
      if (headers.authorization !== 'Bearer bad') return false;
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
      return true;
    };
    expect((await rest({ authorization: 'Bearer bad' })).status).not.toBe(200);
    expect(gateway.fleet.get('up')?.state.state).toBe('ready');
    expect((await rest({ authorization: 'Bearer good' })).status).toBe(200);
    expect((await rest()).status).toBe(200);
    expect(calls().length).toBeGreaterThanOrEqual(2);
  });

  it('the rate of one caller does not silence the others', async () => {
    const { rest, server } = await house(
      { enabled: true, allow },
      { era, more: { recovery: { call: { retries: 0 } } } },
    );
    server.intercept = ({ headers, method }, response) => {
      if (method !== 'tools/call' || headers['x-user-id'] !== 'busy') return false;
      response.writeHead(429, { 'retry-after': '30' }).end();
      return true;
    };
    expect((await rest({ 'x-user-id': 'busy' })).status).toBe(429);
    expect((await rest({ 'x-user-id': 'calm' })).status).toBe(200);
  });
});

describe('sessions (X-28)', () => {
  /** Values of a header by upstream session, over everything but the gateway's own link. */
  const bySession = (server: PlainHttp, header: string) => {
    const found = new Map<string, Set<unknown>>();
    for (const { session, headers, method } of server.got) {
      if (session === undefined || method === 'tools/list') continue;
      found.set(session, (found.get(session) ?? new Set()).add(headers[header]));
    }
    return [...found.values()].map((values) => [...values].filter((value) => value !== undefined));
  };

  it('two identities never share one, a caller keeps his, and it is opened in his name', async () => {
    const { rest, modern, server, calls } = await house({ enabled: true, allow: ['x-user', 'traceparent'] });
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        ['ada', 'bob', 'cy'].flatMap((user) => [
          rest({ 'x-user': user, traceparent: `00-${String(round).repeat(32)}-${'1'.repeat(16)}-01` }),
          modern({ 'x-user': user }),
        ]),
      );
    }
    expect(calls()).toHaveLength(18);
    for (const users of bySession(server, 'x-user')) expect(users.length).toBeLessThanOrEqual(1);
    const opened = server.got.filter(({ method }) => method === 'initialize').map(({ headers }) => headers['x-user']);
    expect(opened.filter((user) => user !== undefined).sort()).toEqual(['ada', 'bob', 'cy']);
    expect(new Set(calls().map(({ session }) => session)).size).toBe(3);
  });

  it('a call without such headers goes over the link of the gateway', async () => {
    const { rest, server, calls } = await house({ enabled: true, allow: ['x-user'] });
    await rest();
    await rest({ 'x-other': '1' });
    expect(server.got.filter(({ method }) => method === 'initialize')).toHaveLength(1);
    expect(calls()).toHaveLength(2);
  });

  it("they are bounded by pool.max, and nobody gets another one's for it", async () => {
    const { rest, server, calls } = await house({ enabled: true, allow: ['x-user'] }, { more: { pool: { max: 2 } } });
    const users = Array.from({ length: 8 }, (_, at) => `u${at}`);
    const answers = await Promise.all(users.map((user) => rest({ 'x-user': user })));
    expect(answers.map(({ status }) => status)).toEqual(users.map(() => 200));
    for (const found of bySession(server, 'x-user')) expect(found.length).toBeLessThanOrEqual(1);
    expect(new Set(calls().map(({ session }) => session)).size).toBe(8);
  });

  it.each(['pooled', 'isolated'] as const)(
    'mode %s: the same client with another identity has another session',
    async (mode) => {
      const { rest, server, calls } = await house(
        { enabled: true, allow: ['x-user'] },
        { more: { session: { mode }, pool: { min: 1, max: 4 } } },
      );
      for (const user of ['ada', 'bob', 'ada', 'bob']) expect((await rest({ 'x-user': user })).status).toBe(200);
      for (const found of bySession(server, 'x-user')) expect(found.length).toBeLessThanOrEqual(1);
      expect(new Set(calls().map(({ session }) => session)).size).toBe(mode === 'pooled' ? 2 : 4);
    },
  );

  it('a session that the server forgot is made anew in the name of its caller', async () => {
    const { rest, server, calls } = await house({ enabled: true, allow: ['x-user'] });
    await rest({ 'x-user': 'ada' });
    server.forgetSessions();
    expect((await rest({ 'x-user': 'ada' })).status).toBe(200);
    expect(calls().at(-1)?.headers['x-user']).toBe('ada');
  });
});

/** HTTP+SSE of 2024-11-05: what each connection was asked, with its headers. */
async function sseServer() {
  const got: { connection: number; method: string; headers: IncomingHttpHeaders }[] = [];
  const streams: ServerResponse[] = [];
  const server = createServer((request, response) => {
    const { headers, method, url = '' } = request;
    if (method === 'GET') {
      const connection = streams.push(response) - 1;
      got.push({ connection, method: 'GET', headers });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: endpoint\ndata: /messages?c=${connection}\n\n`);
      return;
    }
    const connection = Number(url.split('=')[1]);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const message = JSON.parse(Buffer.concat(chunks).toString()) as { id?: number; method: string };
      got.push({ connection, method: message.method, headers });
      response.writeHead(202).end();
      const results: Record<string, object> = {
        initialize: {
          protocolVersion: '2024-11-05',
          capabilities: { tools: {} },
          serverInfo: { name: 's', version: '1' },
        },
        'tools/list': { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] },
        'tools/call': { content: [{ type: 'text', text: `connection ${connection}` }] },
        ping: {},
      };
      const result = results[message.method];
      const answer = result === undefined ? { error: { code: -32601, message: 'Method not found' } } : { result };
      if (message.id !== undefined)
        streams[connection]?.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer })}\n\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sse` };
}

describe('HTTP+SSE', () => {
  it('to such a server: a connection of its own for every identity, with the headers on its stream and every POST', async () => {
    const { got, url } = await sseServer();
    const { rest } = await house(
      { enabled: true, allow: ['x-user', 'traceparent'] },
      { more: { url, transport: 'sse' } },
    );
    const as = async (user: string, trace: string) => (await rest({ 'x-user': user, traceparent: trace })).json();
    const trace = (digit: string) => `00-${digit.repeat(32)}-${'1'.repeat(16)}-01`;
    const first = await as('ada', trace('1'));
    expect(await as('bob', trace('2'))).not.toBe(first);
    expect(await as('ada', trace('3'))).toBe(first);
    const users = new Map<number, Set<unknown>>();
    for (const { connection, headers } of got)
      users.set(connection, (users.get(connection) ?? new Set()).add(headers['x-user']));
    expect([...users.values()].map((found) => [...found])).toEqual([[undefined], ['ada'], ['bob']]);
    const calls = got.filter(({ method }) => method === 'tools/call');
    expect(calls.map(({ headers }) => headers.traceparent)).toEqual(['1', '2', '3'].map(trace));
  });

  it('from such a client: each message with the headers it came by', async () => {
    const { url, calls } = await house({ enabled: true, allow: ['x-user'] });
    const answers: string[] = [];
    const stream = await exchange(`${url}/sse/up`, {
      method: 'GET',
      headers: { accept: 'text/event-stream', 'x-user': 'of-the-stream' },
      onEvent: ({ data }) => answers.push(data),
    });
    await waitFor(() => Promise.resolve(answers.length > 0), { within: 30_000, every: 5 });
    const send = (message: object, user: string) =>
      fetch(`${url}${answers[0]}`, {
        method: 'POST',
        body: JSON.stringify({ jsonrpc: '2.0', ...message }),
        headers: { 'content-type': 'application/json', 'x-user': user },
      });
    const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
    await send({ id: 1, method: 'initialize', params }, 'ada');
    await send({ id: 2, method: 'tools/call', params: { name: 'echo', arguments: {} } }, 'ada');
    await send({ id: 3, method: 'tools/call', params: { name: 'echo', arguments: {} } }, 'bob');
    await waitFor(() => Promise.resolve(answers.length === 4), { within: 30_000, every: 5 });
    expect(new Set(calls().map(({ headers }) => headers['x-user']))).toEqual(new Set(['ada', 'bob']));
    expect(new Set(calls().map(({ session }) => session)).size).toBe(2);
    stream.leave();
    await stream.body.catch(() => undefined);
  });
});

describe('kept results', () => {
  it.each(['legacy', 'modern'] as const)('are never shown to another identity (%s)', async (era) => {
    const { rest, server } = await house(
      { enabled: true, allow: ['x-user', 'x-request-id'] },
      { era, more: { cache: { enabled: true } } },
    );
    for (const user of ['ada', 'bob', 'ada', 'bob', 'ada'])
      await rest({ 'x-user': user, 'x-request-id': `${Math.random()}` });
    expect(server.ledger.get('echo')).toBe(2);
  });
});

describe('resources of the converged view', () => {
  it("are read for each identity, and described in nobody's name", async () => {
    const intercept: PlainHttp['intercept'] = ({ method, headers, message }, response) => {
      const results: Record<string, object> = {
        'server/discover': { supportedVersions: ['2026-07-28'], capabilities: { tools: {}, resources: {} } },
        'resources/list': { resources: [{ uri: 'a://1', name: 'one', mimeType: 'text/plain' }] },
        'resources/templates/list': { resourceTemplates: [] },
        'resources/read': {
          contents: [{ uri: 'a://1', mimeType: 'text/plain', text: `of ${headers['x-user'] ?? 'nobody'}` }],
          ttlMs: 60_000,
        },
      };
      const result = results[method ?? ''];
      if (result === undefined) return false;
      reply(response, 200, { id: message.id, result: { resultType: 'complete', ttlMs: 0, ...result } });
      return true;
    };
    const { url } = await house({ enabled: true, allow: ['x-user'] }, { era: 'modern', intercept });
    const read = async (user: string, args: object) => {
      const _meta = {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      };
      const answer = await fetch(`${url}/mcp/converged`, {
        method: 'POST',
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: { name: 'resources', arguments: args, _meta },
        }),
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': 'resources',
          'x-user': user,
        },
      });
      return await answer.text();
    };
    expect(await read('ada', {})).toContain('of nobody');
    for (const user of ['ada', 'bob', 'ada']) expect(await read(user, { uri: 'a://1' })).toContain(`of ${user}`);
  });
});

describe('debug', () => {
  it('logs names and never values', async () => {
    const { rest, seen } = await house({ enabled: true, allow: ['x-user', 'authorization'], debug: true });
    await rest({ 'x-user': 'planted-value', authorization: 'Bearer planted-value' });
    const told = seen.filter((event) => event.type === 'log' && event.text.includes('headers of the caller'));
    expect(told).toMatchObject([{ upstream: 'up', data: { names: ['authorization', 'x-user'] } }]);
    expect(JSON.stringify(seen)).not.toContain('planted-value');
  });
});

describe('what else is sent', () => {
  it('a header that stands twice in the request is one header', async () => {
    const { rest, calls } = await house({ enabled: true, allow: ['x-user'] });
    const both = new Headers({ 'content-type': 'application/json' });
    both.append('x-user', 'a');
    both.append('x-user', 'b');
    await rest(Object.fromEntries(both));
    expect(calls()[0]?.headers['x-user']).toBe('a, b');
  });

  it('an error of the upstream for one identity is told to it alone', async () => {
    const { rest, server } = await house({ enabled: true, allow: ['x-user'] });
    server.intercept = ({ headers, method, message }, response) => {
      if (method !== 'tools/call' || headers['x-user'] !== 'ada') return false;
      reply(response, 200, { id: message.id, error: { code: -32602, message: 'not for ada' } });
      return true;
    };
    expect((await rest({ 'x-user': 'ada' })).status).toBe(422);
    expect((await rest({ 'x-user': 'bob' })).status).toBe(200);
  });
});
