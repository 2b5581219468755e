// Tasks pass where both sides speak the same generation of them, and never otherwise (MP27).
import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import type { Json } from '../support/rpc.ts';
import { faulty } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

const EVERYTHING = new URL('../../node_modules/.bin/mcp-server-everything', import.meta.url).pathname;

describe('tasks of 2025-11-25 (MP27)', () => {
  it('a legacy client runs, watches and collects a task of a legacy server, also among several upstreams', async () => {
    await using gateway = await startGateway({
      config: {
        upstreams: { other: faulty('healthy'), everything: { command: EVERYTHING, args: ['stdio'] } },
        defaultView: 'passthrough',
      },
    });
    await gateway.upstreamsIn();
    await using client = new LegacyHttpClient(`${gateway.url}/mcp`);
    const { capabilities } = await client.initialize();
    expect(capabilities).toHaveProperty('tasks');
    const tools = await client.list('tools');
    expect(tools.find(({ name }) => name === 'everything__simulate-research-query')).toHaveProperty('execution');
    const created = await client.request('tools/call', {
      name: 'everything__simulate-research-query',
      arguments: { topic: 'gateways', ambiguous: false },
      task: { ttl: 60_000 },
    });
    const { taskId } = created.task as Json;
    expect(taskId).toEqual(expect.any(String));
    await waitFor(async () => (await client.request('tasks/get', { taskId })).status === 'completed', {
      within: 20_000,
      every: 100,
    });
    const result = await client.request('tasks/result', { taskId });
    expect(JSON.stringify(result.content)).toContain('gateways');
    expect(JSON.stringify(await client.request('tasks/list'))).toContain(String(taskId));
    await expect(client.request('tasks/get', { taskId: 'unknown' })).rejects.toMatchObject({
      code: expect.any(Number),
    });
  });

  it('nothing of them is shown to a modern client, nor where no upstream has them', async () => {
    await using gateway = await startGateway({
      config: { upstreams: { plain: faulty('healthy'), everything: { command: EVERYTHING, args: ['stdio'] } } },
    });
    await gateway.upstreamsIn();
    await using modern = new ModernHttpClient(`${gateway.url}/mcp/everything`);
    const { capabilities } = await modern.initialize();
    expect(capabilities).not.toHaveProperty('tasks');
    expect((await modern.list('tools')).some((tool) => 'execution' in tool)).toBe(false);
    await expect(modern.request('tasks/get', { taskId: 'x' })).rejects.toMatchObject({ code: -32601 });
    await using legacy = new LegacyHttpClient(`${gateway.url}/mcp/plain`);
    expect((await legacy.initialize()).capabilities).not.toHaveProperty('tasks');
    // Asked for all the same, the call is a plain one.
    const result = await legacy.request('tools/call', { name: 'read', arguments: { nonce: 'n' }, task: { ttl: 1000 } });
    expect(result).toHaveProperty('content');
  });
});
