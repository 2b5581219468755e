// From a server that refused us to the authorization server that it trusts (RFC 9728, RFC 8414, OpenID Connect
// Discovery), in the order of MCP 2025-11-25 and 2026-07-28 basic/authorization.
import type { AuthorizationServer } from 'oauth4webapi';
import { GatewayFault } from '../core/fault.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { Challenge } from './challenge.ts';
import { checkUrl, type FetchPolicy, type GuardedFetch } from './guarded-fetch.ts';
import type { ProtectedUpstream } from './settings.ts';

export interface Discovered {
  /** Exactly as the server publishes it (RFC 8707). */
  resource: string;
  server: AuthorizationServer;
  /** What the resource says it has, where it says so. */
  scopes: readonly string[] | undefined;
}

interface Resource {
  resource: string;
  issuers: readonly string[];
  scopes: readonly string[] | undefined;
}

/** @throws GatewayFault UPSTREAM_UNAUTHORIZED with what is wrong and where */
export async function discover(
  upstream: ProtectedUpstream,
  challenge: Challenge | undefined,
  fetch: GuardedFetch,
  policy: FetchPolicy,
): Promise<Discovered> {
  const found = await findResource(upstream, challenge, fetch);
  // Without metadata of its own the server is its own authorization server (2025-03-26).
  const { resource, issuers, scopes } = found ?? {
    resource: resourceOf(upstream.url),
    issuers: [new URL(upstream.url).origin],
    scopes: undefined,
  };
  const pinned = upstream.oauth.issuer;
  const issuer = pinned === undefined ? issuers[0] : issuers.find((one) => one === pinned);
  if (issuer === undefined) {
    const named = issuers.length === 0 ? 'none' : issuers.join(', ');
    const text =
      pinned === undefined
        ? 'its metadata names no authorization server'
        : `oauth.issuer is ${pinned}, but the server trusts ${named}`;
    throw wrong(upstream.name, text);
  }
  return { resource, scopes, server: await findServer(upstream.name, issuer, fetch, policy) };
}

/** The URL of a server without what does not belong to its identity. */
export function resourceOf(url: string): string {
  const { origin, pathname, search } = new URL(url);
  return pathname === '/' && search === '' ? origin : origin + pathname + search;
}

async function findResource(
  { name, url }: ProtectedUpstream,
  challenge: Challenge | undefined,
  fetch: GuardedFetch,
): Promise<Resource | undefined> {
  const { origin, pathname } = new URL(url);
  const path = pathname === '/' ? '' : pathname;
  const wellKnown = `${origin}/.well-known/oauth-protected-resource`;
  const named = challenge?.resourceMetadata;
  const places = named === undefined ? [...new Set([wellKnown + path, wellKnown])] : [named];
  for (const place of places) {
    if (!URL.canParse(place)) throw wrong(name, `resource_metadata is no URL: ${place.slice(0, 200)}`);
    const metadata = await getJson(fetch, place);
    if (metadata === undefined) continue;
    const { resource, authorization_servers: issuers, scopes_supported: scopes } = metadata;
    if (typeof resource !== 'string' || !URL.canParse(resource) || !covers(new URL(resource), new URL(url))) {
      const text = `the metadata at ${place} is for ${String(resource).slice(0, 200)}, not for ${resourceOf(url)}`;
      throw wrong(name, text);
    }
    return { resource, issuers: texts(issuers) ?? [], scopes: texts(scopes) };
  }
  if (named !== undefined) throw wrong(name, `there is no metadata at ${named}`);
  return undefined;
}

/** A resource is the server's URL itself, or one above it on the same origin. */
function covers(resource: URL, server: URL): boolean {
  if (resource.origin !== server.origin) return false;
  const above = resource.pathname.replace(/\/$/, '');
  return `${server.pathname}/`.startsWith(`${above}/`);
}

async function findServer(
  upstream: string,
  issuer: string,
  fetch: GuardedFetch,
  policy: FetchPolicy,
): Promise<AuthorizationServer> {
  if (!URL.canParse(issuer)) throw wrong(upstream, `the authorization server is no URL: ${issuer.slice(0, 200)}`);
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const places =
    path === ''
      ? [`${origin}/.well-known/oauth-authorization-server`, `${origin}/.well-known/openid-configuration`]
      : [
          `${origin}/.well-known/oauth-authorization-server${path}`,
          `${origin}/.well-known/openid-configuration${path}`,
          `${origin}${path}/.well-known/openid-configuration`,
        ];
  for (const place of places) {
    const metadata = await getJson(fetch, place);
    if (metadata === undefined) continue;
    // Compared as texts: what only looks alike is another one (RFC 8414 §3.3).
    if (metadata.issuer !== issuer) {
      throw wrong(upstream, `the metadata at ${place} names the issuer ${String(metadata.issuer).slice(0, 200)}`);
    }
    checkMetadata(upstream, metadata, policy);
    return metadata as unknown as AuthorizationServer;
  }
  throw wrong(upstream, `the authorization server ${issuer} publishes no metadata (tried ${places.join(', ')})`);
}

const ENDPOINTS = ['authorization_endpoint', 'token_endpoint', 'registration_endpoint', 'revocation_endpoint'];

function checkMetadata(upstream: string, metadata: JsonObject, policy: FetchPolicy): void {
  for (const name of ENDPOINTS) {
    const value = metadata[name];
    if (value === undefined) continue;
    if (typeof value !== 'string' || !URL.canParse(value)) throw wrong(upstream, `${name} is no URL`);
    checkUrl(new URL(value), policy);
  }
  if (metadata.token_endpoint === undefined) throw wrong(upstream, 'the authorization server has no token_endpoint');
}

/** A JSON object, or undefined where there is none. */
async function getJson(fetch: GuardedFetch, url: string): Promise<JsonObject | undefined> {
  const response = await fetch(url, { headers: { accept: 'application/json' } });
  if (!response.ok) return undefined;
  try {
    const body: unknown = JSON.parse(await response.text());
    return isObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : undefined;
}

export function wrong(upstream: string, text: string, hint?: string): GatewayFault {
  return new GatewayFault('UPSTREAM_UNAUTHORIZED', `upstream "${upstream}" cannot be logged in to: ${text}`, {
    upstream,
    hint: hint ?? 'Report it to whoever runs the server, or set oauth of the upstream by hand.',
  });
}
