// What a link of the old endpoint client did for its servers, on a real gateway and a real server (D-53).
import { describe, expect, it } from 'vitest';
import { PlainHttp } from '../servers/plain/http.ts';
import { startGateway } from '../support/gateway.ts';
import { configOf } from './support/fixture.ts';

describe('links as people had them (D-53)', () => {
  it('connects within 30 s and asks a quiet server every 30 s', () => {
    const upstream = configOf({ upstreams: { h: { url: 'http://127.0.0.1:1/mcp' } } }).upstreams.h;
    expect([upstream?.timeouts.connect, upstream?.health.interval]).toEqual([30_000, 30_000]);
  });

  it('opens a session anew when the server lost it, sends the call once more, and comes back by itself', async () => {
    const server = new PlainHttp();
    await server.start();
    try {
      await using gateway = await startGateway({
        config: { upstreams: { h: { url: server.url, transport: 'streamable-http' } } },
      });
      await gateway.upstreamsIn();
      const call = async () => {
        const headers = { 'content-type': 'application/json' };
        const answer = await fetch(`${gateway.url}/h/write`, { method: 'POST', headers, body: '{}' });
        await answer.text();
        return answer.status;
      };
      const opened = () => server.methods().filter((method) => method === 'initialize').length;
      const ran = () => server.ledger.get('write') ?? 0;
      expect([await call(), ran()]).toEqual([200, 1]);
      const before = opened();
      server.forgetSessions();
      // A lost session is told before anything ran: the call that finds out succeeds, and runs once.
      expect([await call(), ran(), opened()]).toEqual([200, 2, before + 1]);
      await server.stop();
      expect(await call()).toBeGreaterThanOrEqual(500);
      await server.start();
      await expect.poll(call, { timeout: 20_000, interval: 100 }).toBe(200);
    } finally {
      await server.stop();
    }
  });

  it('does not try again and again with a key that is refused: it says what it needs', async () => {
    const server = new PlainHttp();
    await server.start();
    try {
      await using gateway = await startGateway({
        config: { upstreams: { h: { url: server.url, transport: 'streamable-http' } } },
      });
      await gateway.upstreamsIn();
      server.intercept = (_, response) => {
        response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
        return true;
      };
      const headers = { 'content-type': 'application/json' };
      const post = () => fetch(`${gateway.url}/h/write`, { method: 'POST', headers, body: '{}' });
      const first = await post();
      expect((await first.json()) as object).toMatchObject({ detail: { fault: 'UPSTREAM_UNAUTHORIZED' } });
      const { upstreams } = (await (await fetch(`${gateway.url}/health`)).json()) as {
        upstreams: Record<string, { state: string }>;
      };
      expect(upstreams.h?.state).toBe('needs_auth');
      const asked = server.got.length;
      for (let n = 0; n < 5; n++) await (await post()).text();
      expect(server.got.length).toBe(asked);
    } finally {
      await server.stop();
    }
  });
});
