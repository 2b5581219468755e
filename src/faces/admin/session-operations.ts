// Logging in and out, and whom the gateway takes the caller for.
import * as z from 'zod';
import type { Principal } from '../../core/context.ts';
import type { HttpExchange } from '../../http/listener.ts';
import { cookie } from './access.ts';
import { type ApiOperation, ok, operation, Refusal, Reply } from './api.ts';
import type { AdminDeps } from './deps.ts';
import type { Logins } from './logins.ts';

/** Whoever has the one-time code was given it by the gateway's own terminal or by an admin. */
const BY_CODE: Principal = { id: 'admin', roles: ['read', 'call', 'admin'] };

export function sessionOperations(deps: AdminDeps, logins: Logins): ApiOperation[] {
  return [
    operation({
      method: 'POST',
      path: '/login',
      needs: 'open',
      tag: 'session',
      summary: 'Log a browser in: with a key in Authorization, or with a one-time code',
      body: z.strictObject({ code: z.string().optional().describe('The code of a dashboard link.') }),
      answer: 'the principal; a cookie is set',
      handle: ({ body, principal, exchange }) => {
        if (body.code !== undefined) {
          if (!logins.redeem(body.code)) throw new Refusal(403, 'the code is not known, was used, or is too old');
          return loggedIn(BY_CODE, exchange);
        }
        const { roles } = principal;
        if (principal.id === 'local' || !(roles.includes('admin') || roles.includes('read')))
          throw new Refusal(401, 'send a key that may read or administer, or a code');
        return loggedIn(principal, exchange);
      },
    }),
    {
      method: 'POST',
      path: '/login/codes',
      needs: 'admin',
      tag: 'session',
      summary: 'Make a dashboard link with a one-time code, good for ten minutes',
      answer: '{code, url}',
      handle: () => {
        const code = logins.code();
        return new Reply(201, { code, url: `${deps.url()}/ui#code=${code}` });
      },
    },
    {
      method: 'POST',
      path: '/logout',
      needs: 'open',
      tag: 'session',
      summary: 'End the login of this browser',
      handle: ({ exchange }) => {
        const token = cookie(exchange.request, logins.cookieName);
        if (token !== undefined) logins.end(token);
        return new Reply(200, ok, {
          'set-cookie': `${logins.cookieName}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict`,
        });
      },
    },
    {
      method: 'POST',
      path: '/sessions/rotate-key',
      needs: 'admin',
      tag: 'session',
      summary: 'Sign new session ids with a new key; sessions that are open stay valid (10.18)',
      audited: () => ({ action: 'rotate key', subject: 'sessions' }),
      handle: async () => {
        if (deps.rotateSigningKey === undefined) throw new Refusal(501, 'this gateway has no sessions');
        await deps.rotateSigningKey();
        return ok;
      },
    },
    {
      method: 'GET',
      path: '/session',
      needs: 'read',
      tag: 'session',
      summary: 'Whom the gateway takes the caller for',
      answer: '{principal, roles, version, locale}',
      handle: ({ principal }) => ({
        principal: principal.id,
        roles: principal.roles,
        version: deps.version,
        locale: deps.locale?.() ?? 'auto',
      }),
    },
  ];

  function loggedIn(principal: Principal, { request }: HttpExchange): Reply {
    const { token, seconds } = logins.begin(principal);
    const secure = 'encrypted' in request.socket || request.headers['x-forwarded-proto'] === 'https' ? '; Secure' : '';
    return new Reply(
      200,
      { principal: principal.id, roles: principal.roles },
      { 'set-cookie': `${logins.cookieName}=${token}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}` },
    );
  }
}
