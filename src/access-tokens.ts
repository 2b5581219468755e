// The gateway as a resource that an authorization server protects (`server.oauth`): who checks tokens, and the
// documents by which a client finds the server (RFC 9728).
import type { Config } from './config/schema.ts';
import type { AccessTokens } from './http/auth.ts';
import { sendDetail, sendJson } from './http/body.ts';
import type { Route } from './http/listener.ts';
import { ResourceServer } from './identity/resource-server.ts';

export interface Protection {
  tokens: AccessTokens;
  /** The route of a metadata document; undefined for any other path. */
  route(path: string): Route | undefined;
}

/** Undefined where the configuration names no authorization server. `address`: where the gateway listens. */
export function protection({ server }: Config, address: () => string): Protection | undefined {
  if (server.oauth === undefined) return undefined;
  const { issuer, audience, jwksUri, introspection, scopes } = server.oauth;
  const publicUrl = server.publicUrl?.replace(/\/+$/, '');
  const settings = { issuer, audience, jwksUri, introspection, scopes };
  const tokens = new ResourceServer(settings, () => publicUrl ?? address());
  return {
    tokens,
    route(path) {
      const metadata = path.startsWith('/.well-known/') ? tokens.metadata(path) : undefined;
      if (metadata === undefined) return undefined;
      return {
        access: 'open',
        handle: ({ request, response }) => {
          request.resume();
          if (request.method !== 'GET' && request.method !== 'HEAD')
            return sendDetail(response, 405, 'Method Not Allowed', { allow: 'GET, HEAD' });
          sendJson(response, 200, JSON.stringify(metadata), { 'cache-control': 'max-age=300' });
        },
      };
    },
  };
}
