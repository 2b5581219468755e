// One server entry, as some twenty programs write it. They differ in spelling, not in kind, so one reader knows all
// keys; a format only says what it does otherwise.
import { isObject, type JsonObject } from '../../core/json.ts';
import type { Path } from '../problem.ts';
import { isServerUrl, STREAMABLE_HTTP_ALIASES } from '../schema-upstream.ts';
import { type Draft, Source } from './draft.ts';
import { readOAuth } from './oauth.ts';

export interface ServerDialect {
  /** Unit of `timeout`; without one, 1000 and more is taken for milliseconds. */
  timeout?: 'ms' | 's';
  /** A URL that ends in or contains `/sse` is the old HTTP+SSE transport. */
  sseByUrl?: 'ends' | 'contains';
  /** Working directory of stdio servers: the folder of the file. */
  cwd?: string;
}

/** Reads every server of a map and keeps what is unknown. */
export function readServers(draft: Draft, servers: Source, dialect: ServerDialect = {}): void {
  for (const [name, value] of servers.entries()) readServer(draft, name, value, servers.at(name), dialect);
}

/** Reads one server; gives the id it got, or undefined if the file is refused for it. */
export function readServer(
  draft: Draft,
  name: string,
  value: unknown,
  from: Path,
  dialect: ServerDialect,
): string | undefined {
  if (!isObject(value)) {
    draft.refuse(from, 'expected an object that describes a server');
    return undefined;
  }
  const id = draft.id(name, from);
  const entry = new Source(draft, value, from);
  draft.set(['upstreams', id], {}, from);
  const set = (key: string, setting: unknown, source: string) => {
    if (setting !== undefined) draft.set(['upstreams', id, ...key.split('.')], setting, entry.at(source));
  };
  readTarget(draft, id, entry, dialect);
  readEnvironment(draft, id, entry);
  const disabled = entry.flag('disabled', true);
  const enabled = entry.flag('enabled', true);
  if (enabled === false || disabled === true) set('enabled', false, enabled === false ? 'enabled' : 'disabled');
  set('description', entry.text('description'), 'description');
  readTools(draft, id, entry);
  readTimes(entry, set, dialect);
  readOAuth(entry, (key, value) => set(`oauth.${key}`, value, 'oauth'));
  readForwarding(entry, (key, value) => set(`forwardHeaders.${key}`, value, 'client_header_forwarding'));
  if (draft.get(['upstreams', id, 'command']) !== undefined && draft.get(FORWARDED(id)) === true)
    draft.warn(entry.at('client_header_forwarding'), 'headers are forwarded over HTTP only, not to a command');
  entry.keepRest();
  return id;
}

type Set = (key: string, setting: unknown, source: string) => void;

function readTarget(draft: Draft, id: string, entry: Source, dialect: ServerDialect): void {
  const path = ['upstreams', id];
  const type = entry.text('type', true) ?? entry.text('transportType', true) ?? entry.text('transport', true);
  entry.take('transportType');
  entry.take('transport');
  const command = entry.text('command', true);
  const args = entry.list('args', true);
  const urlKey = ['url', 'httpUrl', 'serverUrl'].find((key) => entry.has(key));
  const url = urlKey === undefined ? undefined : entry.text(urlKey, true);
  const headers = readTexts(draft, entry.object('headers', true) ?? entry.object('http_headers', true));
  const kind = transportOf(type);
  if (type !== undefined && kind === undefined)
    draft.fail(id, entry.at('type'), `unknown kind of server; known are stdio, sse, streamable-http and websocket`);
  const remote = url !== undefined && url !== '' && (command === undefined || command === '' || isRemote(kind));
  if (remote && urlKey !== undefined) {
    if (command !== undefined && command !== '')
      draft.warn(entry.at('command'), 'a command beside a URL; the type decides for the URL, the command is left out');
    if (url.includes('${') || isServerUrl(url)) draft.set([...path, 'url'], url, entry.at(urlKey));
    else draft.fail(id, entry.at(urlKey), 'this is not a URL that starts with http://, https://, ws:// or wss://');
    const sse = sseByUrl(url, dialect);
    const transport = urlKey === 'httpUrl' && kind === undefined ? 'streamable-http' : kind;
    if (sse && (transport === undefined || dialect.sseByUrl === 'contains'))
      draft.set([...path, 'transport'], 'sse', entry.at(urlKey));
    else if (transport !== undefined && transport !== 'stdio')
      draft.set([...path, 'transport'], transport, entry.at('type'));
    else if (transport === 'stdio')
      draft.warn(entry.at('type'), 'a URL cannot be reached over stdio; the type is ignored');
  } else if (command !== undefined && command !== '') {
    if (url !== undefined && url !== '' && urlKey !== undefined)
      draft.warn(entry.at(urlKey), 'a URL beside a command; the command decides, the URL is left out');
    draft.set([...path, 'command'], command, entry.at('command'));
    if (args !== undefined) draft.set([...path, 'args'], args, entry.at('args'));
    if (isRemote(kind)) draft.fail(id, entry.at('type'), 'this type needs a URL');
  } else if (kind !== undefined || type === undefined) {
    draft.fail(id, entry.path, isRemote(kind) ? 'a URL is missing' : 'a command or a URL is missing');
  }
  const cwd = entry.text('cwd', true) ?? dialect.cwd;
  if (cwd !== undefined && !remote) draft.set([...path, 'cwd'], cwd, entry.at('cwd'));
  readCredentials(draft, id, entry, headers);
}

/** Headers, and the other ways to say `Authorization: Bearer`. */
function readCredentials(draft: Draft, id: string, entry: Source, headers: JsonObject | undefined): void {
  const all: JsonObject = { ...headers };
  const named = (name: string) => Object.keys(all).some((key) => key.toLowerCase() === name.toLowerCase());
  const variables = readTexts(draft, entry.object('env_http_headers'));
  for (const [name, variable] of Object.entries(variables ?? {})) all[name] = `\${env:${String(variable)}}`;
  const apiKey = entry.text('apiKey');
  const bearer = entry.text('bearer_token_env_var');
  if (!named('Authorization')) {
    if (apiKey !== undefined && apiKey !== '') all.Authorization = `Bearer ${apiKey}`;
    else if (bearer !== undefined) all.Authorization = `Bearer \${env:${bearer}}`;
  }
  if (Object.keys(all).length > 0) draft.set(['upstreams', id, 'headers'], all, entry.at('headers'));
}

function readEnvironment(draft: Draft, id: string, entry: Source): void {
  const env = entry.object('env', true);
  const values: JsonObject = {};
  const required: string[] = [];
  for (const [name, value] of env?.entries() ?? []) {
    // `{required: true}` (C-22) and a value of null both mean: it comes from outside.
    if (isObject(value) && typeof value.required === 'boolean') {
      draft.add(['upstreams', id, 'inheritEnv'], name, env?.at(name) ?? entry.path);
      if (value.required) required.push(name);
    } else if (value !== null) values[name] = value;
  }
  if (Object.keys(values).length > 0) draft.set(['upstreams', id, 'env'], values, entry.at('env'));
  if (required.length > 0) draft.set(['upstreams', id, 'requiredEnv'], required, entry.at('env'));
  for (const name of entry.texts('env_vars') ?? [])
    draft.add(['upstreams', id, 'inheritEnv'], name, entry.at('env_vars'));
  entry.keep('envFile', 'files of variables are not read');
}

function readTexts(draft: Draft, map: Source | undefined): JsonObject | undefined {
  if (map === undefined) return undefined;
  const result: JsonObject = {};
  for (const [name, value] of map.entries()) {
    if (isObject(value) || Array.isArray(value)) draft.refuse(map.at(name), 'expected a text');
    else if (value !== null) result[name] = value;
  }
  return result;
}

/** Switched-off and allowed tools under all their names; mcphub lists each with its own switch. */
function readTools(draft: Draft, id: string, entry: Source): void {
  for (const key of ['disabledTools', 'disabled_tools', 'excludeTools'])
    for (const tool of entry.texts(key) ?? []) draft.add(['upstreams', id, 'tools', 'disabled'], tool, entry.at(key));
  for (const key of ['includeTools', 'enabled_tools', 'enabledTools']) {
    const allowed = entry.texts(key);
    if (allowed !== undefined) draft.set(['upstreams', id, 'tools', 'allow'], allowed, entry.at(key));
  }
  const tools = entry.has('tools') && isObject(entry.take('tools')) ? entry.object('tools') : undefined;
  for (const [name, value] of tools?.entries() ?? []) {
    const from = [...(tools?.path ?? []), name];
    if (isObject(value)) readTool(draft, id, name, value, from);
  }
}

/** One tool's switch and description (xiaozhi: `enable`, mcphub: `enabled`). */
export function readTool(draft: Draft, id: string, tool: string, value: JsonObject, from: Path): void {
  if (value.enable === false || value.enabled === false) draft.add(['upstreams', id, 'tools', 'disabled'], tool, from);
  if (typeof value.description === 'string' && value.description !== '')
    draft.set(['upstreams', id, 'tools', 'overrides', tool, 'description'], value.description, from);
}

function readTimes(entry: Source, set: Set, dialect: ServerDialect): void {
  const timeout =
    entry.has('timeout') && typeof entry.take('timeout') === 'number' ? entry.number('timeout') : undefined;
  if (timeout !== undefined && timeout > 0) {
    const milliseconds = dialect.timeout === 'ms' || (dialect.timeout === undefined && timeout >= 1000);
    set('timeouts.call', milliseconds ? `${timeout}ms` : timeout, 'timeout');
  } else if (entry.has('timeout')) entry.keep('timeout', 'only a number of seconds is understood here');
  const seconds = (key: string, native: string) => {
    const value = entry.number(key);
    if (value !== undefined && value > 0) set(native, value, key);
  };
  seconds('startup_timeout_sec', 'timeouts.start');
  seconds('tool_timeout_sec', 'timeouts.call');
  const startup = entry.number('startup_timeout_ms');
  if (startup !== undefined && startup > 0) set('timeouts.start', `${startup}ms`, 'startup_timeout_ms');
  const retries = entry.number('max_retries');
  if (retries !== undefined) set('recovery.call.retries', Math.min(Math.round(retries), 10), 'max_retries');
  set('supervisor.readyPatterns', entry.texts('success_indicators'), 'success_indicators');
  const heartbeat = entry.object('heartbeat');
  if (heartbeat !== undefined) {
    set('health.enabled', heartbeat.flag('enabled'), 'heartbeat');
    const interval = heartbeat.number('interval');
    if (interval !== undefined && interval > 0) set('health.interval', `${interval}ms`, 'heartbeat');
    heartbeat.keepRest();
  }
  const connection = entry.object('connection_settings');
  if (connection !== undefined) readConnection(connection, (key, value) => set(key, value, 'connection_settings'));
}

const FORWARDED = (id: string): Path => ['upstreams', id, 'forwardHeaders', 'enabled'];

/** mcpo's `client_header_forwarding` (U-02), of one server or of the whole file. */
export function readForwarding(from: Source, set: (key: string, value: unknown) => void): void {
  const given = from.object('client_header_forwarding', true);
  if (given === undefined) return;
  const keys = { enabled: given.flag('enabled', true), debug: given.flag('debug_headers', true) };
  const lists = { allow: given.texts('whitelist'), deny: given.texts('blacklist') };
  for (const [key, value] of Object.entries({ ...keys, ...lists })) if (value !== undefined) set(key, value);
  given.keepRest();
}

/** mcpo's `connection_settings` and, with a prefix, its `global_connection_settings` (B-60). */
export function readConnection(from: Source, set: (key: string, value: unknown) => void, prefix = ''): void {
  const attempts = from.number(`${prefix}retry_attempts`);
  if (attempts !== undefined) set('recovery.connect.quickAttempts', Math.round(attempts));
  const delay = from.number(`${prefix}retry_delay`);
  if (delay !== undefined) set('recovery.connect.minInterval', delay);
  for (const [key, native] of [
    ['connection_timeout', 'timeouts.connect'],
    ['sse_read_timeout', 'timeouts.call'],
    ['health_check_interval', 'health.interval'],
  ] as const) {
    const value = from.number(prefix + key);
    if (value !== undefined && value > 0) set(native, value);
  }
  if (prefix !== '') {
    const monitored = from.flag('enable_health_monitoring');
    if (monitored !== undefined) set('health.enabled', monitored);
  }
  from.keepRest();
}

/** The native name of a kind of server, undefined for an unknown one. */
function transportOf(type: string | undefined): string | undefined {
  if (type === undefined) return undefined;
  if (STREAMABLE_HTTP_ALIASES.includes(type) || type === 'streamable-http') return 'streamable-http';
  if (type === 'ws' || type === 'websocket') return 'websocket';
  return ['stdio', 'sse', 'auto'].includes(type) ? type : undefined;
}

function isRemote(kind: string | undefined): boolean {
  return kind === 'streamable-http' || kind === 'sse' || kind === 'websocket';
}

function sseByUrl(url: string, { sseByUrl: rule }: ServerDialect): boolean {
  if (rule === undefined || !URL.canParse(url)) return false;
  return rule === 'ends' ? /\/sse\/?$/.test(new URL(url).pathname) : url.includes('/sse');
}
