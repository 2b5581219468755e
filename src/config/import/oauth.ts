// How other programs say who the gateway is at an authorization server: mcpo's `oauth` (U-02, U-11), Cursor's `auth`,
// and the `oauth` of VS Code, Claude Code and Gemini CLI. What the gateway finds out by itself is only kept.
import { isObject } from '../../core/json.ts';
import type { Source } from './draft.ts';

type Set = (key: string, value: unknown) => void;

const METHODS = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'];

/** Reads whichever of the two keys stands in `entry`; `set` gets keys below `oauth`. */
export function readOAuth(entry: Source, set: Set): void {
  for (const key of ['oauth', 'auth']) {
    const given = isObject(entry.take(key)) ? entry.object(key) : undefined;
    if (given !== undefined) readSettings(given, set);
    else entry.keep(key);
  }
}

function readSettings(given: Source, set: Set): void {
  const put = (key: string, value: unknown) => value !== undefined && value !== '' && set(key, value);
  const first = (...keys: string[]) => keys.map((key) => given.text(key)).find((value) => value !== undefined);
  put('enabled', given.flag('enabled'));
  put('clientId', first('clientId', 'client_id', 'CLIENT_ID'));
  put('clientSecret', first('clientSecret', 'client_secret', 'CLIENT_SECRET'));
  put('issuer', first('issuer'));
  const storage = given.text('storage_type');
  if (storage === 'file' || storage === 'memory') set('storage', storage);
  const client = given.object('client_metadata');
  put('clientName', client?.text('client_name'));
  const method = client?.text('token_endpoint_auth_method');
  if (method !== undefined && METHODS.includes(method)) set('tokenEndpointAuthMethod', method);
  put('scopes', scopesIn(given, 'scopes') ?? scopesIn(given, 'scope') ?? (client && scopesIn(client, 'scope')));
  const port = given.number('callback_port') ?? given.number('callbackPort');
  const back = first('redirectUri', 'redirect_uri') ?? client?.texts('redirect_uris')?.[0];
  put('redirectUrl', back ?? (port === undefined ? undefined : `http://127.0.0.1:${port}/callback`));
  given.flag('use_loopback');
  // Who writes down a server of this machine wants it asked.
  const server = given.has('server_url') ? given.take('server_url') : undefined;
  if (typeof server === 'string' && /^https?:\/\/(?:localhost|127\.|\[::1\])/.test(server)) set('allowLoopback', true);
  given.keep('server_url');
  client?.keepRest();
  given.keepRest();
}

/** A list, or a text with spaces between. */
function scopesIn(from: Source, key: string): string[] | undefined {
  if (!from.has(key)) return undefined;
  const value = from.take(key);
  if (typeof value === 'string') return value.split(/\s+/).filter((scope) => scope !== '');
  return Array.isArray(value) ? from.texts(key) : undefined;
}
