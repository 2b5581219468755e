// What belongs to one gateway is reached through any: calls that wait for their client, upstreams that run once.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterUnderTest, SERVER, startCluster } from '../support/cluster.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { NO_REDIS } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';

type Result = { content: { text: string }[]; resultType?: string; requestState?: string };

describe.skipIf(NO_REDIS !== undefined)(`what one gateway has${NO_REDIS ? `: ${NO_REDIS}` : ''}`, () => {
  let cluster: ClusterUnderTest;

  beforeAll(async () => {
    cluster = await startCluster({
      config: {
        upstreams: {
          box: { command: process.execPath, args: [SERVER, '/dev/null'] },
          one: { command: process.execPath, args: [SERVER, '/dev/null'], singleton: true },
        },
        defaultView: 'box',
        log: { level: 'debug' },
      },
    });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const text = (result: unknown) => (result as Result).content[0]?.text ?? '';

  it('a call that a modern client is asked by goes on wherever its retry arrives (F-R8)', async () => {
    const clients = cluster.gateways.map(
      ({ url }) => new ModernHttpClient(`${url}/mcp`, { capabilities: { elicitation: { form: {} } } }),
    );
    const [first, second] = clients as [ModernHttpClient, ModernHttpClient];
    const asked = (await first.request('tools/call', { name: 'ask', arguments: {} })) as unknown as Result & {
      inputRequests: Record<string, unknown>;
    };
    expect(asked.resultType).toBe('input_required');
    const answered = await second.request('tools/call', {
      name: 'ask',
      arguments: {},
      requestState: asked.requestState,
      inputResponses: Object.fromEntries(
        Object.keys(asked.inputRequests).map((key) => [key, { action: 'accept', content: { name: 'Ada' } }]),
      ),
    });
    expect(text(answered)).toContain('Ada');
    for (const client of clients) await client.close();
  });

  it('an answer of a legacy client finds the gateway that asked (F-R8)', async () => {
    const client = new LegacyHttpClient(`${cluster.balancer.url}/mcp`, { capabilities: { elicitation: {} } });
    client.responder = async () => ({ action: 'accept', content: { name: 'Grace' } });
    await client.initialize();
    for (let n = 0; n < 4; n++)
      expect(text(await client.request('tools/call', { name: 'ask', arguments: {} }))).toContain('Grace');
    await client.close();
  });

  it('a singleton runs once and is reached through every gateway (F-R10)', async () => {
    const pids = new Set<string>();
    for (const { url } of cluster.gateways) {
      const client = new ModernHttpClient(`${url}/mcp/one`);
      const { tools } = (await client.request('tools/list')) as { tools: unknown[] };
      expect(tools.length).toBeGreaterThan(5);
      pids.add(text(await client.request('tools/call', { name: 'who', arguments: {} })));
      await client.close();
    }
    expect(pids.size).toBe(1);
  });

  it('a question of a singleton reaches the client of another gateway (F-R10)', async () => {
    for (const { url } of cluster.gateways) {
      const client = new LegacyHttpClient(`${url}/mcp/one`, { capabilities: { elicitation: {} } });
      client.responder = async () => ({ action: 'accept', content: { name: 'Edsger' } });
      await client.initialize();
      expect(text(await client.request('tools/call', { name: 'ask', arguments: {} }))).toContain('Edsger');
      await client.close();
    }
  });

  it('nobody without the keys of the cluster is served as a gateway (F-R10)', async () => {
    const { url } = cluster.gateways[0] as { url: string };
    for (const authorization of ['', 'Holdfast x', `Holdfast ${Date.now()}.${'A'.repeat(43)}`]) {
      const response = await fetch(`${url}/api/v1/cluster/peer`, {
        method: 'POST',
        headers: { authorization },
        body: '{}',
      });
      expect(response.status).toBe(401);
    }
  });

  it('another gateway takes a singleton over when its owner is killed (F-R10)', async () => {
    const owner = await waitFor(
      async () => {
        const { instances } = (await cluster.api(cluster.gateways[0] as never, '/cluster')) as {
          instances: { url: string; leases: string[] }[];
        };
        return instances.find(({ leases }) => leases.includes('upstream:one'))?.url;
      },
      { every: 50, what: 'an owner' },
    );
    const victim = cluster.gateways.find(({ url }) => url === owner);
    const other = cluster.gateways.find(({ url }) => url !== owner);
    const client = new ModernHttpClient(`${other?.url}/mcp/one`);
    const before = text(await client.request('tools/call', { name: 'who', arguments: {} }));
    await victim?.stop({ signal: 'SIGKILL' }).catch(() => undefined);
    const killed = performance.now();
    const after = text(await client.request('tools/call', { name: 'who', arguments: {} }));
    expect(after).not.toBe(before);
    expect(performance.now() - killed).toBeLessThan(40_000);
    await client.close();
  });

  it('what a client subscribed to at one gateway is told on its stream at another one (F-R7)', async () => {
    const [here, there] = cluster.gateways.filter(({ program }) => program.running);
    const stream = new LegacyHttpClient(`${here?.url}/mcp`);
    await stream.initialize();
    await stream.openStream();
    const other = new LegacyHttpClient(`${there?.url}/mcp`);
    other.sessionId = stream.sessionId;
    other.revision = stream.revision;
    await other.request('resources/subscribe', { uri: 'box://one' });
    const updated = stream.notification('notifications/resources/updated');
    await waitFor(
      async () => {
        await other.request('tools/call', { name: 'touch', arguments: {} });
        return await Promise.race([
          updated.then(() => true),
          new Promise((resolve) => setTimeout(() => resolve(false), 200)),
        ]);
      },
      { within: 30_000, what: 'the update' },
    );
    const grown = stream.notification('notifications/tools/list_changed');
    await other.request('tools/call', { name: 'grow', arguments: {} });
    await grown;
    await stream.close();
    await other.close();
  });

  it('writes no secret into its log', () => {
    for (const { stderr } of cluster.gateways) expect(stderr).not.toContain('Holdfast ');
    expect(() => readFileSync(cluster.ledger)).toThrow();
  });
});
