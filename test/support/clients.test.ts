// The raw clients and fixtures against a healthy server: tests stand on them, so they are tested too.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startFaultProxy } from './fault-proxy.ts';
import { LegacyHttpClient } from './legacy-http-client.ts';
import { ModernHttpClient } from './modern-http-client.ts';
import { processesUnder, waitGone } from './processes.ts';
import { Program } from './program.ts';
import { RpcFailure, textOf } from './rpc.ts';
import { StdioClient } from './stdio-client.ts';
import { withTempDir } from './temp-dir.ts';
import { executionsOf, faulty, readLedger, startUpstream } from './upstream.ts';
import { waitFor } from './wait.ts';

describe('raw clients', () => {
  it('speaks to a legacy server over HTTP, with a session', async () => {
    await using upstream = await startUpstream('healthy');
    await using client = new LegacyHttpClient(upstream.url);
    const result = await client.initialize();
    expect(result.protocolVersion).toBe('2025-11-25');
    expect(client.sessionId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await client.toolNames()).toEqual(['read', 'put', 'write']);
    expect(textOf(await client.call('write', { nonce: 'n1' }))).toBe('n1');
    expect(await upstream.executions('n1')).toBe(1);
    await expect(client.call('nothing')).rejects.toMatchObject({ code: -32602 });
    expect(await client.endSession()).toBe(204);
    await expect(client.call('read', { nonce: 'n2' })).rejects.toMatchObject({ status: 404 });
  });

  it('speaks to a modern server over HTTP', async () => {
    await using upstream = await startUpstream('healthy', { era: 'modern' });
    await using client = new ModernHttpClient(upstream.url);
    expect((await client.initialize()).supportedVersions).toEqual(['2026-07-28']);
    const result = await client.call('read', { nonce: 'ä' });
    expect([textOf(result), result.resultType]).toEqual(['ä', 'complete']);
    await using legacy = new LegacyHttpClient(upstream.url);
    await expect(legacy.initialize()).rejects.toBeInstanceOf(RpcFailure);
  });

  it.each(['2025-11-25', '2026-07-28'])('speaks %s over stdio and leaves no process', async (revision) => {
    await withTempDir(async (folder) => {
      const ledger = join(folder, 'ledger');
      const { command, args } = faulty('healthy', { era: 'dual', ledger });
      const client = new StdioClient(command, { args, revision });
      await client.initialize();
      expect(textOf(await client.call('read', { nonce: 'n' }))).toBe('n');
      await client.close();
      expect(executionsOf(readLedger(ledger), 'n')).toBe(1);
      expect(client.noise).toEqual([]);
    });
  });
});

describe('processes', () => {
  it('finds grandchildren and tells what was left behind', async () => {
    const program = new Program('sh', { args: ['-c', 'sh -c "sleep 60 & wait" & echo up; wait'] });
    await program.line(/^up$/);
    await waitFor(() => processesUnder(program.pid).some(({ command }) => command === 'sleep 60'));
    const under = processesUnder(program.pid);
    await expect(program.stop({ settle: 100 })).rejects.toThrow(/left behind: .*sleep 60/);
    await waitGone(under);
  });
});

describe('fault proxy', () => {
  it('delays, cuts, resets, refuses and heals', async () => {
    await using upstream = await startUpstream('healthy', { stateless: true });
    await using proxy = await startFaultProxy(upstream.port);
    const once = async (): Promise<string> => {
      await using client = new LegacyHttpClient(proxy.through(upstream.url));
      return textOf(await client.call('read', { nonce: 'x' }, { within: 1_000 }));
    };
    expect(await once()).toBe('x');
    proxy.set({ delay: 60 });
    const begin = performance.now();
    expect(await once()).toBe('x');
    expect(performance.now() - begin).toBeGreaterThan(110);
    for (const faults of [
      { cutAfter: 60 },
      { resetAfter: 60 },
      { reset: true },
      { blackHole: true },
      { halfOpen: true },
    ]) {
      proxy.set(faults);
      await expect(once()).rejects.toThrow();
    }
    proxy.set({ bandwidth: 2_000 });
    expect(await once()).toBe('x');
    await proxy.refuse();
    await expect(once()).rejects.toThrow(/ECONNREFUSED/);
    await proxy.listen();
    proxy.set({});
    expect(await once()).toBe('x');
  });
});
