// Logging in to upstreams that are protected by an authorization server (`upstreams.X.oauth`), and being protected by
// one (`server.oauth`).
import * as z from 'zod';

const url = z.string().refine((text) => text.includes('${') || (URL.canParse(text) && /^https?:/.test(text)), {
  error: 'expected an http:// or https:// URL',
});
/** What tokens and secrets travel to. */
const safeUrl = z.string().refine((text) => text.includes('${') || isSafe(text), {
  error: 'expected an https:// URL (http:// only on this machine)',
});
const httpsUrl = z.string().refine((text) => URL.canParse(text) && text.startsWith('https://'), {
  error: 'expected an https:// URL',
});
const names = z.array(z.string().min(1));
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'EdDSA'] as const;

function isSafe(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname));
}

export const upstreamOAuthSchema = z.strictObject({
  enabled: z
    .boolean()
    .prefault(true)
    .describe(
      'Log in where the server asks for it (401). Nothing is asked of anybody before somebody begins a login; no effect beside an Authorization header.',
    ),
  grant: z
    .enum(['authorization_code', 'client_credentials'])
    .prefault('authorization_code')
    .describe('A person logs in once by a browser, or the gateway logs in by itself.'),
  clientId: z.string().min(1).optional().describe('The gateway as it was registered; absent: it registers itself.'),
  clientSecret: z.string().min(1).optional().describe('Its secret; better a reference to a variable or file.'),
  privateKey: z
    .string()
    .min(1)
    .optional()
    .describe('Its private key (PKCS #8 PEM, or the path of such a file) for `private_key_jwt`.'),
  signingAlgorithm: z.enum(ALGORITHMS).optional().describe('Algorithm of that key; ES256 unless it says otherwise.'),
  tokenEndpointAuthMethod: z
    .enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'])
    .optional()
    .describe('How it proves itself; absent: as the server supports it.'),
  clientMetadataUrl: httpsUrl
    .optional()
    .describe(
      'Address of its client metadata document (CIMD). Absent: `server.publicUrl`/oauth/client.json where that is https.',
    ),
  clientName: z.string().min(1).prefault('Holdfast').describe('How it calls itself when it registers.'),
  issuer: safeUrl.optional().describe('The only authorization server to use; absent: the one that the server names.'),
  scopes: names.optional().describe('Scopes to ask for; absent: those that the server names.'),
  redirectUrl: url
    .optional()
    .describe(
      'Where the browser comes back to; absent: /oauth/callback of the gateway. One on loopback with another port is listened on during a login.',
    ),
  storage: z
    .enum(['file', 'memory'])
    .prefault('file')
    .describe('Keep tokens in the data directory (mode 0600), or only as long as the gateway runs.'),
  allowLoopback: z
    .boolean()
    .prefault(false)
    .describe('Accept an authorization server on this machine, also over plain HTTP. Shown in the status.'),
  trustedHosts: names
    .prefault([])
    .describe('Hosts of authorization servers that may have an address of a private network; others are refused.'),
});

export const serverOAuthSchema = z.strictObject({
  issuer: safeUrl.describe('The authorization server whose access tokens are taken, beside the keys.'),
  audience: names
    .prefault([])
    .describe('Further values of `aud` to accept beside the URLs of the gateway (`server.publicUrl`).'),
  jwksUri: safeUrl.optional().describe('Its keys; absent: where its metadata says.'),
  introspection: z
    .strictObject({
      url: safeUrl.optional().describe('Absent: where its metadata says.'),
      clientId: z.string().min(1).describe('The gateway as it was registered there.'),
      clientSecret: z.string().min(1).describe('Its secret; better a reference to a variable or file.'),
    })
    .optional()
    .describe('Ask the server about every token (RFC 7662) instead of reading JWTs; answers are kept for 30 seconds.'),
  scopes: z
    .strictObject({
      read: names.prefault(['read']).describe('Any of these may read.'),
      call: names.prefault(['call']).describe('Any of these may read and call.'),
      admin: names.prefault(['admin']).describe('Any of these may do everything.'),
    })
    .prefault({})
    .describe('Which scopes give which role; an empty list gives it to every token, but never `admin`.'),
});
