// Who the gateway is at an authorization server: registered beforehand, by the URL of its metadata (CIMD), or on the
// spot (DCR), in this order (2025-11-25 basic/authorization, Client Registration Approaches).
import type { AuthorizationServer, ClientAuth } from 'oauth4webapi';
import { isObject } from '../core/json.ts';
import { wrong } from './discovery.ts';
import type { GuardedFetch } from './guarded-fetch.ts';
import type { KeptClient, KeptLogin } from './kept-login.ts';
import type { ProtectedUpstream } from './settings.ts';

/** The metadata of the gateway as a client, for DCR and as a document under a URL (CIMD). */
export function clientMetadata(name: string, redirectUris: readonly string[], authMethod: string) {
  const loopback = redirectUris.every((uri) => /^(?:127\.|\[::1\]|localhost)/.test(new URL(uri).host));
  return {
    client_name: name,
    redirect_uris: redirectUris,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: authMethod,
    application_type: loopback ? 'native' : 'web',
  };
}

/** The client to be at this server. @throws GatewayFault where there is no way to be one, with what to set */
export async function chooseClient(
  upstream: ProtectedUpstream,
  server: AuthorizationServer,
  kept: KeptLogin | undefined,
  redirectUri: string | undefined,
  fetch: GuardedFetch,
): Promise<KeptClient> {
  const { name, oauth } = upstream;
  if (oauth.clientId !== undefined) {
    const authMethod = configuredMethod(upstream, server);
    return { clientId: oauth.clientId, clientSecret: oauth.clientSecret, authMethod, redirectUris: [] };
  }
  if (redirectUri === undefined) throw wrong(name, 'the grant client_credentials needs oauth.clientId');
  if (oauth.clientMetadataUrl !== undefined && server.client_id_metadata_document_supported === true) {
    return { clientId: oauth.clientMetadataUrl, authMethod: 'none', redirectUris: [redirectUri] };
  }
  const known = kept?.clients[server.issuer];
  const expires = known?.secretExpiresAt ?? 0;
  const alive = expires === 0 || expires * 1000 > Date.now();
  if (known !== undefined && alive && known.redirectUris.includes(redirectUri)) return known;
  if (server.registration_endpoint === undefined) {
    const text = `the authorization server ${server.issuer} registers no clients by itself`;
    throw wrong(name, text, `Register the gateway there with the redirect URL ${redirectUri}, and set oauth.clientId.`);
  }
  return await register(upstream, server, server.registration_endpoint, redirectUri, fetch);
}

async function register(
  { name, oauth }: ProtectedUpstream,
  server: AuthorizationServer,
  endpoint: string,
  redirectUri: string,
  fetch: GuardedFetch,
): Promise<KeptClient> {
  const method = oauth.tokenEndpointAuthMethod ?? preferred(server.token_endpoint_auth_methods_supported ?? ['none']);
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(clientMetadata(oauth.clientName, [redirectUri], method)),
  });
  const body = await jsonOf(response);
  const clientId = body?.client_id;
  if (!response.ok || typeof clientId !== 'string' || clientId === '') {
    const said = typeof body?.error === 'string' ? `: ${body.error.slice(0, 100)}` : '';
    throw wrong(name, `${server.issuer} did not register the gateway (HTTP ${response.status}${said})`);
  }
  const { client_secret: secret, client_secret_expires_at: expires, token_endpoint_auth_method: given } = body ?? {};
  return {
    clientId,
    ...(typeof secret === 'string' && { clientSecret: secret }),
    ...(typeof expires === 'number' && { secretExpiresAt: expires }),
    authMethod: typeof given === 'string' ? given : method,
    redirectUris: [redirectUri],
  };
}

/** The safest of those that we can do and that need nothing we have not. */
function preferred(supported: readonly string[]): string {
  return ['none', 'client_secret_basic', 'client_secret_post'].find((one) => supported.includes(one)) ?? 'none';
}

function configuredMethod({ oauth }: ProtectedUpstream, server: AuthorizationServer): string {
  if (oauth.tokenEndpointAuthMethod !== undefined) return oauth.tokenEndpointAuthMethod;
  if (oauth.privateKey !== undefined) return 'private_key_jwt';
  if (oauth.clientSecret === undefined) return 'none';
  const supported = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  return supported.includes('client_secret_basic') ? 'client_secret_basic' : 'client_secret_post';
}

/** How the client proves itself at the token endpoint. @throws GatewayFault */
export async function clientAuth({ name, oauth }: ProtectedUpstream, client: KeptClient): Promise<ClientAuth> {
  const { ClientSecretPost, None, PrivateKeyJwt } = await import('oauth4webapi');
  const secret = client.clientSecret;
  switch (client.authMethod) {
    case 'none':
      return None();
    case 'client_secret_basic':
      if (secret === undefined) throw wrong(name, 'a client secret is needed (oauth.clientSecret)');
      return (_server, { client_id: id }, _body, headers) => {
        const pair = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`;
        headers.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
      };
    case 'client_secret_post':
      if (secret === undefined) throw wrong(name, 'a client secret is needed (oauth.clientSecret)');
      return ClientSecretPost(secret);
    case 'private_key_jwt': {
      if (oauth.privateKey === undefined) throw wrong(name, 'a private key is needed (oauth.privateKey)');
      const { importPKCS8 } = await import('jose');
      try {
        return PrivateKeyJwt(await importPKCS8(oauth.privateKey, oauth.signingAlgorithm ?? 'ES256'));
      } catch {
        const algorithm = oauth.signingAlgorithm ?? 'ES256';
        throw wrong(name, `oauth.privateKey is no PKCS #8 key for ${algorithm} (oauth.signingAlgorithm)`);
      }
    }
    default:
      throw wrong(name, `the gateway cannot prove itself by ${client.authMethod.slice(0, 50)}`);
  }
}

async function jsonOf(response: Response): Promise<Record<string, unknown> | undefined> {
  try {
    const body: unknown = JSON.parse(await response.text());
    return isObject(body) ? body : undefined;
  } catch {
    return undefined;
  }
}
