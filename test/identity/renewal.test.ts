// Tokens that end, are refused or taken back while calls wait for them; several gateways on one data directory.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { House, until } from './house.ts';

const RENEWAL = 'POST /token refresh_token';

describe('a login that has to be renewed', () => {
  it('is renewed once for 20 calls at the same time', async () => {
    await using house = await House.build({ slow: 200 });
    await house.reach('needs_auth');
    await house.logIn();
    await house.reach('ready');
    expect(house.server.count(RENEWAL)).toBe(0);
    house.server.revoke({ all: false });
    const answers = await Promise.all(Array.from({ length: 20 }, () => house.call()));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(house.server.count(RENEWAL)).toBe(1);
    expect(house.upstream.calls).toHaveLength(20);
  });

  it('is renewed before it ends, so that no call is refused', async () => {
    await using house = await House.build({ expiresIn: 4 });
    await house.reach('needs_auth');
    await house.logIn();
    await house.reach('ready');
    await until(async () => (await house.call()).status === 200 && house.server.count(RENEWAL) > 0);
    const unsaid = house.upstream.seen.findIndex(({ headers }) => headers.authorization !== undefined);
    const later = house.upstream.seen.slice(unsaid);
    expect(later.every(({ headers }) => headers.authorization !== undefined)).toBe(true);
  });

  it('needs a new login when the authorization server takes it back, and heals by it (F-H24)', async () => {
    await using house = await House.build();
    await house.reach('needs_auth');
    await house.logIn();
    await house.reach('ready');
    house.server.revoke({ all: true });
    const began = performance.now();
    expect((await house.call()).status).toBe(502);
    expect(performance.now() - began).toBeLessThan(20_000);
    await house.reach('needs_auth');
    expect(await house.auth()).toMatchObject({ state: 'needs_login' });
    expect((await house.call()).text).toContain('holdfast login up');
    // No loop: one renewal was tried.
    expect(house.server.count(RENEWAL)).toBe(1);
    await house.logIn();
    await house.reach('ready');
    expect((await house.call()).status).toBe(200);
  });

  it('registers again where the authorization server has forgotten the gateway', async () => {
    await using house = await House.build();
    await house.reach('needs_auth');
    await house.logIn();
    await house.reach('ready');
    house.server.clients.clear();
    house.server.revoke({ all: false });
    await house.call();
    await house.reach('needs_auth');
    expect(await house.logIn()).toContain('logged in');
    await house.reach('ready');
    expect(house.server.count('POST /register')).toBe(2);
  });

  it('is renewed once over two gateways on the same data directory', async () => {
    await using house = await House.build({ slow: 300 });
    await house.reach('needs_auth');
    await house.logIn();
    await house.reach('ready');
    await using other = await startGateway({ config: house.config, dataDir: house.dataDir });
    await other.upstreamsIn(['up']);
    house.server.revoke({ all: false });
    const there = (): Promise<Response> =>
      fetch(`${other.url}/up/echo`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
    const both = await Promise.all([house.call(), there(), house.call(), there()]);
    expect(both.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(house.server.count(RENEWAL)).toBe(1);
  });

  it('is found by a gateway that started without it', async () => {
    await using house = await House.build();
    await house.reach('needs_auth');
    await using other = await startGateway({ config: house.config, dataDir: house.dataDir });
    await other.upstreamsIn(['up'], 'needs_auth');
    await house.logIn();
    const token = readFileSync(join(house.dataDir, 'admin-token'), 'utf8').trim();
    const headers = { authorization: `Bearer ${token}` };
    await fetch(`${other.url}/api/v1/upstreams/up/restart?force=1`, { method: 'POST', headers });
    await other.upstreamsIn(['up']);
    expect(house.server.count('GET /authorize')).toBe(1);
  });
});
