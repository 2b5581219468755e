// A small MCP server over stdio, written by hand so that it shares no code with the gateway. What it does is chosen by
// flags (`--era`, `--exit-on-probe` …) and by the tools that are called.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const flags = new Map();
for (const arg of process.argv.slice(2)) {
  const [key, value = 'yes'] = arg.replace(/^--/, '').split('=');
  flags.set(key, value);
}
const era = flags.get('era') ?? 'legacy';
const record = (entry) => {
  if (flags.has('record')) appendFileSync(flags.get('record'), `${JSON.stringify(entry)}\n`);
};
if (flags.has('fail-starts')) {
  const file = flags.get('fail-starts');
  const left = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (left > 0) {
    writeFileSync(file, String(left - 1));
    process.exit(1);
  }
}
record({ started: process.pid });

const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const result = (id, value) => {
  const complete = era === 'legacy' ? value : { resultType: 'complete', ...value };
  send({ id, result: complete });
};
const error = (id, code, message, data) => send({ id, error: { code, message, data } });
const text = (value) => ({ content: [{ type: 'text', text: value }] });

const schema = { type: 'object', properties: {} };
const tool = (name, extra = {}) => ({ name, description: name, inputSchema: schema, ...extra });
const tools = [
  tool('echo', { annotations: { readOnlyHint: true } }),
  tool('meta'),
  tool('progress'),
  tool('log'),
  tool('hang'),
  tool('crash'),
  tool('crash-after'),
  tool('ask'),
  tool('roots'),
  tool('change'),
  tool('late'),
  tool('odd'),
  tool('touch'),
  tool('remember'),
  tool('who'),
  { name: 'no-schema' },
  { name: 'null-schema', inputSchema: null },
];
const capabilities = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: {},
  logging: {},
};
const serverInfo = { name: 'plain', version: flags.get('version') ?? '1' };
const calls = new Map();
const asked = new Map();
const listeners = new Map();
let lastId = 0;
let remembered;
let told;

function ask(method, params) {
  const id = `q${++lastId}`;
  send({ id, method, params });
  return new Promise((resolve) => asked.set(id, resolve));
}

async function call(id, params) {
  const { name, arguments: args = {}, _meta = {} } = params;
  const token = _meta.progressToken;
  switch (name) {
    case 'echo':
      return result(id, text(JSON.stringify(args)));
    case 'touch':
      record({ touched: args.key ?? '' });
      return result(id, text('touched'));
    case 'remember':
      if (args.value !== undefined) remembered = args.value;
      return result(id, text(String(remembered ?? 'nothing')));
    case 'who':
      return result(id, text(JSON.stringify({ pid: process.pid, told })));
    case 'meta':
      return result(id, text(JSON.stringify(params)));
    case 'progress':
      for (let progress = 1; progress <= (args.steps ?? 3); progress++) {
        send({ method: 'notifications/progress', params: { progressToken: token, progress, total: 3 } });
        if (args.every) await new Promise((resolve) => setTimeout(resolve, args.every));
      }
      return result(id, text('done'));
    case 'log':
      for (const level of ['debug', 'info', 'error'])
        send({ method: 'notifications/message', params: { level, data: `at ${level}` } });
      return result(id, text('logged'));
    case 'hang':
      calls.set(id, true);
      return undefined;
    case 'late':
      setTimeout(() => result(id, text('late')), args.after ?? 200);
      return undefined;
    case 'crash':
      return process.kill(process.pid, 'SIGKILL');
    case 'crash-after':
      record({ touched: 'crash-after' });
      return process.kill(process.pid, 'SIGKILL');
    case 'ask': {
      const answer = await ask('elicitation/create', { message: 'your name?', requestedSchema: schema });
      return result(id, text(JSON.stringify(answer)));
    }
    case 'roots':
      return result(id, text(JSON.stringify(await ask('roots/list', {}))));
    case 'change':
      tools.push(tool(`added-${tools.length}`));
      if (era === 'legacy') send({ method: 'notifications/tools/list_changed' });
      else
        for (const [listener, filter] of listeners)
          if (filter.toolsListChanged)
            send({
              method: 'notifications/tools/list_changed',
              params: { _meta: { 'io.modelcontextprotocol/subscriptionId': listener } },
            });
      return result(id, text('changed'));
    case 'odd':
      if (args.how === 'content') return result(id, { content: 'no list' });
      if (args.how === 'type') return result(id, { resultType: 'strange', content: [] });
      if (args.how === 'both') return send({ id, result: {}, error: { code: 1, message: 'both' } });
      if (args.how === 'id') return result(String(id), text('string id'));
      if (args.how === 'noise') {
        process.stdout.write('hello, I am a log line\n{"level":"info"}\n');
        return result(id, text('noisy'));
      }
      return error(id, -32000, 'odd');
    default:
      return error(id, -32602, `Unknown tool: ${name}`);
  }
}

function list(id, params, key, entries) {
  const size = Number(flags.get('page') ?? 1000);
  const from = Number(params?.cursor ?? 0);
  const cached = era === 'modern' ? { ttlMs: 1000, cacheScope: 'private' } : {};
  const next = from + size < entries.length ? { nextCursor: String(from + size) } : {};
  const loop = flags.has('loop') ? { nextCursor: '0' } : {};
  result(id, { [key]: entries.slice(from, from + size), ...cached, ...next, ...loop });
}

function request({ id, method, params }) {
  record({ method, params });
  const modern = params?._meta?.['io.modelcontextprotocol/protocolVersion'] === '2026-07-28';
  if (method === 'server/discover') {
    if (flags.has('exit-on-probe')) process.exit(3);
    if (flags.has('silent-on-probe')) return undefined;
    if (era === 'legacy') return error(id, -32601, 'Method not found');
    return result(id, { supportedVersions: ['2026-07-28'], capabilities, instructions: 'be kind', ...modernInfo() });
  }
  if (method === 'initialize') {
    if (era === 'modern') return error(id, -32601, 'Method not found');
    told = params.capabilities;
    const protocolVersion = flags.get('revision') ?? '2025-11-25';
    return result(id, { protocolVersion, capabilities, serverInfo, instructions: 'be kind' });
  }
  if (era === 'modern' && !modern) return error(id, -32602, 'missing _meta');
  switch (method) {
    case 'ping':
      return result(id, {});
    case 'logging/setLevel':
      return result(id, {});
    case 'tools/list':
      return list(id, params, 'tools', tools);
    case 'resources/list':
      return list(id, params, 'resources', [{ uri: 'test://a', name: 'a' }]);
    case 'resources/templates/list':
      return error(id, -32601, 'Method not found');
    case 'prompts/list':
      return list(id, params, 'prompts', [{ name: 'hi' }]);
    case 'resources/read':
      if (params.uri !== 'test://a') return error(id, -32002, 'Resource not found');
      return result(id, { contents: [{ uri: params.uri, text: String(process.pid) }] });
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return result(id, {});
    case 'subscriptions/listen': {
      listeners.set(id, params.notifications);
      const _meta = { 'io.modelcontextprotocol/subscriptionId': id };
      return send({
        method: 'notifications/subscriptions/acknowledged',
        params: { notifications: params.notifications, _meta },
      });
    }
    case 'tools/call':
      return call(id, params);
    default:
      return error(id, -32601, 'Method not found');
  }
}

function modernInfo() {
  return { ttlMs: 0, cacheScope: 'private', _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo } };
}

if (flags.has('banner')) process.stdout.write('Server started on stdio\n');
let heard = 0;
createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  if (flags.has('deaf-after') && heard >= Number(flags.get('deaf-after'))) return;
  if (message.method === 'tools/call') heard++;
  if (message.method !== undefined && message.id !== undefined) void request(message);
  else if (message.method !== undefined) {
    record({ notification: message.method, params: message.params });
    if (message.method === 'notifications/cancelled') listeners.delete(message.params.requestId);
  } else asked.get(message.id)?.(message.result ?? { error: message.error });
});
process.stdin.on('end', () => process.exit(0));
