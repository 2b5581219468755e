// Losing and finding the peer again, over real sockets (X-60 …; F-X1 … F-X5).
import { afterEach, describe, expect, it } from 'vitest';
import type { XiaozhiFace } from '../../src/faces/xiaozhi/endpoint-manager.ts';
import { CloudSimulator, tokenFor } from './simulators/cloud.ts';
import { RelaySimulator } from './simulators/relay.ts';
import { configured, isState, QUICK, rig } from './support.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
const keep = <T extends { stop(): Promise<void> }>(simulator: T): T => {
  ends.push(() => simulator.stop());
  return simulator;
};
const keepFace = (face: XiaozhiFace) => ends.push(() => face.close(0));

describe('reconnecting', () => {
  it.each([[4004], [1001], [1011], [1012], [1013], [1006]])('dials again after close %i (X-62, F-X3)', async (code) => {
    const cloud = keep(await CloudSimulator.start());
    const first = cloud.next();
    const { face, event, events } = rig(cloud.url(), QUICK);
    keepFace(face);
    const connection = await first;
    await connection.message(({ id }) => id === 1);
    const [lost, again] = [event(({ type }) => type === 'face.lost'), cloud.next()];
    if (code === 1006) connection.break();
    else connection.close(code, 'Internal server error');
    expect(await lost).toMatchObject({ endpoint: face.status()[0]?.name, retryInMs: expect.any(Number) });
    const second = await again;
    await second.message(({ id }) => id === 1);
    expect(face.status()[0]?.lastError).toContain(String(code));
    expect(events.filter(({ type }) => type === 'face.connected')).toHaveLength(2);
  });

  it('dials until a peer that is not there comes up, and says why meanwhile (F-X1)', async () => {
    const gone = await CloudSimulator.start();
    const url = gone.url();
    await gone.stop();
    const { face, event } = rig(url, QUICK);
    keepFace(face);
    await event(isState('backoff'));
    expect(face.status()[0]).toMatchObject({ state: 'backoff', lastError: 'cannot be reached (ECONNREFUSED)' });
    await event(isState('backoff'));
    expect(face.status()[0]?.reconnectAttempts).toBeGreaterThanOrEqual(2);
    expect(face.status()[0]?.healthScore).toBeLessThan(100);
  });

  it('never stops for a 503 (F-X1)', async () => {
    let asked = 0;
    const cloud = keep(await CloudSimulator.start({ refuse: () => (++asked <= 5 ? 503 : undefined) }));
    const opened = cloud.next();
    const { face } = rig(cloud.url(), QUICK);
    keepFace(face);
    await opened;
    expect(cloud.dials).toBe(6);
  });

  it.each([[401], [403]])(
    'stops after three HTTP %i in a row and says so; a new URL is dialled at once (F-X1)',
    async (status) => {
      const cloud = keep(
        await CloudSimulator.start({ refuse: ({ url }) => (url?.includes('good') ? undefined : status) }),
      );
      const { face, event, warnings } = rig([{ url: cloud.url('bad-token-1'), name: 'home' }], QUICK);
      keepFace(face);
      await event(isState('stopped'));
      expect(cloud.dials).toBe(3);
      const [stopped] = face.status();
      expect(stopped).toMatchObject({ state: 'stopped', lastError: `the token is refused (HTTP ${status})` });
      expect(Date.parse(stopped?.nextTryAt ?? '') - Date.now()).toBeGreaterThan(3_500_000);
      expect(warnings().join()).toContain('stopped');
      const opened = cloud.next();
      face.apply(configured([{ url: cloud.url('good-token'), name: 'home' }], QUICK));
      await opened;
    },
  );

  it('stops at once for 1008, and looks again when somebody says so (X-62, D-26)', async () => {
    const relay = keep(await RelaySimulator.start({ tokens: ['right'] }));
    const { face, event } = rig([{ url: relay.url('wrong'), name: 'a' }], QUICK);
    keepFace(face);
    await event(isState('stopped'));
    expect(relay.connections).toBe(1);
    expect(face.status()[0]?.lastError).toBe('the peer refuses the token (1008): token invalid');
    const again = event(isState('stopped'));
    expect(face.connect('a')).toBe(true);
    await again;
    expect(relay.connections).toBe(2);
    expect(face.connect('nobody')).toBe(false);
  });

  it('two gateways with one token do not evict each other for ever (X-62, D-26)', async () => {
    const relay = keep(await RelaySimulator.start());
    const opened = relay.next();
    const one = rig([{ url: relay.url(), name: 'one' }], QUICK);
    keepFace(one.face);
    await opened;
    const evicted = one.event(isState('replaced'));
    const two = rig([{ url: relay.url(), name: 'two' }], QUICK);
    keepFace(two.face);
    await evicted;
    const [status] = one.face.status();
    expect(Date.parse(status?.nextTryAt ?? '') - Date.now()).toBeGreaterThan(290_000);
    expect(one.warnings().join()).toContain('Two programs use this token');
    expect(relay.connections).toBe(2);
    expect(two.face.isAnyConnected()).toBe(true);
  });

  it('takes short lives that end with 1000 again and again for a replacement', async () => {
    const cloud = keep(await CloudSimulator.start({ opened: (connection) => connection.close(1000) }));
    const { face, event } = rig(cloud.url(), { reconnect: { baseDelay: '5ms', maxDelay: '5ms' } });
    keepFace(face);
    await event(isState('replaced'));
    expect(cloud.connections).toHaveLength(3);
  });

  it('a connection of 200 ms does not reset the back-off; a stable one does (F-X2, X-73)', async () => {
    let life = 10;
    const cloud = keep(
      await CloudSimulator.start({
        initialise: false,
        opened: (connection) => setTimeout(() => connection.break(), life).unref(),
      }),
    );
    const { face, event } = rig(cloud.url(), {
      reconnect: { baseDelay: '2ms', maxDelay: '10ms', stableAfter: '100ms' },
    });
    keepFace(face);
    for (let lost = 0; lost < 4; lost++) await event(isState('backoff'));
    expect(face.status()[0]?.reconnectAttempts).toBe(4);
    life = 150;
    await event(isState('backoff'));
    await event(isState('backoff'));
    expect(face.status()[0]?.reconnectAttempts).toBe(1);
  });

  it('finds a half-open socket by its pings and dials again (F-X4)', async () => {
    const relay = keep(await RelaySimulator.start({ halfOpen: (count) => count === 1 }));
    const { face, event } = rig(relay.url(), { ...QUICK, health: { interval: '60ms', timeout: '40ms' } });
    keepFace(face);
    const lost = (await event(({ type }) => type === 'face.lost')) as { reason: string };
    expect(lost.reason).toBe('nobody answers any more');
    await event(isState('connected'));
    expect(relay.connections).toBe(2);
    await relay.handshake();
  });

  it('finds an open but deaf socket after an unclean loss, and dials again in order (D-26, X-61)', async () => {
    const relay = keep(await RelaySimulator.start({ lateCleanup: true }));
    let opened = relay.next();
    const { face, event } = rig(relay.url(), {
      ...QUICK,
      health: { interval: '200ms', timeout: '60ms' },
    });
    keepFace(face);
    await opened;
    await relay.handshake();
    expect(await relay.robot('ping')).toMatchObject({ result: {} });
    // Our socket is lost without a word; the relay notices late, and forgets the wrong one.
    opened = relay.next();
    relay.mute();
    await event(isState('backoff'));
    await opened;
    await event(isState('connected'));
    await expect.poll(() => relay.registered()).toBe(false);
    expect(face.isAnyConnected()).toBe(true);
    expect(await relay.robot('ping')).toMatchObject({ error: { code: -32001 } });
    opened = relay.next();
    const deaf = (await event(({ type }) => type === 'face.lost')) as { reason: string };
    expect(deaf.reason).toBe('the connection is open, but nothing comes through it');
    await opened;
    await expect.poll(() => relay.registered()).toBe(true);
    expect(await relay.robot('ping')).toMatchObject({ result: {} });
  });

  it('gives a peer up that does not read', async () => {
    const cloud = keep(await CloudSimulator.start());
    const opened = cloud.next();
    const { face, view, event } = rig(cloud.url(), { ...QUICK, maxResult: '20MB' });
    keepFace(face);
    const connection = await opened;
    await connection.message(({ id }) => id === 1);
    view.tool('big', () => 'x'.repeat(3_000_000));
    (connection.socket as unknown as { _socket: { pause(): void } })._socket.pause();
    const lost = event(({ type }) => type === 'face.lost');
    for (let n = 0; n < 30; n++)
      connection.send({ jsonrpc: '2.0', id: `b${n}`, method: 'tools/call', params: { name: 'big' } });
    expect(await lost).toMatchObject({ reason: 'the peer does not take what is sent' });
  });

  it('stays away where reconnecting is switched off, until somebody connects it', async () => {
    const cloud = keep(await CloudSimulator.start());
    let opened = cloud.next();
    const { face, event } = rig([{ url: cloud.url(), name: 'a' }], { reconnect: { enabled: false } });
    keepFace(face);
    (await opened).break();
    await event(isState('idle'));
    opened = cloud.next();
    face.connect('a');
    await opened;
  });

  it('connects and disconnects by name, calls in flight first (D-03)', async () => {
    const cloud = keep(await CloudSimulator.start());
    let opened = cloud.next();
    const { face, view } = rig([{ url: cloud.url(), name: 'a' }]);
    keepFace(face);
    const connection = await opened;
    await connection.message(({ id }) => id === 1);
    let finish = (_: string): void => undefined;
    const running = new Promise<void>((resolve) => {
      view.tool('slow', () => {
        resolve();
        return new Promise<string>((done) => {
          finish = done;
        });
      });
    });
    const answer = connection.text('slow');
    await running;
    const left = face.disconnect('a');
    finish('done');
    expect(await answer).toBe('done');
    await left;
    expect(await connection.closed).toEqual({ code: 1000, reason: '' });
    expect(face.status()[0]?.state).toBe('idle');
    expect(await face.disconnect('nobody')).toBe(false);
    opened = cloud.next();
    face.connect('a');
    await opened;
  });

  it('shows agent, endpoint and expiry of the token, and the token nowhere (X-67)', async () => {
    const token = tokenFor(1234567, 1_600_000_000);
    const cloud = keep(await CloudSimulator.start());
    const opened = cloud.next();
    const { face, events } = rig(cloud.url(token), QUICK);
    keepFace(face);
    const connection = await opened;
    await connection.message(({ id }) => id === 1);
    connection.close(4000, `go away ${token.slice(0, 60)}`);
    await expect.poll(() => face.status()[0]?.lastError).toContain('go away ***');
    const [status] = face.status();
    expect(status).toMatchObject({
      name: 'agent_1234567',
      agent: '1234567',
      endpointId: 'agent_1234567',
      expiresAt: '2020-09-13T12:26:40.000Z',
    });
    expect(status?.endpoint).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/mcp\/\?token=\*\*\*$/);
    expect(status?.remarks).toContain('the token says that it has expired');
    const everything = JSON.stringify([events, face.status()]);
    for (const part of token.split('.')) expect(everything).not.toContain(part);
  });

  it('a file that TLS names and nobody can read is told, and tried again', async () => {
    const { face, event } = rig([{ url: 'wss://127.0.0.1:9/', tls: { ca: '/nowhere/ca.pem' } }], QUICK);
    keepFace(face);
    await event(isState('backoff'));
    expect(face.status()[0]?.lastError).toBe('cannot be reached (UPSTREAM_START_FAILED)');
  });
});
