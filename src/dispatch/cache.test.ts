import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CallContext } from '../core/context.ts';
import { EventStream, type GatewayEvent } from '../core/events.ts';
import { GatewayFault } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import type { Operation } from '../core/operation.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import { Payload } from '../core/payload.ts';
import { type CacheDeps, ResultCache } from './cache.ts';
import { cacheTtl } from './cache-rule.ts';

const TIMING = { attempts: 1, queue: 0, connect: 0, upstream: 1 };
const textOf = (answer: UpstreamAnswer) => ('result' in answer ? answer.result.value.text : answer.error.message);

function call(name: string, args: JsonObject = {}, more: JsonObject = {}, upstream = 'u'): Operation {
  return { kind: 'call-tool', upstream, name, params: { name, arguments: args, ...more } };
}

function context(change: Partial<CallContext> = {}): CallContext {
  return {
    id: 'c',
    face: 'openapi',
    principal: { id: 'p', roles: ['call'] },
    client: { era: 'modern', revision: '2026-07-28', capabilities: {}, info: {}, key: 'p' },
    deadline: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    ...change,
  };
}

/** A cache over a path whose every answer counts; names that begin with `read` may be kept. */
function cacheOver(
  answer: (operation: Operation, context: CallContext, run: number) => JsonObject | Promise<JsonObject> = (
    _,
    __,
    run,
  ) => ({ text: run }),
  options: Partial<CacheDeps['options']> = {},
) {
  let runs = 0;
  const events = new EventStream();
  const seen: GatewayEvent[] = [];
  events.subscribe((event) => seen.push(event));
  const cache = new ResultCache({
    dispatch: async (operation, given) => {
      runs++;
      return { result: Payload.of(await answer(operation, given, runs)), era: 'legacy', timing: TIMING };
    },
    options: { maxEntries: 3, strategy: 'lru_ttl', coalesceWait: 1000, ...options },
    rule: (operation, { principal }) =>
      'name' in operation && operation.name.startsWith('read')
        ? { ttl: 1000, hash: 'h', scope: principal.id }
        : undefined,
    changes: (operation) => operation.kind === 'call-tool',
    events,
  });
  return { cache, seen, runs: () => runs };
}

afterEach(() => vi.useRealTimers());

describe('kept results (B-51, X-23)', () => {
  it('answers an equal call without asking again, whatever the order of its arguments', async () => {
    const { cache, runs, seen } = cacheOver();
    expect(textOf(await cache.dispatch(call('read', { a: 1, b: [2] }), context()))).toBe(1);
    const second = await cache.dispatch(
      call('read', { b: [2], a: 1 }, { _meta: { traceparent: 'x' } }),
      context({ id: 'two' }),
    );
    expect([textOf(second), runs(), second.timing.attempts]).toEqual([1, 1, 0]);
    expect(seen).toMatchObject([{ type: 'call.finished', id: 'two', outcome: 'result', attempts: 0 }]);
    expect(cache.figures()).toMatchObject({ hits: 1, misses: 1, hit_rate: 50, current_size: 1, max_size: 3 });
    cache.close();
  });

  it('keeps apart arguments, tools, upstreams and callers', async () => {
    const { cache, runs } = cacheOver();
    await cache.dispatch(call('read', { a: 1 }), context());
    await cache.dispatch(call('read', { a: '1' }), context());
    await cache.dispatch(call('read2', { a: 1 }), context());
    await cache.dispatch(call('read', { a: 1 }, {}, 'other'), context());
    await cache.dispatch(call('read', { a: 1 }), context({ principal: { id: 'q', roles: [] } }));
    expect(runs()).toBe(5);
    cache.close();
  });

  it('forgets what came from an upstream when anything else is called there, also what is under way', async () => {
    let release: (() => void) | undefined;
    const { cache, runs } = cacheOver((operation, _, run) => {
      if (run !== 3) return { text: run };
      return new Promise((resolve) => {
        release = () => resolve({ text: run });
        void operation;
      });
    });
    await cache.dispatch(call('read'), context());
    await cache.dispatch(call('write'), context());
    const slow = cache.dispatch(call('read'), context());
    await cache.dispatch(call('write'), context());
    release?.();
    expect(textOf(await slow)).toBe(3);
    expect(textOf(await cache.dispatch(call('read'), context()))).toBe(5);
    expect(runs()).toBe(5);
    cache.close();
  });

  it('never keeps an error, an unfinished result, a result over 1 MB, or an answer to a question', async () => {
    const results: JsonObject[] = [
      { isError: true, text: 'e' },
      { resultType: 'input_required', text: 'i' },
      { text: 'x'.repeat(1024 * 1024) },
      { text: 'fine' },
    ];
    const { cache, runs } = cacheOver((_, __, run) => results[run - 1] as JsonObject);
    for (let time = 0; time < 4; time++) await cache.dispatch(call('read'), context());
    expect(textOf(await cache.dispatch(call('read'), context()))).toBe('fine');
    expect(runs()).toBe(4);
    const failing = cacheOver(() => Promise.reject(new GatewayFault('UPSTREAM_FAILED', 'no')));
    for (let time = 0; time < 2; time++)
      await expect(failing.cache.dispatch(call('read'), context())).rejects.toThrow('no');
    expect(failing.runs()).toBe(2);
    const asking = cacheOver(async (_, { ask }, run) => {
      await ask?.({ method: 'elicitation/create', params: {} }, new AbortController().signal);
      return { text: run };
    });
    const ask = () => Promise.resolve({ result: {} });
    for (let time = 0; time < 2; time++) await asking.cache.dispatch(call('read'), context({ ask }));
    expect(asking.runs()).toBe(2);
    const answering = cacheOver();
    for (let time = 0; time < 2; time++)
      await answering.cache.dispatch(call('read', {}, { requestState: 's' }), context());
    expect(answering.runs()).toBe(2);
  });

  it('holds what its strategy says: age, number, use', async () => {
    vi.useFakeTimers({ now: 1 });
    vi.advanceTimersByTime(1);
    const aged = cacheOver();
    await aged.cache.dispatch(call('read'), context());
    vi.advanceTimersByTime(1001);
    expect(textOf(await aged.cache.dispatch(call('read'), context()))).toBe(2);
    aged.cache.close();

    const forever = cacheOver(undefined, { strategy: 'lru' });
    await forever.cache.dispatch(call('read'), context());
    vi.advanceTimersByTime(3_600_000);
    expect(textOf(await forever.cache.dispatch(call('read'), context()))).toBe(1);
    forever.cache.close();

    for (const [strategy, first] of [
      ['lru_ttl', 1],
      ['ttl', 5],
    ] as const) {
      const { cache } = cacheOver(undefined, { strategy });
      for (const id of [1, 2, 3]) await cache.dispatch(call('read', { id }), context());
      await cache.dispatch(call('read', { id: 1 }), context());
      await cache.dispatch(call('read', { id: 4 }), context());
      // With LRU the first one was used last and stays; by age alone it is the oldest and goes.
      expect([strategy, textOf(await cache.dispatch(call('read', { id: 1 }), context()))]).toEqual([strategy, first]);
      cache.close();
    }
  });
});

describe('equal calls under way (B-52)', () => {
  let release: (value: JsonObject) => void;
  let refuse: (error: Error) => void;
  const slow = (options?: Partial<CacheDeps['options']>) =>
    cacheOver(
      (_, { signal }, run) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(new GatewayFault('CANCELLED', 'cancelled')));
          if (run > 1) return resolve({ text: run });
          release = resolve;
          refuse = reject;
        }),
      options,
    );
  beforeEach(() => vi.useRealTimers());

  it('share one execution, and its failure', async () => {
    const { cache, runs } = slow();
    const both = [cache.dispatch(call('read'), context()), cache.dispatch(call('read'), context({ id: 'two' }))];
    release({ text: 'one' });
    expect((await Promise.all(both)).map(textOf)).toEqual(['one', 'one']);
    expect([runs(), cache.figures().shared]).toEqual([1, 1]);
    const failing = slow();
    const all = ['a', 'b'].map((id) => failing.cache.dispatch(call('read'), context({ id })));
    refuse(new GatewayFault('UPSTREAM_FAILED', 'broken', { correlationId: 'a' }));
    await expect(all[0]).rejects.toMatchObject({ fault: 'UPSTREAM_FAILED', correlationId: 'a' });
    await expect(all[1]).rejects.toMatchObject({ fault: 'UPSTREAM_FAILED', correlationId: 'b' });
    cache.close();
  });

  it('never share a write', async () => {
    const { cache, runs } = slow();
    const first = cache.dispatch(call('write'), context());
    await cache.dispatch(call('write'), context());
    release({ text: 'one' });
    await first;
    expect(runs()).toBe(2);
  });

  it('go on when the first caller leaves, and end when the last one does', async () => {
    const { cache, runs } = slow();
    const [one, two] = [new AbortController(), new AbortController()];
    const first = cache.dispatch(call('read'), context({ signal: one.signal }));
    const second = cache.dispatch(call('read'), context({ signal: two.signal }));
    one.abort();
    await expect(first).rejects.toMatchObject({ fault: 'CANCELLED' });
    two.abort();
    await expect(second).rejects.toMatchObject({ fault: 'CANCELLED' });
    expect(runs()).toBe(1);
  });

  it('are made by themselves when the first takes too long, or ended for its own reasons', async () => {
    const impatient = slow({ coalesceWait: 10 });
    const first = impatient.cache.dispatch(call('read'), context());
    expect(textOf(await impatient.cache.dispatch(call('read'), context()))).toBe(2);
    release({ text: 'late' });
    expect(textOf(await first)).toBe('late');
    const late = slow();
    const short = late.cache.dispatch(call('read'), context());
    const long = late.cache.dispatch(call('read'), context());
    refuse(new GatewayFault('DEADLINE_EXCEEDED', 'over'));
    await expect(short).rejects.toThrow('over');
    expect(textOf(await long)).toBe(2);
    impatient.cache.close();
  });
});

describe('what may be kept (8.1)', () => {
  const subject = {
    config: { enabled: true, tools: [] },
    override: undefined,
    name: 'get_user',
    readOnly: true,
    defaultTtl: 300_000,
  };
  it.each([
    ['off by default', { config: { enabled: false, tools: [] } }, undefined],
    ['read-only tools of an upstream that has it on', {}, 300_000],
    ['no other tool', { readOnly: false }, undefined],
    ['a tool that the operator names', { readOnly: false, config: { enabled: true, tools: ['get_*'] } }, 300_000],
    ['one tool switched on', { config: { enabled: false, tools: [] }, override: true }, 300_000],
    ['one tool switched off', { override: false }, undefined],
    ['nothing that tells the time', { name: 'get_current_time' }, undefined],
    ['unless it is named itself', { name: 'get_now', config: { enabled: true, tools: ['get_now'] } }, 300_000],
    ['lists for an hour', { name: 'list_files' }, 3_600_000],
    ['searches for a minute', { name: 'search_web' }, 60_000],
    ['as long as the upstream says', { name: 'list_files', config: { enabled: true, tools: [], ttl: 5 } }, 5],
  ])('%s', (_, change, ttl) => {
    expect(cacheTtl({ ...subject, ...change })).toBe(ttl);
  });
});
