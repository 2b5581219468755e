// What a server names is asked only where that cannot hurt (reliability §4, SSRF): addresses, names, redirects, sizes.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { kindOf } from './addresses.ts';
import { checkUrl, createGuardedFetch, type FetchPolicy } from './guarded-fetch.ts';

const undo: (() => void)[] = [];
afterEach(() => {
  for (const one of undo.splice(0)) one();
});

const policy = (more: Partial<FetchPolicy> = {}): FetchPolicy => ({
  upstream: 'up',
  setting: 'upstreams.up.oauth',
  allowLoopback: false,
  trustedHosts: [],
  ...more,
});

/** A name lookup that gives these addresses in turn; the last one for ever. */
function names(...addresses: string[]): LookupFunction & { asked: number } {
  const lookup = Object.assign(
    (_host: string, options: { all?: boolean }, callback: (...args: unknown[]) => void) => {
      const address = addresses[Math.min(lookup.asked++, addresses.length - 1)] as string;
      const family = address.includes(':') ? 6 : 4;
      if (options.all === true) callback(null, [{ address, family }]);
      else callback(null, address, family);
    },
    { asked: 0 },
  );
  return lookup as unknown as LookupFunction & { asked: number };
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('addresses', () => {
  it.each([
    ['127.0.0.1', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['10.1.2.3', 'private'],
    ['172.31.0.1', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd00::1', 'private'],
    ['::ffff:10.0.0.1', 'private'],
    ['64:ff9b::a00:1', 'private'],
    ['169.254.169.254', 'forbidden'],
    ['::ffff:169.254.169.254', 'forbidden'],
    ['fe80::1%eth0', 'forbidden'],
    ['0.0.0.0', 'forbidden'],
    ['::', 'forbidden'],
    ['224.0.0.1', 'forbidden'],
    ['2002:a00:1::', 'forbidden'],
    ['metadata', 'forbidden'],
    ['93.184.216.34', 'public'],
    ['2606:4700::1111', 'public'],
  ])('%s is %s', (address, kind) => {
    expect(kindOf(address)).toBe(kind);
  });
});

describe('the guarded fetch', () => {
  it.each([
    'https://169.254.169.254/latest/meta-data',
    'https://10.0.0.1/',
    'https://[fd00::1]/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://0x7f.1/',
    'https://2130706433/',
    'http://auth.example/',
    'http://localhost/',
    'https://user:pass@auth.example/',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'data:application/json,{}',
  ])('refuses %s before anything is asked', async (url) => {
    const lookup = names('93.184.216.34');
    const fetch = createGuardedFetch(policy({ lookup }));
    await expect(fetch(url)).rejects.toMatchObject({ fault: 'UPSTREAM_UNAUTHORIZED', data: { blocked: true } });
    expect(lookup.asked).toBe(0);
  });

  it('refuses a name that leads to the inside, and says what to set for an own server', async () => {
    const inside = createGuardedFetch(policy({ lookup: names('10.0.0.7') }));
    await expect(inside('https://auth.example/')).rejects.toMatchObject({
      message: expect.stringContaining('auth.example (10.0.0.7) is a private address'),
      hint: expect.stringContaining('upstreams.up.oauth.trustedHosts'),
    });
    const local = createGuardedFetch(policy({ lookup: names('127.0.0.1') }));
    await expect(local('https://auth.example/')).rejects.toMatchObject({
      hint: expect.stringContaining('allowLoopback'),
    });
    const cloud = createGuardedFetch(policy({ lookup: names('169.254.169.254'), trustedHosts: ['auth.example'] }));
    await expect(cloud('https://auth.example/')).rejects.toMatchObject({ data: { blocked: true } });
  });

  it('looks a name up once: what was checked is what is dialled (DNS rebinding)', async () => {
    const base = await serve((_request, response) => response.end('{}'));
    const lookup = names('127.0.0.1', '169.254.169.254');
    const fetch = createGuardedFetch(policy({ lookup, allowLoopback: true }));
    const url = base.replace('127.0.0.1', 'auth.localhost');
    expect((await fetch(url)).status).toBe(200);
    expect(lookup.asked).toBe(1);
    // The second time it says something else, and that is checked just so.
    await expect(fetch(url)).rejects.toMatchObject({ data: { blocked: true } });
  });

  it('checks every redirect again, and follows none with a token request', async () => {
    const base = await serve((request, response) => {
      const to = request.url === '/in' ? 'https://10.0.0.1/' : '/end';
      if (request.url === '/end') return void response.end('there');
      response.writeHead(307, { location: to }).end();
    });
    const fetch = createGuardedFetch(policy({ allowLoopback: true }));
    expect(await (await fetch(`${base}/out`)).text()).toBe('there');
    await expect(fetch(`${base}/in`)).rejects.toMatchObject({ data: { blocked: true } });
    expect((await fetch(`${base}/out`, { method: 'POST', body: 'secret' })).status).toBe(307);
    const loop = await serve((_request, response) => void response.writeHead(302, { location: '/' }).end());
    await expect(fetch(loop)).rejects.toThrow('redirects too often');
  });

  it('ends an answer that is too large or too slow', async () => {
    const large = await serve((_request, response) => void response.end('x'.repeat(300 * 1024)));
    const slow = await serve(() => undefined);
    const fetch = createGuardedFetch(policy({ allowLoopback: true, timeout: 300 }));
    await expect(fetch(large)).rejects.toThrow('more than 262144 bytes');
    await expect(fetch(slow)).rejects.toThrow('did not answer in time');
  });

  it('checks addresses that are only shown to a person just so (CVE-2025-6514)', () => {
    for (const url of ['javascript:alert(1)', 'http://login.example/', 'file:///bin/sh'])
      expect(() => checkUrl(new URL(url), policy())).toThrow('is refused');
    expect(() => checkUrl(new URL('https://login.example/authorize'), policy())).not.toThrow();
  });
});
