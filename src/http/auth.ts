// Which principal a request belongs to: by a key of ours, else by an access token.
import type { IncomingMessage } from 'node:http';
import type { Principal, Role } from '../core/context.ts';
import type { CallerKeys, Found } from './keys.ts';

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

/** Whoever holds an access token, or why that is not known. */
export type Holder = Principal | { invalid: string } | { unavailable: string };

/** Who tells whose an access token is that is no key of ours: an authorization server's word (identity/resource-server.ts). */
export interface AccessTokens {
  /**
   * Whose it is, at once where that is known already. Never throws; `invalid` says why it is refused, without the
   * token, `unavailable` why nobody can tell.
   */
  check(token: string, path: string): Holder | Promise<Holder>;
  /** `WWW-Authenticate` of an answer to `path`; `error` is told where a token was sent. */
  challenge(path: string, access: Access, error?: 'invalid_token' | 'insufficient_scope'): string;
}

/** `by` is the header that held a key of ours, so that it is nobody else's business. */
export type Verdict = { principal: Principal; by?: KeyHeader | undefined } | Refusal;

export interface Refusal {
  status: 401 | 403 | 503;
  reason: string;
  /** `WWW-Authenticate`, where there is more to say than `Bearer`. */
  challenge?: string;
}

/** Judges a request by its key, else by its access token (where `tokens` is there). */
export function admit(
  request: IncomingMessage,
  path: string,
  access: Access,
  { keys, tokens }: { keys: CallerKeys; tokens?: AccessTokens | undefined },
): Verdict | Promise<Verdict> {
  const verdict = authorise(request, access, keys, keys.closed || tokens !== undefined);
  if (tokens === undefined) return verdict;
  const known = !('status' in verdict) && verdict.by !== undefined;
  const token = known ? undefined : /^bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) {
    return 'status' in verdict && verdict.status === 401
      ? { ...verdict, challenge: tokens.challenge(path, access) }
      : verdict;
  }
  const judge = (holder: Holder): Verdict => {
    if (!('roles' in holder) && access === 'open') return { principal: NOBODY };
    if ('unavailable' in holder) return { status: 503, reason: holder.unavailable };
    if ('invalid' in holder) {
      return { status: 401, reason: holder.invalid, challenge: tokens.challenge(path, access, 'invalid_token') };
    }
    if (access === 'open' || may(holder, access)) return { principal: holder, by: 'authorization' };
    const challenge = tokens.challenge(path, access, 'insufficient_scope');
    return { status: 403, reason: `the token of ${JSON.stringify(holder.id)} lacks the role ${access}`, challenge };
  };
  const holder = tokens.check(token, path);
  return holder instanceof Promise ? holder.then(judge) : judge(holder);
}

/**
 * Whether this request may do what needs `access`. Authentication is checked before existence (requirements 10.26).
 * `closed`: nobody is served without a key, even where there is none.
 */
export function authorise(request: IncomingMessage, access: Access, keys: CallerKeys, closed = keys.closed): Verdict {
  const secret = presented(request);
  const ours = (given: string | undefined): Found | undefined => (given === undefined ? undefined : keys.find(given));
  let known = ours(secret);
  let by: KeyHeader = request.headers.authorization === undefined ? 'x-api-key' : 'authorization';
  if (known === undefined && by === 'authorization') {
    // `Authorization` may be for an upstream (`forwardHeaders`); the key of ours then stands in the other one.
    known = ours(inApiKey(request));
    if (known !== undefined) by = 'x-api-key';
  }
  if (known !== undefined && 'principal' in known && (access === 'open' || may(known.principal, access)))
    return { principal: known.principal, by };
  if (access === 'open') return { principal: closed ? NOBODY : LOCAL };
  if (access !== 'admin' && !closed) return { principal: LOCAL };
  if (secret === undefined)
    return { status: 401, reason: access === 'admin' ? 'the admin token is needed' : 'a key is needed' };
  return { status: 403, reason: whyNot(known, access) };
}

function whyNot(known: Found | undefined, access: Access): string {
  if (known === undefined) return 'the key is not known';
  if ('expired' in known) return `the key ${JSON.stringify(known.expired)} has expired; ask for a new one`;
  return `the key ${JSON.stringify(known.principal.id)} lacks the role ${access}`;
}

function may({ roles }: Pick<Principal, 'roles'>, access: Access): boolean {
  return roles.includes('admin') || roles.includes(access as Role);
}
