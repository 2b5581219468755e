// The custom tools of xiaozhi.config.json (4.4, D-40): the same handlers, their times in milliseconds. What runs code
// stays out, as a file of another program cannot know the switch that this needs.
import { isObject, type JsonObject } from '../../core/json.ts';
import type { Path } from '../problem.ts';
import { type CustomHandler, GUARDED_HANDLERS } from '../schema-custom.ts';
import type { Draft, Source } from './draft.ts';

/** Keys of a handler that have a meaning here; others are kept for whoever writes the file again. */
const KEYS: Readonly<Record<CustomHandler['type'], string>> = {
  http: 'type url method headers auth body_template response_mapping timeout retry_count retry_delay',
  proxy: 'type platform config',
  mcp: 'type config',
  chain: 'type tools mode error_handling',
  script: 'type script interpreter timeout env',
  function: 'type module function timeout context',
};
const TOOL_KEYS = 'name description inputSchema handler';

/** Reads `customMCP` and `platforms`. */
export function readCustomTools(draft: Draft, root: Source): void {
  const custom = root.object('customMCP');
  const entries = custom?.list('tools') ?? [];
  const from = custom?.at('tools') ?? [];
  const tools: JsonObject[] = [];
  for (const [index, entry] of entries.entries()) {
    const at = [...from, index];
    if (!isObject(entry)) {
      draft.refuse(at, 'expected an object that describes a tool');
      continue;
    }
    const { type } = isObject(entry.handler) ? entry.handler : {};
    const guarded = GUARDED_HANDLERS.find((name) => name === type);
    if (guarded !== undefined) {
      draft.keep(at.map(String), entry);
      const hint = `holdfast import --write makes a native file: add the tool there and "${guarded}" to customTools.allow`;
      draft.warn([...at, 'handler'], `${guarded} handlers run code on this machine; left out`, hint);
      continue;
    }
    draft.place(['customTools', 'tools', tools.length], at);
    tools.push(readTool(draft, entry, at));
  }
  if (tools.length > 0) draft.set(['customTools', 'tools'], tools, from);
  custom?.keepRest();
  const platforms = root.object('platforms');
  const coze = platforms?.object('coze');
  const token = coze?.text('token');
  if (token !== undefined && token !== '')
    draft.set(['customTools', 'platforms', 'coze', 'token'], token, coze?.at('token') ?? []);
  coze?.keepRest();
  platforms?.keepRest();
}

function readTool(draft: Draft, entry: JsonObject, at: Path): JsonObject {
  const tool = pick(draft, entry, TOOL_KEYS, at);
  if (isObject(tool.inputSchema) && tool.inputSchema.type === undefined)
    tool.inputSchema = { type: 'object', ...tool.inputSchema };
  if (!isObject(tool.handler)) return tool;
  const path = [...at, 'handler'];
  const { type } = tool.handler;
  const known = typeof type === 'string' && Object.hasOwn(KEYS, type) ? KEYS[type as CustomHandler['type']] : undefined;
  const handler = times(known === undefined ? { ...tool.handler } : pick(draft, tool.handler, known, path));
  if (isObject(handler.config)) handler.config = times({ ...handler.config });
  // An alias and a chain name servers by the ids that the file gives them; here they may have another one.
  if (type === 'mcp' && isObject(handler.config)) {
    const { serviceName } = handler.config;
    handler.config.serviceName = draft.ids.get(String(serviceName)) ?? serviceName;
  }
  if (type === 'chain' && Array.isArray(handler.tools))
    handler.tools = (handler.tools as unknown[]).map((step) => stepOf(draft, step));
  return { ...tool, handler };
}

/** `service__tool` by the services of this file, never by where the name could be split. */
function stepOf(draft: Draft, step: unknown): unknown {
  if (typeof step !== 'string') return step;
  for (const [service, upstream] of draft.ids)
    if (step.startsWith(`${service}__`)) return { upstream, tool: step.slice(service.length + 2) };
  return step;
}

function pick(draft: Draft, value: JsonObject, keys: string, at: Path): JsonObject {
  const known = keys.split(' ');
  const result: JsonObject = {};
  for (const [key, inner] of Object.entries(value)) {
    if (known.includes(key)) result[key] = inner;
    else draft.keep([...at.map(String), key], inner);
  }
  return result;
}

/** Numbers are milliseconds there and seconds here. */
function times(value: JsonObject): JsonObject {
  for (const key of ['timeout', 'retry_delay']) if (typeof value[key] === 'number') value[key] = `${value[key]}ms`;
  return value;
}
