// The gateway as a protected resource: whose an access token is, by the word of one authorization server, and where a
// client learns which one that is (RFC 9728, RFC 8707, RFC 7662; reliability §4). A token is looked at here and goes
// nowhere else.
import { createHash } from 'node:crypto';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Principal, Role } from '../core/context.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { scopesOf } from './challenge.ts';
import { createGuardedFetch, type GuardedFetch } from './guarded-fetch.ts';

export interface ResourceServerSettings {
  issuer: string;
  audience: readonly string[];
  jwksUri?: string | undefined;
  introspection?: { url?: string | undefined; clientId: string; clientSecret: string } | undefined;
  scopes: Readonly<Record<Role, readonly string[]>>;
}

/** As `AccessTokens` of the listener has it; `unavailable`: nobody can tell now. */
export type Holder = Principal | { invalid: string } | { unavailable: string };

interface Known {
  audience: readonly string[];
  holder: Principal;
  /** Milliseconds since 1970. */
  until: number;
}

/** Never a symmetric one, never `none`: the server's public keys are all we have. */
const ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'EdDSA',
  'Ed25519',
];
/** Seconds by which clocks may differ. */
const CLOCKS = 5;
/** How long the word of the server is taken for, in milliseconds. */
const KEPT = 30_000;
/** Tokens of unknown holders that are looked at together; more are told to come back. */
const AT_ONCE = 64;
const LONGEST_TOKEN = 12_000;
const METADATA = '/.well-known/oauth-protected-resource';

export class ResourceServer {
  readonly #settings: ResourceServerSettings;
  readonly #publicUrl: () => string;
  readonly #fetch: GuardedFetch;
  readonly #known = new LRUCache<string, Known>({ max: 1000 });
  #keys: Promise<JWTVerifyGetKey> | undefined;
  #metadata: Promise<JsonObject> | undefined;
  #looking = 0;

  /** `publicUrl`: as clients reach the gateway, without a slash at the end. */
  constructor(settings: ResourceServerSettings, publicUrl: () => string) {
    this.#settings = settings;
    this.#publicUrl = publicUrl;
    const named = [settings.issuer, settings.jwksUri, settings.introspection?.url].filter((url) => url !== undefined);
    const hosts = named.map((url) => new URL(url).hostname);
    this.#fetch = createGuardedFetch({
      upstream: 'server.oauth',
      setting: 'server.oauth',
      // What the operator wrote is trusted; what the server's metadata names beside it is not.
      allowLoopback: hosts.some((host) => /^(?:127\.|localhost$|\[::1\])/.test(host)),
      trustedHosts: hosts,
    });
  }

  /** Whose it is; at once where it was seen a moment ago. Never rejects. */
  check(token: string, path: string): Holder | Promise<Holder> {
    if (token.length > LONGEST_TOKEN) return { invalid: 'the access token is too long' };
    const digest = createHash('sha256').update(token).digest('base64');
    const known = this.#known.get(digest);
    if (known !== undefined && Date.now() < known.until) return this.#for(known, path);
    if (this.#looking >= AT_ONCE) return { unavailable: 'too many access tokens are being looked at' };
    this.#looking++;
    return this.#look(token)
      .then((found) => {
        if (!('holder' in found)) return found;
        this.#known.set(digest, found);
        return this.#for(found, path);
      })
      .finally(() => {
        this.#looking--;
      });
  }

  #for({ audience, holder }: Known, path: string): Holder {
    const base = this.#publicUrl();
    const meant = [base, `${base}/`, this.#resourceOf(path), ...this.#settings.audience];
    const isForUs = (aud: string) => meant.includes(aud) || (path === '/messages' && aud.startsWith(`${base}/sse`));
    if (audience.some(isForUs)) return holder;
    return {
      invalid: `the access token is for ${audience.join(', ').slice(0, 200) || 'nobody'}, not for this gateway`,
    };
  }

  async #look(token: string): Promise<Known | { invalid: string } | { unavailable: string }> {
    const { introspection, issuer, scopes } = this.#settings;
    try {
      const claims = introspection === undefined ? await this.#verified(token) : await this.#introspected(token);
      if (typeof claims === 'string') return { invalid: claims };
      const { sub, client_id: clientId, azp, aud, exp } = claims;
      const who = [sub, clientId, azp].find((one) => typeof one === 'string' && one !== '');
      if (who === undefined) return { invalid: 'the access token names nobody' };
      const until = Math.min(Date.now() + KEPT, typeof exp === 'number' ? exp * 1000 : Number.POSITIVE_INFINITY);
      const audience = (Array.isArray(aud) ? aud : [aud]).filter((one) => typeof one === 'string');
      // Named apart from keys: a subject may be called like one of them.
      const holder = { id: `oauth:${String(who)}`, roles: rolesOf(scopesIn(claims), scopes) };
      return { holder, audience, until };
    } catch (error) {
      const reason = await invalidBy(error);
      if (reason !== undefined) return { invalid: reason };
      return { unavailable: `${issuer} cannot be asked: ${(error as Error).message}` };
    }
  }

  async #verified(token: string): Promise<JWTPayload | string> {
    const { jwtVerify } = await import('jose');
    const { issuer } = this.#settings;
    this.#keys ??= this.#remoteKeys().catch((error: unknown) => {
      this.#keys = undefined;
      throw error;
    });
    const how = { issuer, algorithms: ALGORITHMS, clockTolerance: CLOCKS, requiredClaims: ['exp'] };
    const { payload } = await jwtVerify(token, await this.#keys, how);
    return payload;
  }

  /** The server's keys: kept for ten minutes, asked for again when a token names another one. */
  async #remoteKeys(): Promise<JWTVerifyGetKey> {
    const { createRemoteJWKSet, customFetch } = await import('jose');
    const uri = this.#settings.jwksUri ?? (await this.#endpoint('jwks_uri'));
    return createRemoteJWKSet(new URL(uri), {
      cooldownDuration: 5_000,
      cacheMaxAge: 600_000,
      [customFetch]: (url: string, { headers, signal }: { headers: Headers; signal: AbortSignal }) =>
        this.#fetch(url, { headers, signal }),
    });
  }

  async #introspected(token: string): Promise<JsonObject | string> {
    const { introspection, issuer } = this.#settings;
    if (introspection === undefined) return 'not asked';
    const url = introspection.url ?? (await this.#endpoint('introspection_endpoint'));
    const pair = `${encodeURIComponent(introspection.clientId)}:${encodeURIComponent(introspection.clientSecret)}`;
    const response = await this.#fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    });
    const answer: unknown = response.ok ? await response.json() : undefined;
    if (!isObject(answer)) throw new Error(`introspection was answered with HTTP ${response.status}`);
    if (answer.active !== true) return 'the access token is not valid (any more)';
    if (answer.iss !== undefined && answer.iss !== issuer) return 'the access token is of another issuer';
    return answer;
  }

  /** @throws Error while the server publishes none */
  async #endpoint(name: string): Promise<string> {
    this.#metadata ??= this.#discover().catch((error: unknown) => {
      this.#metadata = undefined;
      throw error;
    });
    const found = (await this.#metadata)[name];
    if (typeof found !== 'string') throw new Error(`its metadata has no ${name}`);
    return found;
  }

  async #discover(): Promise<JsonObject> {
    const { issuer } = this.#settings;
    const { origin, pathname } = new URL(issuer);
    const path = pathname.replace(/\/$/, '');
    const places = [
      `${origin}/.well-known/oauth-authorization-server${path}`,
      `${origin}${path}/.well-known/openid-configuration`,
    ];
    for (const place of places) {
      const response = await this.#fetch(place, { headers: { accept: 'application/json' } });
      const found: unknown = response.ok ? await response.json() : undefined;
      if (isObject(found) && found.issuer === issuer) return found;
    }
    throw new Error(`no metadata of ${issuer} at ${places.join(' or ')}`);
  }

  /** `WWW-Authenticate` for a request to `path` that needs this role. */
  challenge(path: string, access: Role | 'open', error?: 'invalid_token' | 'insufficient_scope'): string {
    const scope = access === 'open' ? undefined : this.#settings.scopes[access][0];
    const parts = [
      error === undefined ? undefined : `error="${error}"`,
      scope === undefined ? undefined : `scope="${scope}"`,
      `resource_metadata="${this.#metadataUrl(path)}"`,
    ];
    return `Bearer ${parts.filter((part) => part !== undefined).join(', ')}`;
  }

  /** The metadata document of a path below the well-known one; undefined for a path that is none. */
  metadata(path: string): JsonObject | undefined {
    if (path !== METADATA && !path.startsWith(`${METADATA}/`)) return undefined;
    const { issuer, scopes } = this.#settings;
    const below = path.slice(METADATA.length);
    if (below !== '' && !isMcpPath(below)) return undefined;
    return {
      resource: this.#resourceOf(below),
      authorization_servers: [issuer],
      scopes_supported: [...new Set([...scopes.read, ...scopes.call, ...scopes.admin])],
      bearer_methods_supported: ['header'],
      resource_name: 'Holdfast',
    };
  }

  #metadataUrl(path: string): string {
    return this.#publicUrl() + METADATA + (isMcpPath(path) ? path : '');
  }

  /** Every MCP address is a resource of its own; the rest of the gateway is one. */
  #resourceOf(path: string): string {
    return this.#publicUrl() + (isMcpPath(path) ? path : '');
  }
}

const isMcpPath = (path: string): boolean => /^\/(?:mcp|sse)(?:\/|$)/.test(path);

function scopesIn({ scope, scp }: JWTPayload | JsonObject): string[] {
  const given = scope ?? scp;
  if (Array.isArray(given)) return given.filter((one) => typeof one === 'string');
  return typeof given === 'string' ? scopesOf(given) : [];
}

function rolesOf(scopes: readonly string[], map: ResourceServerSettings['scopes']): Role[] {
  const has = (role: Role) =>
    (map[role].length === 0 && role !== 'admin') || map[role].some((one) => scopes.includes(one));
  if (has('admin')) return ['read', 'call', 'admin'];
  if (has('call')) return ['read', 'call'];
  return has('read') ? ['read'] : [];
}

/** What is wrong with the token itself; undefined where it could not be looked at. */
async function invalidBy(error: unknown): Promise<string | undefined> {
  const { errors } = await import('jose');
  if (error instanceof errors.JWTExpired) return 'the access token is over';
  if (error instanceof errors.JWTClaimValidationFailed) return `the access token is not valid: ${error.claim}`;
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return undefined;
  if (error instanceof errors.JOSEError && error.code !== 'ERR_JOSE_GENERIC') return 'the access token is not valid';
  return undefined;
}
