// What the main job promises when things happen around it: no mix-up, no lost answer, no process left, no session lost.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { processesUnder, waitGone } from '../support/processes.ts';
import { RpcFailure, textOf } from '../support/rpc.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { executionsOf, faulty, readLedger } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

const one = (name: string, options: Parameters<typeof faulty>[1] = {}) => ({
  upstreams: { u: faulty(name, options) },
  defaultView: 'passthrough',
});

describe('ids (MP6, F-C9)', () => {
  it('two clients with equal ids, 200 calls each, over one upstream: no mix-up', async () => {
    await using gateway = await startGateway({
      config: { upstreams: { u: { ...faulty('out-of-order'), limits: { inFlight: 400 } } } },
    });
    await gateway.upstreamsIn();
    const legacy = new LegacyHttpClient(`${gateway.url}/mcp/u`);
    await legacy.initialize();
    const modern = new ModernHttpClient(`${gateway.url}/mcp/u`);
    const calls = [legacy, modern].flatMap((client, which) =>
      Array.from({ length: 200 }, async (_, id) => {
        const nonce = `client ${which} call ${id}`;
        const answer = await client.exchange(
          'tools/call',
          { name: 'read', arguments: { nonce, fault: true } },
          { id, progressToken: id },
        );
        expect(answer.message.id).toBe(id);
        expect((answer.message.result as { content: { text: string }[] }).content[0]?.text).toBe(nonce);
      }),
    );
    await Promise.all(calls);
    await legacy.close();
    await modern.close();
  });

  it.each([0, 7, 'a', '7', ''])('gives the id %j back as it came', async (id) => {
    await using gateway = await startGateway({ config: one('healthy') });
    await using client = new LegacyHttpClient(`${gateway.url}/mcp/u`);
    await client.initialize();
    const { message } = await client.exchange('ping', {}, { id });
    expect(message.id).toBe(id);
  });
});

describe('an upstream is killed (MP13, F-P4, B-03)', () => {
  it('under 8 callers: one prompt, clear error per call in flight, then back by itself', async () => {
    await withTempDir(async (folder) => {
      const ledger = join(folder, 'ledger');
      const slow = faulty('slow-tool', { ledger, set: { ms: 60_000 } });
      await using gateway = await startGateway({
        config: { upstreams: { u: slow, neighbour: faulty('healthy') }, defaultView: 'passthrough' },
      });
      await gateway.upstreamsIn();
      await using client = new LegacyHttpClient(`${gateway.url}/mcp`);
      await client.initialize();
      const flying = Array.from({ length: 8 }, (_, index) =>
        client.call('u__write', { nonce: `w${index}`, fault: true }).catch((error: unknown) => error),
      );
      await waitFor(() => readLedger(ledger).filter(({ event }) => event === 'executed').length === 8);
      const [child] = readLedger(ledger).filter(({ event }) => event === 'started');
      const killed = performance.now();
      process.kill(child?.pid as number, 'SIGKILL');
      const failures = (await Promise.all(flying)) as RpcFailure[];
      expect(performance.now() - killed).toBeLessThan(30_000);
      for (const failure of failures) {
        expect(failure).toBeInstanceOf(RpcFailure);
        expect(failure.code).toBe(-31016);
        expect(failure.data).toMatchObject({
          fault: 'UPSTREAM_EXITED',
          upstream: 'u',
          delivery: 'maybe-sent',
          retryable: false,
        });
        expect(failure.message).toMatch(/SIGKILL/);
      }
      expect(textOf(await client.call('neighbour__read', { nonce: 'n' }))).toBe('n');
      // The next call waits for the new process instead of failing, in the same client session.
      expect(textOf(await client.call('u__write', { nonce: 'after' }))).toBe('after');
      for (let index = 0; index < 8; index++) expect(executionsOf(readLedger(ledger), `w${index}`)).toBe(1);
    });
  });
});

describe('the gateway is stopped (X-86, F-G1, F-G4)', () => {
  it('with 50 calls in flight: all answered, exit 0, no process left, not even grandchildren', async () => {
    const gateway = await startGateway({
      config: {
        upstreams: {
          slow: faulty('slow-tool', { set: { ms: 800 } }),
          shell: { command: 'sh', args: ['-c', `${process.execPath} ${faulty('healthy').args.join(' ')}; true`] },
        },
        defaultView: 'passthrough',
      },
    });
    await gateway.upstreamsIn();
    const before = processesUnder(gateway.pid);
    expect(before.length).toBeGreaterThanOrEqual(3);
    const client = new LegacyHttpClient(`${gateway.url}/mcp/slow`);
    await client.initialize();
    const calls = Array.from({ length: 50 }, (_, index) => client.call('write', { nonce: `n${index}`, fault: true }));
    await waitFor(async () => ((await gateway.health()).upstreams.slow?.state === 'ready' ? true : undefined));
    await client.request('ping');
    const stopped = gateway.stop();
    const texts = (await Promise.all(calls)).map(textOf);
    expect(texts).toEqual(Array.from({ length: 50 }, (_, index) => `n${index}`));
    expect(await stopped).toMatchObject({ code: 0 });
    await waitGone(before, 1000);
  });

  it('a second SIGTERM ends it at once with 143', async () => {
    const gateway = await startGateway({ config: one('slow-tool', { set: { ms: 60_000 } }) });
    await gateway.upstreamsIn();
    const client = new LegacyHttpClient(`${gateway.url}/mcp/u`);
    await client.initialize();
    const call = client.call('write', { nonce: 'n', fault: true }).catch(() => 'gone');
    await client.request('ping');
    process.kill(gateway.pid, 'SIGTERM');
    await waitFor(() => gateway.stderr.includes('again to stop at once'));
    process.kill(gateway.pid, 'SIGTERM');
    expect(await gateway.program.exited).toMatchObject({ code: 143 });
    expect(await call).toBe('gone');
    await gateway.stop().catch(() => undefined);
  });
});

describe('the gateway is restarted (10.18)', () => {
  it('under a connected 2025 client: its next call succeeds in the same session', async () => {
    await withTempDir(async (dataDir) => {
      const first = await startGateway({ config: one('healthy'), dataDir });
      await first.upstreamsIn();
      await using client = new LegacyHttpClient(`${first.url}/mcp/u`);
      await client.initialize();
      expect(textOf(await client.call('read', { nonce: 'before' }))).toBe('before');
      const { sessionId } = client;
      await first.stop();
      await using second = await startGateway({ config: one('healthy'), dataDir, port: first.port });
      expect(textOf(await client.call('read', { nonce: 'after' }))).toBe('after');
      expect(client.sessionId).toBe(sessionId);
      // What was listed is listed at once, before the upstream is up again (10.17).
      expect(second.url).toBe(first.url);
    });
  });

  it('a deleted session stays deleted', async () => {
    await withTempDir(async (dataDir) => {
      const first = await startGateway({ config: one('healthy'), dataDir });
      const client = new LegacyHttpClient(`${first.url}/mcp/u`);
      await client.initialize();
      expect(await client.endSession()).toBe(204);
      await expect(client.request('ping')).rejects.toMatchObject({ status: 404 });
      await first.stop();
      await using second = await startGateway({ config: one('healthy'), dataDir, port: first.port });
      await expect(client.request('ping')).rejects.toMatchObject({ status: 404 });
      expect(second.port).toBe(first.port);
    });
  });

  it('lists kept tools at once, marked unconfirmed, while the upstream is still starting (10.14, 10.17)', async () => {
    await withTempDir(async (dataDir) => {
      const slow = one('slow-start', { set: { ms: 700 } });
      const first = await startGateway({ config: slow, dataDir });
      await first.upstreamsIn();
      await first.stop();
      await using second = await startGateway({ config: slow, dataDir });
      await using client = new ModernHttpClient(`${second.url}/mcp/u`);
      const page = await client.request('tools/list');
      expect((page.tools as unknown[]).length).toBe(3);
      expect(page._meta).toMatchObject({ 'io.github.holdfast/unconfirmed': ['u'] });
      await second.upstreamsIn();
      expect((await client.request('tools/list'))._meta).not.toHaveProperty(['io.github.holdfast/unconfirmed']);
    });
  });
});

describe('late upstreams (X-04, X-05)', () => {
  it('the gateway answers at once; the late one arrives through list_changed', async () => {
    await using gateway = await startGateway({
      config: {
        upstreams: { late: faulty('slow-start', { set: { ms: 1200 } }), early: faulty('healthy') },
        defaultView: 'passthrough',
      },
    });
    await gateway.upstreamsIn(['early']);
    await using client = new LegacyHttpClient(`${gateway.url}/mcp`);
    await client.initialize();
    await client.openStream();
    expect(await client.toolNames()).toEqual(['early__read', 'early__put', 'early__write']);
    await client.notification('notifications/tools/list_changed');
    expect(await client.toolNames()).toContain('late__read');
  });

  it('one that fails costs the others nothing, and says why', async () => {
    await using gateway = await startGateway({
      config: {
        upstreams: {
          missing: { command: '/does/not/exist' },
          broken: faulty('crashes-at-every-start'),
          good: faulty('healthy'),
        },
        defaultView: 'passthrough',
      },
    });
    await gateway.upstreamsIn(['good']);
    await gateway.upstreamsIn(['missing'], 'failed');
    await using client = new LegacyHttpClient(`${gateway.url}/mcp`);
    await client.initialize();
    expect(textOf(await client.call('good__read', { nonce: 'n' }))).toBe('n');
    const { upstreams } = await gateway.health();
    expect(String(upstreams.missing?.error)).toContain('/does/not/exist');
  });
});
