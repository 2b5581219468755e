// What somebody pastes to add a server: JSON or TOML as any known program writes it, a command line, or an address
// . Read only: nothing is started, and references (`${env:…}`) stay as they are written.
import { isObject, type JsonObject } from '../core/json.ts';
import { documentOf, type ParsedDocument, parseJson } from './document.ts';
import { detectFormat } from './import/formats.ts';
import { importDocument } from './import/index.ts';
import type { Problem } from './problem.ts';
import { isServerUrl } from './schema-upstream.ts';
import { shellWords } from './shell-words.ts';
import { parseToml } from './toml.ts';

export type Pasted =
  | { ok: true; format: string; upstreams: Record<string, JsonObject>; notes: readonly Problem[] }
  | { ok: false; problems: readonly Problem[] };

const FILE = 'pasted text';
const FORMS = 'paste JSON of an MCP client, a command line, or an address that begins with http';

export async function readPasted(pasted: string): Promise<Pasted> {
  const text = pasted.trim();
  if (/^\[[\w."-]+\]/.test(text)) return fromDocument(await parseToml(text, FILE));
  // Comments may stand before the brace.
  const bare = text.replace(/^(?:\s*(?:\/\/[^\n]*\n|\/\*[\s\S]*?\*\/))*\s*/, '');
  if (bare.startsWith('{')) return fromDocument(parseJson(text, FILE));
  // A piece cut out of a file: `"name": { … }`.
  if (/^"[^"]*"\s*:/.test(bare)) return fromDocument(parseJson(`{${text.replace(/,\s*$/, '')}}`, FILE));
  try {
    const [name, config] = fromCommand(shellWords(text.replace(/^\$\s+/, '')));
    return { ok: true, format: 'command', upstreams: { [name]: config }, notes: [] };
  } catch (error) {
    return refused((error as Error).message);
  }
}

function refused(message: string): Pasted {
  return { ok: false, problems: [{ file: FILE, path: '', message, hint: FORMS }] };
}

function fromDocument(parsed: ParsedDocument): Pasted {
  if (!parsed.ok) return parsed;
  const { value } = parsed.document;
  const single = ['command', 'url', 'httpUrl', 'serverUrl'].some((key) => typeof value[key] === 'string');
  const whole = single ? { mcpServers: { [nameOfServer(value)]: value } } : value;
  const { format } = detectFormat(whole);
  if (format === 'native') {
    if (!isObject(whole.upstreams)) return refused('there is no server in it');
    return found(format, whole.upstreams, []);
  }
  const draft = importDocument(single ? documentOf(whole, FILE) : parsed.document, format);
  if (draft.problems.length > 0) return { ok: false, problems: draft.problems };
  return found(format, draft.input.upstreams, draft.warnings);
}

function found(format: string, upstreams: unknown, notes: readonly Problem[]): Pasted {
  const entries = Object.entries(isObject(upstreams) ? upstreams : {}).filter((entry): entry is [string, JsonObject] =>
    isObject(entry[1]),
  );
  if (entries.length === 0) return refused('there is no server in it');
  return { ok: true, format, upstreams: Object.fromEntries(entries), notes };
}

/** `A=b npx -y server`, an address, or the `mcp add` of a client. @throws Error */
function fromCommand(words: readonly string[]): [name: string, config: JsonObject] {
  const at = words.findIndex((word) => word === 'add' || word === 'add-json');
  if (at > 0 && words[at - 1] === 'mcp')
    return words[at] === 'add' ? fromAdd(words.slice(at + 1)) : json(words.slice(at + 1));
  const env: Record<string, string> = {};
  let first = 0;
  for (; first < words.length; first++) {
    const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(words[first] as string) ?? [];
    if (name !== undefined && value !== undefined) env[name] = value;
    else if (words[first] !== 'env' && words[first] !== 'export') break;
  }
  const [command, ...args] = words.slice(first);
  if (command === undefined) throw new Error('there is no command in it');
  const config = { ...target(command, args), ...(Object.keys(env).length > 0 && { env }) };
  return [nameOfServer(config), config];
}

function json([name, text]: readonly string[]): [string, JsonObject] {
  const parsed = parseJson(text ?? '', FILE);
  const read = parsed.ok ? fromDocument(parsed) : parsed;
  const [config] = read.ok ? Object.values(read.upstreams) : [];
  if (name === undefined || config === undefined) throw new Error('`mcp add-json` wants a name and a JSON object');
  return [name, config];
}

/** `claude mcp add`, `codex mcp add`, `gemini mcp add`: options, a name, then a command or an address. */
function fromAdd(words: readonly string[]): [string, JsonObject] {
  const plain: string[] = [];
  const env: Record<string, string> = {};
  const headers: Record<string, string> = {};
  let transport: string | undefined;
  const put = (into: Record<string, string>, text: string, sign: string): void => {
    const cut = text.indexOf(sign);
    if (cut > 0) into[text.slice(0, cut).trim()] = text.slice(cut + 1).trim();
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (word === '--' || plain.length > 1) {
      plain.push(...words.slice(word === '--' ? at + 1 : at));
      break;
    }
    if (!word.startsWith('-')) {
      plain.push(word);
      continue;
    }
    const [option, given] = word.includes('=')
      ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]
      : [word, words[++at] ?? ''];
    if (option === '-e' || option === '--env') put(env, given, '=');
    else if (option === '-H' || option === '--header') put(headers, given, ':');
    else if (option === '-t' || option === '--transport') transport = given;
    else if (option === '--url') plain.push(given);
  }
  const [name, command, ...args] = plain;
  if (name === undefined || command === undefined)
    throw new Error('`mcp add` wants a name and a command or an address');
  const config = {
    ...target(command, args),
    ...(transport === 'sse' && { transport: 'sse' }),
    ...(Object.keys(env).length > 0 && { env }),
    ...(Object.keys(headers).length > 0 && { headers }),
  };
  return [name, config];
}

function target(command: string, args: readonly string[]): JsonObject {
  return isServerUrl(command) ? { url: command } : { command, args: [...args] };
}

/** Programs that run others, and the words between them and what they run. */
const RUNNERS =
  /^(?:npx|bunx|uvx|pnpx|pipx|npm|pnpm|yarn|uv|deno|node|bun|python3?|docker|cmd|sh|bash)(?:\.cmd|\.exe)?$/;
const BETWEEN = /^(?:-|exec$|dlx$|run$|tool$|x$|\/c$)/;

/** How a server may be called: after its package, its file or its host. */
function nameOfServer({ command, args, url, httpUrl, serverUrl }: JsonObject): string {
  const address = [url, httpUrl, serverUrl].find((one) => typeof one === 'string');
  if (typeof address === 'string' && URL.canParse(address)) {
    const parts = new URL(address).hostname
      .split('.')
      .filter((part) => !/^(?:www|api|mcp|com|org|net|io|dev|ai|cn)$/.test(part));
    return plainName(parts.at(-1) ?? 'server');
  }
  const words = [command, ...(Array.isArray(args) ? args : [])].filter(
    (word): word is string => typeof word === 'string',
  );
  const base = (word: string): string => word.split(/[\\/]/).at(-1) ?? word;
  const what = words.find((word) => !RUNNERS.test(base(word)) && !BETWEEN.test(word)) ?? words[0] ?? 'server';
  return plainName(base(what.replace(/(?<=.)@[^/]*$/, '')).replace(/\.(?:m?[jt]s|py|sh|exe|cmd)$/, ''));
}

function plainName(text: string): string {
  const short = text.replace(/^(?:mcp-server-|server-mcp-|mcp-|server-)|(?:-mcp-server|-mcp|-server)$/g, '');
  return (short || text).replace(/[^\w-]/g, '-').replace(/^-+|-+$/g, '') || 'server';
}
