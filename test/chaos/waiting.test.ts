// A call to an upstream that never came up waits as long as it should, and is told which one it is, why, and when it is
// tried again: over every face (requirements 10.15, 10.17).
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { RpcFailure, textOf } from '../support/rpc.ts';
import { faulty } from '../support/upstream.ts';

let gateway: Gateway;
beforeAll(async () => {
  const url = `http://127.0.0.1:${await closedPort()}/mcp`;
  gateway = await startGateway({
    config: {
      upstreams: {
        away: { url, timeouts: { ready: '400ms' } },
        crashes: { ...faulty('crashes-at-every-start') },
        missing: { command: 'no-such-command-of-this-test' },
        off: { ...faulty('healthy'), enabled: false },
      },
    },
  });
  await gateway.upstreamsIn(['crashes'], 'cooling_down');
  await gateway.upstreamsIn(['missing'], 'failed');
  await gateway.upstreamsIn(['away'], 'backoff');
});
afterAll(() => gateway?.stop());

const REFUSED: [string, string, RegExp][] = [
  ['away', 'UPSTREAM_NOT_READY', /"away" is away since .*ECONNREFUSED/],
  ['crashes', 'COOLING_DOWN', /"crashes" is cooling down since .*next try in \d+ s/],
  ['missing', 'UPSTREAM_START_FAILED', /"missing" has failed since .*no-such-command-of-this-test/],
  ['off', 'UPSTREAM_NOT_READY', /"off" is disabled/],
];

describe.each(REFUSED)('%s', (upstream, fault, message) => {
  it.each(['passthrough', upstream])('over MCP, view %s', async (view) => {
    await using caller = new ModernHttpClient(`${gateway.url}/mcp/${view}`);
    const began = performance.now();
    const failure: unknown = await caller
      .call(view === upstream ? 'read' : `${upstream}__read`)
      .catch((thrown) => thrown);
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(failure).toBeInstanceOf(RpcFailure);
    const { message: text, data } = failure as RpcFailure;
    expect(text).toMatch(message);
    expect(data).toMatchObject({ fault, upstream, delivery: 'not-sent' });
    if (fault === 'COOLING_DOWN') expect(data).toHaveProperty('retryAfterMs');
  });

  it('over the converged view', async () => {
    await using caller = new ModernHttpClient(`${gateway.url}/mcp/converged`);
    const answer = await caller.call('exec', { server_name: upstream, tool_name: 'read', arguments: {} });
    expect(JSON.parse(textOf(answer))).toMatchObject({
      fault,
      server: upstream,
      error: expect.stringMatching(message),
    });
  });

  it('over REST', async () => {
    const response = await fetch(`${gateway.url}/${upstream}/read`, { method: 'POST' });
    expect(response.status).toBe(503);
    expect(JSON.stringify(await response.json())).toContain(fault);
  });
});

it('a name that nobody can own is unknown, and says who is not up', async () => {
  await using caller = new ModernHttpClient(`${gateway.url}/mcp/passthrough`);
  const failure = (await caller.call('reed').catch((thrown) => thrown)) as RpcFailure;
  expect(failure.data).toMatchObject({ fault: 'TOOL_UNKNOWN' });
  expect(failure.message).toMatch(/away is backoff.*crashes is cooling_down.*missing is failed/);
});

/** A port on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
