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
const ARGUMENTS: JsonObject = { type: 'object', description: "The tool's own arguments." };
/** How the two dotted dialects name a tool. */
const BY_METHOD: JsonObject = {
  type: 'object',
  properties: { method: text('"server.tool"'), arguments: ARGUMENTS },
  required: ['method'],
};
const ONE_RESOURCE: JsonObject = {
  type: 'object',
  properties: { server_name: { type: 'string' }, uri },
  required: ['uri'],
};

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
      description: `Shows tools with the signature of their arguments; use it before exec. With server_name and tool_name: that tool. With server_name: its tools. With query: the tools that fit best, of all servers. With nothing: the servers.${available('tools', tools)}`,
      inputSchema: {
        type: 'object',
        properties: {
          server_name: { type: 'string' },
          tool_name: { type: 'string' },
          query: text(QUERY),
          detail: {
            type: 'string',
            enum: ['names', 'brief', 'signatures', 'schema'],
            description: 'Default: signatures.',
          },
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
          arguments: ARGUMENTS,
        },
        required: ['server_name', 'tool_name'],
      },
    },
    {
      name: 'resources',
      description: `Reads a resource; without uri: lists them.${available('resources', resources)}`,
      inputSchema: { type: 'object', properties: { server_name: { type: 'string' }, uri } },
      annotations: READ_ONLY,
    },
  ],
  'describe-call': (tools, resources) => [
    {
      name: 'describe',
      description: `Shows what a server offers (method "server") or one tool with its arguments (method "server.tool"); use it before call. With query: the tools that fit best.${available('tools', tools)}`,
      inputSchema: { type: 'object', properties: { method: text('"server" or "server.tool"'), query: text(QUERY) } },
      annotations: READ_ONLY,
    },
    {
      name: 'call',
      description: 'Runs a tool and returns its result.',
      inputSchema: BY_METHOD,
    },
    {
      name: 'resources',
      description: `Reads a resource.${available('resources', resources)}`,
      inputSchema: ONE_RESOURCE,
      annotations: READ_ONLY,
    },
  ],
  'invoke-read': (tools, resources) => [
    {
      name: 'invoke',
      description: `Runs a tool and returns its result. A wrong call is answered with the tool's signature, an unknown method with those that come near.${available('tools', tools)}`,
      inputSchema: BY_METHOD,
    },
    {
      name: 'read',
      description: `Reads a resource.${available('resources', resources)}`,
      inputSchema: ONE_RESOURCE,
      annotations: READ_ONLY,
    },
  ],
};

function available(kind: 'tools' | 'resources', list: string): string {
  return list === '' ? '' : `\n\nAvailable ${kind}:\n${list}`;
}
