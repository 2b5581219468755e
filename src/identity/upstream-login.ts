// The gateway's login at one upstream: the token of the next request, renewed before it ends and once when it is
// refused, by one renewal at a time however many calls wait for it and whichever program makes it (issue: OAuth).
import { createHash } from 'node:crypto';
import type { LookupFunction } from 'node:net';
import type { AuthorizationServer } from 'oauth4webapi';
import type { CredentialRefusal, RequestCredentials } from '../core/credentials.ts';
import { type Challenge, readChallenge, union } from './challenge.ts';
import { chooseClient } from './clients.ts';
import { type Discovered, discover, wrong } from './discovery.ts';
import { createGuardedFetch, type FetchPolicy, type GuardedFetch } from './guarded-fetch.ts';
import type { KeptLogin, KeptTokens, SecretDocuments } from './kept-login.ts';
import type { ProtectedUpstream } from './settings.ts';
import { credentialsGrant, keptServer, refreshTokens, serverOf, TokenRefused } from './token-requests.ts';

export interface LoginDeps {
  /** Where logins are kept, and where those are that shall not outlive the program (`oauth.storage`). */
  files: SecretDocuments;
  memory: SecretDocuments;
  log(level: 'info' | 'warn', text: string, upstream: string): void;
  /** In place of the system's name lookup, for what other servers name. */
  lookup?: LookupFunction | undefined;
}

/** What may be told of a login; never a token. */
export interface LoginStatus {
  state: 'logged_in' | 'needs_login' | 'needs_scopes';
  grant: string;
  issuer?: string;
  resource?: string;
  expires?: string;
  /** Whether the gateway renews it by itself. */
  renews?: boolean;
  scopes?: readonly string[];
  /** What the server wanted beside these. */
  missing?: readonly string[];
  /** When the token was given. */
  since?: string;
  /** Why the last try to log in failed. */
  failed?: { at: string; reason: string };
  /** What to run. */
  login?: string;
  allowLoopback?: true;
}

/** Milliseconds before its end in which a token is renewed rather than sent. */
const EARLY = 30_000;
/** How often scopes are asked for again that had been asked for before (F-H24). */
export const MAX_STEP_UPS = 2;

const NO_SECRETS: readonly string[] = [];

export class UpstreamLogin implements RequestCredentials {
  readonly upstream: ProtectedUpstream;
  readonly document: string;
  readonly policy: FetchPolicy;
  readonly fetch: GuardedFetch;
  readonly #deps: LoginDeps;
  readonly #documents: SecretDocuments;
  #read = false;
  #kept: KeptLogin | undefined;
  #value: string | undefined;
  #goodUntil = 0;
  /** What the server said last when it refused us, and the value it refused. */
  #challenge: Challenge | undefined;
  #challenged = false;
  #refusedValue: string | undefined;
  #missing: readonly string[] = [];
  #stepUps = 0;
  /** What the last login asked for. */
  #asked: readonly string[] = [];
  #renewing: Promise<void> | undefined;
  #failed: { at: string; reason: string } | undefined;

  constructor(upstream: ProtectedUpstream, deps: LoginDeps) {
    this.upstream = upstream;
    this.#deps = deps;
    this.#documents = upstream.oauth.storage === 'file' ? deps.files : deps.memory;
    const key = createHash('sha256').update(`${upstream.name}\n${upstream.url}`).digest('hex').slice(0, 24);
    this.document = key;
    const { allowLoopback, trustedHosts } = upstream.oauth;
    const setting = `upstreams.${upstream.name}.oauth`;
    const { ca } = upstream;
    this.policy = { upstream: upstream.name, setting, allowLoopback, trustedHosts, ca, lookup: deps.lookup };
    this.fetch = createGuardedFetch(this.policy);
  }

  header(): string | undefined | Promise<string | undefined> {
    if (this.#value !== undefined && Date.now() < this.#goodUntil) return this.#value;
    const tokens = this.#tokens();
    if (this.#value !== undefined && Date.now() < this.#goodUntil) return this.#value;
    if (tokens?.refresh === undefined && !this.#byCredentials) return undefined;
    // With the grant `client_credentials` nothing is asked for until the server wants a token.
    if (tokens === undefined && !this.#challenged) return undefined;
    return this.#renew(tokens?.access).then(() => this.#value);
  }

  async refused({ status, challenge, sent }: CredentialRefusal): Promise<boolean> {
    const read = readChallenge(challenge);
    if (status === 403 && read?.error !== 'insufficient_scope') return false;
    if (challenge !== undefined && read === undefined) return false; // it wants another scheme than Bearer
    this.#challenge = read;
    this.#challenged = true;
    if (status === 403) return this.#stepUp(read, sent);
    // Another program on the same data directory may have logged in meanwhile.
    if (this.#value === undefined || this.#value === sent) this.#take(this.#documents.read<KeptLogin>(this.document));
    if (this.#value !== undefined && this.#value !== sent && Date.now() < this.#goodUntil) return true;
    const tokens = this.#tokens();
    if (tokens?.refresh !== undefined || this.#byCredentials) {
      try {
        await this.#renew(tokens?.access);
      } catch (error) {
        this.#deps.log('warn', `the login could not be renewed: ${(error as Error).message}`, this.upstream.name);
      }
    }
    if (this.#value !== undefined && this.#value !== sent) return true;
    this.#refusedValue = sent;
    return false;
  }

  /** More scopes than we have: asked for at once where nobody has to agree, else the next login asks for them. */
  async #stepUp(challenge: Challenge | undefined, sent: string | undefined): Promise<boolean> {
    this.#missing = challenge?.scopes ?? [];
    if (!this.#byCredentials || this.#stepUps >= MAX_STEP_UPS) return false;
    this.#stepUps++;
    await this.#renew(this.#kept?.tokens?.access).catch(() => undefined);
    return this.#value !== undefined && this.#value !== sent;
  }

  get hint(): string | undefined {
    if (!this.#challenged) return undefined;
    const { name, oauth } = this.upstream;
    if (this.#byCredentials) {
      return `The gateway logs in by itself (upstreams.${name}.oauth): check clientId, its secret or key, and scopes.`;
    }
    const wanted = this.#missing.length === 0 ? '' : ` It wants the scopes ${this.#missing.join(' ')}.`;
    const loopback = oauth.allowLoopback ? ' (oauth.allowLoopback is on)' : '';
    const then = 'Calls are taken again right after it.';
    return `Log in with "holdfast login ${name}" or on the dashboard${loopback}.${wanted} ${then}`;
  }

  /** Undefined for a server that never asked for a login and has none. */
  status(): LoginStatus | undefined {
    const tokens = this.#tokens();
    const { name, oauth } = this.upstream;
    if (tokens === undefined && !this.#challenged && this.#failed === undefined) return undefined;
    const refused = this.#refusedValue !== undefined && this.#refusedValue === this.#value;
    const over = tokens?.expiresAt !== undefined && tokens.refresh === undefined && tokens.expiresAt <= Date.now();
    const out = tokens === undefined || refused || over;
    const state = out ? 'needs_login' : this.#missing.length > 0 ? 'needs_scopes' : 'logged_in';
    const { expiresAt, at } = tokens ?? {};
    return {
      state,
      grant: oauth.grant,
      ...(tokens !== undefined && { issuer: tokens.issuer, resource: tokens.resource, scopes: tokens.scopes }),
      ...(tokens !== undefined && { renews: tokens.refresh !== undefined || this.#byCredentials }),
      ...(expiresAt !== undefined && { expires: new Date(expiresAt).toISOString() }),
      ...(at !== undefined && { since: new Date(at).toISOString() }),
      ...(this.#failed !== undefined && { failed: this.#failed }),
      ...(state === 'needs_scopes' && { missing: this.#missing }),
      ...(state !== 'logged_in' && !this.#byCredentials && { login: `holdfast login ${name}` }),
      ...(oauth.allowLoopback && { allowLoopback: true as const }),
    };
  }

  /** Values that must not be shown anywhere. */
  secrets(): readonly string[] {
    if (this.#kept === undefined) return NO_SECRETS;
    const { tokens, clients } = this.#kept;
    const all = [tokens?.access, tokens?.refresh, ...Object.values(clients ?? {}).map((one) => one.clientSecret)];
    return all.filter((value) => value !== undefined);
  }

  get challenge(): Challenge | undefined {
    return this.#challenge;
  }

  /** Takes the challenge of a request that was made to get one. */
  challengedBy(challenge: Challenge | undefined): void {
    this.#challenge = challenge;
    this.#challenged = true;
  }

  get missing(): readonly string[] {
    return this.#missing;
  }

  get stepUps(): number {
    return this.#stepUps;
  }

  get kept(): KeptLogin | undefined {
    this.#tokens();
    return this.#kept;
  }

  /** What to ask for (2025-11-25, Scope Selection Strategy; 2026-07-28, union on step-up). */
  scopesFor({ server, scopes }: Discovered): string[] {
    const { tokens } = this.#kept ?? {};
    const base = this.upstream.oauth.scopes ?? this.#challenge?.scopes ?? scopes;
    const granted = this.#missing.length > 0 && tokens?.issuer === server.issuer ? tokens.scopes : [];
    const offline = !this.#byCredentials && server.scopes_supported?.includes('offline_access');
    return union(granted, base, this.#missing, offline ? ['offline_access'] : []);
  }

  /** Changes what is kept, alone over all programs on the data directory. */
  async change(how: (now: KeptLogin) => KeptLogin | undefined | Promise<KeptLogin | undefined>): Promise<void> {
    const { name, url } = this.upstream;
    const none: KeptLogin = { upstream: name, resource: url, clients: {} };
    const next = await this.#documents.update<KeptLogin>(this.document, (now) => how(now ?? none));
    this.#take(next);
  }

  /** A login has succeeded. */
  async loggedIn(tokens: KeptTokens, server: AuthorizationServer, asked: readonly string[]): Promise<void> {
    await this.change((now) => ({ ...now, pinned: server.issuer, server: keptServer(server), tokens }));
    // Scopes that had been asked for and are wanted again: asking once more may go on for ever.
    const again = this.#missing.length > 0 && this.#missing.every((scope) => this.#asked.includes(scope));
    this.#stepUps = again ? this.#stepUps + 1 : 0;
    this.#asked = asked;
    this.#missing = [];
    this.#refusedValue = undefined;
    this.#failed = undefined;
  }

  failed(reason: string): void {
    this.#failed = { at: new Date().toISOString(), reason };
  }

  /** Forgets tokens and registrations. */
  async forget(): Promise<void> {
    await this.change(() => undefined);
    this.#missing = [];
    this.#stepUps = 0;
    this.#failed = undefined;
  }

  resetStepUps(): void {
    this.#stepUps = 0;
  }

  get #byCredentials(): boolean {
    return this.upstream.oauth.grant === 'client_credentials';
  }

  /** The kept tokens, if they are this configuration's. */
  #tokens(): KeptTokens | undefined {
    if (!this.#read) this.#take(this.#documents.read<KeptLogin>(this.document));
    return this.#kept?.tokens;
  }

  #take(kept: KeptLogin | undefined): void {
    this.#read = true;
    const { issuer, clientId } = this.upstream.oauth;
    const tokens = kept?.tokens;
    const foreign =
      tokens !== undefined &&
      ((issuer !== undefined && tokens.issuer !== issuer) || (clientId !== undefined && tokens.clientId !== clientId));
    this.#kept = foreign && kept !== undefined ? { ...kept, tokens: undefined } : kept;
    const mine = this.#kept?.tokens;
    this.#value = mine === undefined ? undefined : `Bearer ${mine.access}`;
    this.#goodUntil = mine === undefined ? 0 : this.#goodTo(mine);
  }

  #goodTo(tokens: KeptTokens): number {
    return goodUntil(tokens, tokens.refresh !== undefined || this.#byCredentials);
  }

  /** Gets another token in place of `stale`. @throws GatewayFault while the authorization server does not answer */
  #renew(stale: string | undefined): Promise<void> {
    this.#renewing ??= this.change((now) => this.#renewed(now, stale)).finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renewed(now: KeptLogin, stale: string | undefined): Promise<KeptLogin> {
    const { name } = this.upstream;
    const { tokens, server } = now;
    // Another program was faster.
    if (tokens !== undefined && tokens.access !== stale && Date.now() < this.#goodTo(tokens)) return now;
    if (this.#byCredentials) return await this.#grant(now);
    const client = tokens && this.#clientOf(now, tokens);
    if (tokens?.refresh === undefined || server === undefined || client === undefined) return now;
    if (server.issuer !== tokens.issuer) return { ...now, tokens: undefined };
    try {
      const { resource, scopes } = tokens;
      const request = {
        upstream: this.upstream,
        server: serverOf(server),
        client,
        resource,
        scopes,
        fetch: this.fetch,
      };
      return { ...now, tokens: await refreshTokens(request, tokens.refresh) };
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      this.#deps.log('warn', `the login is over: ${error.message}`, name);
      const { [tokens.issuer]: gone, ...others } = now.clients;
      const unknown = error.error === 'invalid_client' || error.error === 'unauthorized_client';
      return { ...now, clients: unknown ? others : now.clients, tokens: undefined };
    }
  }

  #clientOf(now: KeptLogin, tokens: KeptTokens) {
    const kept = now.clients[tokens.issuer];
    const { clientId, clientSecret } = this.upstream.oauth;
    // The secret of the configuration counts, which may have been changed since.
    return kept !== undefined && clientId === kept.clientId ? { ...kept, clientSecret } : kept;
  }

  /** A token in the gateway's own name (grant `client_credentials`). */
  async #grant(now: KeptLogin): Promise<KeptLogin> {
    const { upstream, fetch } = this;
    const found = await discover(upstream, this.#challenge, fetch, this.policy);
    const { server, resource } = found;
    checkPinned(upstream, now, server.issuer);
    const client = await chooseClient(upstream, server, now, undefined, fetch);
    try {
      const scopes = this.scopesFor(found);
      const tokens = await credentialsGrant({ upstream, server, client, resource, scopes, fetch });
      this.#missing = [];
      return { ...now, pinned: server.issuer, server: keptServer(server), tokens };
    } catch (error) {
      if (error instanceof TokenRefused) throw wrong(upstream.name, error.message);
      throw error;
    }
  }
}

/** A configured secret goes to the issuer it was first shown to, and to no other one that a server names later. */
export function checkPinned({ name, oauth }: ProtectedUpstream, now: KeptLogin | undefined, issuer: string): void {
  const secret = oauth.clientSecret !== undefined && oauth.issuer === undefined;
  if (!secret || now?.pinned === undefined || now.pinned === issuer) return;
  const text = `its authorization server was ${now.pinned} and is now ${issuer}, which must not see oauth.clientSecret`;
  throw wrong(name, text, `If that is right, set oauth.issuer to ${issuer}, or run "holdfast logout ${name}" first.`);
}

/** Until when a token is sent; short ones for half of their time, those that cannot be renewed to their end. */
function goodUntil({ expiresAt }: KeptTokens, renews: boolean): number {
  if (expiresAt === undefined) return Number.POSITIVE_INFINITY;
  return renews ? expiresAt - Math.min(EARLY, Math.max(0, expiresAt - Date.now()) / 2) : expiresAt;
}
