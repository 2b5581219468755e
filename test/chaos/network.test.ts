// Faults of names, certificates and lines on the whole gateway: who calls is answered in its time, with the reason.
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { RpcFailure, textOf } from '../support/rpc.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { tlsFile, tlsFront } from '../support/tls-front.ts';
import { startUpstream } from '../support/upstream.ts';

const client = (gateway: Gateway, upstream: string) => new ModernHttpClient(`${gateway.url}/mcp/${upstream}`);

async function failure(gateway: Gateway, upstream: string): Promise<RpcFailure> {
  await using caller = client(gateway, upstream);
  const thrown: unknown = await caller.call('read', { nonce: 'x' }).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(RpcFailure);
  return thrown as RpcFailure;
}

describe('certificates (F-H25)', () => {
  it.each([
    ['http', 'https:', 'streamable-http'],
    ['sse', 'https:', 'sse'],
    ['ws', 'wss:', 'websocket'],
  ] as const)(
    'expired, of another host, self-signed, of nobody we know: refused with the reason; over %s',
    async (kind, protocol, transport) => {
      await using server = await startUpstream('healthy', { transport: kind });
      const names = ['expired', 'elsewhere', 'ca', 'localhost'] as const;
      const fronts = await Promise.all(names.map((name) => tlsFront(name, server.url.replace(/^ws/, 'http'))));
      const urlOf = (index: number) => (fronts[index] as (typeof fronts)[0]).url.replace('https:', protocol);
      const common = { transport, timeouts: { ready: '500ms' } };
      const ca = tlsFile('ca');
      const upstreams = {
        expired: { ...common, url: urlOf(0), tls: { ca } },
        elsewhere: { ...common, url: urlOf(1), tls: { ca } },
        self: { ...common, url: urlOf(2) },
        unknown: { ...common, url: urlOf(3) },
        known: { ...common, url: urlOf(3), tls: { ca } },
        trusted: { ...common, url: urlOf(0), tls: { insecure: true } },
      };
      try {
        await using gateway = await startGateway({ config: { upstreams } });
        await gateway.upstreamsIn(['known', 'trusted']);
        for (const [name, reason] of [
          ['expired', /expired/],
          ['elsewhere', /ERR_TLS_CERT_ALTNAME_INVALID|altnames|does not match|another host/],
          ['self', /self.signed/],
          ['unknown', /unable to verify|issuer|authority that is not trusted/],
        ] as const) {
          const { message, data } = await failure(gateway, name);
          expect(message, name).toMatch(reason);
          expect(data, name).toMatchObject({ upstream: name, delivery: 'not-sent' });
        }
        for (const name of ['known', 'trusted']) {
          await using caller = client(gateway, name);
          expect(textOf(await caller.call('read', { nonce: name }))).toBe(name);
        }
        // Who is not checked is shown, and said at the start.
        expect(gateway.stderr).toMatch(/\[trusted\] its certificate is not checked/);
        const { upstreams: shown } = (await gateway.health()) as { upstreams: Record<string, unknown> };
        expect(shown.trusted).toMatchObject({ certificate: 'not checked' });
        expect(shown.known).not.toHaveProperty('certificate');
      } finally {
        for (const front of fronts) await front[Symbol.asyncDispose]();
      }
    },
  );
});

describe('names (F-H26)', () => {
  /** Answers look-ups of `*.fault.test` in the gateway's process as a file says: an error code, or an address. */
  const resolver = (file: string) => `
    import dns from 'node:dns';
    import { readFileSync } from 'node:fs';
    const real = dns.lookup;
    dns.lookup = (host, options, callback) => {
      if (!host.endsWith('.fault.test')) return real(host, options, callback);
      const done = typeof options === 'function' ? options : callback;
      const { [host.split('.')[0]]: answer, looked } = JSON.parse(readFileSync(${JSON.stringify(file)}, 'utf8'));
      const failed = (code) => done(Object.assign(new Error('getaddrinfo ' + code + ' ' + host), { code, syscall: 'getaddrinfo', hostname: host }));
      const found = () => options?.all ? done(null, [{ address: answer, family: 4 }]) : done(null, answer, 4);
      if (answer === 'slow') return void setTimeout(() => failed('ETIMEOUT'), 8000).unref();
      setImmediate(/^E/.test(answer) ? () => failed(answer) : found);
    };
  `;

  it('nobody, slow, and one that comes and goes', async () => {
    await withTempDir(async (folder) => {
      const file = join(folder, 'names.json');
      const names = (more: object) =>
        writeFile(file, JSON.stringify({ nobody: 'ENOTFOUND', slow: 'slow', flaps: 'EAI_AGAIN', ...more }));
      await names({});
      await using server = await startUpstream('healthy');
      const at = (name: string, more: object = {}) => ({
        url: `http://${name}.fault.test:${server.port}/mcp`,
        transport: 'streamable-http',
        timeouts: { ready: '500ms', ...more },
      });
      const nobodyOver = {
        sse: { ...at('nobody'), transport: 'sse' },
        ws: { ...at('nobody'), url: `ws://nobody.fault.test:${server.port}/mcp`, transport: 'websocket' },
      };
      await using gateway = await startGateway({
        config: {
          upstreams: {
            nobody: at('nobody'),
            slow: at('slow', { dial: '300ms' }),
            flaps: at('flaps'),
            'nobody-sse': nobodyOver.sse,
            'nobody-ws': nobodyOver.ws,
          },
        },
        nodeArgs: ['--import', `data:text/javascript,${encodeURIComponent(resolver(file))}`],
      });
      for (const name of ['nobody', 'nobody-sse', 'nobody-ws'])
        expect((await failure(gateway, name)).message, name).toMatch(
          /nobody\.fault\.test.*ENOTFOUND|ENOTFOUND nobody\.fault\.test/,
        );
      const began = performance.now();
      expect((await failure(gateway, 'slow')).data).toMatchObject({ upstream: 'slow', delivery: 'not-sent' });
      expect(performance.now() - began).toBeLessThan(7_500);
      expect((await failure(gateway, 'flaps')).message).toMatch(/EAI_AGAIN/);
      // Each dial asks anew: it is found as soon as the name is.
      await names({ flaps: '127.0.0.1' });
      await gateway.upstreamsIn(['flaps'], 'ready', 40_000);
      await using caller = client(gateway, 'flaps');
      expect(textOf(await caller.call('write', { nonce: 'found' }))).toBe('found');
      // Away and at another address: no address is kept longer than its connection.
      await names({ flaps: '127.0.0.2' });
      await server.stop('SIGKILL');
      await using moved = await startUpstream('healthy');
      const there = createServer((socket) => {
        const on = connect(moved.port, '127.0.0.1').on('error', () => socket.destroy());
        socket
          .on('error', () => on.destroy())
          .pipe(on)
          .pipe(socket);
      });
      await once(there.listen(server.port, '127.0.0.2'), 'listening');
      expect(textOf(await caller.call('read', { nonce: 'moved' }))).toBe('moved');
      expect((await moved.ledger()).some(({ nonce }) => nonce === 'moved')).toBe(true);
      there.close();
    });
  });
});

describe('servers that are late (B = deadline + 1 s)', () => {
  it.each([
    ['F-H9', 'accepts-in-silence', {}],
    ['F-H10', 'headers-then-silence', { type: 'application/json' }],
    ['F-H10', 'headers-then-silence', { type: 'text/event-stream' }],
    ['F-H16', 'sse-keep-alive-only', {}],
    ['F-H22', 'slow-bytes', { ms: 100 }],
    ['F-I24', 'progress-forever', {}],
  ])('%s %s %j: answered in time, the neighbour does not notice', async (_, name, set) => {
    await using bad = await startUpstream(name, { set: set as Record<string, string> });
    await using good = await startUpstream('healthy');
    const timeouts = { call: '1s' };
    await using gateway = await startGateway({
      config: { upstreams: { bad: { url: bad.url, timeouts }, good: { url: good.url } } },
    });
    await gateway.upstreamsIn();
    if (name === 'accepts-in-silence') await bad.control({ on: true });
    await using caller = client(gateway, 'bad');
    const began = performance.now();
    // Progress moves the deadline of the upstream, never that of the caller.
    const rest = fetch(`${gateway.url}/bad/write`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-timeout': '2' },
      body: JSON.stringify({ nonce: 'rest', fault: true, always: true }),
    }).then((response) => response.status);
    const call =
      name === 'progress-forever'
        ? rest
        : caller.call('write', { nonce: 'late', fault: true, always: true }).catch((error: unknown) => error);
    await using neighbour = client(gateway, 'good');
    expect(textOf(await neighbour.call('read', { nonce: 'alive' }))).toBe('alive');
    const answer = await call;
    expect(performance.now() - began).toBeLessThan(20_000);
    if (answer instanceof RpcFailure) expect(answer.data).toMatchObject({ delivery: 'maybe-sent', retryable: false });
    expect(await rest).toBe(504);
  });
});

describe('lines (T)', () => {
  it('F-T3 300 ms with jitter: works, is seen in the figures, nothing is ejected', async () => {
    await using server = await startUpstream('healthy');
    await using proxy = await startFaultProxy(server.port, { delay: 200, jitter: 200 });
    await using gateway = await startGateway({ config: { upstreams: { far: { url: proxy.through(server.url) } } } });
    await gateway.upstreamsIn();
    await using caller = client(gateway, 'far');
    const calls = Array.from({ length: 12 }, (_, n) => caller.call('write', { nonce: `${n}` }));
    expect((await Promise.all(calls)).map(textOf)).toEqual(Array.from({ length: 12 }, (_, n) => `${n}`));
    expect((await gateway.health()).upstreams.far).toMatchObject({ state: 'ready', health: 'healthy' });
    const metrics = await (await fetch(`${gateway.url}/metrics/prometheus`)).text();
    const sum = Number(/holdfast_call_upstream_seconds_total\{upstream="far"\} (\S+)/.exec(metrics)?.[1]);
    expect(sum / 12).toBeGreaterThan(0.4);
  });

  it('F-T4 a slow line: a large answer comes, or its deadline does', async () => {
    await using server = await startUpstream('big-message', { set: { mb: 1 } });
    await using proxy = await startFaultProxy(server.port);
    await using gateway = await startGateway({
      config: { upstreams: { slow: { url: proxy.through(server.url), timeouts: { call: '1s' } } } },
    });
    await gateway.upstreamsIn();
    await using caller = client(gateway, 'slow');
    proxy.set({ bandwidth: 20_000 });
    const began = performance.now();
    const thrown: unknown = await caller.call('write', { nonce: 'big', fault: true }).catch((error: unknown) => error);
    expect(performance.now() - began).toBeLessThan(15_000);
    expect((thrown as RpcFailure).data).toMatchObject({ fault: 'UPSTREAM_TIMEOUT', delivery: 'maybe-sent' });
    proxy.set({});
    expect(textOf(await caller.call('write', { nonce: 'after' }))).toBe('after');
  });

  it('F-T8 a partition: calls are refused soon, it is found when it heals, and nobody hammers', async () => {
    await using server = await startUpstream('healthy');
    await using proxy = await startFaultProxy(server.port);
    await using gateway = await startGateway({
      config: {
        upstreams: {
          cut: { url: proxy.through(server.url), timeouts: { call: '1s', ready: '1s', dial: '500ms' } },
        },
      },
    });
    await gateway.upstreamsIn();
    await using caller = client(gateway, 'cut');
    proxy.set({ blackHole: true, halfOpen: true });
    const before = proxy.accepted;
    const cut = performance.now();
    let refused = 0;
    while (performance.now() - cut < 6_000) {
      const began = performance.now();
      await caller.call('write', { nonce: 'lost' }).catch(() => refused++);
      expect(performance.now() - began).toBeLessThan(15_000);
      await new Promise((resolve) => setTimeout(resolve, 20)); // a caller that does not give up
    }
    expect(refused).toBeGreaterThan(1);
    expect(proxy.accepted - before).toBeLessThan(60);
    proxy.set({});
    proxy.resetAll();
    const healed = performance.now();
    while (!(await caller.call('read', { nonce: 'back' }).then(textOf, () => undefined))) {
      expect(performance.now() - healed).toBeLessThan(40_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const after = performance.now() - healed;
    expect(after).toBeLessThan(30_000);
  });
});
