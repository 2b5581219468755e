// Asking an authorization server's token endpoint: for a code, for another token, in the gateway's own name.
import type { AuthorizationServer, TokenEndpointResponse } from 'oauth4webapi';
import { GatewayFault } from '../core/fault.ts';
import { scopesOf } from './challenge.ts';
import { clientAuth } from './clients.ts';
import { wrong } from './discovery.ts';
import type { GuardedFetch } from './guarded-fetch.ts';
import type { KeptClient, KeptServer, KeptTokens } from './kept-login.ts';
import type { ProtectedUpstream } from './settings.ts';

/** The authorization server said no; `error` is its code (RFC 6749 §5.2). */
export class TokenRefused extends Error {
  readonly error: string;
  constructor(error: string) {
    super(`the authorization server refused the login (${error})`);
    this.error = error;
  }
}

export interface TokenRequest {
  upstream: ProtectedUpstream;
  server: AuthorizationServer;
  client: KeptClient;
  /** What the token is for (RFC 8707). */
  resource: string;
  /** Asked for; told back by servers that give others. */
  scopes: readonly string[];
  fetch: GuardedFetch;
}

export function keptServer(server: AuthorizationServer): KeptServer {
  return {
    issuer: server.issuer,
    tokenEndpoint: server.token_endpoint ?? '',
    revocationEndpoint: server.revocation_endpoint,
    authMethods: server.token_endpoint_auth_methods_supported,
  };
}

export function serverOf(kept: KeptServer): AuthorizationServer {
  return {
    issuer: kept.issuer,
    token_endpoint: kept.tokenEndpoint,
    ...(kept.revocationEndpoint !== undefined && { revocation_endpoint: kept.revocationEndpoint }),
    ...(kept.authMethods !== undefined && { token_endpoint_auth_methods_supported: [...kept.authMethods] }),
  };
}

/** @throws TokenRefused, GatewayFault */
export async function exchangeCode(
  request: TokenRequest,
  answer: { parameters: URLSearchParams; redirectUri: string; verifier: string },
): Promise<KeptTokens> {
  const oauth = await import('oauth4webapi');
  return ask(request, async ({ server, client, auth, options }) => {
    const { parameters, redirectUri, verifier } = answer;
    const additionalParameters = { resource: request.resource };
    const how = { ...options, additionalParameters };
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      auth,
      parameters,
      redirectUri,
      verifier,
      how,
    );
    return oauth.processAuthorizationCodeResponse(server, client, response);
  });
}

/** @throws TokenRefused, GatewayFault */
export async function refreshTokens(request: TokenRequest, refresh: string): Promise<KeptTokens> {
  const oauth = await import('oauth4webapi');
  return ask(
    request,
    async ({ server, client, auth, options }) => {
      const how = { ...options, additionalParameters: { resource: request.resource } };
      const response = await oauth.refreshTokenGrantRequest(server, client, auth, refresh, how);
      return oauth.processRefreshTokenResponse(server, client, response);
    },
    refresh,
  );
}

/** @throws TokenRefused, GatewayFault */
export async function credentialsGrant(request: TokenRequest): Promise<KeptTokens> {
  const oauth = await import('oauth4webapi');
  return ask(request, async ({ server, client, auth, options }) => {
    const parameters = new URLSearchParams({ resource: request.resource });
    if (request.scopes.length > 0) parameters.set('scope', request.scopes.join(' '));
    const response = await oauth.clientCredentialsGrantRequest(server, client, auth, parameters, options);
    return oauth.processClientCredentialsResponse(server, client, response);
  });
}

/** Tells the server that a token is not used any more; whether it listens is its affair (RFC 7009). */
export async function revokeToken(request: TokenRequest, token: string): Promise<void> {
  if (request.server.revocation_endpoint === undefined) return;
  const oauth = await import('oauth4webapi');
  const { server, client, auth, options } = await prepare(request);
  await oauth.revocationRequest(server, client, auth, token, options);
}

async function prepare(request: TokenRequest) {
  const { allowInsecureRequests, customFetch } = await import('oauth4webapi');
  const { upstream, server, client, fetch } = request;
  return {
    server,
    client: { client_id: client.clientId },
    auth: await clientAuth(upstream, client),
    // What may be asked is the guard's business, loopback included.
    options: { [allowInsecureRequests]: true as const, [customFetch]: fetch },
  };
}

async function ask(
  request: TokenRequest,
  run: (prepared: Awaited<ReturnType<typeof prepare>>) => Promise<TokenEndpointResponse>,
  refresh?: string,
): Promise<KeptTokens> {
  const { server, client, resource, scopes } = request;
  let answer: TokenEndpointResponse;
  try {
    answer = await run(await prepare(request));
  } catch (error) {
    if (error instanceof GatewayFault) throw error;
    throw await refusalOf(request, error);
  }
  const { access_token: access, refresh_token: next = refresh, expires_in: seconds, scope } = answer;
  if (!/^[\x21-\x7e]+$/.test(access)) throw wrong(request.upstream.name, 'the access token is no visible ASCII');
  return {
    issuer: server.issuer,
    resource,
    clientId: client.clientId,
    access,
    ...(next !== undefined && { refresh: next }),
    at: Date.now(),
    ...(seconds !== undefined && { expiresAt: Date.now() + seconds * 1000 }),
    scopes: scope === undefined ? scopes : scopesOf(scope),
  };
}

async function refusalOf({ upstream, server }: TokenRequest, error: unknown): Promise<Error> {
  const oauth = await import('oauth4webapi');
  if (error instanceof oauth.ResponseBodyError) {
    return error.status >= 500 ? unavailable(upstream, server) : new TokenRefused(error.error.slice(0, 100));
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError) return new TokenRefused('invalid_client');
  const status = (error as { cause?: { status?: unknown } }).cause?.status;
  if (typeof status === 'number' && status >= 500) return unavailable(upstream, server);
  const text = error instanceof Error ? error.message : String(error);
  return wrong(upstream.name, `${server.issuer} answered what is no token: ${text.slice(0, 200)}`);
}

function unavailable({ name }: ProtectedUpstream, { issuer }: AuthorizationServer): GatewayFault {
  return new GatewayFault('UPSTREAM_UNREACHABLE', `the authorization server ${issuer} fails`, { upstream: name });
}
