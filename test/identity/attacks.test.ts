// What comes back from a login may be somebody else's: wrong issuer, wrong state, a mix-up of servers, a callback that is
// asked twice; what a server names may lead to the inside (reliability §4).
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isForBrowser } from '../../src/cli/open-browser.ts';
import { AuthorizationServer } from '../support/authorization-server.ts';
import { House, redirectOf, until, visit } from './house.ts';

describe('a login that is not what it seems', () => {
  it('is refused with another issuer, without the promised one, and takes no code there (RFC 9207)', async () => {
    await using house = await House.build();
    await house.reach('needs_auth');
    for (const iss of ['https://evil.example', `${house.server.issuer}/`, undefined]) {
      house.server.habits.iss = iss;
      expect(await house.logIn()).toContain('failed');
    }
    // Not promised, but there and wrong.
    house.server.habits.issPromised = false;
    house.server.habits.iss = 'https://evil.example';
    expect(await house.logIn()).toContain('failed');
    expect(house.server.count('POST /token authorization_code')).toBe(0);
    expect(await house.auth()).toMatchObject({ state: 'needs_login', failed: { reason: expect.any(String) } });
    expect((await house.call()).status).toBe(502);
  });

  it('is refused with another state, and good once', async () => {
    await using house = await House.build();
    await house.reach('needs_auth');
    const back = await house.agree();
    const forged = new URL(back);
    forged.searchParams.set('state', 'somebody-elses-state-somebody-elses-state');
    expect(await visit(forged)).toContain('failed');
    const without = new URL(back);
    without.searchParams.delete('state');
    expect(await visit(without)).toContain('failed');
    expect(house.server.count('POST /token authorization_code')).toBe(0);
    expect(await visit(back)).toContain('logged in');
    expect(await visit(back)).toContain('failed');
    expect(house.server.count('POST /token authorization_code')).toBe(1);
  });

  it('does not carry a code of one server to another one (mix-up)', async () => {
    await using house = await House.build();
    const evil = await AuthorizationServer.start();
    await using _evil = { [Symbol.asyncDispose]: () => evil.close() };
    await house.reach('needs_auth');
    // The login is begun at the evil server, which sends the browser on to the honest one.
    house.upstream.issuer = evil.issuer;
    const { body } = await house.api('POST', '/upstreams/up/login');
    const asked = new URL(body.url);
    expect(asked.origin).toBe(evil.issuer);
    house.server.clients.set(asked.searchParams.get('client_id') ?? '', {
      redirectUris: [asked.searchParams.get('redirect_uri') ?? ''],
    });
    const back = await redirectOf(`${house.server.issuer}/authorize${asked.search}`);
    expect(await visit(back)).toContain('failed');
    expect(evil.count('POST /token authorization_code')).toBe(0);
    expect(house.server.count('POST /token authorization_code')).toBe(0);
  });

  it('is not begun without PKCE, with foreign metadata, or for another server', async () => {
    await using house = await House.build();
    await house.reach('needs_auth');
    const refused = async (what: string) => {
      const { status, body } = await house.api('POST', '/upstreams/up/login');
      expect([status, body.detail.message]).toEqual([502, expect.stringContaining(what)]);
    };
    house.server.habits.pkce = undefined;
    await refused('PKCE');
    house.server.habits.pkce = ['plain'];
    await refused('PKCE');
    house.server.habits.pkce = ['S256'];
    house.server.habits.issuer = 'https://evil.example';
    await refused('evil.example');
    house.server.habits.issuer = house.server.issuer;
    house.upstream.resource = 'https://bank.example/mcp';
    await refused('bank.example');
    house.upstream.resource = house.upstream.url;
    house.upstream.issuer = 'https://169.254.169.254';
    await refused('169.254.169.254');
    expect(house.server.count('GET /authorize')).toBe(0);
  });

  it('asks nothing of this machine unless it is allowed to', async () => {
    await using house = await House.build({}, { allowLoopback: false });
    await house.reach('needs_auth');
    const { status, body } = await house.api('POST', '/upstreams/up/login');
    expect(status).toBe(502);
    expect(body.detail.hint).toContain('upstreams.up.oauth.allowLoopback');
    expect(house.server.asked).toEqual([]);
  });

  it('keeps a configured secret from a server that is named later', async () => {
    await using house = await House.build({}, { clientId: 'mine', clientSecret: 'for-the-first-alone' });
    const evil = await AuthorizationServer.start();
    await using _evil = { [Symbol.asyncDispose]: () => evil.close() };
    const redirectUris = [`${house.gateway.url}/oauth/callback`];
    house.server.clients.set('mine', { secret: 'for-the-first-alone', redirectUris });
    await house.reach('needs_auth');
    expect(await house.logIn()).toContain('logged in');
    await house.reach('ready');
    house.upstream.issuer = evil.issuer;
    const { status, body } = await house.api('POST', '/upstreams/up/login');
    expect([status, body.detail.message]).toEqual([502, expect.stringContaining('must not see')]);
    expect(evil.asked.filter((one) => one.startsWith('POST'))).toEqual([]);
  });
});

describe('an address for a browser', () => {
  it.each([
    'javascript:alert(1)',
    'file:///etc/passwd',
    '-x',
    'http://login.example',
    'https://a/$(id)`id`',
    'https://a b/',
  ])('is not %s (CVE-2025-6514)', (address) => {
    expect(isForBrowser(address)).toBe(false);
  });

  it('is https, or http on this machine', () => {
    expect(isForBrowser('https://login.example/authorize?x=1&y=2')).toBe(true);
    expect(isForBrowser('http://127.0.0.1:9/authorize')).toBe(true);
  });
});

describe('holdfast login', () => {
  const cli = (house: House, ...args: string[]) => {
    const where = args.includes('--config') ? [] : ['--config', house.gateway.configPath];
    return spawn(process.execPath, ['dist/main.js', ...args, ...where, '--data-dir', house.dataDir], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  };
  const told = async (child: ReturnType<typeof cli>) => {
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => {
      out += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      err += String(chunk);
    });
    const ended = once(child, 'exit');
    return { address: () => /https?:\S+/.exec(err)?.[0], ended, out: () => out, err: () => err };
  };

  it('logs in through the running gateway, and out again', async () => {
    await using house = await House.build();
    await house.reach('needs_auth');
    const login = await told(cli(house, 'login', 'up', '--no-browser'));
    await until(() => login.address() !== undefined);
    await visit(await redirectOf(login.address() as string));
    expect(await login.ended).toEqual([0, null]);
    expect(login.out()).toBe('up: logged in\n');
    await house.reach('ready');
    const logout = await told(cli(house, 'logout', 'up'));
    expect(await logout.ended).toEqual([0, null]);
    expect(logout.out()).toBe('up: logged out\n');
    await house.reach('needs_auth');
  });

  it('takes over what mcpo kept, which is renewed like any other (10.9, U-11)', async () => {
    await using house = await House.build();
    await house.reach('needs_auth');
    // Real tokens of a real registration, in the files of mcpo.
    await house.logIn();
    await house.reach('ready');
    const logins = join(house.dataDir, 'logins');
    const [kept] = readdirSync(logins).filter((name) => name.endsWith('.json'));
    const { data } = JSON.parse(readFileSync(join(logins, kept as string), 'utf8')) as {
      data: { tokens: Record<string, string>; clients: Record<string, Record<string, unknown>> };
    };
    await house.gateway.stop();
    rmSync(logins, { recursive: true });
    const folder = join(house.dataDir, 'mcpo-tokens');
    mkdirSync(folder);
    const name = createHash('md5').update('up_default').digest('hex').slice(0, 12);
    const { access, refresh } = data.tokens;
    const tokens = {
      access_token: access,
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'tools',
      refresh_token: refresh,
    };
    const [client] = Object.values(data.clients);
    const registered = { client_id: client?.clientId, client_secret: null, redirect_uris: client?.redirectUris };
    for (const [what, value] of Object.entries({ tokens, client: registered })) {
      writeFileSync(join(folder, `${name}_${what}.json`), JSON.stringify(value));
      // Whatever the umask is.
      chmodSync(join(folder, `${name}_${what}.json`), 0o644);
    }
    await house.restart();
    await house.reach('needs_auth');

    const none = await told(cli(house, 'login', 'up', '--from-mcpo', house.dataDir));
    expect(await none.ended).toEqual([1, null]);
    expect(none.err()).toContain(`${name}_tokens.json`);
    const login = await told(cli(house, 'login', 'up', '--from-mcpo', folder));
    expect([await login.ended, login.err()]).toEqual([
      [0, null],
      expect.stringContaining('others on this machine can read'),
    ]);
    expect(login.out()).toContain('with what mcpo kept');
    expect(login.out() + login.err()).not.toContain(access);
    await house.reach('ready');
    expect((await house.call()).status).toBe(200);
    house.server.revoke({ all: false });
    expect((await house.call()).status).toBe(200);
    expect(house.server.count('POST /token refresh_token')).toBe(1);
    expect(house.server.count('POST /register')).toBe(1);
  });

  it('logs in without a gateway, which finds the login when it starts', async () => {
    await using house = await House.build();
    await house.reach('needs_auth');
    const text = readFileSync(house.gateway.configPath, 'utf8');
    await house.gateway.stop();
    const config = join(house.dataDir, 'holdfast.json');
    writeFileSync(config, text);
    const login = await told(cli(house, 'login', 'up', '--no-browser', '--json', '--config', config));
    await until(() => login.address() !== undefined);
    const back = await redirectOf(login.address() as string);
    expect(back.searchParams.get('state')).not.toBeNull();
    expect(await visit(back)).toContain('logged in');
    expect(await login.ended).toEqual([0, null]);
    expect(JSON.parse(login.out())).toEqual({ ok: true, upstream: 'up' });
    await house.restart();
    await house.reach('ready');
    expect((await house.call()).status).toBe(200);
  });
});
