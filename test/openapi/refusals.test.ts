// What never reaches a tool over REST: every answer has its id, and whoever watches hears of it (12.4).
import { describe, expect, it } from 'vitest';
import type { GatewayEvent } from '../../src/core/events.ts';
import { exchange } from '../support/http-exchange.ts';
import { type House, server, startHouse } from './support/house.ts';

async function house(key?: string): Promise<{ one: House; events: GatewayEvent[] }> {
  const one = await startHouse({ config: { upstreams: { time: server() } }, ...(key !== undefined && { key }) });
  const events: GatewayEvent[] = [];
  one.events.subscribe((event) => events.push(event));
  await one.ready();
  return { one, events };
}
const ID = /^[0-9a-f-]{36}$/;

describe('X-Request-Id (12.4)', () => {
  it("stands in every refusal of the listener and of the face, the caller's own where it is plain", async () => {
    const { one } = await house('the-key');
    await using _ = one;
    const json = { 'content-type': 'application/json' };
    const key = { ...json, authorization: 'Bearer the-key' };
    const asked: [number, string, object][] = [
      [401, '/time/echo', { method: 'POST', headers: json }],
      [403, '/time/echo', { method: 'POST', headers: { ...json, authorization: 'Bearer wrong' } }],
      [403, '/time/echo', { method: 'POST', headers: { ...key, origin: 'http://evil.example' } }],
      [404, '/mcp', { method: 'GET' }],
      [404, '/nowhere/echo', { method: 'POST', headers: key }],
      [404, '/time/nothing_here', { method: 'POST', body: '{}', headers: key }],
      [405, '/time/echo', { method: 'GET', headers: key }],
      [405, '/docs/assets/api.js', { method: 'POST', headers: key }],
      [415, '/time/echo', { method: 'POST', body: 'a', headers: { ...key, 'content-type': 'text/plain' } }],
      [422, '/time/get_current_time', { method: 'POST', body: '{}', headers: key }],
    ];
    for (const [status, path, options] of asked) {
      const { headers = {}, ...more } = options as { headers?: Record<string, string> };
      const plain = await exchange(one.url + path, { ...more, headers });
      expect([path, plain.status, plain.headers['x-request-id']]).toEqual([path, status, expect.stringMatching(ID)]);
      const own = await exchange(one.url + path, { ...more, headers: { ...headers, 'x-request-id': 'mine-1' } });
      expect([path, own.headers['x-request-id']]).toEqual([path, 'mine-1']);
      const evil = await exchange(one.url + path, { ...more, headers: { ...headers, 'x-request-id': '<script>' } });
      expect([path, evil.headers['x-request-id']]).toEqual([path, expect.stringMatching(ID)]);
    }
  });
});

describe('events', () => {
  it('a refused key names the face', async () => {
    const { one, events } = await house('the-key');
    await using _ = one;
    await one.post('/time/echo', {});
    expect(events.filter(({ type }) => type === 'auth.refused')).toEqual([
      { type: 'auth.refused', face: 'openapi', reason: 'a key is needed' },
    ]);
  });

  it.each([
    ['that do not fit', '{}', 422],
    ['that are no JSON', '{', 422],
    ['that are nested too deep', `{"timezone":${'['.repeat(200)}${']'.repeat(200)}}`, 400],
  ])('arguments %s are a finished call with its fault', async (_name, body, status) => {
    const { one, events } = await house();
    await using _ = one;
    const answer = await one.post('/time/get_current_time', body, { 'x-request-id': 'mine-2' });
    expect(answer.status).toBe(status);
    expect(events.filter(({ type }) => type === 'call.finished')).toMatchObject([
      {
        id: 'mine-2',
        face: 'openapi',
        upstream: 'time',
        method: 'tools/call',
        subject: 'get_current_time',
        outcome: 'fault',
        fault: 'ARGUMENTS_INVALID',
        attempts: 0,
      },
    ]);
  });
});
