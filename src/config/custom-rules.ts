// What a schema cannot say of custom tools: switches that must be set, placeholders that no argument fills, chains that
// never end, and what an argument must never be able to change (D-40, X-71).
import { isObject } from '../core/json.ts';
import { fillText, type PlaceholderStyle, placeholdersOf } from '../core/placeholders.ts';
import type { Finding } from './issues.ts';
import { didYouMean } from './nearest.ts';
import type { Path } from './problem.ts';
import { resolvePath } from './references.ts';
import { type CustomTool, type CustomToolsConfig, GUARDED_HANDLERS, type HandlerOf } from './schema-custom.ts';

/** Chains may call chains; deeper than this is a mistake. */
export const DEEPEST_CHAIN = 8;

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Headers that say where a request goes or where it ends. */
const OUR_HEADERS: ReadonlySet<string> = new Set(
  'host connection content-length transfer-encoding upgrade te trailer expect proxy-authorization'.split(' '),
);
const ENDINGS = /\.([cm]?js|py|sh)$/;

type Tell = (path: Path, message: string, hint?: string) => void;

/** Everything that is wrong with the custom tools. */
export function checkCustomTools({ allow, platforms, tools }: CustomToolsConfig): Finding[] {
  const findings: Finding[] = [];
  const names = tools.map(({ name }) => name);
  const tell: Tell = (path, message, hint) => findings.push({ path: ['customTools', ...path], message, hint });
  for (const [name, settings] of Object.entries(platforms))
    if (settings?.base_url !== undefined) checkAddress(settings.base_url, ['platforms', name, 'base_url'], tell);
  tools.forEach((tool, index) => {
    const at = (...path: Path): Path => ['tools', index, ...path];
    if (/\p{Cc}/u.test(tool.name)) tell(at('name'), 'a name cannot hold control characters');
    if (names.indexOf(tool.name) !== index) tell(at('name'), 'this name is used twice');
    const { handler } = tool;
    for (const guarded of GUARDED_HANDLERS)
      if (handler.type === guarded && !allow.includes(guarded))
        tell(
          at('handler', 'type'),
          `${guarded} handlers run code on this machine and are not switched on`,
          `add "${guarded}" to customTools.allow if that is what you want`,
        );
    const inHandler: Tell = (path, message, hint) => tell(at('handler', ...path), message, hint);
    switch (handler.type) {
      case 'http':
        checkHttp(tool, handler, inHandler);
        break;
      case 'proxy':
        checkProxy(tool, handler, platforms, inHandler);
        break;
      case 'mcp':
        if ((handler.upstream === undefined || handler.tool === undefined) && handler.config === undefined)
          inHandler([], 'an mcp handler needs "upstream" and "tool"');
        break;
      case 'chain':
        checkChain(tool, handler, names, inHandler);
        break;
      case 'script':
        if (/[\r\n\0]/.test(handler.script)) inHandler(['script'], 'expected the path of a file, not its text');
        else if (handler.interpreter === undefined && !ENDINGS.test(handler.script))
          inHandler(['interpreter'], 'is missing; its ending does not tell what runs this file');
        checkEnv(handler.env, inHandler);
        break;
      case 'function':
        if (/[\r\n\0]/.test(handler.module)) inHandler(['module'], 'expected the path of a file');
    }
  });
  checkEnds(tools, tell);
  return findings;
}

function checkHttp(tool: CustomTool, handler: HandlerOf<'http'>, tell: Tell): void {
  const { url, auth, headers, body_template: body, method, response_mapping: mapping } = handler;
  checkAddress(url, ['url'], tell);
  checkPlaceholders(tool, url, 'both', ['url'], tell);
  checkHeaders(tool, headers, tell, ['headers']);
  if (auth !== undefined) checkAuth(auth, tell);
  if (mapping.success_value !== undefined && mapping.success_path === undefined)
    tell(['response_mapping', 'success_value'], 'needs "success_path"');
  if (body === undefined) return;
  if (method === 'GET') tell(['body_template'], 'a GET request has no body');
  for (const text of textsIn(body)) checkPlaceholders(tool, text, 'double', ['body_template'], tell);
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? 'json';
  if (typeof body === 'string' && /\bjson\b/i.test(type) && !isJsonTemplate(body))
    tell(['body_template'], 'is not JSON once its arguments are put in', 'or set the header Content-Type');
}

function checkAuth(auth: NonNullable<HandlerOf<'http'>['auth']>, tell: Tell): void {
  if (auth.type === 'bearer' && auth.token === undefined) tell(['auth', 'token'], 'is missing');
  if (auth.type === 'api_key' && auth.api_key === undefined) tell(['auth', 'api_key'], 'is missing');
  if (auth.type === 'basic' && auth.username === undefined) tell(['auth', 'username'], 'is missing');
  if (auth.username?.includes(':') === true) tell(['auth', 'username'], 'cannot hold a colon');
  const name = auth.api_key_header;
  if (!HEADER_NAME.test(name) || OUR_HEADERS.has(name.toLowerCase()))
    tell(['auth', 'api_key_header'], 'not a name of a header that a tool may set');
  for (const key of ['token', 'api_key'] as const)
    if (/[^\x20-\x7e]/.test(auth[key] ?? '')) tell(['auth', key], 'a header cannot hold these characters');
}

function checkProxy(
  tool: CustomTool,
  { platform, config }: HandlerOf<'proxy'>,
  platforms: CustomToolsConfig['platforms'],
  tell: Tell,
): void {
  const settings = platforms[platform];
  if (platform === 'coze' && (config.workflow_id === undefined) === (config.bot_id === undefined))
    tell(['config'], 'coze needs either "workflow_id" or "bot_id"');
  if (platform !== 'coze')
    for (const key of ['workflow_id', 'bot_id'] as const)
      if (config[key] !== undefined) tell(['config', key], 'is known to the platform coze only');
  if ((platform === 'openai' || platform === 'anthropic') && typeof config.params.model !== 'string')
    tell(['config', 'params'], 'needs "model", the name of the model to ask');
  if (platform === 'custom' && config.base_url === undefined && settings?.base_url === undefined)
    tell(['config', 'base_url'], 'is missing; it is where the platform custom is reached');
  const key = config.api_key ?? settings?.token;
  if (key === undefined && platform !== 'custom' && config.base_url === undefined && settings?.base_url === undefined)
    tell(['config', 'api_key'], 'is missing', `set it here, or customTools.platforms.${platform}.token`);
  if (/[^\x20-\x7e]/.test(config.api_key ?? '')) tell(['config', 'api_key'], 'a header cannot hold these characters');
  if (config.base_url !== undefined) {
    checkAddress(config.base_url, ['config', 'base_url'], tell);
    if (placeholdersOf(config.base_url, 'both').length > 0)
      tell(['config', 'base_url'], 'is the same for every call and cannot hold an argument');
  }
  if (config.prompt !== undefined) checkPlaceholders(tool, config.prompt, 'double', ['config', 'prompt'], tell);
  checkHeaders(tool, config.headers, tell, ['config', 'headers']);
}

function checkChain(tool: CustomTool, { tools }: HandlerOf<'chain'>, names: readonly string[], tell: Tell): void {
  tools.forEach((entry, index) => {
    const { name, upstream } = targetOf(entry);
    const path = typeof entry === 'string' ? ['tools', index] : ['tools', index, 'tool'];
    if (upstream === 'custom' && !names.includes(name))
      tell(
        path,
        'there is no custom tool of this name',
        didYouMean(name, names) ?? 'name its upstream: {"upstream", "tool"}',
      );
    if (typeof entry === 'string') return;
    for (const text of textsIn(entry.arguments)) {
      const at = ['tools', index, 'arguments'];
      checkPlaceholders(tool, text, 'double', at, tell, new Set(['result', 'results']));
    }
  });
}

/** Which tool a step of a chain, or an mcp handler, stands for. */
export function targetOf(entry: HandlerOf<'chain'>['tools'][number]): { upstream: string; name: string } {
  if (typeof entry === 'string') return { upstream: 'custom', name: entry };
  return { upstream: entry.upstream ?? 'custom', name: entry.tool };
}

/** Tools that call each other must come to an end. */
function checkEnds(tools: readonly CustomTool[], tell: Tell): void {
  const next = new Map(tools.map(({ name, handler }) => [name, ownTargets(handler)]));
  const depths = new Map<string, number>();
  const depth = (name: string, path: readonly string[]): number => {
    if (path.includes(name)) return Number.POSITIVE_INFINITY;
    const known = depths.get(name);
    if (known !== undefined) return known;
    const below = (next.get(name) ?? []).map((inner) => depth(inner, [...path, name]));
    const found = below.length === 0 ? 0 : 1 + Math.max(...below);
    depths.set(name, found);
    return found;
  };
  tools.forEach(({ name }, index) => {
    const found = depth(name, []);
    if (found === Number.POSITIVE_INFINITY) tell(['tools', index, 'handler'], 'calls itself in the end');
    else if (found > DEEPEST_CHAIN) tell(['tools', index, 'handler'], `is nested deeper than ${DEEPEST_CHAIN} tools`);
  });
}

/** What a tool calls through the gateway, and where its handler says so. */
export function calledUpstreams(handler: CustomTool['handler']): { upstream: string; name: string; path: Path }[] {
  if (handler.type === 'chain')
    return handler.tools.map((entry, index) => ({ ...targetOf(entry), path: ['tools', index] }));
  if (handler.type !== 'mcp') return [];
  const upstream = handler.upstream ?? handler.config?.serviceName;
  const name = handler.tool ?? handler.config?.toolName;
  if (upstream === undefined || name === undefined) return [];
  return [{ upstream, name, path: handler.upstream === undefined ? ['config', 'serviceName'] : ['upstream'] }];
}

function ownTargets(handler: CustomTool['handler']): string[] {
  return calledUpstreams(handler).flatMap(({ upstream, name }) => (upstream === 'custom' ? [name] : []));
}

/** Scheme and host are written out, so that no argument can send a request elsewhere. */
function checkAddress(url: string, path: Path, tell: Tell): void {
  const match = /^https?:\/\/([^/?#]*)/i.exec(url);
  if (match === null) tell(path, 'expected an http:// or https:// URL, its scheme written out');
  else if (/[{}]/.test(match[1] as string)) tell(path, 'an argument cannot stand for the host');
  else if (/[@\\]/.test(match[1] as string)) tell(path, 'a URL cannot hold a user name here', 'use "auth"');
  else if (/[\\\s]/.test(url) || !URL.canParse(fillText(url, 'both', () => 'x'))) tell(path, 'is not a URL');
}

function checkHeaders(tool: CustomTool, headers: Readonly<Record<string, string>>, tell: Tell, at: Path): void {
  for (const [name, value] of Object.entries(headers)) {
    const path = [...at, name];
    if (!HEADER_NAME.test(name)) tell(path, 'not a name of a header');
    else if (OUR_HEADERS.has(name.toLowerCase())) tell(path, 'this header is set by the gateway');
    else if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) tell(path, 'a header cannot hold these characters');
    checkPlaceholders(tool, value, 'double', path, tell);
  }
}

function checkEnv(env: Readonly<Record<string, string>>, tell: Tell): void {
  for (const [name, value] of Object.entries(env)) {
    if (name === '' || /[=\0]/.test(name)) tell(['env', name], 'not a name of a variable');
    if (value.includes('\0')) tell(['env', name], 'a variable cannot hold a zero byte');
  }
}

/** A placeholder that no declared argument fills is a slip of the pen. */
function checkPlaceholders(
  { inputSchema }: CustomTool,
  text: string,
  style: PlaceholderStyle,
  path: Path,
  tell: Tell,
  own: ReadonlySet<string> = new Set(),
): void {
  const { properties } = inputSchema;
  if (!isObject(properties)) return;
  for (const [name = ''] of placeholdersOf(text, style)) {
    if (Object.hasOwn(properties, name) || own.has(name)) continue;
    tell(path, `inputSchema has no argument "${name}"`, didYouMean(name, Object.keys(properties)));
  }
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isObject(value) ? Object.values(value).flatMap(textsIn) : [];
}

function isJsonTemplate(text: string): boolean {
  try {
    // A digit stands both inside a text and where a value is expected.
    JSON.parse(fillText(text, 'double', () => '0'));
    return true;
  } catch {
    return false;
  }
}

/** Files of scripts and functions belong to the folder of the configuration. */
export function withAbsolutePaths(config: CustomToolsConfig, directory: string): CustomToolsConfig {
  const tools = config.tools.map((tool): CustomTool => {
    const { handler } = tool;
    if (handler.type === 'script')
      return { ...tool, handler: { ...handler, script: resolvePath(handler.script, directory) } };
    if (handler.type === 'function')
      return { ...tool, handler: { ...handler, module: resolvePath(handler.module, directory) } };
    return tool;
  });
  return { ...config, tools };
}

const TELLING = /auth|token|secret|passw|pwd|api[-_]?key|access[-_]?key|private[-_]?key|credential|cookie|session/i;

/** Values of custom tools that must never be shown. */
export function secretsOfCustomTools({ platforms, tools }: CustomToolsConfig): string[] {
  const found: (string | undefined)[] = Object.values(platforms).map((settings) => settings?.token);
  const telling = (map: Readonly<Record<string, string>>): string[] =>
    Object.entries(map).flatMap(([name, value]) =>
      TELLING.test(name) ? [value, ...value.split(/\s+/).slice(1, 2)] : [],
    );
  for (const { handler } of tools) {
    if (handler.type === 'http') {
      const { auth } = handler;
      found.push(auth?.token, auth?.password, auth?.api_key, ...telling(handler.headers), ...keysIn(handler.url));
      if (auth?.type === 'basic')
        found.push(Buffer.from(`${auth.username ?? ''}:${auth.password ?? ''}`).toString('base64'));
    } else if (handler.type === 'proxy') found.push(handler.config.api_key, ...telling(handler.config.headers));
    else if (handler.type === 'script') found.push(...telling(handler.env));
  }
  return found.filter((value) => value !== undefined);
}

function keysIn(url: string): string[] {
  if (!URL.canParse(url)) return [];
  return [...new URL(url).searchParams].flatMap(([name, value]) =>
    (TELLING.test(name) || /^key$/i.test(name)) && placeholdersOf(value, 'both').length === 0 ? [value] : [],
  );
}
