// Logins that mcpo kept: two files for each server, named by a hash of the server's name (U-11, requirements 10.9).
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { homeFolder } from '../core/home.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { KnownLogin } from '../identity/logins.ts';
import { EXIT } from './exit.ts';
import { Refused } from './refused.ts';
import { t } from './words.ts';

export interface McpoLogin extends KnownLogin {
  /** The files it was read from. */
  files: string[];
  /** Whether other users of this machine can read them. */
  open: boolean;
}

export function mcpoFolder(): string {
  return join(homeFolder(), '.mcpo', 'tokens');
}

/** What mcpo kept of the server of this name. @throws Refused where there is nothing that can be used */
export function readMcpoLogin(server: string, folder: string): McpoLogin {
  const place = resolve(folder);
  // The later one for each of its users, who is `default` where nobody says otherwise; the earlier one for all.
  const names = [md5(`${server}_default`).slice(0, 12), md5(server).slice(0, 8)];
  for (const name of names) {
    const [tokensFile, clientFile] = [join(place, `${name}_tokens.json`), join(place, `${name}_client.json`)];
    const tokens = read(tokensFile);
    if (tokens === undefined) continue;
    const { access_token: access, refresh_token: refresh, expires_in: seconds, scope } = tokens;
    if (typeof access !== 'string' || access === '')
      throw new Refused(t`${tokensFile} holds no access token; log in again without --from-mcpo`, EXIT.failure);
    const client = read(clientFile) ?? {};
    const { mtimeMs } = statSync(tokensFile);
    const at = Math.round(mtimeMs);
    return {
      access,
      ...(typeof refresh === 'string' && { refresh }),
      at,
      ...(typeof seconds === 'number' && { expiresAt: at + seconds * 1000 }),
      scopes: typeof scope === 'string' ? scope.split(/\s+/).filter((one) => one !== '') : [],
      client: clientOf(client),
      files: [tokensFile, ...(Object.keys(client).length > 0 ? [clientFile] : [])],
      open: (statSync(tokensFile).mode & 0o077) !== 0,
    };
  }
  throw new Refused(
    t`mcpo kept no login of a server called "${server}" in ${place} (looked for ${names.map((name) => `${name}_tokens.json`).join(', ')}); log in without --from-mcpo`,
    EXIT.failure,
  );
}

function clientOf(given: JsonObject): McpoLogin['client'] {
  const {
    client_id: id,
    client_secret: secret,
    client_secret_expires_at: until,
    token_endpoint_auth_method: method,
  } = given;
  if (typeof id !== 'string' || id === '') return undefined;
  return {
    clientId: id,
    ...(typeof secret === 'string' && { clientSecret: secret }),
    ...(typeof until === 'number' && { secretExpiresAt: until }),
    // Where nothing is said, it sent a secret it had in the body.
    authMethod: typeof method === 'string' ? method : typeof secret === 'string' ? 'client_secret_post' : 'none',
    redirectUris: Array.isArray(given.redirect_uris) ? given.redirect_uris.map(String) : [],
  };
}

function read(file: string): JsonObject | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new Refused(t`${file} cannot be read (${code ?? String(error)})`, EXIT.failure);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // told below
  }
  throw new Refused(t`${file} is damaged: it is no JSON object; log in again without --from-mcpo`, EXIT.failure);
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
