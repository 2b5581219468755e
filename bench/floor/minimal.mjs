// The least that can be called an aggregator: one MCP endpoint in front of several upstreams, a table from exposed name
// to upstream, every message parsed once and written once. No checks, no limits, no records, no recovery: the floor.
// node minimal.mjs CONFIG (the gateway's own file: upstreams with `url` or `command`)
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';

const { upstreams } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const routes = new Map();
const tools = [];
const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'minimal', version: '1' } };
let nextId = 1;

function overStdio({ command, args = [] }) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const waiting = new Map();
  let chunks = [];
  child.stdout.on('data', (chunk) => {
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      chunks.push(chunk.subarray(from, at));
      const message = JSON.parse(chunks.length === 1 ? chunks[0].toString() : Buffer.concat(chunks).toString());
      chunks = [];
      from = at + 1;
      waiting.get(message.id)?.(message);
      waiting.delete(message.id);
    }
    if (from < chunk.length) chunks.push(chunk.subarray(from));
  });
  const write = (message) => child.stdin.write(`${JSON.stringify(message)}\n`);
  return {
    notify: (method) => write({ jsonrpc: '2.0', method }),
    send(method, params, done) {
      const id = nextId++;
      waiting.set(id, done);
      write({ jsonrpc: '2.0', id, method, params });
    },
  };
}

function overHttp({ url }) {
  const { hostname, port, pathname: path } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: 1024, noDelay: true });
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  function post(message, done) {
    const body = JSON.stringify(message);
    const outgoing = request(
      {
        hostname,
        port,
        path,
        method: 'POST',
        agent,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      },
      (answer) => {
        headers['mcp-session-id'] ??= answer.headers['mcp-session-id'];
        if (headers['mcp-session-id'] === undefined) delete headers['mcp-session-id'];
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () => {
          if (done === undefined) return;
          const text = (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)).toString();
          done(JSON.parse(answer.headers['content-type'].startsWith('text/event-stream') ? lastData(text) : text));
        });
      },
    );
    outgoing.on('error', (error) => done?.({ error: { code: -32603, message: error.message } }));
    outgoing.end(body);
  }
  return {
    notify: (method) => post({ jsonrpc: '2.0', method }),
    send: (method, params, done) => post({ jsonrpc: '2.0', id: nextId++, method, params }, done),
  };
}

function lastData(text) {
  const from = text.lastIndexOf('\ndata: ') + 7;
  return text.slice(from, text.indexOf('\n', from));
}

function start(name, config) {
  const upstream = config.url === undefined ? overStdio(config) : overHttp(config);
  upstream.send('initialize', hello, () => {
    upstream.notify('notifications/initialized');
    upstream.send('tools/list', {}, ({ result }) => {
      for (const tool of result.tools) {
        const exposed = `${name}__${tool.name}`;
        routes.set(exposed, { upstream, name: tool.name });
        tools.push({ ...tool, name: exposed });
      }
    });
  });
}

function answer({ id, method, params }, done) {
  if (method === 'initialize') {
    const serverInfo = { name: 'minimal', version: '1' };
    return done({
      jsonrpc: '2.0',
      id,
      result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo },
    });
  }
  if (method === 'tools/list') return done({ jsonrpc: '2.0', id, result: { tools } });
  const route = method === 'tools/call' ? routes.get(params.name) : undefined;
  if (route === undefined) return done({ jsonrpc: '2.0', id, error: { code: -32602, message: 'unknown' } });
  route.upstream.send(method, { ...params, name: route.name }, (message) => done({ ...message, id }));
}

const sessions = new Set();
const server = createServer((incoming, outgoing) => {
  if (incoming.method !== 'POST') return outgoing.writeHead(405).end();
  const chunks = [];
  incoming.on('data', (chunk) => chunks.push(chunk));
  incoming.on('end', () => {
    const message = JSON.parse((chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)).toString());
    const opening = message.method === 'initialize';
    if (!opening && !sessions.has(incoming.headers['mcp-session-id'])) return outgoing.writeHead(404).end();
    if (message.id === undefined) return outgoing.writeHead(202).end();
    answer(message, (reply) => {
      const body = Buffer.from(JSON.stringify(reply));
      const headers = { 'content-type': 'application/json', 'content-length': body.length };
      if (opening) {
        headers['mcp-session-id'] = randomUUID();
        sessions.add(headers['mcp-session-id']);
      }
      outgoing.writeHead(200, headers).end(body);
    });
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.stdout.write(`ready http://127.0.0.1:${server.address().port}\n`));
for (const [name, config] of Object.entries(upstreams)) start(name, config);
process.on('SIGTERM', () => process.exit(0));
