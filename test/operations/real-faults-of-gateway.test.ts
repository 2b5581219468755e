// Alerts on real faults that need a whole gateway: a cloud and a store that are gone, a heap that is full.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { NO_REDIS, startRedis } from '../support/redis.ts';
import { faulty } from '../support/upstream.ts';
import { CloudSimulator } from '../xiaozhi/simulators/cloud.ts';
import { ADMIN } from './support/admin-house.ts';
import { admin, alertsOf } from './support/real-faults.ts';

describe.concurrent('default rules on real faults, seen at whole gateways (C-52, C-53, X-46, 10.22)', () => {
  it('endpoint_down: a cloud that is gone and comes back, on the whole gateway', async ({ expect }) => {
    let away = false;
    const cloud = await CloudSimulator.start({ refuse: () => (away ? 503 : undefined) });
    await using gateway = await startGateway({
      config: {
        upstreams: { a: faulty('healthy') },
        endpoints: [{ name: 'robot', url: cloud.url() }],
        monitor: { rules: [{ name: 'endpoint_down', warning: 1, error: 6, critical: 600, window: '1s' }] },
      },
      args: ['--admin-key', ADMIN],
    });
    const severity = async () =>
      (await alertsOf(gateway.url)).open.find(({ rule, subject }) => rule === 'endpoint_down' && subject === 'robot')
        ?.severity;
    await expect.poll(() => cloud.connections.length).toBeGreaterThan(0);
    away = true;
    for (const connection of cloud.connections) connection.break();
    await expect.poll(severity, { timeout: 60_000, interval: 250 }).toBe('warning');
    await expect.poll(severity, { timeout: 60_000, interval: 250 }).toBe('error');
    away = false;
    await expect.poll(severity, { timeout: 60_000, interval: 250 }).toBeUndefined();
    await gateway.stop();
    await cloud.stop();
  });

  it.skipIf(NO_REDIS !== undefined)(
    `shared_store: a store that is gone, for longer and longer, and comes back (F-R6)${NO_REDIS ? `: ${NO_REDIS}` : ''}`,
    async ({ expect }) => {
      await using redis = await startRedis();
      await using gateway = await startGateway({
        config: {
          upstreams: { a: faulty('healthy') },
          storage: { shared: { url: redis.url } },
          monitor: { rules: [{ name: 'shared_store', warning: 1, error: 8, critical: 14, window: '2s' }] },
        },
        args: ['--admin-key', ADMIN],
      });
      await gateway.upstreamsIn();
      const severity = async () =>
        (await alertsOf(gateway.url)).open.find(({ rule }) => rule === 'shared_store')?.severity;
      expect(await severity()).toBeUndefined();
      await redis.kill();
      for (const wanted of ['warning', 'error', 'critical'])
        await expect.poll(severity, { timeout: 60_000, interval: 100 }).toBe(wanted);
      // Calls go on without it.
      const headers = { ...admin, 'content-type': 'application/json' };
      const answer = await fetch(`${gateway.url}/a/read`, { method: 'POST', headers, body: '{"nonce":"alone"}' });
      expect(answer.status).toBe(200);
      await redis.start();
      await expect.poll(severity, { timeout: 60_000, interval: 250 }).toBeUndefined();
      expect((await alertsOf(gateway.url)).history.find(({ rule }) => rule === 'shared_store')).toHaveProperty(
        'resolved',
      );
    },
  );

  it('gateway_heap: calls that hold more than the heap has are refused, and taken again when they are gone (F-G8)', async ({
    expect,
  }) => {
    await using gateway = await startGateway({
      config: {
        upstreams: { a: { ...faulty('hangs'), limits: { inFlight: 1000 } }, b: faulty('healthy') },
        monitor: { rules: [{ name: 'gateway_heap', window: '1s' }] },
      },
      args: ['--admin-key', ADMIN],
      env: { NODE_OPTIONS: '--max-old-space-size=72' },
    });
    await gateway.upstreamsIn();
    const headers = { ...admin, 'content-type': 'application/json' };
    const post = (path: string, body: string, signal?: AbortSignal) =>
      fetch(gateway.url + path, { method: 'POST', headers, body, ...(signal !== undefined && { signal }) });
    const severity = async () =>
      (await alertsOf(gateway.url)).open.find(({ rule }) => rule === 'gateway_heap')?.severity;
    const leave = new AbortController();
    // Many small texts: as values they take several times what they took as bytes.
    const held = JSON.stringify({
      nonce: 'held',
      fault: true,
      always: true,
      many: Array.from({ length: 20_000 }, (_, n) => `text ${n}`),
    });
    let refused = false;
    const waiting: Promise<unknown>[] = [];
    for (let n = 0; n < 1000 && !refused; n++) {
      waiting.push(
        post('/a/write', held, leave.signal)
          .then((answer) => {
            if (answer.status === 503) refused = true;
          })
          .catch(() => undefined),
      );
      await sleep(50);
    }
    expect(refused).toBe(true);
    await expect.poll(severity, { timeout: 60_000, interval: 250 }).toBe('critical');
    const answer = await post('/b/read', '{"nonce":"refused"}');
    expect([answer.status, await answer.json()]).toMatchObject([503, { detail: { fault: 'OVERLOADED' } }]);
    leave.abort();
    await Promise.all(waiting);
    await expect
      .poll(async () => (await post('/b/read', '{"nonce":"again"}')).status, { timeout: 60_000, interval: 500 })
      .toBe(200);
    await expect.poll(severity, { timeout: 60_000, interval: 250 }).toBeUndefined();
  });
});
