// The definitions of the converged tools in their three dialects (requirements 10.5), with the catalogue in them.
import type { CatalogView } from '../core/catalog.ts';
import type { JsonObject } from '../core/json.ts';
import { type CatalogServer, resourcesText, toolsText } from './catalog-text.ts';
import { estimateTokens } from './tokens.ts';

export type Dialect = 'inspect-exec' | 'describe-call' | 'invoke-read';

/** The estimate may be this much too low; the definitions stay below the budget all the same. */
const SAFETY = 0.93;
/** Share of the room that resources may take. */
const RESOURCE_SHARE = 0.2;

const text = (description: string): JsonObject => ({ type: 'string', description });
const QUERY = 'Finds tools: a short English phrase of product, action and object, e.g. "github create pull request".';
const READ_ONLY = { readOnlyHint: true };
const uri = text('From the list; also holdfast://result/… of a result that was cut.');

/** The definitions of a dialect for this view, at most `budget` tokens together. */
export function definitionsOf(
  dialect: Dialect,
  servers: readonly CatalogServer[],
  view: CatalogView,
  budget: number,
): JsonObject[] {
  const write = WRITERS[dialect];
  const bare = estimateTokens(JSON.stringify(write('', '')));
  const room = Math.max(0, budget * SAFETY - bare);
  const resources = resourcesText(view, room * RESOURCE_SHARE);
  const style = dialect === 'inspect-exec' ? 'grouped' : 'dotted';
  // A line break inside JSON costs about a token more than in the text.
  const tools = toolsText(servers, style, room - estimateTokens(JSON.stringify(resources)));
  return write(tools, resources);
}

const WRITERS: Record<Dialect, (tools: string, resources: string) => JsonObject[]> = {
  'inspect-exec': (tools, resources) => [
    {
      name: 'inspect',
      description: `Shows tools with the signature of their arguments; use it before exec. With server_name and tool_name: that tool. With server_name: its tools. With query: the tools that fit best, of all servers. With nothing: the servers.${tools === '' ? '' : `\n\nAvailable tools:\n${tools}`}`,
      inputSchema: {
        type: 'object',
        properties: {
          server_name: { type: 'string' },
          tool_name: { type: 'string' },
          query: text(QUERY),
          detail: { type: 'string', enum: ['names', 'signatures', 'schema'], description: 'Default: signatures.' },
        },
      },
      annotations: READ_ONLY,
    },
    {
      name: 'exec',
      description: 'Runs a tool of a server and returns its result. Names and arguments as inspect shows them.',
      inputSchema: {
        type: 'object',
        properties: {
          server_name: { type: 'string' },
          tool_name: { type: 'string' },
          arguments: { type: 'object', description: "The tool's own arguments." },
        },
        required: ['server_name', 'tool_name'],
      },
    },
    {
      name: 'resources',
      description: `Reads a resource; without uri: lists them.${listed(resources)}`,
      inputSchema: { type: 'object', properties: { server_name: { type: 'string' }, uri } },
      annotations: READ_ONLY,
    },
  ],
  'describe-call': (tools, resources) => [
    {
      name: 'describe',
      description: `Shows what a server offers (method "server") or one tool with its arguments (method "server.tool"); use it before call. With query: the tools that fit best.${tools === '' ? '' : `\n\nAvailable tools:\n${tools}`}`,
      inputSchema: { type: 'object', properties: { method: text('"server" or "server.tool"'), query: text(QUERY) } },
      annotations: READ_ONLY,
    },
    {
      name: 'call',
      description: 'Runs a tool and returns its result.',
      inputSchema: {
        type: 'object',
        properties: {
          method: text('"server.tool"'),
          arguments: { type: 'object', description: "The tool's own arguments." },
        },
        required: ['method'],
      },
    },
    {
      name: 'resources',
      description: `Reads a resource.${listed(resources)}`,
      inputSchema: { type: 'object', properties: { server_name: { type: 'string' }, uri }, required: ['uri'] },
      annotations: READ_ONLY,
    },
  ],
  'invoke-read': (tools, resources) => [
    {
      name: 'invoke',
      description: `Runs a tool and returns its result. A wrong call is answered with the tool's signature, an unknown method with those that come near.${tools === '' ? '' : `\n\nAvailable tools:\n${tools}`}`,
      inputSchema: {
        type: 'object',
        properties: {
          method: text('"server.tool"'),
          arguments: { type: 'object', description: "The tool's own arguments." },
        },
        required: ['method'],
      },
    },
    {
      name: 'read',
      description: `Reads a resource.${listed(resources)}`,
      inputSchema: { type: 'object', properties: { server_name: { type: 'string' }, uri }, required: ['uri'] },
      annotations: READ_ONLY,
    },
  ],
};

function listed(resources: string): string {
  return resources === '' ? '' : `\n\nAvailable resources:\n${resources}`;
}
