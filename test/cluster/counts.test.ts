// What each gateway counts and keeps for itself, told to the others: how often a key was used, which results are old.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterUnderTest, startCluster } from '../support/cluster.ts';
import type { Gateway } from '../support/gateway.ts';
import { NO_REDIS } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';

const BUSY = 'key-of-busy-0123456789';
const FREE = 'key-of-free-0123456789';

describe.skipIf(NO_REDIS !== undefined)(`two gateways count as one${NO_REDIS ? `: ${NO_REDIS}` : ''}`, () => {
  let cluster: ClusterUnderTest;
  let first: Gateway;
  let second: Gateway;

  beforeAll(async () => {
    cluster = await startCluster({
      size: 2,
      config: {
        keys: [
          { name: 'busy', key: BUSY, roles: ['read', 'call'], rate: { calls: 4, per: '1h' } },
          { name: 'free', key: FREE, roles: ['read', 'call'] },
        ],
        defaults: { cache: { enabled: true } },
        cache: { ttl: '1h' },
      },
    });
    [first, second] = cluster.gateways as [Gateway, Gateway];
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const call = async (gateway: Gateway, tool: string, id: string, key = FREE) => {
    const response = await fetch(`${gateway.url}/box/${tool}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id }),
    });
    await response.text();
    return response.status;
  };

  /** Runs `act`, and waits until what it counted has been told. */
  async function told(act: () => Promise<unknown>): Promise<void> {
    const listener = cluster.redis.client.duplicate();
    const [channel] = (await cluster.redis.client.pubsub('CHANNELS')) as string[];
    await listener.subscribe(channel as string);
    await act();
    for (let heard = ''; !heard.includes('"topic":"counts"'); )
      [, heard] = (await once(listener, 'message')) as [string, string];
    listener.disconnect();
  }

  it('a key that has made its calls at one is refused at the other (F-R12)', async () => {
    await told(async () => {
      for (let n = 0; n < 4; n++) expect(await call(first, 'read', `busy${n}`, BUSY)).toBe(200);
    });
    expect(await call(first, 'read', 'busy5', BUSY)).toBe(429);
    // The other one hears it when the test does, or a moment later; by itself it would let four calls through.
    let taken = 0;
    while ((await call(second, 'read', `other${taken}`, BUSY)) === 200) taken++;
    expect(taken).toBeLessThan(3);
    expect(await call(second, 'read', 'free', FREE)).toBe(200);
  });

  it('a write at one makes the results kept at the other old (F-R12)', async () => {
    const runs = () => readFileSync(cluster.ledger, 'utf8').match(/^read kept$/gm)?.length;
    await call(second, 'read', 'kept');
    await call(second, 'read', 'kept');
    expect(runs()).toBe(1);
    await told(() => call(first, 'write', 'something'));
    const anew = async () => {
      await call(second, 'read', 'kept');
      return runs() === 2;
    };
    await waitFor(anew, { what: 'the kept result to be forgotten' });
  });
});
