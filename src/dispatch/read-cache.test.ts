import { describe, expect, it } from 'vitest';
import type { CallContext } from '../core/context.ts';
import { GatewayFault } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import type { Operation } from '../core/operation.ts';
import { Payload } from '../core/payload.ts';
import { ReadCache } from './read-cache.ts';

const timing = { attempts: 1, queue: 0, connect: 0, upstream: 0 };
const caller = (id: string) => ({ principal: { id, roles: [] } }) as unknown as CallContext;
const read = (uri = 'a://1', params: JsonObject = { uri }): Operation => ({
  kind: 'read-resource',
  upstream: 'u',
  uri,
  params,
});

/** A cache over an upstream that counts its reads and answers with these caching hints. */
function cached(hints: JsonObject, era: 'legacy' | 'modern' = 'modern') {
  const state = { reads: 0, now: 0, fails: false };
  const cache = new ReadCache(
    async () => {
      state.reads++;
      if (state.fails) throw new GatewayFault('UPSTREAM_UNREACHABLE', 'away', { upstream: 'u' });
      return {
        era,
        timing,
        result: Payload.raw(Buffer.from(JSON.stringify({ contents: [{ text: `read ${state.reads}` }], ...hints }))),
      };
    },
    () => state.now,
  );
  const value = async (operation = read(), who = 'a') => {
    const answer = await cache.dispatch(operation, caller(who));
    return 'result' in answer ? answer.result.value : undefined;
  };
  return { cache, state, value };
}

describe('ReadCache for callers whose identity goes on (X-28)', () => {
  it('keeps a private result for one identity only', async () => {
    let reads = 0;
    const cache = new ReadCache(
      async () => {
        const text = JSON.stringify({ contents: [{ text: `read ${++reads}` }], ttlMs: 1000 });
        return { era: 'modern', timing, result: Payload.raw(Buffer.from(text)) };
      },
      () => 0,
      (_upstream, { headers }) => headers?.get('x-user') ?? '',
    );
    for (const user of ['ada', 'bob', 'ada', 'bob'])
      await cache.dispatch(read(), { ...caller('one-key'), headers: new Map([['x-user', user]]) });
    expect(reads).toBe(2);
  });
});

describe('ReadCache (MP25)', () => {
  it('asks once within ttlMs and tells what is left of it', async () => {
    const { state, value } = cached({ ttlMs: 1000, cacheScope: 'public' });
    await value();
    state.now = 400;
    expect(await value(read(), 'b')).toMatchObject({ contents: [{ text: 'read 1' }], ttlMs: 600 });
    state.now = 1001;
    expect(await value()).toMatchObject({ contents: [{ text: 'read 2' }] });
  });

  it('keeps a private result for its caller only, and one without a scope is private', async () => {
    for (const hints of [{ ttlMs: 1000, cacheScope: 'private' }, { ttlMs: 1000 }]) {
      const { state, value } = cached(hints);
      await value(read(), 'a');
      await value(read(), 'a');
      expect(state.reads).toBe(1);
      await value(read(), 'b');
      expect(state.reads).toBe(2);
    }
  });

  it.each([
    ['no ttl', {}, 'modern'],
    ['ttlMs 0', { ttlMs: 0, cacheScope: 'public' }, 'modern'],
    ['a legacy upstream', { ttlMs: 1000, cacheScope: 'public' }, 'legacy'],
    ['a question', { ttlMs: 1000, resultType: 'input_required' }, 'modern'],
  ] as const)('keeps nothing: %s', async (_name, hints, era) => {
    const { state, value } = cached(hints, era);
    await value();
    await value();
    expect(state.reads).toBe(2);
  });

  it('never answers a retry from memory', async () => {
    const { state, value } = cached({ ttlMs: 1000, cacheScope: 'public' });
    await value();
    await value(read('a://1', { uri: 'a://1', inputResponses: {} }));
    await value(read('a://1', { uri: 'a://1', requestState: 's' }));
    expect(state.reads).toBe(3);
  });

  it('is emptied by notifications, for one resource or all of an upstream', async () => {
    const { cache, state, value } = cached({ ttlMs: 1000, cacheScope: 'public' });
    await value(read('a://1'));
    await value(read('a://2'));
    cache.forget('u', 'a://1');
    await value(read('a://1'));
    await value(read('a://2'));
    expect(state.reads).toBe(3);
    cache.forget('u');
    cache.forget('u2');
    await value(read('a://2'));
    expect(state.reads).toBe(4);
  });

  it('serves the old result, marked, while the upstream is away, and fails without one', async () => {
    const { state, value } = cached({ ttlMs: 1000, cacheScope: 'public' });
    await value();
    state.now = 2000;
    state.fails = true;
    expect(await value()).toMatchObject({
      contents: [{ text: 'read 1' }],
      ttlMs: 0,
      _meta: { 'io.github.holdfast/stale': true },
    });
    await expect(value(read('a://other'))).rejects.toMatchObject({ fault: 'UPSTREAM_UNREACHABLE' });
  });
});
