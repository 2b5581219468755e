// One edit for all gateways, or for none; one message for one alert.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterUnderTest, SERVER, startCluster } from '../support/cluster.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { NO_REDIS } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';

describe.skipIf(NO_REDIS !== undefined)(`what gateways agree on${NO_REDIS ? `: ${NO_REDIS}` : ''}`, () => {
  let cluster: ClusterUnderTest;
  const messages: { event?: string; alert?: { rule: string } }[] = [];
  const hook = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      messages.push(JSON.parse(text));
      response.end();
    });
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook`;
    const broken = { command: process.execPath, args: ['-e', 'process.exit(1)'] };
    const rules = [{ name: 'upstream_down', error: 100_000, critical: 100_001, warning: 1, window: '1s' }];
    cluster = await startCluster({
      config: {
        monitor: { rules, sinks: [{ type: 'webhook', url }] },
        upstreams: { box: { command: process.execPath, args: [SERVER, '/dev/null'] }, broken },
      },
      waitFor: ['box'],
    });
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await new Promise((resolve) => hook.close(resolve));
  });

  const text = async (at: number) => {
    const { text, etag } = await cluster.api(cluster.gateways[at] as never, '/config');
    return { document: JSON.parse(String(text)), etag };
  };

  it('take an edit that was made at one of them, and report it (F-R9)', async () => {
    const { document } = await text(0);
    const shared = cluster.redis.url;
    const next = { ...document, storage: { shared }, locale: 'zh' };
    const answer = await cluster.api(cluster.gateways[0] as never, '/config', {
      method: 'PUT',
      body: JSON.stringify({ text: JSON.stringify(next, null, 2), reason: 'test' }),
    });
    expect(answer).not.toHaveProperty('detail');
    for (const at of [1, 2])
      await waitFor(async () => (await text(at)).document.locale === 'zh', { within: 10_000, what: `gateway ${at}` });
  });

  it('refuse together what one of them refuses (F-R9)', async () => {
    const victim = cluster.gateways[2];
    victim?.program.signal('SIGSTOP');
    const { document } = await text(0);
    const answer = await cluster.api(cluster.gateways[0] as never, '/config', {
      method: 'PUT',
      body: JSON.stringify({ text: JSON.stringify({ ...document, locale: 'en' }, null, 2), reason: 'test' }),
    });
    victim?.program.signal('SIGCONT');
    expect(JSON.stringify(answer)).toContain('did not answer');
    for (const at of [0, 1, 2]) expect((await text(at)).document.locale).toBe('zh');
  });

  it('a gateway that comes later takes what was agreed on (F-R9)', async () => {
    const added = await cluster.add();
    await waitFor(async () => (await text(cluster.gateways.indexOf(added))).document.locale === 'zh', {
      within: 10_000,
      what: 'the new one',
    });
    await added.upstreamsIn(['box']);
    const client = new ModernHttpClient(`${added.url}/mcp/box`);
    expect((await client.toolNames()).length).toBeGreaterThan(0);
    await client.close();
  });

  it('tell of one alert once, not once for each gateway (F-R11)', async () => {
    await waitFor(() => messages.length > 0, { within: 40_000, what: 'the alert' });
    // Every gateway judges each five seconds.
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    expect(messages).toHaveLength(1);
  });
});
