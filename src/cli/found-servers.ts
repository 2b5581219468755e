// What the configurations of other programs say, gathered for `holdfast import`: which servers are new, which are there
// already, which need another name, and whatever was ambiguous (requirements 8.2, E-01 … E-04).
import { existsSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { freeName, parseJson } from '../config/document.ts';
import { readConfigFile } from '../config/find.ts';
import { type ConfigFormat, detectFormat } from '../config/import/formats.ts';
import { loadConfig } from '../config/load.ts';
import { isReserved } from '../config/reserved.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { ConfigEdits } from '../core/ports.ts';
import { type AskedInput, inputsOf } from './asked-inputs.ts';
import type { Client, ClientFile } from './clients.ts';
import { saidProblem } from './problems.ts';

export interface ForeignFile extends ClientFile {
  /** Whose it is, for names and messages. */
  client: string;
}

/** One server of one file, and what becomes of it. */
export interface FoundServer {
  file: string;
  client: string;
  name: string;
  /** `same`: it is there already; `gateway`: it is this gateway itself. */
  verdict: 'new' | 'renamed' | 'same' | 'gateway';
  /** Its name here. */
  as: string;
}

export interface Gathered {
  files: {
    path: string;
    client: string;
    format?: ConfigFormat;
    servers: number;
    problems: string[];
    warnings: string[];
  }[];
  servers: FoundServer[];
  edits: ConfigEdits[];
  /** Secrets that the files ask for by name. */
  secrets: string[];
  /** Those of them that a file of VS Code asks its user for. */
  inputs: AskedInput[];
}

/** The files of these programs that exist, each once. */
export function existingFiles(clients: readonly Client[], files: (client: Client) => ClientFile[]): ForeignFile[] {
  const seen = new Set<string>();
  return clients.flatMap((client) =>
    files(client).flatMap((file) => {
      if (!existsSync(file.path)) return [];
      const real = realpathSync(file.path);
      if (seen.has(real)) return [];
      seen.add(real);
      return [{ ...file, client: client.id }];
    }),
  );
}

/** Reads the files and lays what is new over `present`, the native keys that are there. Nothing is written. */
export async function gather(
  files: readonly ForeignFile[],
  present: JsonObject,
  self: readonly string[],
): Promise<Gathered> {
  const result: Gathered = { files: [], servers: [], edits: [], secrets: [], inputs: [] };
  const upstreams: JsonObject = { ...(isObject(present.upstreams) ? present.upstreams : {}) };
  const views: JsonObject = { ...(isObject(present.views) ? present.views : {}) };
  const endpoints: unknown[] = [present.endpoints ?? []].flat();
  const keys: unknown[] = Array.isArray(present.keys) ? [...present.keys] : [];
  const before = { endpoints: endpoints.length, keys: keys.length };
  for (const { path, format, client } of files) {
    const read = await readConfigFile(path);
    const told = { path, client, servers: 0, problems: [] as string[], warnings: [] as string[] };
    result.files.push(told);
    if (!read.ok) {
      told.problems.push(...read.problems.map(saidProblem));
      continue;
    }
    if (holdsNoServers(read.text, path)) continue;
    const loaded = await loadConfig({ text: read.text, file: path, format, env: process.env });
    if (!loaded.ok) {
      told.problems.push(...loaded.problems.map(saidProblem));
      continue;
    }
    Object.assign(told, { format: loaded.format, warnings: loaded.warnings.map(saidProblem) });
    const { input } = loaded;
    const names = new Map<string, string>();
    for (const [name, given] of Object.entries(isObject(input.upstreams) ? input.upstreams : {})) {
      if (!isObject(given)) continue;
      told.servers++;
      const upstream = placed(given, dirname(path));
      const found = judge(name, upstream, client, upstreams, self);
      names.set(name, found.as);
      result.servers.push({ file: path, client, name, ...found });
      if (found.verdict !== 'new' && found.verdict !== 'renamed') continue;
      upstreams[found.as] = upstream;
      result.edits.push({ path: ['upstreams', found.as], value: upstream });
    }
    for (const [name, view] of Object.entries(isObject(input.views) ? input.views : {})) {
      const value = renamed(view, names);
      if (JSON.stringify(views[name]) === JSON.stringify(value)) continue;
      const taken = (one: string) => isReserved(one) || views[one] !== undefined || upstreams[one] !== undefined;
      const as = taken(name) ? freeName(name, taken) : name;
      views[as] = value;
      result.edits.push({ path: ['views', as], value });
    }
    const addresses = new Set(endpoints.map(addressOf));
    endpoints.push(...[input.endpoints ?? []].flat().filter((one) => !addresses.has(addressOf(one))));
    const named = new Set(keys.map(nameOf));
    if (Array.isArray(input.keys)) keys.push(...(input.keys as unknown[]).filter((key) => !named.has(nameOf(key))));
    if (isObject(input.customTools) && present.customTools === undefined)
      result.edits.push({ path: ['customTools'], value: input.customTools });
    result.inputs.push(...inputsOf(input).filter(({ id }) => !result.inputs.some((one) => one.id === id)));
    for (const [, name] of JSON.stringify(input).matchAll(/\$\{secret:([^}"]+)\}/g))
      result.secrets.push(name as string);
  }
  if (endpoints.length > before.endpoints) result.edits.push({ path: ['endpoints'], value: endpoints });
  if (keys.length > before.keys) result.edits.push({ path: ['keys'], value: keys });
  result.secrets = [...new Set(result.secrets)];
  return result;
}

/** Settings of an editor or a program, in which nobody has put a server yet. */
function holdsNoServers(text: string, path: string): boolean {
  if (path.endsWith('.toml')) return !/^\s*\[+\s*mcp_servers/m.test(text) && !/^\s*mcp_servers\s*=/m.test(text);
  if (text.trim() === '') return true;
  const parsed = parseJson(text, path);
  if (!parsed.ok) return false;
  const { value } = parsed.document;
  const keys = ['mcpServers', 'servers', 'mcp_servers', 'projects', 'mcp', 'mcpEndpoint', 'upstreams'];
  return !keys.some((key) => Object.hasOwn(value, key)) && detectFormat(value).format === 'native';
}

function judge(
  name: string,
  upstream: JsonObject,
  client: string,
  present: JsonObject,
  self: readonly string[],
): Pick<FoundServer, 'verdict' | 'as'> {
  const { command, args, url } = upstream;
  const words = [command, ...(Array.isArray(args) ? (args as unknown[]) : [])].map(String);
  const own =
    typeof url === 'string'
      ? self.some((one) => url.startsWith(`${one}/mcp`) || url.startsWith(`${one}/sse`))
      : words.includes('stdio') && words.some((word) => self.includes(word) || /(^|[\\/])holdfast(\.cmd)?$/.test(word));
  if (own) return { verdict: 'gateway', as: name };
  const identity = identityOf(upstream);
  const filled = filledIn(identity);
  const [same] =
    Object.entries(present).find(
      ([id, other]) =>
        isObject(other) && (identityOf(other) === identity || (id === name && filled?.test(identityOf(other)))),
    ) ?? [];
  if (same !== undefined) return { verdict: 'same', as: same };
  if (present[name] === undefined) return { verdict: 'new', as: name };
  const wanted = `${name}-${client}`;
  return {
    verdict: 'renamed',
    as: present[wanted] === undefined ? wanted : freeName(wanted, (one) => present[one] !== undefined),
  };
}

/** What makes two entries the same server. */
function identityOf({ command, args = [], url, env = {}, headers = {} }: JsonObject): string {
  const sorted = (map: unknown) => Object.entries(isObject(map) ? map : {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([command ?? null, args, url ?? null, sorted(env), sorted(headers)]);
}

/** The identity that a server has once somebody has answered what its file asks for. */
function filledIn(identity: string): RegExp | undefined {
  const parts = identity.split(/\$\{secret:[^}"]+\}/);
  if (parts.length === 1) return undefined;
  const escaped = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('(?:[^"\\\\]|\\\\.)*')}$`);
}

/** What the file says relative to its own folder must stay true in another file. */
function placed(upstream: JsonObject, folder: string): JsonObject {
  const { command, args, cwd } = upstream;
  if (typeof command !== 'string') return upstream;
  if (typeof cwd === 'string') return isAbsolute(cwd) ? upstream : { ...upstream, cwd: resolve(folder, cwd) };
  const words = [command, ...(Array.isArray(args) ? (args as unknown[]) : [])];
  const local = words.some(
    (word) =>
      typeof word === 'string' &&
      /[./\\]/.test(word) &&
      !isAbsolute(word) &&
      !word.startsWith('-') &&
      existsSync(resolve(folder, word)),
  );
  return local ? { ...upstream, cwd: folder } : upstream;
}

/** A group names servers by the ids of its own file. */
function renamed(view: unknown, names: ReadonlyMap<string, string>): unknown {
  if (!isObject(view)) return view;
  const tools = isObject(view.tools) ? view.tools : {};
  const as = (name: string) => names.get(name) ?? name;
  return {
    ...view,
    ...(Array.isArray(view.upstreams) && { upstreams: (view.upstreams as string[]).map(as) }),
    ...(Array.isArray(tools.allow) && {
      tools: {
        ...tools,
        allow: (tools.allow as string[]).map((glob) => {
          const cut = glob.indexOf('/');
          return cut === -1 ? glob : `${as(glob.slice(0, cut))}${glob.slice(cut)}`;
        }),
      },
    }),
  };
}

function addressOf(endpoint: unknown): unknown {
  return isObject(endpoint) ? endpoint.url : endpoint;
}

function nameOf(key: unknown): unknown {
  return isObject(key) ? key.name : undefined;
}
