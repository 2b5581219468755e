// An OAuth 2.1 authorization server on loopback: metadata, registration, PKCE, rotation, introspection, revocation. It
// agrees to every login by itself; what it was asked is on record, and each of its habits can be changed while it runs.
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export interface Habits {
  /** Seconds an access token lives. */
  expiresIn: number;
  /** Gives refresh tokens, each good once. */
  refresh: boolean;
  registration: boolean;
  cimd: boolean;
  pkce: string[] | undefined;
  authMethods: string[];
  scopesSupported: string[] | undefined;
  /** What it says in `iss` of its answers; undefined: nothing. */
  iss: string | undefined;
  issPromised: boolean;
  /** The issuer in its metadata. */
  issuer: string;
  /** Milliseconds before the token endpoint answers. */
  slow: number;
  /** Scopes it gives, whatever was asked; undefined: those asked. */
  gives: string[] | undefined;
}

interface Client {
  secret?: string;
  redirectUris: string[];
}

interface Grant {
  clientId: string;
  scope: string;
  resource: string;
}

export interface TokenOptions {
  aud?: string | string[];
  scope?: string;
  sub?: string;
  clientId?: string;
  issuer?: string;
  /** Seconds from now. */
  expiresIn?: number;
}

export class AuthorizationServer {
  readonly habits: Habits;
  readonly issuer: string;
  /** Every request, newest last: `POST /token refresh_token`. */
  readonly asked: string[] = [];
  readonly registered: Record<string, unknown>[] = [];
  readonly clients = new Map<string, Client>();
  readonly #server;
  readonly #codes = new Map<string, Grant & { challenge: string; redirectUri: string }>();
  readonly #refresh = new Map<string, Grant>();
  readonly #access = new Map<string, Grant & { expires: number }>();
  #keys: { kid: string; privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey']; jwk: JWK }[] = [];

  private constructor(server: ReturnType<typeof createServer>, habits: Partial<Habits>) {
    this.#server = server;
    this.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { issuer } = this;
    const usual = { expiresIn: 3600, refresh: true, registration: true, cimd: false, pkce: ['S256'], slow: 0 };
    const open = { authMethods: ['none', 'client_secret_basic'], scopesSupported: undefined, gives: undefined };
    this.habits = { ...usual, ...open, iss: issuer, issPromised: true, issuer, ...habits };
  }

  static async start(habits: Partial<Habits> = {}): Promise<AuthorizationServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const made = new AuthorizationServer(server, habits);
    server.on('request', (request, response) => {
      made.#serve(request, response).catch(() => response.writeHead(500).end());
    });
    await made.rotateKeys();
    return made;
  }

  /** Signs with a new key from now on; the others are gone from its set. */
  async rotateKeys(): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const kid = randomUUID();
    this.#keys = [{ kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }];
  }

  count(what: string): number {
    return this.asked.filter((one) => one === what).length;
  }

  /** Whether it gave this token for this resource, and with which scopes. */
  scopesOf(token: string, resource: string): string[] | undefined {
    const grant = this.#access.get(token);
    if (grant === undefined || grant.expires < Date.now() || grant.resource !== resource) return undefined;
    return grant.scope.split(' ');
  }

  /** Every token it gave is void, refresh tokens too where `all`. */
  revoke({ all }: { all: boolean }): void {
    this.#access.clear();
    if (all) this.#refresh.clear();
  }

  /** A signed access token, as a client would have got it. */
  async token({ aud, scope, sub = 'ann', clientId = 'app', issuer, expiresIn = 60 }: TokenOptions): Promise<string> {
    const [key] = this.#keys;
    if (key === undefined) throw new Error('no key');
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ client_id: clientId, ...(scope !== undefined && { scope }) })
      .setProtectedHeader({ alg: 'ES256', kid: key.kid, typ: 'at+jwt' })
      .setIssuer(issuer ?? this.issuer)
      .setAudience(aud ?? 'https://gateway.example')
      .setSubject(sub)
      .setIssuedAt(now)
      .setExpirationTime(now + expiresIn)
      .sign(key.privateKey);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.issuer);
    const text = await bodyOf(request);
    const form = new URLSearchParams(text);
    const grant = url.pathname === '/token' ? ` ${form.get('grant_type')}` : '';
    this.asked.push(`${request.method} ${url.pathname}${grant}`);
    switch (url.pathname) {
      case '/.well-known/oauth-authorization-server':
        return json(response, 200, this.#metadata());
      case '/jwks':
        return json(response, 200, { keys: this.#keys.map(({ jwk }) => jwk) });
      case '/register':
        return this.#register(response, JSON.parse(text));
      case '/authorize':
        return this.#authorize(response, url.searchParams);
      case '/token':
        await new Promise((resolve) => setTimeout(resolve, this.habits.slow));
        return this.#token(request, response, form);
      case '/introspect': {
        const found = this.#access.get(form.get('token') ?? '');
        if (found === undefined || found.expires < Date.now()) return json(response, 200, { active: false });
        const { scope, resource, clientId, expires } = found;
        const exp = Math.floor(expires / 1000);
        return json(response, 200, { active: true, scope, aud: resource, client_id: clientId, sub: 'ann', exp });
      }
      case '/revoke':
        this.#access.delete(form.get('token') ?? '');
        this.#refresh.delete(form.get('token') ?? '');
        return void response.writeHead(200).end();
      default:
        return json(response, 404, {});
    }
  }

  #metadata(): Record<string, unknown> {
    const { issuer } = this;
    const { registration, cimd, pkce, authMethods, scopesSupported, issPromised } = this.habits;
    return {
      issuer: this.habits.issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      introspection_endpoint: `${issuer}/introspect`,
      revocation_endpoint: `${issuer}/revoke`,
      response_types_supported: ['code'],
      token_endpoint_auth_methods_supported: authMethods,
      ...(registration && { registration_endpoint: `${issuer}/register` }),
      ...(cimd && { client_id_metadata_document_supported: true }),
      ...(pkce !== undefined && { code_challenge_methods_supported: pkce }),
      ...(scopesSupported !== undefined && { scopes_supported: scopesSupported }),
      ...(issPromised && { authorization_response_iss_parameter_supported: true }),
    };
  }

  #register(response: ServerResponse, metadata: Record<string, unknown>): void {
    this.registered.push(metadata);
    const id = `client-${randomUUID()}`;
    const isPublic = metadata.token_endpoint_auth_method === 'none';
    const secret = isPublic ? undefined : `secret-${randomUUID()}`;
    this.clients.set(id, {
      redirectUris: metadata.redirect_uris as string[],
      ...(secret !== undefined && { secret }),
    });
    json(response, 201, { ...metadata, client_id: id, ...(secret !== undefined && { client_secret: secret }) });
  }

  #authorize(response: ServerResponse, query: URLSearchParams): void {
    const get = (name: string) => query.get(name) ?? '';
    const client = this.clients.get(get('client_id'));
    const known = client?.redirectUris.includes(get('redirect_uri')) ?? get('client_id').startsWith('https://');
    if (!known) return json(response, 400, { error: 'invalid_request' });
    const code = randomUUID();
    const scope = this.habits.gives?.join(' ') ?? get('scope');
    const grant = { clientId: get('client_id'), scope, resource: get('resource') };
    this.#codes.set(code, { ...grant, challenge: get('code_challenge'), redirectUri: get('redirect_uri') });
    const back = new URL(get('redirect_uri'));
    back.searchParams.set('code', code);
    back.searchParams.set('state', get('state'));
    if (this.habits.iss !== undefined) back.searchParams.set('iss', this.habits.iss);
    response.writeHead(302, { location: back.href }).end();
  }

  #token(request: IncomingMessage, response: ServerResponse, form: URLSearchParams): void {
    const basic = Buffer.from(request.headers.authorization?.slice(6) ?? '', 'base64').toString();
    const [id, secret] = basic === '' ? [form.get('client_id'), form.get('client_secret')] : basic.split(':');
    const client = this.clients.get(decodeURIComponent(id ?? ''));
    if (client === undefined && !id?.startsWith('https://')) return json(response, 401, { error: 'invalid_client' });
    if (client?.secret !== undefined && client.secret !== decodeURIComponent(secret ?? ''))
      return json(response, 401, { error: 'invalid_client' });
    const grant = this.#grantOf(form, decodeURIComponent(id ?? ''));
    if (grant === undefined) return json(response, 400, { error: 'invalid_grant' });
    const access = `access-${randomUUID()}`;
    const refresh = `refresh-${randomUUID()}`;
    const { expiresIn } = this.habits;
    this.#access.set(access, { ...grant, expires: Date.now() + expiresIn * 1000 });
    const renews = this.habits.refresh && form.get('grant_type') !== 'client_credentials';
    if (renews) this.#refresh.set(refresh, grant);
    json(response, 200, {
      access_token: access,
      token_type: 'Bearer',
      expires_in: expiresIn,
      scope: grant.scope,
      ...(renews && { refresh_token: refresh }),
    });
  }

  #grantOf(form: URLSearchParams, clientId: string): Grant | undefined {
    const resource = form.get('resource') ?? '';
    if (form.get('grant_type') === 'client_credentials') {
      return { clientId, scope: form.get('scope') ?? '', resource };
    }
    if (form.get('grant_type') === 'refresh_token') {
      const token = form.get('refresh_token') ?? '';
      const grant = this.#refresh.get(token);
      this.#refresh.delete(token);
      return grant?.clientId === clientId && grant.resource === resource ? grant : undefined;
    }
    const code = form.get('code') ?? '';
    const found = this.#codes.get(code);
    this.#codes.delete(code);
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isHis = found?.clientId === clientId && found.redirectUri === form.get('redirect_uri');
    return isHis && found.challenge === challenge && found.resource === resource ? found : undefined;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
