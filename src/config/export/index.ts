// A configuration in the form of another program: servers, what else that program has a place for, and every key of its
// own that was kept when it was read (requirements 8.2, E-05). What it has no place for is told.
import { isObject, type JsonObject } from '../../core/json.ts';
import type { ForeignFormat } from '../import/formats.ts';
import { put } from '../layers.ts';
import { parseDuration } from '../units.ts';
import { SHAPES, type Shape } from './shapes.ts';

export interface Exported {
  value: JsonObject;
  /** Native keys that the other program has no place for. */
  lost: string[];
}

/** @param input native keys as written, references included */
export function exportConfig(input: JsonObject, format: ForeignFormat): Exported {
  const shape = SHAPES[format];
  const lost: string[] = [];
  const upstreams = isObject(input.upstreams) ? input.upstreams : {};
  const { env: shared, ...defaults } = isObject(input.defaults) ? input.defaults : {};
  const echo = format === 'echo';
  const servers: JsonObject = {};
  for (const [name, upstream] of Object.entries(upstreams)) {
    if (!isObject(upstream)) continue;
    const below = isObject(shared) && !echo && upstream.command !== undefined ? shared : undefined;
    const own = isObject(upstream.env) ? upstream.env : {};
    const laid = below === undefined ? upstream : { ...upstream, env: { ...below, ...own } };
    put(servers, name, serverOf(name, laid, format, shape, lost));
  }
  const value: JsonObject = shape.under === undefined ? servers : { [shape.under]: servers };
  if (echo && isObject(shared)) value.environmentVariables = translated(shared, shape.references);
  for (const key of Object.keys(defaults)) lost.push(`defaults.${key}`);
  const own = ['upstreams', 'defaults', 'extensions', 'version', '$schema'];
  const done = new Set([...own, ...settingsOf(format, input, value)]);
  for (const key of Object.keys(input)) if (!done.has(key)) lost.push(key);
  const kept = isObject(input.extensions) ? input.extensions[format] : undefined;
  if (isObject(kept)) {
    const rest = structuredClone(kept);
    const about = shape.under === undefined ? rest : rest[shape.under];
    // What was kept of a server that is gone goes with it.
    if (isObject(about)) for (const name of Object.keys(about)) if (servers[name] === undefined) delete about[name];
    lay(value, rest);
  }
  // Every version that was exported there says which one and when.
  if (format === 'echo-export') Object.assign(value, { version: 1, timestamp: new Date().toISOString(), ...value });
  return { value, lost };
}

function serverOf(name: string, upstream: JsonObject, format: ForeignFormat, shape: Shape, lost: string[]): JsonObject {
  const { command, args, env, cwd, url, headers, transport, enabled, description, tools, timeouts, ...rest } = upstream;
  const entry: JsonObject = {};
  const set = (key: string, given: unknown) => {
    if (given !== undefined) put(entry, key, translated(given, shape.references));
  };
  const miss = (key: string, given: unknown) => {
    if (given !== undefined) lost.push(`upstreams.${name}.${key}`);
  };
  if (typeof command === 'string') {
    if (shape.stdioType) set('type', 'stdio');
    set('command', command);
    set('args', args);
    set('env', env);
    if (shape.cwd) set('cwd', cwd);
    else miss('cwd', cwd);
  } else {
    const kind =
      typeof transport === 'string' && transport !== 'auto' ? (shape.types?.[transport] ?? undefined) : undefined;
    const http = transport === 'streamable-http' && shape.httpUrl !== undefined;
    if (kind !== undefined) set('type', kind);
    else if (!http) miss('transport', transport === 'auto' ? undefined : transport);
    set(http ? (shape.httpUrl as string) : shape.url, url);
    set(shape.headers, headers);
  }
  if (enabled === false) {
    if (shape.off === undefined) miss('enabled', enabled);
    else set(shape.off, shape.off === 'disabled');
  }
  if (shape.description) set('description', description);
  else miss('description', description);
  const { disabled, allow, overrides, ...otherTools } = isObject(tools) ? tools : {};
  if (shape.disabledTools !== undefined) set(shape.disabledTools, disabled);
  else if (format !== 'mcpx' && format !== 'xiaozhi' && format !== 'mcphub') miss('tools.disabled', disabled);
  if (shape.allowedTools !== undefined) set(shape.allowedTools, allow);
  else miss('tools.allow', allow);
  if (format === 'mcphub') set('tools', toolsOf(disabled, overrides, 'enabled'));
  else if (format !== 'xiaozhi') miss('tools.overrides', overrides);
  for (const key of Object.keys(otherTools)) lost.push(`upstreams.${name}.tools.${key}`);
  const { call, ...otherTimes } = isObject(timeouts) ? timeouts : {};
  const time = call === undefined ? undefined : millisecondsOf(call);
  if (shape.timeout !== undefined && time !== undefined)
    set(shape.timeout.key, shape.timeout.unit === 'ms' ? time : time / 1000);
  else miss('timeouts.call', call);
  further(name, { ...rest, ...(Object.keys(otherTimes).length > 0 && { timeouts: otherTimes }) }, shape, set, lost);
  return entry;
}

/** Keys that only some programs know, by their native paths. */
function further(
  name: string,
  rest: JsonObject,
  shape: Shape,
  set: (key: string, value: unknown) => void,
  lost: string[],
): void {
  const walk = (value: JsonObject, path: string): void => {
    for (const [key, inner] of Object.entries(value)) {
      const here = path === '' ? key : `${path}.${key}`;
      const foreign = shape.more?.[here];
      if (foreign !== undefined) set(foreign, foreign.endsWith('_sec') ? (millisecondsOf(inner) ?? 0) / 1000 : inner);
      else if (isObject(inner) && Object.keys(shape.more ?? {}).some((known) => known.startsWith(`${here}.`)))
        walk(inner, here);
      else lost.push(`upstreams.${name}.${here}`);
    }
  };
  walk(rest, '');
}

function toolsOf(disabled: unknown, overrides: unknown, flag: string): JsonObject | undefined {
  const tools: JsonObject = {};
  for (const [tool, given] of Object.entries(isObject(overrides) ? overrides : {}))
    if (isObject(given) && given.description !== undefined) put(tools, tool, { description: given.description });
  for (const tool of Array.isArray(disabled) ? (disabled as string[]) : [])
    put(tools, tool, { ...(isObject(tools[tool]) ? tools[tool] : {}), [flag]: false });
  return Object.keys(tools).length === 0 ? undefined : tools;
}

/** What stands beside the servers; gives the native keys that found a place. */
function settingsOf(format: ForeignFormat, input: JsonObject, value: JsonObject): string[] {
  const upstreams = Object.entries(isObject(input.upstreams) ? input.upstreams : {});
  const toolsFor = ([, upstream]: [string, unknown]) =>
    isObject(upstream) && isObject(upstream.tools) ? upstream.tools : {};
  if (format === 'mcpx') {
    const disabled = upstreams.flatMap((one) =>
      ((toolsFor(one).disabled ?? []) as string[]).map((tool) => `${one[0]}.${tool}`),
    );
    if (disabled.length > 0) value.disabled_tools = disabled;
    return [];
  }
  if (format === 'mcphub') {
    const views = Object.entries(isObject(input.views) ? input.views : {});
    if (views.length > 0) value.groups = views.map(([name, view]) => groupOf(name, view));
    return ['views'];
  }
  if (format !== 'xiaozhi') return [];
  const tools: JsonObject = {};
  for (const one of upstreams) {
    const own = toolsOf(toolsFor(one).disabled, toolsFor(one).overrides, 'enable');
    if (own !== undefined) put(tools, one[0], { tools: own });
  }
  if (Object.keys(tools).length > 0) value.mcpServerConfig = tools;
  if (input.endpoints !== undefined)
    value.mcpEndpoint = [input.endpoints].flat().map((one) => (isObject(one) ? one.url : one));
  return ['endpoints'];
}

function groupOf(name: string, view: unknown): JsonObject {
  const { upstreams = [], tools } = isObject(view) ? view : {};
  const allow = isObject(tools) && Array.isArray(tools.allow) ? (tools.allow as string[]) : [];
  const servers = (upstreams as string[]).map((upstream) => {
    const own = allow.filter((glob) => glob.startsWith(`${upstream}/`)).map((glob) => glob.slice(upstream.length + 1));
    return own.length === 0 || own.includes('*') ? upstream : { name: upstream, tools: own };
  });
  return { id: name, name, servers };
}

function millisecondsOf(time: unknown): number | undefined {
  return typeof time === 'number' || typeof time === 'string' ? parseDuration(time) : undefined;
}

/** Our references in the notation of the program. */
function translated(value: unknown, references: Shape['references']): unknown {
  if (typeof value === 'string') {
    const inputs = value.replace(/\$\{secret:([^}]+)\}/g, '$${input:$1}');
    return references === 'plain' ? inputs.replace(/\$\{env:([^}]+)\}/g, '$${$1}') : inputs;
  }
  if (Array.isArray(value)) return value.map((one) => translated(one, references));
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const [key, inner] of Object.entries(value)) put(result, key, translated(inner, references));
  return result;
}

/** What was kept goes back to where it stood, unless something of ours stands there now. */
function lay(target: JsonObject | unknown[], kept: JsonObject): void {
  for (const [key, value] of Object.entries(kept)) {
    const at = target as JsonObject;
    const there = Object.hasOwn(at, key) ? at[key] : undefined;
    if ((isObject(there) || Array.isArray(there)) && isObject(value)) lay(there as JsonObject, value);
    else if (there === undefined && !Array.isArray(target)) put(at, key, value);
  }
}
