// Who may talk to the listener, and what each key may do: the tables of reliability §4 and requirements 12.3.
import { type IncomingMessage, request } from 'node:http';
import { createConnection } from 'node:net';
import { describe, expect, it } from 'vitest';
import { EventStream, type GatewayEvent } from '../core/events.ts';
import { type Access, authorise, presented } from './auth.ts';
import { readBody, sendDetail } from './body.ts';
import { createGuard, type GuardOptions, originAllowed, refusal } from './guard.ts';
import { CallerKeys, keyOf } from './keys.ts';
import { isLoopback, Listener, type ListenerOptions, ListenFailed } from './listener.ts';

const asked = (headers: Record<string, string | string[] | undefined>) =>
  ({ headers, rawHeaders: [] as string[] }) as IncomingMessage;
const loopback: GuardOptions = { loopback: true, allowedHosts: [], allowedOrigins: [] };
const wide: GuardOptions = { ...loopback, loopback: false };

describe('Host (CVE-2025-66414, CVE-2026-42559, MP5)', () => {
  it.each([
    ['localhost', true],
    ['localhost:8000', true],
    ['LocalHost:1', true],
    ['127.0.0.1', true],
    ['127.0.0.1:65535', true],
    ['127.0.0.2:80', true],
    ['[::1]', true],
    ['[::1]:8000', true],
    ['evil.example', false],
    ['localhost.evil.example', false],
    ['evil.localhost.example', false],
    ['127.0.0.1.nip.io', false],
    ['127.0.0.1.evil', false],
    ['localhost:80:80', false],
    ['localhost@evil', false],
    ['user@localhost', false],
    ['localhost/x', false],
    ['[::1', false],
    ['[::2]', false],
    ['::1', false],
    ['0.0.0.0', false],
    ['', false],
    [' localhost', false],
    ['localhost, evil.example', false],
  ])('%j on a loopback binding: %s', (host, fine) => {
    expect(refusal(asked({ host }), loopback) === undefined).toBe(fine);
  });

  it('is missing: refused on loopback, and where hosts are configured', () => {
    expect(refusal(asked({}), loopback)).toContain('Host');
    expect(refusal(asked({}), { ...wide, allowedHosts: ['a.example'] })).toBeDefined();
    expect(refusal(asked({}), wide)).toBeUndefined();
  });

  it('is checked on a wide binding only where allowedHosts is set', () => {
    expect(refusal(asked({ host: 'anything.example' }), wide)).toBeUndefined();
    const named = { ...wide, allowedHosts: ['Gate.Example'] };
    expect(refusal(asked({ host: 'gate.example:8000' }), named)).toBeUndefined();
    expect(refusal(asked({ host: 'localhost' }), named)).toBeDefined();
    expect(refusal(asked({ host: 'gate.example' }), { ...loopback, allowedHosts: ['gate.example'] })).toBeUndefined();
  });
});

describe('Origin (reliability §4)', () => {
  it.each([
    [undefined, true],
    ['http://localhost', true],
    ['http://localhost:5173', true],
    ['https://127.0.0.1:3000', true],
    ['http://[::1]:3000', true],
    ['http://gate.example:8000', true],
    ['https://app.example', true],
    ['null', false],
    ['', false],
    ['https://evil.example', false],
    ['http://localhost.evil.example', false],
    ['http://localhost@evil.example', false],
    ['http://user@localhost', false],
    ['http://localhost/path', false],
    ['http://localhost, http://localhost', false],
    ['http://localhost http://evil.example', false],
    ['file://', false],
    ['chrome-extension://abc', false],
    ['javascript:alert(1)', false],
    ['http://gate.example', false],
    ['https://app.example.evil', false],
    ['https://app.example:444', false],
  ])('%j: %s', (origin, fine) => {
    const options = { ...wide, allowedOrigins: ['https://App.Example'] };
    expect(originAllowed(asked({ host: 'gate.example:8000', origin }), options)).toBe(fine);
    expect(refusal(asked({ host: 'gate.example:8000', origin }), options) === undefined).toBe(fine);
  });

  it('* allows any, also the ones nobody can read', () => {
    for (const origin of ['null', 'https://evil.example'])
      expect(originAllowed(asked({ origin }), { ...wide, allowedOrigins: ['*'] })).toBe(true);
  });

  it('a guard that has seen a good Host forgets nothing about the next one', () => {
    const guard = createGuard(loopback);
    expect(guard(asked({ host: 'localhost:1' }))).toBeUndefined();
    expect(guard(asked({ host: 'localhost:1' }))).toBeUndefined();
    expect(guard(asked({ host: 'evil.example' }))).toBeDefined();
    expect(guard(asked({ host: 'localhost:1', origin: 'https://evil.example' }))).toBeDefined();
    expect(guard(asked({}))).toBeDefined();
  });
});

describe('keys (12.3)', () => {
  const keys = [
    keyOf('reader', 'r', ['read']),
    keyOf('caller', 'c', ['call']),
    keyOf('both', 'b', ['read', 'call']),
    keyOf('boss', 'x', ['admin']),
  ];
  const token = keyOf('admin', 't', ['read', 'call', 'admin']);
  const bearer = (secret?: string) => asked(secret === undefined ? {} : { authorization: `Bearer ${secret}` });
  const verdict = (secret: string | undefined, access: Access, configured = keys) => {
    const result = authorise(bearer(secret), access, new CallerKeys(configured, { adminToken: token }));
    return 'status' in result ? result.status : result.principal.id;
  };

  it.each([
    // access, none, unknown, reader, caller, both, boss, admin token
    ['open', 'anonymous', 'anonymous', 'reader', 'caller', 'both', 'boss', 'admin'],
    ['read', 401, 403, 'reader', 403, 'both', 'boss', 'admin'],
    ['call', 401, 403, 403, 'caller', 'both', 'boss', 'admin'],
    ['admin', 401, 403, 403, 403, 403, 'boss', 'admin'],
  ] as const)('%s with keys configured', (access, ...expected) => {
    expect([undefined, 'wrong', 'r', 'c', 'b', 'x', 't'].map((secret) => verdict(secret, access))).toEqual(expected);
  });

  it.each([
    ['open', 'local', 'local', 'admin'],
    ['read', 'local', 'local', 'admin'],
    ['call', 'local', 'local', 'admin'],
    ['admin', 401, 403, 'admin'],
  ] as const)('%s without any: loopback may all but administrate', (access, ...expected) => {
    expect([undefined, 'wrong', 't'].map((secret) => verdict(secret, access, []))).toEqual(expected);
    expect(authorise(bearer(), access, new CallerKeys([]))).toEqual(
      access === 'admin'
        ? { status: 401, reason: expect.any(String) }
        : { principal: { id: 'local', roles: ['read', 'call'] } },
    );
  });

  it('no key works by being empty, and none is kept in clear', () => {
    expect(verdict('', 'call')).toBe(401);
    expect(JSON.stringify(keyOf('n', 'very-secret', []))).not.toContain('very-secret');
  });

  it.each([
    [{ authorization: 'Bearer abc' }, 'abc'],
    [{ authorization: 'bearer  abc' }, 'abc'],
    [{ authorization: `Basic ${Buffer.from('user:pass:word').toString('base64')}` }, 'pass:word'],
    [{ authorization: `Basic ${Buffer.from('nocolon').toString('base64')}` }, 'nocolon'],
    [{ authorization: 'Digest abc' }, undefined],
    [{ authorization: 'Bearer' }, undefined],
    [{ authorization: 'Bearer abc', 'x-api-key': 'def' }, 'abc'],
    [{ 'x-api-key': 'def' }, 'def'],
    [{ 'x-api-key': ['a', 'b'] }, undefined],
    [{}, undefined],
  ])('%j presents %j', (headers, secret) => {
    expect(presented(asked(headers))).toBe(secret);
  });
});

describe('Listener (12.1, 12.3, MP5, F-C2, F-C5)', () => {
  async function listening(more: Partial<ListenerOptions> = {}) {
    const stream = new EventStream();
    const events: GatewayEvent[] = [];
    stream.subscribe((event) => events.push(event));
    const listener = new Listener({
      host: '127.0.0.1',
      port: 0,
      tries: 0,
      allowedHosts: [],
      allowedOrigins: [],
      keys: new CallerKeys([]),
      events: stream,
      route: (path) => {
        switch (path) {
          case '/open':
            return { access: 'open', handle: ({ response, query }) => sendDetail(response, 200, query.get('q') ?? '') };
          case '/any':
            return { access: 'open', anyHost: true, handle: ({ response }) => sendDetail(response, 200, 'any') };
          case '/call':
            return {
              access: 'call',
              challenge: 'Bearer realm="x"',
              handle: ({ response }) => sendDetail(response, 200, 'called'),
            };
          case '/throws':
            return {
              access: 'open',
              handle: () => {
                throw new Error('secret detail');
              },
            };
          case '/rejects':
            return { access: 'open', handle: () => Promise.reject(new Error('secret detail')) };
          case '/late':
            return {
              access: 'open',
              handle: ({ response }) => {
                response.writeHead(200).write('x');
                throw new Error('late');
              },
            };
          case '/body':
            return {
              access: 'open',
              handle: async ({ request: incoming, response }) => {
                try {
                  sendDetail(response, 200, String((await readBody(incoming, 1000)).length));
                } catch {
                  sendDetail(response, 413, 'too large', { connection: 'close' });
                }
              },
            };
          default:
            return undefined;
        }
      },
      ...more,
    });
    await listener.listen();
    return { listener, events, url: listener.url, [Symbol.asyncDispose]: () => listener.close() };
  }
  const raw = (port: number, text: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = createConnection(port, '127.0.0.1', () => socket.write(text));
      let got = '';
      socket.setEncoding('latin1').on('data', (piece: string) => {
        got += piece;
        if (got.includes('\r\n\r\n')) socket.end();
      });
      socket.on('close', () => resolve(got.split('\r\n')[0] as string));
      socket.on('error', reject);
    });

  it('decides in this order: Host and Origin, preflight, key, existence', async () => {
    await using one = await listening({ keys: new CallerKeys([keyOf('k', 'k', ['call'])]) });
    const status = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      new Promise<[number | undefined, string | undefined]>((resolve, reject) => {
        request(one.url + path, { method, headers }, (response) => {
          response.resume();
          resolve([response.statusCode, response.headers['www-authenticate']]);
        })
          .on('error', reject)
          .end();
      });
    expect(await status('/call', { host: 'evil.example' })).toEqual([403, undefined]);
    expect(await status('/any', { host: 'evil.example' })).toEqual([200, undefined]);
    expect(await status('/nothing', { host: 'evil.example' })).toEqual([403, undefined]);
    expect(await status('/call', { origin: 'https://evil.example' }, 'OPTIONS')).toEqual([403, undefined]);
    expect(await status('/call', { origin: 'http://localhost:1' }, 'OPTIONS')).toEqual([204, undefined]);
    expect(await status('/call')).toEqual([401, 'Bearer realm="x"']);
    expect(await status('/call', { authorization: 'Bearer no' })).toEqual([403, undefined]);
    expect(await status('/call', { authorization: 'Bearer k' })).toEqual([200, undefined]);
    expect(await status('/open?q=ä')).toEqual([200, undefined]);
    expect(await status('/nothing')).toEqual([404, undefined]);
    expect(one.events.filter(({ type }) => type === 'auth.refused')).toHaveLength(2);
  });

  it('tells a web page of an allowed origin what it may read, and no other', async () => {
    await using one = await listening();
    const fine = await fetch(`${one.url}/open`, { headers: { origin: 'http://localhost:5173' } });
    expect(fine.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
    expect(fine.headers.get('access-control-allow-credentials')).toBeNull();
    expect(fine.headers.get('vary')).toBe('Origin');
    const foreign = await fetch(`${one.url}/open`, { headers: { origin: 'https://evil.example' } });
    expect([foreign.status, foreign.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  });

  it('refuses two Origin headers, and an absolute address of somebody else', async () => {
    await using one = await listening();
    const { port } = one.listener;
    const get = (path: string, ...headers: string[]) =>
      raw(port, `GET ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    expect(await get('/open', 'Host: localhost', 'Origin: http://localhost', 'Origin: https://evil.example')).toContain(
      '403',
    );
    expect(await get('/open', 'Host: localhost', 'Host: evil.example')).not.toContain('200');
    expect(await get('http://evil.example/open', 'Host: localhost')).not.toContain('200');
    expect(await get('/open', 'X: 1')).toMatch(/400|403/);
    expect(await get('/open', 'Host: localhost', `X: ${'x'.repeat(20_000)}`)).toContain('431');
    expect(await raw(port, 'nonsense\r\n\r\n')).toContain('400');
    expect(await get('/open', 'Host: localhost')).toContain('200');
  });

  it("a bug is that request's 500 with an id, and a log line; never a stack (MP5)", async () => {
    await using one = await listening();
    for (const path of ['/throws', '/rejects']) {
      const response = await fetch(one.url + path);
      const text = await response.text();
      expect(response.status).toBe(500);
      expect(text).toMatch(/correlation id [0-9a-f-]{36}/);
      expect(text).not.toContain('secret detail');
    }
    await expect(fetch(`${one.url}/late`).then((response) => response.text())).rejects.toThrow();
    expect(one.events.filter(({ type }) => type === 'log')).toHaveLength(3);
    expect((await fetch(`${one.url}/open`)).status).toBe(200);
  });

  it('reads bodies up to their limit, declared or not', async () => {
    await using one = await listening();
    const post = (body: string | ReadableStream) =>
      fetch(`${one.url}/body`, { method: 'POST', body, duplex: 'half' } as RequestInit).then(
        ({ status }) => status,
        () => 413,
      );
    expect(await post('x'.repeat(1_000))).toBe(200);
    expect(await post('x'.repeat(1_001))).toBe(413);
    const chunked = new ReadableStream({
      start(controller) {
        for (let part = 0; part < 20; part++) controller.enqueue(new TextEncoder().encode('x'.repeat(100)));
        controller.close();
      },
    });
    expect(await post(chunked)).toBe(413);
    expect((await fetch(`${one.url}/open`)).status).toBe(200);
  });

  it('says which port is taken, or takes one that follows (12.1, F-G5)', async () => {
    await using one = await listening();
    const { port } = one.listener;
    const taken = listening({ port });
    await expect(taken).rejects.toBeInstanceOf(ListenFailed);
    await expect(taken).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringContaining('address in use'),
    });
    await using next = await listening({ port, tries: 100 });
    expect(next.listener.port).toBeGreaterThan(port);
    await expect(listening({ host: '203.0.113.1' })).rejects.toBeInstanceOf(ListenFailed);
  });

  it('drains: what was accepted is answered, and nothing new comes in (X-86)', async () => {
    let finish: () => void = () => undefined;
    await using one = await listening({
      route: () => ({
        access: 'open',
        handle: ({ response }) => {
          finish = () => sendDetail(response, 200, 'done');
        },
      }),
    });
    const answer = fetch(`${one.url}/slow`);
    while (finish.toString() === (() => undefined).toString()) await new Promise((resolve) => setTimeout(resolve, 5));
    one.listener.drain();
    expect(one.listener.draining).toBe(true);
    expect(await one.listener.finished(20)).toBe(false);
    await expect(fetch(`${one.url}/new`)).rejects.toThrow();
    const all = one.listener.finished(5_000);
    finish();
    expect(await (await answer).json()).toEqual({ detail: 'done' });
    expect(await all).toBe(true);
    expect(await one.listener.finished(1)).toBe(true);
  });

  it.each([
    ['127.0.0.1', true],
    ['127.8.9.10', true],
    ['localhost', true],
    ['::1', true],
    ['0.0.0.0', false],
    ['::', false],
    ['192.168.1.1', false],
    ['127.evil', false],
    ['', false],
  ])('%s is reachable from here only: %s', (host, only) => {
    expect(isLoopback(host)).toBe(only);
  });

  it('prints an address that can be opened', async () => {
    await using any = await listening({ host: '0.0.0.0' });
    expect(any.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await using six = await listening({ host: '::1' });
    expect(six.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect((await fetch(`${six.url}/open`)).status).toBe(200);
  });
});
