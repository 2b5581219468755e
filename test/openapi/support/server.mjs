// A small MCP server over stdio whose tools answer in every way that the OpenAPI face has to render.
// Arguments: `--name NAME`, `--no-tools`, `--start-after MS`.
import { createInterface } from 'node:readline';

const args = process.argv.slice(2);
const option = (name) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
const serverName = option('--name') ?? 'mcp-time';
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const text = (value) => ({ content: [{ type: 'text', text: value }] });
const object = (properties = {}, required = undefined) => ({
  type: 'object',
  properties,
  ...(required && { required }),
});

let runs = 0;
const TOOLS = {
  get_current_time: {
    description: 'Get current time in a specific timezones',
    inputSchema: object({ timezone: { type: 'string', description: 'IANA timezone name' } }, ['timezone']),
    run: ({ timezone }) =>
      text(JSON.stringify({ timezone, datetime: '2025-05-02T10:00:00+00:00', is_dst: false }, null, 2)),
  },
  convert_time: {
    description: 'Convert time between timezones',
    inputSchema: object(
      {
        source_timezone: { type: 'string' },
        time: { type: 'string', description: 'HH:MM', default: '12:00' },
        target: { $ref: '#/$defs/Target' },
        _flags: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
      },
      ['source_timezone'],
    ),
    outputSchema: object({ time_difference: { type: 'string' } }, ['time_difference']),
    run: (given) => ({ ...text(JSON.stringify(given)), structuredContent: { time_difference: '+1h' } }),
  },
  no_arguments: { inputSchema: object(), run: () => text('plain words') },
  echo: {
    inputSchema: {
      type: 'object',
      properties: { value: {}, count: { type: 'integer', minimum: 1 }, name: { type: 'string' } },
    },
    annotations: { readOnlyHint: true },
    run: (given) => text(JSON.stringify(given)),
  },
  exact: {
    inputSchema: object({ id: {} }),
    raw: (line) => text(/"id":\s*([^,}\s]+)/.exec(line.slice(line.indexOf('arguments')))?.[1] ?? '?'),
  },
  several: {
    inputSchema: object(),
    run: () => ({
      content: [
        { type: 'text', text: '{"n":1.50}' },
        { type: 'text', text: 'two' },
        { type: 'text', text: '3' },
      ],
    }),
  },
  nothing: { inputSchema: object(), run: () => ({ content: [] }) },
  image: {
    inputSchema: object(),
    run: () => ({
      content: [
        { type: 'text', text: 'a dot' },
        { type: 'image', data: PNG, mimeType: 'image/png' },
      ],
    }),
  },
  audio: {
    inputSchema: object(),
    run: () => ({ content: [{ type: 'audio', data: 'UklGRg==', mimeType: 'audio/wav' }] }),
  },
  resource: {
    inputSchema: object(),
    run: () => ({
      content: [
        { type: 'resource', resource: { uri: 'file:///a.txt', mimeType: 'text/plain', text: 'inside' } },
        { type: 'resource', resource: { uri: 'file:///a.bin', mimeType: 'application/octet-stream', blob: 'AAEC' } },
        { type: 'resource_link', uri: 'file:///b.txt', name: 'b' },
      ],
    }),
  },
  fails: {
    inputSchema: object(),
    run: () => ({ isError: true, content: [{ type: 'text', text: 'the disk is full' }] }),
  },
  rpc_error: {
    inputSchema: object({ code: { type: 'integer' } }),
    run: ({ code }) => ({
      rpcError: { code, message: `code ${code}`, ...(code === -32602 && { data: { field: 'x' } }) },
    }),
  },
  slow: {
    inputSchema: object({ ms: { type: 'number' } }),
    run: ({ ms }) => new Promise((done) => setTimeout(() => done(text('late')), ms)),
  },
  steps: {
    inputSchema: object(),
    run: async (_, meta) => {
      for (const step of [1, 2]) {
        if (meta?.progressToken !== undefined) {
          send({
            method: 'notifications/progress',
            params: { progressToken: meta.progressToken, progress: step, total: 2, message: `step ${step}` },
          });
        }
      }
      return text('{"done":true}');
    },
  },
  variable: {
    inputSchema: object({ name: { type: 'string' } }),
    run: ({ name }) => text(`value ${process.env[name] ?? 'none'}`),
  },
  meta: { inputSchema: object(), run: (_, meta) => text(JSON.stringify(meta ?? {})) },
  runs: { inputSchema: object(), annotations: { readOnlyHint: true }, run: () => text(String(++runs)) },
  health: { inputSchema: object(), run: () => text('tool health') },
  docs: { inputSchema: object(), run: () => text('tool docs') },
  metrics: { inputSchema: object(), run: () => text('tool metrics') },
  'openapi.json': { inputSchema: object(), run: () => text('tool openapi.json') },
  'with/slashes/in': { inputSchema: object(), run: () => text('slashes') },
  天气: { description: '查询天气', inputSchema: object(), run: () => text('晴') },
  ['n'.repeat(128)]: { inputSchema: object(), run: () => text('long') },
};

const cancelled = new Set();

function send(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

async function answer(message, line) {
  const { id, method, params } = message;
  if (method === 'initialize') {
    const serverInfo = { name: serverName, version: '1.18.0' };
    return send({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo } });
  }
  if (method === 'tools/list') {
    const tools = args.includes('--no-tools')
      ? []
      : Object.entries(TOOLS).map(([name, { run: _, raw: __, ...definition }]) => {
          if (name === 'convert_time') {
            definition.inputSchema.$defs = {
              Target: { type: 'object', properties: { next: { $ref: '#/$defs/Target' } } },
            };
          }
          return { name, ...definition };
        });
    return send({ id, result: { tools } });
  }
  if (method === 'ping') return send({ id, result: {} });
  if (method === 'notifications/cancelled') {
    cancelled.add(params.requestId);
    return process.stderr.write(`cancelled ${params.requestId}\n`);
  }
  if (method !== 'tools/call')
    return id === undefined ? undefined : send({ id, error: { code: -32601, message: 'unknown method' } });
  const tool = TOOLS[params.name];
  if (tool === undefined) return send({ id, error: { code: -32602, message: `Unknown tool: ${params.name}` } });
  const result = tool.raw ? tool.raw(line) : await tool.run(params.arguments ?? {}, params._meta);
  if (cancelled.has(id)) return undefined;
  return send(result.rpcError ? { id, error: result.rpcError } : { id, result });
}

const startAfter = Number(option('--start-after') ?? 0);
setTimeout(() => {
  createInterface({ input: process.stdin }).on('line', (line) => void answer(JSON.parse(line), line));
}, startAfter);
