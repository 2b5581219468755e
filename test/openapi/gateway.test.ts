// The OpenAPI face of the whole gateway: its own paths beside the tools, limits, the cache, recovery.
import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { startUpstream } from '../support/upstream.ts';
import { server } from './support/house.ts';

const post = (url: string, body: unknown = {}, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
const json = async (answer: Promise<Response>) => (await answer).json() as Promise<unknown>;

describe('paths (B-41, X-27, 10.26)', () => {
  it('keeps the paths of the gateway, and reaches tools of those names below their upstream', async () => {
    await using gateway = await startGateway({ command: [process.execPath, ...server().args] });
    await gateway.upstreamsIn();
    const [name = ''] = Object.keys((await gateway.health()).upstreams);
    expect(await json(post(`${gateway.url}/no_arguments`))).toBe('plain words');
    expect(await json(post(`${gateway.url}/${name}/no_arguments`))).toBe('plain words');
    expect(await json(post(`${gateway.url}/${name}/health`))).toBe('tool health');
    expect(await json(fetch(`${gateway.url}/health`))).toMatchObject({ status: 'healthy' });
    const document = (await json(fetch(`${gateway.url}/openapi.json`))) as { paths: object };
    expect(Object.keys(document.paths)).toContain(`/${name}/metrics`);
    expect(Object.keys(document.paths)).toContain('/echo');
  });
});

describe('limits (B-52)', () => {
  it('runs so many calls at once, keeps so many waiting, and refuses the rest at once with Retry-After', async () => {
    const config = { upstreams: { time: { ...server(), limits: { inFlight: 2, queue: 2 } } } };
    await using gateway = await startGateway({ config });
    await gateway.upstreamsIn();
    const answers = await Promise.all(Array.from({ length: 6 }, () => post(`${gateway.url}/time/slow`, { ms: 400 })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 503, 503]);
    const refused = answers.find(({ status }) => status === 503);
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused?.json()).toMatchObject({
      detail: { fault: 'OVERLOADED', delivery: 'not-sent', retryable: true },
    });
  });

  it('takes the limit from MCPO_MAX_CONCURRENT', async () => {
    const config = { upstreams: { time: { ...server(), limits: { queue: 0 } } } };
    await using gateway = await startGateway({ config, env: { MCPO_MAX_CONCURRENT: '1' } });
    await gateway.upstreamsIn();
    const answers = await Promise.all([1, 2].map(() => post(`${gateway.url}/time/slow`, { ms: 300 })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 503]);
  });
});

describe('the cache (8.1, B-51, X-23)', () => {
  it('keeps results of read-only tools where it is switched on, until anything else is called', async () => {
    const config = { upstreams: { on: { ...server(), cache: { enabled: true } }, off: server() } };
    await using gateway = await startGateway({ config });
    await gateway.upstreamsIn();
    const runs = (upstream: string) => json(post(`${gateway.url}/${upstream}/runs`));
    expect([await runs('on'), await runs('on')]).toEqual([1, 1]);
    expect([await runs('off'), await runs('off')]).toEqual([1, 2]);
    await post(`${gateway.url}/on/no_arguments`);
    expect(await runs('on')).toBe(2);
  });
});

describe('recovery (B-01, B-02, B-27)', () => {
  it('answers again after an outage of its upstream, without a restart', async () => {
    await using upstream = await startUpstream('outage');
    await using gateway = await startGateway({ config: { upstreams: { remote: { url: upstream.url } } } });
    await gateway.upstreamsIn();
    const read = (nonce: string) => post(`${gateway.url}/remote/read`, { nonce });
    expect((await read('before')).status).toBe(200);
    await upstream.control({ status: 502, ms: 600 });
    // A reader waits the outage out; a writer is told at once what is known.
    const [reader, writer] = await Promise.all([read('during'), post(`${gateway.url}/remote/write`, { nonce: 'w' })]);
    expect(reader.status).toBe(200);
    if (writer.status !== 200) {
      expect(await writer.json()).toMatchObject({
        detail: { fault: expect.stringMatching(/^UPSTREAM_|^CIRCUIT_OPEN/) },
      });
      expect([502, 503]).toContain(writer.status);
    }
    expect((await read('after')).status).toBe(200);
  });
});
