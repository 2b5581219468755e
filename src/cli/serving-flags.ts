// What `serve` and `mcpo` say on the command line about the gateway they start, as native keys (requirements 8.2, U-01).
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { ConfigInput, UpstreamInput } from '../config/schema.ts';
import { Refused } from './refused.ts';
import { t } from './words.ts';

export interface ServingFlags {
  corsAllowOrigins?: string[] | undefined;
  rootPath?: string | undefined;
  pathPrefix?: string | undefined;
  sslCertfile?: string | undefined;
  sslKeyfile?: string | undefined;
  /** `KEY=VALUE`, for every upstream. */
  env?: string[] | undefined;
  envPath?: string | undefined;
  /** `Key: Value`, or one JSON object; for a server given as a URL. */
  header?: string[] | undefined;
  /** Kind of the server that stands behind `--`. */
  type?: string | undefined;
  strictAuth?: boolean | undefined;
  legacyResources?: boolean | undefined;
  name?: string | undefined;
  description?: string | undefined;
  apiVersion?: string | undefined;
  /** Which generation of MCPX the converged tools are like. */
  dialect?: NonNullable<ConfigInput['converged']>['dialect'];
  /** Headers of callers that go on to the servers. */
  forwardHeaders?: UpstreamInput['forwardHeaders'];
}

/** The part of a gateway's setup that only the OpenAPI face reads. */
export interface OpenApiSetup {
  openApi: {
    /** Documents and pages need a key too (U-06). */
    strictAuth: boolean;
    /** Embedded resources are mcpo's sentence. */
    legacyResources: boolean;
    title?: string | undefined;
    description?: string | undefined;
    version?: string | undefined;
  };
}

export function openApiSetup(flags: ServingFlags): OpenApiSetup {
  const { strictAuth = false, legacyResources = false, name, description, apiVersion } = flags;
  return { openApi: { strictAuth, legacyResources, title: name, description, version: apiVersion } };
}

/** The keys of these flags; only of those that were given. @throws Refused */
export function servingKeys(flags: ServingFlags): ConfigInput {
  const { corsAllowOrigins, rootPath, pathPrefix, sslCertfile, sslKeyfile } = flags;
  if ((sslCertfile === undefined) !== (sslKeyfile === undefined)) {
    throw new Refused(t`--ssl-certfile and --ssl-keyfile are given together or not at all`);
  }
  const server: NonNullable<ConfigInput['server']> = {
    ...(corsAllowOrigins !== undefined && { allowedOrigins: corsAllowOrigins }),
    ...(rootPath !== undefined && { rootPath }),
    ...(pathPrefix !== undefined && { pathPrefix }),
    ...(sslCertfile !== undefined && sslKeyfile !== undefined && { tls: { cert: sslCertfile, key: sslKeyfile } }),
  };
  const env = environmentOf(flags);
  const { forwardHeaders, dialect } = flags;
  const defaults: NonNullable<ConfigInput['defaults']> = {
    ...(Object.keys(env).length > 0 && { env }),
    ...(forwardHeaders !== undefined && { forwardHeaders }),
  };
  return {
    ...(Object.keys(server).length > 0 && { server }),
    ...(Object.keys(defaults).length > 0 && { defaults }),
    ...(dialect !== undefined && { converged: { dialect } }),
  };
}

/** Variables of `--env-path` and, over them, of `--env`. @throws Refused */
export function environmentOf({ env = [], envPath }: ServingFlags): Record<string, string> {
  const result: Record<string, string> = {};
  if (envPath !== undefined) {
    try {
      for (const [name, value] of Object.entries(parseEnv(readFileSync(envPath, 'utf8')))) result[name] = value ?? '';
    } catch (error) {
      throw new Refused(t`--env-path ${envPath} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  for (const pair of env) {
    const cut = pair.indexOf('=');
    if (cut < 1) throw new Refused(t`--env wants KEY=VALUE`);
    result[pair.slice(0, cut)] = pair.slice(cut + 1);
  }
  return result;
}

const REMOTE: Readonly<Record<string, string>> = {
  sse: 'sse',
  http: 'streamable-http',
  'streamable-http': 'streamable-http',
  streamable_http: 'streamable-http',
  streamablehttp: 'streamable-http',
  streamableHttp: 'streamable-http',
  websocket: 'websocket',
};

/** Whether a word names a kind of server (U-01). */
export function isServerType(word: string): boolean {
  return word === 'stdio' || Object.hasOwn(REMOTE, word);
}

/**
 * The upstream behind `--`: a command, or with `--type` the URL of a remote server. Its id is for the caller to find.
 * @throws Refused
 */
export function upstreamOf(words: readonly string[], { type, header = [] }: ServingFlags): UpstreamInput {
  const [first = '', ...args] = words;
  if (type === undefined || type === 'stdio') return { command: first, args, inheritEnv: 'all' };
  if (!isServerType(type)) {
    throw new Refused(t`--type must be stdio, sse or streamable-http, not ${JSON.stringify(type)}`);
  }
  if (!URL.canParse(first))
    throw new Refused(t`--type ${type} wants the URL of the server, not ${JSON.stringify(first)}`);
  if (args.length > 0) throw new Refused(t`--type ${type} wants one URL, and nothing behind it`);
  const transport = REMOTE[type];
  return { url: first, ...(transport !== undefined && { transport }), headers: headersOf(header) };
}

/** @throws Refused */
function headersOf(given: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const text of given) {
    if (text.trimStart().startsWith('{')) {
      for (const [name, value] of Object.entries(parsedHeaders(text))) headers[name] = String(value);
      continue;
    }
    const cut = text.indexOf(':');
    if (cut < 1) throw new Refused(t`--header wants "Name: value", or a JSON object`);
    headers[text.slice(0, cut).trim()] = text.slice(cut + 1).trim();
  }
  return headers;
}

function parsedHeaders(text: string): object {
  try {
    return JSON.parse(text) as object;
  } catch {
    throw new Refused(t`--header holds neither "Name: value" nor a JSON object`);
  }
}

/** A short id for a server given as a URL: what its address says beside ports and versions. */
export function nameOfUrl(url: string): string {
  const { hostname, pathname } = new URL(url);
  const step = pathname
    .split('/')
    .filter((part) => part !== '' && !/^(?:mcp|sse|api|v\d+|messages?)$/i.test(part))
    .at(-1);
  const id = (step ?? hostname).replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '');
  return id === '' ? 'server' : id;
}
