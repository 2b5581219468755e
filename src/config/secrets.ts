// Which values of a configuration must never be shown, so that whatever the gateway writes can be redacted by value.
import { secretsOfCustomTools } from './custom-rules.ts';
import type { Config, UpstreamConfig } from './schema.ts';
import { sharedOf } from './schema-shared.ts';

/** Names of headers and variables whose values are secrets even when they stand in the file as they are. */
const TELLING = /auth|token|secret|passw|pwd|api[-_]?key|access[-_]?key|private[-_]?key|credential|cookie|session/i;

/** Shorter values would blot out ordinary text. */
const SHORTEST = 4;

/** Values that say nothing, wherever they came from. */
const HARMLESS = /^(?:true|false|null|none|localhost|production|development|\d{1,5})$/i;

/**
 * What is written like a token, whatever its variable is called: a known beginning, or one long word of letters and
 * digits without the marks of paths, hosts and sentences.
 */
const TOKEN =
  /^(?:(?:sk|pk|rk|ghp|gho|ghs|ghu|github_pat|xox[abprs]|glpat|npm|hf|pat|eyJ|AKIA|ASIA)[-_A-Za-z0-9].{11,}|(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+_=-]{24,})$/;

/** Options of a command whose value is a secret; paths and numbers are told of theirs. */
const TELLING_OPTION =
  /^--?[\w-]*(?:token|secret|passw|pwd|api[-_]?key|access[-_]?key|private[-_]?key|credential)s?(?:=|$)/i;
const PLAIN_ARGUMENT = /^(?:[./~-]|[A-Za-z]:\\|\d+$)/;

/** `--api-key VALUE` and `--api-key=VALUE`. */
function secretsOfArgs(args: readonly string[]): string[] {
  return args.flatMap((arg, index) => {
    const [option = ''] = TELLING_OPTION.exec(arg) ?? [];
    if (option === '') return secretsOfUrl(arg);
    const value = option.endsWith('=') ? arg.slice(option.length) : (args[index + 1] ?? '');
    return value.length < 8 || PLAIN_ARGUMENT.test(value) ? [] : [value];
  });
}

/** Of an upstream, or of one of its replicas. */
function secretsOfServer(server: UpstreamConfig['replicas'][number]): string[] {
  const { args = [], headers = {}, env = {} } = server;
  const found = secretsOfArgs(args);
  for (const [name, value] of [...Object.entries(headers), ...Object.entries(env)]) {
    if (!TELLING.test(name) && !TOKEN.test(value)) {
      found.push(...secretsOfUrl(value));
      continue;
    }
    found.push(value);
    // `Bearer abc`: the second word is the secret, wherever it is quoted alone.
    const [, token] = /^\w+\s+(\S+)$/.exec(value) ?? [];
    if (token !== undefined) found.push(token);
  }
  if (server.url !== undefined) found.push(...secretsOfUrl(server.url));
  if (server.tls?.key?.startsWith('-----BEGIN') === true) found.push(server.tls.key);
  return found;
}

function secretsOfUrl(text: string): string[] {
  if (!URL.canParse(text)) return [];
  const url = new URL(text);
  const found = url.password === '' ? [] : [url.password, decoded(url.password)];
  for (const [name, value] of url.searchParams) if (TELLING.test(name) || /^key$/i.test(name)) found.push(value);
  return found;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Whatever the query of an endpoint's address holds is its token, as it is written and as it reads. */
function secretsOfEndpoint({ url }: Config['endpoints'][number]): string[] {
  const { search, searchParams } = new URL(url);
  const written = search
    .slice(1)
    .split('&')
    .map((pair) => pair.slice(pair.indexOf('=') + 1));
  return [...secretsOfUrl(url), ...searchParams.values(), ...written].filter((value) => value.length >= 12);
}

/** The address of a webhook is its key: who knows it may write there. */
function secretsOfSink({ url, secret, headers }: Config['monitor']['sinks'][number]): string[] {
  const found = Object.entries(headers).flatMap(([name, value]) => (TELLING.test(name) ? [value] : []));
  if (secret !== undefined) found.push(secret);
  if (url === undefined) return found;
  const { pathname, search, password } = new URL(url);
  if (password !== '') found.push(decodeURIComponent(password));
  return [...found, ...(pathname + search).split(/[/?&=]/).filter((part) => part.length >= 12)];
}

function secretsOfShared(shared: Config['storage']['shared']): string[] {
  if (shared === undefined) return [];
  const { url, password } = sharedOf(shared);
  const found = (typeof url === 'string' ? [url] : url).flatMap(secretsOfUrl);
  return password === undefined ? found : [...found, password];
}

/** All secret values of a configuration, the longest first, so that one inside another is replaced whole. */
export function secretsOf(config: Config): string[] {
  const found = Object.values(config.upstreams).flatMap((upstream) => [
    ...upstream.secrets,
    ...[upstream, ...upstream.replicas].flatMap(secretsOfServer),
    ...[upstream.oauth.clientSecret, upstream.oauth.privateKey].filter((value) => value !== undefined),
  ]);
  found.push(...config.endpoints.flatMap(secretsOfEndpoint));
  for (const { key } of config.keys) if (key !== undefined) found.push(key);
  found.push(...config.secrets);
  for (const sink of config.monitor.sinks) found.push(...secretsOfSink(sink));
  for (const [name, value] of Object.entries(config.tracing.headers)) if (TELLING.test(name)) found.push(value);
  found.push(...secretsOfShared(config.storage.shared));
  found.push(...secretsOfCustomTools(config.customTools));
  return [...new Set(found)]
    .filter((value) => value.length >= SHORTEST && !HARMLESS.test(value))
    .sort((a, b) => b.length - a.length);
}

/** Former values that are remembered. */
const MOST_FORMER = 1000;

/** The secrets of a configuration that changes, those of former ones with them: a replaced value may be in use elsewhere. */
export function secretsSoFar(config: () => Config): () => readonly string[] {
  let seen: Config | undefined;
  let known: readonly string[] = [];
  return () => {
    const now = config();
    if (now === seen) return known;
    seen = now;
    const all = [...new Set([...secretsOf(now), ...known])].slice(0, MOST_FORMER);
    known = all.sort((a, b) => b.length - a.length);
    return known;
  };
}
