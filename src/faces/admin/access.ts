// Who may use the management API: a key of the right role, or the cookie of a login. A caller on loopback without a key
// is nobody here (requirements 12.3).
import type { IncomingMessage } from 'node:http';
import type { Principal } from '../../core/context.ts';
import { LOCAL, presented } from '../../http/auth.ts';
import type { HttpExchange } from '../../http/listener.ts';
import type { Logins } from './logins.ts';

/** `read`: a key that may read sees it too. */
export type Needs = 'open' | 'read' | 'admin';

export type Admitted = { principal: Principal; byCookie: boolean } | { status: 401 | 403; reason: string };

export function admit(exchange: HttpExchange, needs: Needs, logins: Logins): Admitted {
  const { request, principal } = exchange;
  const keyed = principal !== LOCAL && principal.roles.length > 0;
  const token = keyed || presented(request) !== undefined ? undefined : cookie(request, logins.cookieName);
  const login = token === undefined ? undefined : logins.find(token);
  const who = keyed ? principal : login;
  if (needs === 'open') return { principal: who ?? principal, byCookie: who !== undefined && who === login };
  if (who === undefined) {
    if (presented(request) === undefined)
      return { status: 401, reason: 'the admin token, or a key with the role admin, is needed' };
    return exchange.badToken
      ? { status: 401, reason: 'neither a key nor an access token that is good here' }
      : { status: 403, reason: 'the key is not known' };
  }
  if (login !== undefined && who === login) {
    const foreign = foreignPage(request);
    if (foreign !== undefined) return { status: 403, reason: foreign };
  }
  const may = who.roles.includes('admin') || (needs === 'read' && who.roles.includes('read'));
  if (may) return { principal: who, byCookie: who === login };
  return { status: 403, reason: `the key ${JSON.stringify(who.id)} lacks the role ${needs}` };
}

/**
 * A cookie goes with every request of its site, and pages on other ports of this host are the same site: only our own
 * origin counts, and what changes something must be JSON, which no foreign page sends without being asked first.
 */
function foreignPage(request: IncomingMessage): string | undefined {
  const { origin, host } = request.headers;
  if (origin !== undefined && !sameHost(origin, host)) return 'a page of another origin cannot use this login';
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return 'a page of another origin cannot use this login';
  if (request.method === 'GET' || request.method === 'HEAD') return undefined;
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  return type === 'application/json' ? undefined : 'send content-type: application/json';
}

function sameHost(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}

export function cookie(request: IncomingMessage, name: string): string | undefined {
  for (const part of request.headers.cookie?.split(';') ?? []) {
    const at = part.indexOf('=');
    if (at !== -1 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}
