// An MCP server of the 2025 era that takes the tokens of one authorization server, over streamable HTTP or HTTP+SSE. `echo` needs the scope `read`,
// `write` also the scope `write`. What every request carried is on record.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { AuthorizationServer } from './authorization-server.ts';

export interface ProtectedUpstream {
  readonly url: string;
  /** In its metadata; by default the one it was started with. */
  issuer: string;
  /** The `resource` of its metadata. */
  resource: string;
  /** Whether its 401 says where the metadata is. */
  tells: boolean;
  readonly seen: { method: string; headers: IncomingHttpHeaders }[];
  /** Names of called tools, refused ones left out. */
  readonly calls: string[];
  close(): Promise<void>;
}

const TOOLS = ['echo', 'write'].map((name) => ({
  name,
  inputSchema: { type: 'object' },
  annotations: { readOnlyHint: name === 'echo' },
}));

export async function startProtectedUpstream(
  authorizationServer: AuthorizationServer,
  { sse = false, websocket = false }: { sse?: boolean; websocket?: boolean } = {},
): Promise<ProtectedUpstream> {
  let stream: ServerResponse | undefined;
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${origin}/mcp`;
  const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
  const state: ProtectedUpstream = {
    url: websocket ? url.replace('http', 'ws') : url,
    issuer: authorizationServer.issuer,
    resource: url,
    tells: true,
    seen: [],
    calls: [],
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await closed;
    },
  };
  server.on('request', async (request, response) => {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const answer = (status: number, body?: unknown, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers })
        .end(body === undefined ? undefined : JSON.stringify(body));
    if (request.url === '/.well-known/oauth-protected-resource/mcp') {
      const { resource, issuer } = state;
      return answer(200, { resource, authorization_servers: [issuer], scopes_supported: ['read'] });
    }
    if (request.url !== '/mcp') return answer(404);
    const message = text === '' ? {} : JSON.parse(text);
    state.seen.push({ method: message.method ?? request.method, headers: request.headers });
    const challenge = state.tells ? `Bearer resource_metadata="${metadata}"` : 'Bearer';
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const scopes = authorizationServer.scopesOf(token, state.resource);
    if (scopes === undefined) return answer(401, undefined, { 'www-authenticate': challenge });
    if (sse && request.method === 'GET') {
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
      return void stream.write('event: endpoint\ndata: /mcp\n\n');
    }
    if (request.method !== 'POST') return answer(405);
    if (message.id === undefined) return answer(202);
    const tool = message.method === 'tools/call' ? message.params.name : undefined;
    if (tool === 'write' && !scopes.includes('write')) {
      const wanted = `${challenge}, error="insufficient_scope", scope="write"`;
      return answer(403, undefined, { 'www-authenticate': wanted });
    }
    if (tool !== undefined) state.calls.push(tool);
    const told = resultOf(message);
    if (!sse) return answer(200, told);
    answer(202);
    stream?.write(`data: ${JSON.stringify(told)}\n\n`);
  });
  server.on('upgrade', (request, socket, head) => {
    state.seen.push({ method: 'upgrade', headers: request.headers });
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (!websocket || authorizationServer.scopesOf(token, state.resource) === undefined) {
      const challenge = state.tells ? `Bearer resource_metadata="${metadata}"` : 'Bearer';
      socket.end(`HTTP/1.1 401 Unauthorized\r\nwww-authenticate: ${challenge}\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) =>
      opened.on('message', (data) => {
        const message = JSON.parse(String(data));
        if (message.id === undefined) return;
        if (message.method === 'tools/call') state.calls.push(message.params.name);
        opened.send(JSON.stringify(resultOf(message)));
      }),
    );
  });
  return state;
}

/** The answer to any request of MCP, as far as this server knows it. */
function resultOf({ id, method, params }: { id: unknown; method: string; params?: { name?: string } }): object {
  const results: Record<string, unknown> = {
    initialize: {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'protected', version: '1' },
    },
    ping: {},
    'tools/list': { tools: TOOLS },
    'tools/call': { content: [{ type: 'text', text: `${params?.name} done` }] },
  };
  const result = results[method];
  const error = { code: -32601, message: 'Method not found' };
  return result === undefined ? { jsonrpc: '2.0', id, error } : { jsonrpc: '2.0', id, result };
}
