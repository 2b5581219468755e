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

/** Where a key of ours may stand. */
export type KeyHeader = 'authorization' | 'x-api-key';

/** The secret a request presents: `Authorization: Bearer`, the password of `Basic`, or `X-API-Key`. */
export function presented(request: IncomingMessage): string | undefined {
  return request.headers.authorization === undefined ? inApiKey(request) : inAuthorization(request);
}

function inAuthorization({ headers: { authorization } }: IncomingMessage): string | undefined {
  const [, scheme, value] = /^(\S+) +(.+)$/.exec(authorization ?? '') ?? [];
  if (scheme?.toLowerCase() === 'bearer') return value;
  if (scheme?.toLowerCase() === 'basic' && value !== undefined) {
    const text = Buffer.from(value, 'base64').toString('utf8');
    return text.slice(text.indexOf(':') + 1);
  }
  return undefined;
}

function inApiKey({ headers }: IncomingMessage): string | undefined {
  const key = headers['x-api-key'];
  return typeof key === 'string' ? key : undefined;
}

/** `by` is the header that held a key of ours, so that it is nobody else's business. */
export type Verdict = { principal: Principal; by?: KeyHeader | undefined } | { status: 401 | 403; reason: string };

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
  const ours = (given: string | undefined): Key | undefined =>
    given === undefined ? undefined : find(given, adminToken === undefined ? keys : [...keys, adminToken]);
  let known = ours(secret);
  let by: KeyHeader = request.headers.authorization === undefined ? 'x-api-key' : 'authorization';
  if (known === undefined && by === 'authorization') {
    // `Authorization` may be for an upstream (`forwardHeaders`); the key of ours then stands in the other one.
    known = ours(inApiKey(request));
    if (known !== undefined) by = 'x-api-key';
  }
  if (known !== undefined && (access === 'open' || may(known, access)))
    return { principal: { id: known.name, roles: known.roles }, by };
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
