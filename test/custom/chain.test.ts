// The handlers `mcp` and `chain`: what goes to other tools, what becomes of their results and failures.
import { describe, expect, it } from 'vitest';
import { GatewayFault } from '../../src/core/fault.ts';
import type { RpcNotification } from '../../src/core/rpc.ts';
import { faultOf, make, type Other, tool } from './support.ts';

const ok = (text: string) => ({ content: [{ type: 'text', text }] });
const bad = (text: string) => ({ ...ok(text), isError: true });
const step = (name: string, args?: object) => ({ upstream: 'other', tool: name, ...(args && { arguments: args }) });
const chain = (tools: unknown[], more: object = {}) =>
  tool('chain', { type: 'chain', tools, retry_delay: '1ms', ...more });

/** Tools of another upstream: each tells what it was given. */
const echo: Other = (name, args) => {
  if (name === 'fail') return Promise.resolve(bad('no luck'));
  if (name === 'object')
    return Promise.resolve({ ...ok('{"city":"Bonn"}'), structuredContent: { city: 'Bonn', n: 2 } });
  if (name === 'word') return Promise.resolve(ok('word'));
  return Promise.resolve(ok(`${name} ${JSON.stringify(args)}`));
};

describe('an alias (D-40: mcp)', () => {
  it('passes params, context and answer on as they are', async () => {
    const handler = { type: 'mcp', config: { serviceName: 'other', toolName: 'search' } };
    const { call, dispatched } = make({ tools: [tool('alias', handler)] }, {}, echo);
    const notify = () => undefined;
    const params = { name: 'alias', arguments: { q: 1 }, _meta: { a: 1 }, unknown: true };
    expect(await call('alias', {}, { params, notify, exactArguments: '{"q":1.0}' })).toEqual(ok('search {"q":1}'));
    expect(dispatched[0]).toMatchObject({ upstream: 'other', name: 'search', params: { ...params, name: 'search' } });
    expect(dispatched[0]?.context.notify).toBe(notify);
  });

  it('keeps the fault of the upstream behind it', async () => {
    const { call } = make({ tools: [tool('alias', { type: 'mcp', upstream: 'gone', tool: 'x' })] });
    expect((await faultOf(call('alias'))).fault).toBe('UPSTREAM_UNKNOWN');
  });
});

describe('a sequential chain (D-40)', () => {
  it('gives the first step the arguments and each later one the result before', async () => {
    const { call, dispatched } = make({ tools: [chain([step('object'), step('word'), step('last')])] }, {}, echo);
    expect(await call('chain', { q: 'x' })).toEqual(ok('last {"input":"word"}'));
    expect(dispatched.map(({ params }) => params.arguments)).toEqual([
      { q: 'x' },
      { city: 'Bonn', n: 2 },
      { input: 'word' },
    ]);
  });

  it('fills configured arguments from call, result and all results', async () => {
    const last = step('last', {
      q: '{{q}}',
      n: '{{result.n}}',
      text: 'in {{results.0.city}}, {{results.1}}',
      keep: [1],
    });
    const { text } = make({ tools: [chain([step('object'), step('object'), last])] }, {}, echo);
    expect(JSON.parse((await text('chain', { q: true })).slice(5))).toEqual({
      q: true,
      n: 2,
      text: 'in Bonn, {"city":"Bonn","n":2}',
      keep: [1],
    });
  });

  it('goes through other custom tools', async () => {
    const first = tool('first', { type: 'mcp', upstream: 'other', tool: 'word' });
    const { text, dispatched } = make({ tools: [first, chain(['first', step('last')])] }, {}, echo);
    expect(await text('chain')).toBe('last {"input":"word"}');
    expect(dispatched.map(({ upstream, name }) => `${upstream}/${name}`)).toEqual([
      'custom/first',
      'other/word',
      'other/last',
    ]);
  });

  it('stop: ends with the first failure and says which', async () => {
    const { call, dispatched } = make({ tools: [chain([step('word'), step('fail'), step('last')])] }, {}, echo);
    expect(await call('chain')).toEqual(bad('step 2 (other/fail) failed: no luck'));
    expect(dispatched).toHaveLength(2);
  });

  it('continue: leaves a failed step out', async () => {
    const { call } = make(
      { tools: [chain([step('word'), step('fail'), step('last')], { error_handling: 'continue' })] },
      {},
      echo,
    );
    expect(await call('chain')).toEqual(ok('last {"input":"word"}'));
    const all = make({ tools: [chain([step('fail'), step('fail')], { error_handling: 'continue' })] }, {}, echo);
    expect(await all.call('chain')).toEqual(
      bad('step 1 (other/fail) failed: no luck\nstep 2 (other/fail) failed: no luck'),
    );
  });

  it('retry: tries a failed step again, up to retry_count', async () => {
    let calls = 0;
    const { text } = make({ tools: [chain([step('shaky')], { error_handling: 'retry' })] }, {}, () =>
      Promise.resolve(++calls < 3 ? bad('busy') : ok('done')),
    );
    expect(await text('chain')).toBe('done');
    const never = make({ tools: [chain([step('fail')], { error_handling: 'retry', retry_count: 1 })] }, {}, echo);
    expect(await never.call('chain')).toEqual(bad('step 1 (other/fail) failed: no luck'));
    expect(never.dispatched).toHaveLength(2);
  });

  it('retry: never after a failure that may have run it', async () => {
    const lost = new GatewayFault('UPSTREAM_DISCONNECTED', 'lost', { delivery: 'maybe-sent' });
    const { call, dispatched } = make({ tools: [chain([step('write')], { error_handling: 'retry' })] }, {}, () =>
      Promise.reject(lost),
    );
    expect((await call('chain')).isError).toBe(true);
    expect(dispatched).toHaveLength(1);
    const unsent = new GatewayFault('UPSTREAM_UNREACHABLE', 'not there');
    const other = make({ tools: [chain([step('write')], { error_handling: 'retry' })] }, {}, () =>
      Promise.reject(unsent),
    );
    expect(await other.call('chain')).toEqual(bad('step 1 (other/write) failed: not there'));
    expect(other.dispatched).toHaveLength(3);
  });

  it('tells how far it is, and asks the caller nothing', async () => {
    const told: RpcNotification[] = [];
    const asking: Other = (name, args, { ask, notify, progressToken, client }) => {
      if (ask !== undefined || notify !== undefined || progressToken !== undefined) throw new Error('may ask');
      return Promise.resolve(ok(JSON.stringify([name, args, client.capabilities])));
    };
    const { text } = make({ tools: [chain([step('a'), step('b')])] }, {}, asking);
    const client = {
      era: 'modern',
      revision: '2026-07-28',
      capabilities: { elicitation: {} },
      info: {},
      key: 'k',
    } as const;
    const ask = () => Promise.reject(new Error('asked'));
    await text('chain', {}, { progressToken: 7, notify: (one) => told.push(one), ask, client });
    expect(told.map(({ params }) => params)).toEqual([
      { progressToken: 7, progress: 1, total: 2 },
      { progressToken: 7, progress: 2, total: 2 },
    ]);
    const needy = make({ tools: [chain([step('a')])] }, {}, () =>
      Promise.resolve({ resultType: 'input_required', inputRequests: {} }),
    );
    expect((await needy.call('chain')).isError).toBe(true);
  });
});

describe('a parallel chain (D-40)', () => {
  it('runs all at once with the same arguments and gives their results in order', async () => {
    let inside = 0;
    let most = 0;
    const together: Other = async (name, args) => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, name === 'a' ? 40 : 10));
      inside--;
      return ok(JSON.stringify({ name, ...args }));
    };
    const { text } = make(
      { tools: [chain([step('a'), step('b', { only: '{{q}}' })], { mode: 'parallel' })] },
      {},
      together,
    );
    expect(JSON.parse(await text('chain', { q: 1 }))).toEqual([
      { tool: 'other/a', ok: true, result: { name: 'a', q: 1 } },
      { tool: 'other/b', ok: true, result: { name: 'b', only: 1 } },
    ]);
    expect(most).toBe(2);
  });

  it('stop: a failure ends the others', async () => {
    let cancelled = false;
    const { call } = make(
      { tools: [chain([step('slow'), step('fail')], { mode: 'parallel' })] },
      {},
      (name, args, context) => {
        if (name === 'fail') return echo(name, args, context);
        return new Promise((_, reject) => {
          context.signal.addEventListener('abort', () => {
            cancelled = true;
            reject(context.signal.reason as Error);
          });
        });
      },
    );
    expect(await call('chain')).toEqual(bad('step 2 (other/fail) failed: no luck'));
    expect(cancelled).toBe(true);
  });

  it('continue: tells failures among the results', async () => {
    const { call } = make(
      { tools: [chain([step('word'), step('fail')], { mode: 'parallel', error_handling: 'continue' })] },
      {},
      echo,
    );
    const result = await call('chain');
    expect(result.isError).toBeUndefined();
    expect(JSON.parse((result.content as { text: string }[])[0]?.text ?? '')).toEqual([
      { tool: 'other/word', ok: true, result: 'word' },
      { tool: 'other/fail', ok: false, error: 'no luck' },
    ]);
  });
});

describe('bounds of chains', () => {
  it('a loop through another upstream ends', async () => {
    const made = make(
      { tools: [tool('loop', { type: 'mcp', upstream: 'mirror', tool: 'loop' })] },
      {},
      (_, args, context) => made.call('loop', args, context),
    );
    const fault = await faultOf(made.call('loop'));
    expect(fault.message).toContain('nested deeper than 8');
    expect(made.dispatched).toHaveLength(8);
  });

  it('a chain ends at its timeout and when its caller goes', async () => {
    const waits: Other = (_, __, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const { call } = make({ tools: [chain([step('a'), step('b')], { timeout: '50ms' })] }, {}, waits);
    expect((await faultOf(call('chain'))).fault).toBe('UPSTREAM_TIMEOUT');
    const abort = new AbortController();
    const fault = faultOf(call('chain', {}, { signal: abort.signal }));
    abort.abort();
    expect((await fault).fault).toBe('CANCELLED');
  });
});
