// The gateway as a client of protected upstreams: a real gateway, a real authorization server, a browser that agrees.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { House, visit } from './house.ts';

describe('a login at a protected upstream', () => {
  it('is asked for, made, used at once, kept over a restart and given up (F-H24, 10.9, 10.15)', async () => {
    await using house = await House.build();
    await house.reach('needs_auth');
    const refused = await house.call();
    expect(refused.status).toBe(502);
    expect(refused.text).toContain('holdfast login up');
    expect(await house.auth()).toMatchObject({ state: 'needs_login', login: 'holdfast login up', allowLoopback: true });

    const back = await house.agree();
    expect(back.searchParams.get('iss')).toBe(house.server.issuer);
    expect(await visit(back)).toContain('logged in to up');
    await house.reach('ready');
    expect((await house.call()).text).toContain('echo done');
    const auth = await house.auth();
    expect(auth).toMatchObject({ state: 'logged_in', issuer: house.server.issuer, renews: true, scopes: ['read'] });
    expect(auth?.resource).toBe(house.upstream.url);

    const folder = join(house.dataDir, 'logins');
    const [file] = readdirSync(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, file as string)).mode & 0o777).toBe(0o600);
    const kept = readFileSync(join(folder, file as string), 'utf8');
    expect(kept).toContain('access-');

    await house.restart();
    await house.reach('ready');
    expect((await house.call()).status).toBe(200);
    expect(house.server.count('GET /authorize')).toBe(1);

    expect((await house.api('DELETE', '/upstreams/up/login')).body).toEqual({ ok: true, was: true });
    await house.reach('needs_auth');
    expect(house.server.count('POST /revoke')).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
    expect((await house.call()).status).toBe(502);
    // Nothing the gateway wrote holds a token.
    const tokens = kept.match(/(?:access|refresh)-[0-9a-f-]{36}/g) ?? [];
    const view = JSON.stringify((await house.api('GET', '/upstreams/up')).body);
    for (const token of tokens) for (const text of [house.gateway.stderr, view]) expect(text).not.toContain(token);
  });

  it('at a WebSocket: with the upgrade, and again after the token was taken away (F-H24)', async () => {
    await using house = await House.build({}, {}, { transport: 'websocket' });
    await house.reach('needs_auth');
    expect((await house.call()).text).toContain('holdfast login up');
    expect(await house.logIn()).toContain('logged in to up');
    await house.reach('ready');
    expect((await house.call()).text).toContain('echo done');
    expect(house.upstream.url).toMatch(/^ws:/);
    expect((await house.auth())?.resource).toBe(house.upstream.resource);
    await house.restart();
    await house.reach('ready');
    expect((await house.call()).status).toBe(200);
    expect(house.server.count('GET /authorize')).toBe(1);
    await house.api('DELETE', '/upstreams/up/login');
    await house.reach('needs_auth');
  });

  it('registers itself with PKCE, resource and state (RFC 7636, 8707)', async () => {
    await using house = await House.build();
    await house.reach('needs_auth');
    const { body } = await house.api('POST', '/upstreams/up/login');
    const { searchParams } = new URL(body.url);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      resource: house.upstream.url,
      scope: 'read',
    });
    expect(searchParams.get('state')?.length).toBeGreaterThanOrEqual(32);
    expect(house.server.registered[0]).toMatchObject({
      client_name: 'Holdfast',
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
    });
    expect(Date.parse(body.expires) - Date.now()).toBeLessThanOrEqual(600_000);
  });

  it.each([
    ['none', []],
    ['client_secret_basic', ['client_secret_basic']],
    ['client_secret_post', ['client_secret_post']],
  ])('as a client that registered itself proves itself by %s', async (_name, authMethods) => {
    await using house = await House.build(authMethods.length === 0 ? {} : { authMethods });
    await house.reach('needs_auth');
    expect(await house.logIn()).toContain('logged in');
    await house.reach('ready');
  });

  it('as a client that was registered beforehand', async () => {
    await using house = await House.build(
      { registration: false },
      { clientId: 'mine', clientSecret: 's3cret-of-mine' },
    );
    const redirectUris = [`${house.gateway.url}/oauth/callback`];
    house.server.clients.set('mine', { secret: 's3cret-of-mine', redirectUris });
    await house.reach('needs_auth');
    expect(await house.logIn()).toContain('logged in');
    await house.reach('ready');
    expect(house.server.count('POST /register')).toBe(0);
  });

  it('as a client known by the address of its metadata (CIMD)', async () => {
    await using house = await House.build({ cimd: true }, { clientMetadataUrl: 'https://gateway.example/client.json' });
    await house.reach('needs_auth');
    expect(await house.logIn()).toContain('logged in');
    await house.reach('ready');
    expect(house.server.count('POST /register')).toBe(0);
  });

  it('by itself, with the grant client_credentials', async () => {
    await using house = await House.build(
      {},
      { grant: 'client_credentials', clientId: 'robot', clientSecret: 'robots-own' },
    );
    house.server.clients.set('robot', { secret: 'robots-own', redirectUris: [] });
    await house.api('POST', '/upstreams/up/restart?force=1');
    await house.reach('ready');
    expect((await house.call()).status).toBe(200);
    expect(house.server.count('POST /token client_credentials')).toBeGreaterThanOrEqual(1);
    expect((await house.api('POST', '/upstreams/up/login')).status).toBe(502);
  });

  it('is made for a server that speaks HTTP+SSE too, and renewed there', async () => {
    await using house = await House.build({}, {}, { transport: 'sse' });
    await house.reach('needs_auth');
    expect(await house.logIn()).toContain('logged in');
    await house.reach('ready');
    expect((await house.call()).text).toContain('echo done');
    house.server.revoke({ all: false });
    expect((await house.call()).text).toContain('echo done');
    expect(house.server.count('POST /token refresh_token')).toBe(1);
  });

  it('says what to do where there is no way to be a client there', async () => {
    await using house = await House.build({ registration: false });
    await house.reach('needs_auth');
    const { status, body } = await house.api('POST', '/upstreams/up/login');
    expect(status).toBe(502);
    expect(body.detail.hint).toContain(`${house.gateway.url}/oauth/callback`);
    expect(body.detail.hint).toContain('oauth.clientId');
  });

  it('comes back to an address of its own where redirectUrl names one on this machine', async () => {
    await using house = await House.build({}, { redirectUrl: 'http://127.0.0.1:0/back' });
    await house.reach('needs_auth');
    const back = await house.agree();
    expect(back.pathname).toBe('/back');
    expect(back.origin).not.toBe(house.gateway.url);
    expect(await visit(back)).toContain('logged in');
    await house.reach('ready');
    await expect(fetch(back)).rejects.toThrow();
  });

  it('asks for more scopes when a call needs them, with those it has (F-H24)', async () => {
    await using house = await House.build();
    await house.reach('needs_auth');
    await house.logIn();
    await house.reach('ready');
    const refused = await house.call('write');
    expect(refused.status).toBe(502);
    expect(refused.text).toContain('write');
    expect(refused.text).toContain('holdfast login up');
    expect(await house.auth()).toMatchObject({ state: 'needs_scopes', missing: ['write'] });
    expect((await house.call('echo')).status).toBe(200);
    await house.logIn();
    expect((await house.auth())?.scopes).toEqual(['read', 'write']);
    expect((await house.call('write')).text).toContain('write done');
    expect(house.upstream.calls.filter((tool) => tool === 'write')).toEqual(['write']);
  });

  it('does not ask for the same scopes for ever (F-H24)', async () => {
    await using house = await House.build({ gives: ['read'] });
    await house.reach('needs_auth');
    await house.logIn();
    await house.reach('ready');
    for (let step = 0; step < 3; step++) {
      expect((await house.call('write')).status).toBe(502);
      await house.logIn();
    }
    await house.call('write');
    const { status, body } = await house.api('POST', '/upstreams/up/login');
    expect(status).toBe(502);
    expect(body.detail.hint).toContain('--force');
    expect((await house.api('POST', '/upstreams/up/login?force=1')).status).toBe(200);
  });

  it("never sends a caller's token to the upstream, nor the gateway's own where a caller's goes on (MP11)", async () => {
    await using house = await House.build({}, {}, { forwardHeaders: { enabled: true } });
    await house.reach('needs_auth');
    await house.logIn();
    await house.reach('ready');
    await house.call('echo', { authorization: 'Bearer callers-own-token', 'x-team': 'blue' });
    expect(JSON.stringify(house.upstream.seen)).not.toContain('callers-own-token');
    expect(house.upstream.seen.at(-1)?.headers['x-team']).toBe('blue');
    expect(house.upstream.seen.at(-1)?.headers.authorization).toMatch(/^Bearer access-/);
  });
});
