import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { json, type Listener, listen } from '../../test/servers/http/listener.ts';
import { startProxy } from '../../test/servers/http/proxy.ts';
import { GatewayFault } from '../core/fault.ts';
import { HttpClient, type HttpClientOptions, type HttpRequest } from './http-client.ts';
import { proxyFor } from './http-dial.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

const tlsFile = (name: string): string => new URL(`../../test/servers/http/tls/${name}.pem`, import.meta.url).pathname;
const pem = (name: string): string => readFileSync(tlsFile(name), 'utf8');

async function open(url: string, more: Partial<HttpClientOptions> = {}): Promise<HttpClient> {
  const client = await HttpClient.open({ upstream: 'far', url: new URL(url), dialTimeout: 2_000, env: {}, ...more });
  cleanup.push(() => client.close());
  return client;
}

function get(client: HttpClient, more: Partial<HttpRequest> = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    let status = 0;
    const body: Buffer[] = [];
    client.send(
      { method: 'GET', path: '/x?y=1', headers: ['x-a', 'b'], ...more },
      {
        head: (code) => {
          status = code;
        },
        data: (chunk) => {
          body.push(chunk);
        },
        end: () => resolve({ status, body: Buffer.concat(body).toString() }),
        failed: reject,
      },
    );
  });
}

async function fault(client: HttpClient): Promise<GatewayFault> {
  const failure: unknown = await get(client).then(
    (answer) => new Error(`answered ${answer.status}`),
    (error: unknown) => error,
  );
  if (!(failure instanceof GatewayFault)) throw failure;
  return failure;
}

async function secure(certificate: string, more: object = {}): Promise<Listener> {
  const tls = { cert: pem(certificate), key: pem(`${certificate}-key`), ...more };
  const server = await listen((_request, response) => json(response, { secure: true }), { tls });
  cleanup.push(() => server.close());
  return server;
}

describe('TLS (F-H25)', () => {
  it.each([
    ['localhost', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', undefined],
    ['ca', 'DEPTH_ZERO_SELF_SIGNED_CERT', undefined],
    ['expired', 'CERT_HAS_EXPIRED', 'ca'],
    ['elsewhere', 'ERR_TLS_CERT_ALTNAME_INVALID', 'ca'],
  ])('refuses the certificate "%s" with its reason: %s', async (certificate, code, ca) => {
    const server = await secure(certificate);
    const client = await open(server.url, { tls: { ca: ca === undefined ? undefined : tlsFile(ca) } });
    expect(await fault(client)).toMatchObject({
      fault: 'UPSTREAM_UNREACHABLE',
      delivery: 'not-sent',
      data: { errno: code },
    });
    expect(server.requests).toEqual([]);
  });

  it('trusts an authority given as a file or as text, expects another name, or anything where told to', async () => {
    const own = await secure('localhost');
    for (const ca of [tlsFile('ca'), pem('ca')]) {
      expect(await get(await open(own.url, { tls: { ca } }))).toEqual({ status: 200, body: '{"secure":true}' });
    }
    const other = await secure('elsewhere');
    const tls = { ca: tlsFile('ca'), servername: 'elsewhere.test' };
    expect(await get(await open(other.url, { tls }))).toMatchObject({ status: 200 });
    expect(await get(await open((await secure('expired')).url, { tls: { insecure: true } }))).toMatchObject({
      status: 200,
    });
  });

  it('shows a client certificate, and says so when it is refused', async () => {
    const server = await secure('localhost', { ca: pem('ca'), requestCert: true, rejectUnauthorized: true });
    const tls = { ca: tlsFile('ca'), cert: tlsFile('client'), key: tlsFile('client-key') };
    expect(await get(await open(server.url, { tls }))).toMatchObject({ status: 200 });
    const refused = await fault(await open(server.url, { tls: { ca: tlsFile('ca') } }));
    expect(refused.fault).toMatch(/^UPSTREAM_(UNREACHABLE|DISCONNECTED)$/);
    expect(server.requests).toHaveLength(1);
  });

  it('files that cannot be read, or are no certificates, are start failures', async () => {
    await expect(open('https://127.0.0.1:1', { tls: { ca: '/no/such.pem' } })).rejects.toMatchObject({
      fault: 'UPSTREAM_START_FAILED',
      message: 'tls.ca: cannot read /no/such.pem (ENOENT)',
    });
    for (const tls of [{ cert: '-----BEGIN nothing' }, { cert: tlsFile('client'), key: tlsFile('ca-key') }])
      await expect(open('https://127.0.0.1:1', { tls })).rejects.toMatchObject({
        fault: 'UPSTREAM_START_FAILED',
        message: expect.stringMatching(/^tls: ./) as string,
      });
  });

  it('TLS to a server without it, and plain HTTP to one with it, fail with a reason', async () => {
    const plain = await listen((_request, response) => json(response, {}));
    cleanup.push(() => plain.close());
    expect(await fault(await open(plain.url.replace('http:', 'https:')))).toMatchObject({
      fault: 'UPSTREAM_UNREACHABLE',
      delivery: 'not-sent',
    });
    const tls = await secure('localhost');
    expect((await fault(await open(tls.url.replace('https:', 'http:')))).delivery).toBe('maybe-sent');
  });
});

describe('dialling', () => {
  it('F-T2: gives up when nobody completes the connection, without having sent anything', async () => {
    const hole = createServer(() => {});
    await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve));
    cleanup.push(() => hole.close());
    const { port } = hole.address() as AddressInfo;
    const client = await open(`https://127.0.0.1:${port}`, { dialTimeout: 200 });
    const at = performance.now();
    expect(await fault(client)).toMatchObject({
      fault: 'UPSTREAM_UNREACHABLE',
      delivery: 'not-sent',
      data: { errno: 'ETIMEDOUT' },
    });
    expect(performance.now() - at).toBeLessThan(30_000);
  });

  it('one failed dial fails all who waited for it, and the next request dials anew', async () => {
    const server = await listen((_request, response) => json(response, {}));
    await server.close();
    const client = await open(server.url);
    const all = await Promise.allSettled([get(client), get(client), get(client)]);
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    const back = await listen((_request, response) => json(response, {}), { port: server.port });
    cleanup.push(() => back.close());
    expect(await get(client)).toMatchObject({ status: 200 });
  });

  it('a header that is none is our own mistake, told to the receiver and not thrown', async () => {
    const client = await open('http://127.0.0.1:1');
    await expect(get(client, { headers: ['x', 'a\r\nb: c'] })).rejects.toMatchObject({
      fault: 'INTERNAL',
      delivery: 'not-sent',
    });
  });
});

describe('content encodings (F-H20)', () => {
  it.each([
    ['gzip', gzipSync],
    ['X-GZIP', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['identity', Buffer.from],
  ] as const)('reads %s', async (encoding, encode) => {
    const text = '漢字'.repeat(10_000);
    const server = await listen((_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).end(encode(Buffer.from(text)));
    });
    cleanup.push(() => server.close());
    expect((await get(await open(server.url))).body === text).toBe(true);
  });

  it.each(['zstd', '__proto__', 'gzip, br'])('refuses %s', async (encoding) => {
    const server = await listen((_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).end('x');
    });
    cleanup.push(() => server.close());
    const failed = await fault(await open(server.url));
    expect(failed).toMatchObject({ fault: 'UPSTREAM_PROTOCOL', delivery: 'maybe-sent' });
  });

  it('a bomb comes out in pieces that are few enough to be counted in time', async () => {
    const size = 16 * 2 ** 20;
    const server = await listen((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(size)));
    });
    cleanup.push(() => server.close());
    const client = await open(server.url);
    const pieces: number[] = [];
    await new Promise<void>((resolve, reject) => {
      const data = (chunk: Buffer) => void pieces.push(chunk.length);
      client.send({ method: 'GET', path: '/', headers: [] }, { head: () => {}, data, end: resolve, failed: reject });
    });
    expect(pieces.reduce((sum, length) => sum + length, 0)).toBe(size);
    expect(pieces.length).toBeLessThan(size / 2 ** 15); // each is a way to another thread and back
  });

  it('hands on what is there before the end of a compressed stream', async () => {
    const server = await listen((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.pipe(response);
      gzip.write('data: 1\n\n');
      gzip.flush();
    });
    cleanup.push(() => server.close());
    const client = await open(server.url);
    const first = await new Promise<string>((resolve, reject) => {
      const exchange = client.send(
        { method: 'GET', path: '/', headers: [] },
        {
          head: () => {},
          data: (chunk) => {
            exchange.abort();
            resolve(chunk.toString());
          },
          end: () => reject(new Error('ended')),
          failed: reject,
        },
      );
    });
    expect(first).toBe('data: 1\n\n');
    await server.requests[0]?.closed;
  });
});

describe('proxies', () => {
  const plain = async (): Promise<Listener> => {
    const server = await listen((_request, response) => json(response, { direct: true }));
    cleanup.push(() => server.close());
    return server;
  };
  const proxied = async (options: Parameters<typeof startProxy>[0] = {}) => {
    const proxy = await startProxy(options);
    cleanup.push(() => proxy.close());
    return proxy;
  };

  it('HTTP_PROXY: tunnels to an http upstream, with the credentials of its URL', async () => {
    const server = await plain();
    const proxy = await proxied();
    const client = await open(server.url, { env: { HTTP_PROXY: proxy.url.replace('//', '//me:p%40ss@') } });
    expect(await get(client)).toEqual({ status: 200, body: '{"direct":true}' });
    expect(proxy.tunnels).toEqual([`127.0.0.1:${server.port}`]);
    expect(proxy.authorizations).toEqual([`Basic ${Buffer.from('me:p@ss').toString('base64')}`]);
    expect(server.requests[0]).toMatchObject({ path: '/x?y=1', headers: { 'x-a': 'b' } });
    expect(server.requests[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  it('HTTPS_PROXY: TLS goes through the tunnel to the upstream itself', async () => {
    const server = await secure('localhost');
    const proxy = await proxied();
    const env = { https_proxy: proxy.url, HTTP_PROXY: 'http://127.0.0.1:1' };
    expect(await get(await open(server.url, { env, tls: { ca: tlsFile('ca') } }))).toMatchObject({ status: 200 });
    expect(proxy.tunnels).toEqual([`127.0.0.1:${server.port}`]);
    const fails = await fault(await open(server.url, { env }));
    expect(fails).toMatchObject({ fault: 'UPSTREAM_UNREACHABLE', data: { errno: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' } });
  });

  it.each([[403], [405]])('a proxy that does not tunnel (HTTP %i) is given the request itself', async (refuse) => {
    const server = await plain();
    const proxy = await proxied({ refuse });
    const client = await open(server.url, { env: { HTTP_PROXY: proxy.url.replace('//', '//u:p@') } });
    const all = await Promise.all([get(client), get(client)]);
    expect(all.map(({ status }) => status)).toEqual([200, 200]);
    expect(await get(client)).toMatchObject({ status: 200 });
    expect(proxy.forwarded).toEqual(Array(3).fill(`${server.url}/x?y=1`));
    expect(proxy.tunnels.length).toBeLessThanOrEqual(2);
    expect(server.requests[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  it.each([[407], [502]])('a proxy that refuses with HTTP %i: nothing was sent', async (refuse) => {
    const server = await plain();
    const proxy = await proxied({ refuse });
    const failed = await fault(await open(server.url, { env: { HTTP_PROXY: proxy.url } }));
    expect(failed).toMatchObject({ fault: 'UPSTREAM_UNREACHABLE', delivery: 'not-sent', data: { errno: 'EPROXY' } });
    expect(failed.message).toContain(`HTTP ${refuse}`);
    expect(proxy.forwarded).toEqual([]);
  });

  it('a proxy that is gone, closes at once or never answers: nothing was sent, and one try is one try', async () => {
    const server = await plain();
    const gone = await proxied();
    await gone.close();
    const closing = createServer((socket) => socket.end());
    let dialled = 0;
    closing.on('connection', () => dialled++);
    await new Promise<void>((resolve) => closing.listen(0, '127.0.0.1', resolve));
    cleanup.push(() => closing.close());
    const silent = await proxied({ silent: true });
    const urls = [gone.url, `http://127.0.0.1:${(closing.address() as AddressInfo).port}`, silent.url];
    for (const HTTP_PROXY of urls) {
      const client = await open(server.url, { env: { HTTP_PROXY }, dialTimeout: 200 });
      expect(await fault(client)).toMatchObject({ fault: 'UPSTREAM_UNREACHABLE', delivery: 'not-sent' });
    }
    expect(dialled).toBe(1);
    expect(server.requests).toEqual([]);
  });

  it.each([
    ['*', true],
    ['127.0.0.1', true],
    ['other, 127.0.0.1:{port}', true],
    ['127.0.0.1:1', false],
    ['0.0.1', true],
    ['', false],
  ])('NO_PROXY %s', async (list, exempt) => {
    const server = await plain();
    const proxy = await proxied();
    const env = { HTTP_PROXY: proxy.url, NO_PROXY: list.replace('{port}', String(server.port)) };
    await get(await open(server.url, { env }));
    expect(proxy.tunnels).toHaveLength(exempt ? 0 : 1);
  });

  it.each([
    ['http://a.example.com/', 'example.com', true],
    ['http://a.example.com/', '.example.com', true],
    ['http://a.example.com/', '*.example.com', true],
    ['http://notexample.com/', 'example.com', false],
    ['https://a.example.com/', 'EXAMPLE.com:443', true],
    ['https://a.example.com/', 'example.com:8443', false],
    ['http://[::1]:80/', '::1', true],
    ['http://[::1]:81/', '[::1]:80', false],
    ['http://localhost/', 'localhost', true],
  ])('for %s with NO_PROXY %s: exempt %s', (url, no_proxy, exempt) => {
    const env = { http_proxy: 'http://p:1', https_proxy: 'p:2', no_proxy };
    expect(proxyFor(new URL(url), env) === undefined).toBe(exempt);
  });

  it('takes a proxy without a scheme, and none that is no URL', () => {
    expect(proxyFor(new URL('http://x'), { HTTP_PROXY: 'proxy:3128' })?.host).toBe('proxy:3128');
    expect(proxyFor(new URL('http://x'), { HTTP_PROXY: 'http://' })).toBeUndefined();
    expect(proxyFor(new URL('https://x'), { HTTP_PROXY: 'proxy:3128' })).toBeUndefined();
  });
});
