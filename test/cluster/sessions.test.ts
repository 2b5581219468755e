// Several gateways on one Redis are one service for their clients: sessions, registry, cost of a call.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterUnderTest, seen, startCluster } from '../support/cluster.ts';
import { holdfast } from '../support/holdfast.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { NO_REDIS } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';

describe.skipIf(NO_REDIS !== undefined)(`three gateways on one Redis${NO_REDIS ? `: ${NO_REDIS}` : ''}`, () => {
  let cluster: ClusterUnderTest;

  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  it('know each other: address, version, configuration, state (F-R2)', async () => {
    for (const gateway of cluster.gateways) {
      const { instances, store } = (await cluster.api(gateway, '/cluster')) as {
        instances: { url: string; state: string; version: string; config: { version: number } }[];
        store: { state: string };
      };
      expect(store.state).toBe('ready');
      expect(instances.map(({ url }) => url).sort()).toEqual(cluster.gateways.map(({ url }) => url).sort());
      for (const one of instances) expect(one).toMatchObject({ state: 'serving', config: { version: 1 } });
    }
  });

  it('are shown by `holdfast status --cluster`, asked at any of them (F-R2)', async () => {
    for (const { dataDir } of cluster.gateways) {
      const { code, out } = await holdfast(['status', '--cluster', '--data-dir', dataDir], { home: dataDir });
      expect(code).toBe(0);
      for (const { url } of cluster.gateways) expect(out).toContain(url);
    }
  });

  it('serve one legacy session and one modern client, whichever is asked (F-R1)', async () => {
    const legacy = new LegacyHttpClient(`${cluster.balancer.url}/mcp`);
    const modern = new ModernHttpClient(`${cluster.balancer.url}/mcp`);
    await legacy.initialize();
    await modern.initialize();
    const pids = new Set<string>();
    for (let n = 0; n < 6; n++) {
      for (const client of [legacy, modern]) {
        const { content } = (await client.request('tools/call', { name: 'who', arguments: {} })) as {
          content: { text: string }[];
        };
        pids.add(content[0]?.text ?? '');
      }
    }
    expect(pids.size).toBe(3);
    await legacy.close();
    await modern.close();
  });

  it('know at once that a session was ended at another one, and what one was told of a client (F-R1)', async () => {
    const capabilities = { experimental: { long: { text: 'x'.repeat(3000) } }, elicitation: {} };
    const clients = cluster.gateways.map(({ url }) => new LegacyHttpClient(`${url}/mcp`, { capabilities }));
    const [first, second, third] = clients as [LegacyHttpClient, LegacyHttpClient, LegacyHttpClient];
    await first.initialize();
    for (const other of [second, third]) {
      other.sessionId = first.sessionId;
      other.revision = first.revision;
      expect(await other.request('ping')).toEqual({});
    }
    expect(await second.endSession()).toBe(204);
    await waitFor(
      async () => {
        const answers = await Promise.allSettled([first.request('ping'), third.request('ping')]);
        return answers.every(({ status }) => status === 'rejected');
      },
      { what: 'the end of the session everywhere' },
    );
    for (const client of clients) await client.close();
  });

  it('ask the store nothing for a healthy call (F-R5)', async () => {
    const client = new ModernHttpClient(`${cluster.balancer.url}/mcp`);
    const total = async () => Object.values(await cluster.redis.commands()).reduce((sum, calls) => sum + calls, 0);
    const upkeep = async (run: () => Promise<unknown>) => {
      const before = await total();
      const began = performance.now();
      await run();
      return { commands: (await total()) - before, seconds: (performance.now() - began) / 1000 };
    };
    const calls = await upkeep(async () => {
      for (let n = 0; n < 300; n++) await client.request('tools/call', { name: 'who', arguments: {} });
    });
    const idle = await upkeep(() => new Promise((resolve) => setTimeout(resolve, calls.seconds * 1000)));
    // Heartbeats go on; a round trip per call would be 300 more.
    expect(calls.commands - idle.commands).toBeLessThan(60);
    await client.close();
  });

  it('are not disturbed by what somebody else writes where they talk (F-R6)', async () => {
    const [channel] = (await cluster.redis.client.pubsub('CHANNELS')) as string[];
    for (const junk of ['', 'not JSON', 'null', '{"topic":7}', '[]'])
      expect(await cluster.redis.client.publish(channel as string, junk)).toBeGreaterThanOrEqual(3);
    await seen(cluster, 3);
    for (const { url } of cluster.gateways) expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  });

  it('go on with sessions of the others after one was killed, and take a new one in (F-R1, F-R2)', async () => {
    const client = new LegacyHttpClient(`${cluster.balancer.url}/mcp`);
    await client.initialize();
    const [victim] = cluster.gateways;
    await victim?.stop({ signal: 'SIGKILL' }).catch(() => undefined);
    for (let n = 0; n < 6; n++) expect(await client.request('ping')).toEqual({});
    await seen(cluster, 2);
    const added = await cluster.add();
    await added.upstreamsIn();
    await seen(cluster, 3);
    for (let n = 0; n < 6; n++) expect(await client.request('ping')).toEqual({});
    await client.close();
  });
});
