// Logging in to upstreams by a browser: the address to open, what comes back, and what is known of each login. A login
// is begun by an operator (command line, dashboard) and ends on a callback that anybody could ask for, so that only
// its secret, single-use state opens it (reliability §4).
import type { AuthorizationServer } from 'oauth4webapi';
import type { RequestCredentials } from '../core/credentials.ts';
import { GatewayFault } from '../core/fault.ts';
import { chooseClient } from './clients.ts';
import { discover, wrong } from './discovery.ts';
import type { KeptClient, KeptTokens } from './kept-login.ts';
import { probeChallenge } from './probe.ts';
import type { ProtectedUpstream } from './settings.ts';
import { exchangeCode, revokeToken, serverOf, TokenRefused } from './token-requests.ts';
import { checkPinned, type LoginDeps, type LoginStatus, MAX_STEP_UPS, UpstreamLogin } from './upstream-login.ts';

export interface LoginsDeps extends LoginDeps {
  /** A login has ended well: the upstream may be connected to at once. */
  loggedIn(upstream: string): void;
}

export interface BegunLogin {
  /** To be opened in a browser. */
  url: string;
  /** Milliseconds since 1970. */
  expires: number;
  /** Where the browser comes back to. */
  redirectUrl: string;
  /** Settles with the end of the login. */
  done: Promise<LoginEnd>;
}

/** A login that another program made at the same server. */
export interface KnownLogin extends Pick<KeptTokens, 'access' | 'refresh' | 'at' | 'expiresAt' | 'scopes'> {
  /** Undefined where that program did not say who it was. */
  client: KeptClient | undefined;
}

export type LoginEnd = { ok: true; upstream: string } | { ok: false; upstream?: string; reason: string };

interface Pending {
  login: UpstreamLogin;
  server: AuthorizationServer;
  client: KeptClient;
  resource: string;
  scopes: readonly string[];
  verifier: string;
  redirectUrl: string;
  expires: number;
  timer: NodeJS.Timeout;
  end(how: LoginEnd): void;
}

/** How long a person has to log in (reliability §4: state ≤ 10 min). */
const PATIENCE = 600_000;
const MAX_PENDING = 32;

export class Logins {
  readonly #deps: LoginsDeps;
  readonly #logins = new Map<string, UpstreamLogin>();
  readonly #pending = new Map<string, Pending>();

  constructor(deps: LoginsDeps) {
    this.#deps = deps;
  }

  /** Takes an upstream of the configuration; the same again as long as nothing about it has changed. */
  register(upstream: ProtectedUpstream): RequestCredentials {
    const known = this.#logins.get(upstream.name);
    if (known !== undefined && JSON.stringify(known.upstream) === JSON.stringify(upstream)) return known;
    const login = new UpstreamLogin(upstream, this.#deps);
    this.#logins.set(upstream.name, login);
    return login;
  }

  status(name: string): LoginStatus | undefined {
    return this.#logins.get(name)?.status();
  }

  secrets(): string[] {
    const found: string[] = [];
    for (const login of this.#logins.values()) for (const secret of login.secrets()) found.push(secret);
    return found;
  }

  /**
   * Finds out who protects the upstream, registers there if need be, and gives the address to open.
   * `force`: also where the server keeps asking for scopes that it was already asked for.
   * @throws GatewayFault UPSTREAM_UNAUTHORIZED, UPSTREAM_UNREACHABLE, UPSTREAM_UNKNOWN
   */
  async begin(name: string, redirectUrl: string, options: { force?: boolean } = {}): Promise<BegunLogin> {
    const login = this.#need(name);
    const { upstream, fetch, policy } = login;
    if (upstream.oauth.grant !== 'authorization_code') {
      throw wrong(name, 'it logs in by itself (oauth.grant is client_credentials)', 'There is nothing to do here.');
    }
    if (options.force) login.resetStepUps();
    if (login.missing.length > 0 && login.stepUps >= MAX_STEP_UPS) {
      const text = `the server keeps asking for ${login.missing.join(' ')} although the login asked for it`;
      throw wrong(name, text, `Ask whoever runs the server for these rights; then: holdfast login ${name} --force`);
    }
    if (login.challenge === undefined) login.challengedBy(await probeChallenge(upstream));
    const found = await discover(upstream, login.challenge, fetch, policy);
    const { server, resource } = found;
    checkServer(name, server);
    checkPinned(upstream, login.kept, server.issuer);
    const client = await chooseClient(upstream, server, login.kept, redirectUrl, fetch);
    await login.change((now) => ({ ...now, clients: { ...now.clients, [server.issuer]: client } }));
    const { generateRandomCodeVerifier, generateRandomState, calculatePKCECodeChallenge } = await import(
      'oauth4webapi'
    );
    const verifier = generateRandomCodeVerifier();
    const state = generateRandomState();
    const scopes = login.scopesFor(found);
    const url = new URL(server.authorization_endpoint as string);
    const parameters = {
      response_type: 'code',
      client_id: client.clientId,
      redirect_uri: redirectUrl,
      state,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      resource,
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
      ...(scopes.includes('offline_access') && { prompt: 'consent' }),
    };
    for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value);
    const expires = Date.now() + PATIENCE;
    const done = new Promise<LoginEnd>((resolve) => {
      const timer = setTimeout(() => this.#over(state, 'nobody logged in within 10 minutes'), PATIENCE);
      timer.unref();
      const entry = { login, server, client, resource, scopes, verifier, redirectUrl, expires, timer, end: resolve };
      this.#pending.set(state, entry);
    });
    const [oldest] = this.#pending.keys();
    if (this.#pending.size > MAX_PENDING && oldest !== undefined) this.#over(oldest, 'too many logins were begun');
    return { url: url.href, expires, redirectUrl, done };
  }

  /**
   * Keeps a login that another program made. Whose tokens these are it did not say: they belong to the authorization
   * server that the upstream names now, and are shown to no other one.
   * @throws GatewayFault UPSTREAM_UNAUTHORIZED, UPSTREAM_UNREACHABLE, UPSTREAM_UNKNOWN
   */
  async adopt(name: string, { client, ...given }: KnownLogin): Promise<{ issuer: string }> {
    const login = this.#need(name);
    const { upstream, fetch, policy } = login;
    const { clientId = client?.clientId } = upstream.oauth;
    if (clientId === undefined || (client !== undefined && client.clientId !== clientId))
      throw wrong(
        name,
        'these tokens were not given to the client that oauth.clientId names',
        `Log in: holdfast login ${name}`,
      );
    if (login.challenge === undefined) login.challengedBy(await probeChallenge(upstream));
    const { server, resource } = await discover(upstream, login.challenge, fetch, policy);
    const { issuer } = server;
    checkPinned(upstream, login.kept, issuer);
    if (client !== undefined) await login.change((now) => ({ ...now, clients: { ...now.clients, [issuer]: client } }));
    await login.loggedIn({ ...given, issuer, resource, clientId }, server, given.scopes);
    return { issuer };
  }

  /** Takes what a browser brings back from an authorization server. Never throws: the end says what was wrong. */
  async finish(parameters: URLSearchParams): Promise<LoginEnd> {
    const state = parameters.get('state') ?? '';
    const pending = this.#pending.get(state);
    if (pending === undefined) return { ok: false, reason: 'this login is not known here, or is over; begin it again' };
    // Once, whatever comes of it.
    this.#pending.delete(state);
    clearTimeout(pending.timer);
    const end = await this.#exchange(pending, parameters, state);
    pending.end(end);
    const { name } = pending.login.upstream;
    if (end.ok) {
      this.#deps.log('info', `logged in at ${pending.server.issuer}`, name);
      this.#deps.loggedIn(name);
    } else {
      pending.login.failed(end.reason);
      this.#deps.log('warn', `the login failed: ${end.reason}`, name);
    }
    return end;
  }

  async #exchange(pending: Pending, parameters: URLSearchParams, state: string): Promise<LoginEnd> {
    const { login, server, client, resource, scopes, verifier, redirectUrl } = pending;
    const { upstream, fetch } = login;
    const { name } = upstream;
    const failed = (reason: string): LoginEnd => ({ ok: false, upstream: name, reason });
    const { AuthorizationResponseError, validateAuthResponse } = await import('oauth4webapi');
    let answer: URLSearchParams;
    try {
      // Checks `iss` as RFC 9207 and 2026-07-28 say: present or promised, it is compared as text.
      answer = validateAuthResponse(server, { client_id: client.clientId }, parameters, state);
    } catch (error) {
      if (error instanceof AuthorizationResponseError)
        return failed(`${server.issuer} answered ${printable(error.error)}`);
      return failed(`the answer is not one of ${server.issuer}: ${(error as Error).message}`);
    }
    try {
      const request = { upstream, server, client, resource, scopes, fetch };
      const tokens = await exchangeCode(request, { parameters: answer, redirectUri: redirectUrl, verifier });
      await login.loggedIn(tokens, server, scopes);
      return { ok: true, upstream: name };
    } catch (error) {
      if (error instanceof TokenRefused && error.error === 'invalid_client') await login.forget();
      return failed(error instanceof Error ? error.message : String(error));
    }
  }

  /** Forgets a login, and tells the authorization server where it wants to know. False: there was none. */
  async logout(name: string): Promise<boolean> {
    const login = this.#need(name);
    const { kept, upstream, fetch } = login;
    await login.forget();
    for (const [state, pending] of this.#pending) if (pending.login === login) this.#over(state, 'logged out');
    const { tokens, server, clients } = kept ?? {};
    const client = tokens && clients?.[tokens.issuer];
    if (tokens === undefined) return false;
    if (server?.issuer === tokens.issuer && client !== undefined) {
      const { resource, scopes } = tokens;
      const request = { upstream, server: serverOf(server), client, resource, scopes, fetch };
      await revokeToken(request, tokens.refresh ?? tokens.access).catch((error: unknown) => {
        this.#deps.log('warn', `the token was forgotten here, not revoked: ${(error as Error).message}`, name);
      });
    }
    return true;
  }

  close(): void {
    for (const state of [...this.#pending.keys()]) this.#over(state, 'the gateway stops');
  }

  #over(state: string, reason: string): void {
    const pending = this.#pending.get(state);
    if (pending === undefined) return;
    this.#pending.delete(state);
    clearTimeout(pending.timer);
    pending.end({ ok: false, upstream: pending.login.upstream.name, reason });
  }

  #need(name: string): UpstreamLogin {
    const login = this.#logins.get(name);
    if (login !== undefined) return login;
    throw new GatewayFault('UPSTREAM_UNKNOWN', `there is nothing to log in to at ${JSON.stringify(name)}`, {
      hint: 'A login is for an upstream with an http(s) URL, without an Authorization header of its own, with oauth on.',
    });
  }
}

/** @throws GatewayFault where the server cannot do what keeps a login safe */
function checkServer(upstream: string, server: AuthorizationServer): void {
  if (server.authorization_endpoint === undefined) throw wrong(upstream, `${server.issuer} has no login page`);
  if (server.code_challenge_methods_supported?.includes('S256') === true) return;
  throw wrong(
    upstream,
    `${server.issuer} does not say that it supports PKCE with S256, without which codes can be stolen`,
  );
}

const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '').slice(0, 100);
