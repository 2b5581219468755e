// One upstream from what the file and its defaults say: references resolved, paths made absolute, and the checks that
// need more than one key.
import type * as z from 'zod';
import type { Finding } from './issues.ts';
import { didYouMean } from './nearest.ts';
import { type ReferenceSources, Resolver, resolvePath } from './references.ts';
import type { ReplicaConfig, UpstreamConfig } from './schema.ts';
import { isServerUrl, STREAMABLE_HTTP_ALIASES, TRANSPORTS, type upstreamSchema } from './schema-upstream.ts';

type Parsed = z.output<typeof upstreamSchema>;

export interface UpstreamRules {
  references: ReferenceSources;
  /** Transports beside our own that the embedding program brings. */
  transports: readonly string[];
  /** What the importer already found; such an upstream is shown and not started. */
  invalid: readonly string[];
  /** Something wrong was taken out of it before, so that what is missing proves nothing. */
  damaged: boolean;
  /** Whether the file itself sets `pool.min`, so that one above the maximum is a mistake. */
  poolMinGiven: boolean;
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Whether a header may hold this value; a line break would start another header. */
function isHeaderValue(value: string): boolean {
  return !/[\0\r\n]/.test(value);
}

/** Gives the finished upstream; findings have paths below the upstream. */
export function finishUpstream(
  parsed: Parsed,
  rules: UpstreamRules,
): { upstream: UpstreamConfig; findings: Finding[] } {
  const findings = checkUpstream(parsed, rules);
  const resolver = new Resolver(rules.references);
  const invalid = [...rules.invalid];
  const text = (value: string | undefined) => (value === undefined ? undefined : resolver.resolve(value));
  const texts = (map: Record<string, string>) =>
    Object.fromEntries(Object.entries(map).map(([name, value]) => [name, resolver.resolve(value)]));
  const { directory } = rules.references;
  const path = (value: string | undefined) => {
    const resolved = text(value);
    return resolved === undefined || resolved.startsWith('-----BEGIN') ? resolved : resolvePath(resolved, directory);
  };
  const headers = texts(parsed.headers);
  for (const [name, value] of Object.entries(headers))
    if (!isHeaderValue(value) && isHeaderValue(parsed.headers[name] ?? ''))
      invalid.push(`header ${name} holds a line break`);
  const url = text(parsed.url);
  if (url !== undefined && resolver.unresolved.size === 0 && !isServerUrl(url))
    invalid.push('url is not a URL after its references were resolved');
  const { command, cwd, tls, oauth, pool, replicas, ...rest } = parsed;
  const finished = replicas.map((replica, index) => {
    const { upstream: one, findings: found } = finishUpstream(replicaOf(parsed, replica), rules);
    findings.push(...found.map((finding) => ({ ...finding, path: ['replicas', index, ...finding.path] })));
    return one;
  });
  const own = finished.map((one): ReplicaConfig => {
    const { command, args, cwd, env, url, headers, tls, transport, unresolved, invalid } = one;
    return { command, args, cwd, env, url, headers, tls, transport, unresolved, invalid };
  });
  const upstream: UpstreamConfig = {
    ...rest,
    ...(command !== undefined && { command: resolver.resolve(command) }),
    args: parsed.args.map((arg) => resolver.resolve(arg)),
    ...(cwd !== undefined && { cwd: path(cwd) }),
    env: texts(parsed.env),
    ...(url !== undefined && { url }),
    headers,
    ...(tls !== undefined && { tls: { ...tls, ca: path(tls.ca), cert: path(tls.cert), key: path(tls.key) } }),
    oauth: {
      ...oauth,
      ...(oauth.clientId !== undefined && { clientId: resolver.resolve(oauth.clientId) }),
      ...(oauth.clientSecret !== undefined && { clientSecret: resolver.resolve(oauth.clientSecret) }),
      ...(oauth.privateKey !== undefined && { privateKey: pemOf(oauth.privateKey, resolver, rules, invalid) }),
      ...(oauth.issuer !== undefined && { issuer: resolver.resolve(oauth.issuer) }),
    },
    pool: { ...pool, min: Math.min(pool.min, pool.max) },
    transport: transportOf(parsed, url),
    replicas: own,
    unresolved: [],
    invalid,
    secrets: [],
  };
  upstream.unresolved = [...resolver.unresolved];
  const secrets = [...resolver.secrets, ...finished.flatMap((one) => one.secrets)];
  upstream.secrets = [...new Set(secrets)].filter((value) => value !== '');
  return { upstream, findings };
}

/** PEM text, or that of the file a path names; one that cannot be read concerns this upstream alone. */
function pemOf(written: string, resolver: Resolver, { references }: UpstreamRules, invalid: string[]): string {
  const value = resolver.resolve(written);
  if (value.includes('-----BEGIN')) return value;
  try {
    return references.readText(resolvePath(value, references.directory));
  } catch {
    invalid.push('the file of oauth.privateKey cannot be read');
    return '';
  }
}

/** The upstream's own settings with one replica's laid over them; an address replaces a command, and the reverse. */
function replicaOf(parsed: Parsed, replica: Parsed['replicas'][number]): Parsed {
  const { command, args, cwd, url, transport, tls } = parsed;
  const moved = replica.command !== undefined || replica.url !== undefined;
  return {
    ...parsed,
    command: moved ? replica.command : command,
    args: replica.args ?? (moved && replica.command === undefined ? [] : args),
    cwd: replica.cwd ?? cwd,
    url: moved ? replica.url : url,
    transport: replica.transport ?? (moved ? 'auto' : transport),
    tls: replica.tls ?? tls,
    env: { ...parsed.env, ...replica.env },
    headers: { ...parsed.headers, ...replica.headers },
    replicas: [],
  };
}

function transportOf(parsed: Parsed, url: string | undefined): string {
  const { transport, command } = parsed;
  if (STREAMABLE_HTTP_ALIASES.includes(transport)) return 'streamable-http';
  if (transport !== 'auto') return transport;
  if (url === undefined) return command === undefined ? 'auto' : 'stdio';
  return /^wss?:/i.test(url) ? 'websocket' : 'auto';
}

function checkUpstream(parsed: Parsed, rules: UpstreamRules): Finding[] {
  const findings: Finding[] = [];
  const { command, url, transport, pool } = parsed;
  if (rules.invalid.length === 0 && !rules.damaged) {
    if (parsed.replicas.length > 0) {
      // Each of them is looked at by itself.
    } else if (command === undefined && url === undefined)
      findings.push({ path: [], message: 'an upstream needs a "command" or a "url"' });
    else if (transport === 'stdio' && command === undefined)
      findings.push({ path: ['transport'], message: 'the transport stdio needs a "command"' });
    else if (isRemote(transport) && url === undefined)
      findings.push({ path: ['transport'], message: 'this transport needs a "url"' });
  }
  const known = [...TRANSPORTS, ...STREAMABLE_HTTP_ALIASES, ...rules.transports];
  if (!known.includes(transport))
    findings.push({
      path: ['transport'],
      message: `unknown transport; known are ${[...TRANSPORTS, ...rules.transports].join(', ')}`,
      hint: didYouMean(transport, known),
    });
  if (url !== undefined && /^wss?:/i.test(url) && !['auto', 'websocket'].includes(transport) && isRemote(transport))
    findings.push({ path: ['url'], message: 'a ws:// URL is reached with the transport websocket only' });
  if (rules.poolMinGiven && pool.min > pool.max)
    findings.push({ path: ['pool', 'min'], message: 'must not be more than pool.max' });
  for (const name of Object.keys(parsed.env))
    if (name === '' || /[=\0]/.test(name)) findings.push({ path: ['env', name], message: 'not a name of a variable' });
  for (const [name, value] of Object.entries(parsed.env))
    if (value.includes('\0')) findings.push({ path: ['env', name], message: 'a variable cannot hold a zero byte' });
  for (const [name, value] of Object.entries(parsed.headers)) {
    if (!HEADER_NAME.test(name)) findings.push({ path: ['headers', name], message: 'not a name of a header' });
    else if (!isHeaderValue(value))
      findings.push({ path: ['headers', name], message: 'a header cannot hold a line break' });
  }
  if ([command ?? '', parsed.cwd ?? '', ...parsed.args].some((part) => part.includes('\0')))
    findings.push({ path: ['command'], message: 'a command cannot hold a zero byte' });
  return findings;
}

function isRemote(transport: string): boolean {
  return ['streamable-http', 'sse', 'websocket', ...STREAMABLE_HTTP_ALIASES].includes(transport);
}
