// The answer to `initialize` is kept ready: it must be what the view tells now, to a client of this revision (MP1).
import { describe, expect, it } from 'vitest';
import { Introductions } from '../../src/session/introductions.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { IDENTITY, openHouse } from '../support/mcp-house.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';

const opened = async () => {
  const upstream = new ScriptedUpstream('u', ['read']);
  return { upstream, house: await openHouse({ upstreams: [upstream] }) };
};

describe('the answer to initialize (MP1)', () => {
  it('tells each client of its own revision, however many came before, and never twice the same session', async () => {
    const { house } = await opened();
    await using _ = house;
    const sessions = new Set<string | undefined>();
    for (let round = 0; round < 2; round++) {
      for (const revision of ['2025-03-26', '2025-06-18', '2025-11-25']) {
        await using client = new LegacyHttpClient(`${house.url}/mcp/u`, { revision });
        const { protocolVersion, serverInfo } = await client.initialize();
        expect(protocolVersion).toBe(revision);
        expect('title' in (serverInfo as object)).toBe(revision >= '2025-06-18');
        sessions.add(client.sessionId);
      }
    }
    expect(sessions.size).toBe(6);
  });

  it('follows what the upstreams say of themselves', async () => {
    const { house, upstream } = await opened();
    await using _ = house;
    const told = async () => {
      await using client = new LegacyHttpClient(`${house.url}/mcp/u`);
      return await client.initialize();
    };
    expect(await told()).not.toHaveProperty('instructions');
    upstream.identity = { ...(upstream.identity as NonNullable<typeof upstream.identity>), instructions: '请先读' };
    upstream.become({ state: 'ready', since: 1 });
    expect(await told()).toMatchObject({ instructions: '请先读' });
    upstream.identity = { ...upstream.identity, capabilities: { tools: {} } };
    upstream.become({ state: 'ready', since: 2 });
    expect((await told()).capabilities).toEqual({ tools: { listChanged: true } });
  });

  it('is written once for a revision while the view stays as it is', async () => {
    const { house, upstream } = await opened();
    await using _ = house;
    const surface = house.surface('passthrough');
    if (surface === undefined) throw new Error('no view');
    const introductions = new Introductions(IDENTITY);
    const of = (revision: string) => {
      const reply = introductions.reply(surface, revision);
      return 'result' in reply ? reply.result : reply.error;
    };
    const first = of('2025-11-25');
    expect(of('2025-11-25')).toBe(first);
    expect(of('2025-06-18')).not.toBe(first);
    expect(of('2025-11-25')).toBe(first);
    upstream.become({ state: 'ready', since: 1 });
    expect(of('2025-11-25')).not.toBe(first);
  });

  it('of a view that was removed meanwhile is an error', async () => {
    const { house } = await opened();
    await using _ = house;
    const surface = house.surface('u');
    if (surface === undefined) throw new Error('no view');
    house.catalog.reshape({ members: [], prefix: 'always' });
    expect(new Introductions(IDENTITY).reply(surface, '2025-11-25')).toMatchObject({
      error: { data: { fault: 'UPSTREAM_UNKNOWN' } },
      status: 200,
    });
  });
});
