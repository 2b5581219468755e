// The small upstream that an installed gateway serves when nothing is configured: proof that everything works.
// It is a plain MCP server on stdio, revision 2025-11-25, without dependencies.
import { createInterface } from 'node:readline';

const tools = [
  {
    name: 'echo',
    description: 'Gives back the text it is given.',
    inputSchema: {
      type: 'object',
      properties: { text: { type: 'string', description: 'Any text.' } },
      required: ['text'],
    },
    annotations: { readOnlyHint: true },
  },
  {
    name: 'time',
    description: 'Tells the time of this machine, ISO 8601.',
    inputSchema: { type: 'object', properties: {} },
    annotations: { readOnlyHint: true },
  },
  {
    name: 'next_steps',
    description: 'Says how to add MCP servers of your own to this gateway.',
    inputSchema: { type: 'object', properties: {} },
    annotations: { readOnlyHint: true },
  },
];

const NEXT_STEPS = `Write a file holdfast.json, or take the one your client has (claude_desktop_config.json, mcp.json):
{ "mcpServers": { "files": { "command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "."] } } }
then start: holdfast serve --config holdfast.json`;

function call(name: unknown, args: Record<string, unknown>): string | undefined {
  if (name === 'echo') return String(args.text ?? '');
  if (name === 'time') return new Date().toISOString();
  if (name === 'next_steps') return NEXT_STEPS;
  return undefined;
}

function answer(method: string, params: Record<string, unknown>): object {
  switch (method) {
    case 'initialize':
      return {
        result: {
          protocolVersion: '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 'holdfast-demo', version: '1.0.0' },
          instructions: 'A demo: nothing is configured yet. Call next_steps to learn how to add servers.',
        },
      };
    case 'ping':
      return { result: {} };
    case 'tools/list':
      return { result: { tools } };
    case 'tools/call': {
      const text = call(params.name, (params.arguments ?? {}) as Record<string, unknown>);
      if (text === undefined) return { error: { code: -32602, message: `Unknown tool: ${String(params.name)}` } };
      return { result: { content: [{ type: 'text', text }] } };
    }
    default:
      return { error: { code: -32601, message: `Method not found: ${method}` } };
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line) as { id?: unknown; method?: string; params?: Record<string, unknown> };
  if (message.id === undefined || message.method === undefined) return;
  process.stdout.write(
    `${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer(message.method, message.params ?? {}) })}\n`,
  );
});
