// Which principal a request belongs to. Keys are compared as digests in constant time and kept only as such.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Principal, Role } from '../core/context.ts';

export interface Key {
  name: string;
  /** SHA-256 of the key. */
  digest: Buffer;
  roles: readonly Role[];
}

export function keyOf(name: string, secret: string, roles: readonly Role[]): Key {
  return { name, digest: createHash('sha256').update(secret).digest(), roles };
}

/** The caller on loopback where no key is configured (requirements 12.3): may read and call, is never admin. */
export const LOCAL: Principal = { id: 'local', roles: ['read', 'call'] };
const NOBODY: Principal = { id: 'anonymous', roles: [] };

export type Access = 'open' | 'read' | 'call' | 'admin';

/** The secret a request presents: `Authorization: Bearer`, the password of `Basic`, or `X-API-Key`. */
export function presented(request: IncomingMessage): string | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) {
    const [, scheme, value] = /^(\S+) +(.+)$/.exec(header) ?? [];
    if (scheme?.toLowerCase() === 'bearer') return value;
    if (scheme?.toLowerCase() === 'basic' && value !== undefined) {
      const text = Buffer.from(value, 'base64').toString('utf8');
      return text.slice(text.indexOf(':') + 1);
    }
    return undefined;
  }
  const key = request.headers['x-api-key'];
  return typeof key === 'string' ? key : undefined;
}

export type Verdict = { principal: Principal } | { status: 401 | 403; reason: string };

/**
 * Whether this request may do what needs `access`. Authentication is checked before existence (requirements 10.26).
 * `adminToken` is the one kept in the data directory.
 */
export function authorise(
  request: IncomingMessage,
  access: Access,
  keys: readonly Key[],
  adminToken: Key | undefined,
): Verdict {
  const secret = presented(request);
  const known =
    secret === undefined ? undefined : find(secret, adminToken === undefined ? keys : [...keys, adminToken]);
  if (known !== undefined && (access === 'open' || may(known, access)))
    return { principal: { id: known.name, roles: known.roles } };
  if (access === 'open') return { principal: keys.length === 0 ? LOCAL : NOBODY };
  if (access !== 'admin' && keys.length === 0) return { principal: LOCAL };
  if (secret === undefined)
    return { status: 401, reason: access === 'admin' ? 'the admin token is needed' : 'a key is needed' };
  return {
    status: 403,
    reason:
      known === undefined ? 'the key is not known' : `the key ${JSON.stringify(known.name)} lacks the role ${access}`,
  };
}

function may(key: Key, access: Access): boolean {
  return key.roles.includes('admin') || key.roles.includes(access as Role);
}

function find(secret: string, keys: readonly Key[]): Key | undefined {
  const digest = createHash('sha256').update(secret).digest();
  let found: Key | undefined;
  for (const key of keys) if (timingSafeEqual(key.digest, digest)) found = key;
  return found;
}
