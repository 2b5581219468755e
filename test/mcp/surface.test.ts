// What a view does with names, URIs, prompts, completions and upstreams that are still on their way (10.12, 10.15, MP24, MP27).
import { describe, expect, it } from 'vitest';
import { ConvergedSurface } from '../../src/session/converged.ts';
import { isPending, settled } from '../../src/session/settled.ts';
import { openHouse } from '../support/mcp-house.ts';
import { result, ScriptedUpstream, text, toolOf } from '../support/scripted-upstream.ts';
import { callContext } from '../support/upstream-under-test.ts';

const starting = { state: 'starting', since: 0, attempt: 1, deadline: 0, phase: 'spawning' } as const;
async function two() {
  const a = new ScriptedUpstream('a', ['read']);
  const b = new ScriptedUpstream('b', ['read']);
  const house = await openHouse({ upstreams: [a, b] });
  const surface = house.surface('passthrough');
  const own = house.surface('a');
  if (surface === undefined || own === undefined) throw new Error('no view');
  return { a, b, house, surface, own, [Symbol.asyncDispose]: () => house[Symbol.asyncDispose]() };
}

describe('names and URIs go to their owner (MP24, 10.12)', () => {
  it('prompts and completions under their exposed names, resources by URI', async () => {
    await using one = await two();
    one.b.list({
      prompts: [{ name: 'hi' }],
      resources: [{ uri: 'x://b', name: 'b' }],
      resourceTemplates: [{ uriTemplate: 'db://{t}', name: 't' }],
    });
    one.b.script = ({ method, params }) => result({ method, params });
    const call = async (method: never, params: object) => {
      const answer = await one.surface.call({ method, params: params as never }, callContext());
      return 'result' in answer ? answer.result.value : answer;
    };
    expect(await call('prompts/get' as never, { name: 'b__hi', x: 1 })).toEqual({
      method: 'prompts/get',
      params: { name: 'hi', x: 1 },
    });
    expect(await call('completion/complete' as never, { ref: { type: 'ref/prompt', name: 'b__hi' } })).toMatchObject({
      params: { ref: { name: 'hi' } },
    });
    expect(
      await call('completion/complete' as never, { ref: { type: 'ref/resource', uri: 'db://{t}' } }),
    ).toMatchObject({ method: 'completion/complete' });
    expect(await call('resources/read' as never, { uri: 'x://b' })).toMatchObject({ method: 'resources/read' });
    for (const wrong of [{}, { ref: 5 }, { ref: { type: 'ref/prompt' } }, { ref: { type: 'ref/resource' } }]) {
      await expect(call('completion/complete' as never, wrong)).rejects.toMatchObject({ error: { code: -32602 } });
    }
    await expect(call('resources/read' as never, { uri: 'nope://x' })).rejects.toMatchObject({
      fault: 'RESOURCE_UNKNOWN',
    });
    await expect(call('prompts/get' as never, { name: 'b__ho' })).rejects.toMatchObject({
      fault: 'TOOL_UNKNOWN',
      data: { near: ['b__hi'] },
    });
    await expect(call('tools/call' as never, {})).rejects.toMatchObject({ error: { code: -32602 } });
  });

  it('a view of one upstream sends everything there, its own names untouched', async () => {
    await using one = await two();
    one.a.script = ({ params }) => text(JSON.stringify(params));
    const answer = await one.own.call({ method: 'resources/read', params: { uri: 'anything://x' } }, callContext());
    expect('result' in answer && answer.result.value).toMatchObject({ content: [{ text: '{"uri":"anything://x"}' }] });
    await one.own.subscribe('q://1', callContext());
    expect(one.a.subscribed.get('q://1')).toBe(1);
    await one.own.unsubscribe('q://1');
    await one.surface.unsubscribe('unknown://1');
    expect(one.a.subscribed.size).toBe(0);
  });

  it('tells instructions and capabilities of all, or all there may be while somebody is unknown', async () => {
    await using one = await two();
    const { client } = callContext();
    one.a.identity = {
      ...(one.a.identity as NonNullable<typeof one.a.identity>),
      instructions: 'be kind',
      capabilities: { tools: {} },
    };
    expect(one.own.instructions()).toBe('be kind');
    expect(one.surface.instructions()).toBe('# a\nbe kind');
    one.a.become({ state: 'ready', since: 1 });
    expect(one.own.capabilities(client)).toEqual({ tools: { listChanged: true } });
    one.a.identity = undefined;
    one.a.become({ state: 'ready', since: 2 });
    expect(one.own.capabilities(client)).toHaveProperty('prompts');
  });
});

describe('upstreams on their way (10.15)', () => {
  it('a call waits for the one that may bring its tool, and says who is not up when it gives up', async () => {
    await using one = await two();
    one.b.state = starting;
    one.b.lists = { ...one.b.lists, confirmed: false, revision: 0, tools: [] };
    one.b.become(starting);
    const waiting = one.surface.call({ method: 'tools/call', params: { name: 'b__late' } }, callContext());
    one.b.list({ tools: [toolOf('late')] });
    one.b.become({ state: 'ready', since: 1 });
    expect(await waiting).toHaveProperty('result');
    one.b.lists = { ...one.b.lists, confirmed: false };
    one.b.become(starting);
    const hurried = one.surface.call(
      { method: 'tools/call', params: { name: 'b__never' } },
      callContext({ deadline: performance.now() + 30 }),
    );
    await expect(hurried).rejects.toMatchObject({
      fault: 'UPSTREAM_NOT_READY',
      upstream: 'b',
      message: expect.stringContaining('is starting'),
    });
    const unowned = one.surface.call(
      { method: 'tools/call', params: { name: 'never' } },
      callContext({ deadline: performance.now() + 30 }),
    );
    await expect(unowned).rejects.toMatchObject({
      fault: 'TOOL_UNKNOWN',
      message: expect.stringContaining('b is starting'),
    });
  });

  it('settled: at once, when they have come, when the caller leaves; leaves no listener', async () => {
    const upstream = new ScriptedUpstream('u');
    await settled([upstream], callContext());
    upstream.lists = { ...upstream.lists, confirmed: false };
    upstream.state = starting;
    expect(isPending(upstream)).toBe(true);
    const abort = new AbortController();
    const left = settled([upstream], callContext({ signal: abort.signal }));
    abort.abort();
    await left;
    let found = false;
    const coming = settled([upstream], callContext(), () => found);
    found = true;
    upstream.become(starting);
    await coming;
    const failing = settled([upstream], callContext());
    upstream.become({ state: 'disabled', since: 0 });
    expect(await failing).toMatchObject([{ fault: 'UPSTREAM_NOT_READY', upstream: 'u' }]);
    upstream.list({ confirmed: true });
    expect(await settled([upstream], callContext())).toHaveLength(1);
    expect(upstream.listeners.changes).toBe(0);
  });
});

describe('tasks (MP27)', () => {
  it('belong to the upstream that made them, and to their caller', async () => {
    await using one = await two();
    for (const upstream of [one.a, one.b]) {
      const known = upstream.identity as NonNullable<typeof upstream.identity>;
      upstream.identity = { ...known, capabilities: { ...known.capabilities, tasks: { list: {} } } };
      upstream.become({ state: 'ready', since: 1 });
    }
    one.b.script = ({ method }) =>
      method === 'tools/call' ? result({ task: { taskId: 't1' } }) : result({ method, tasks: [{ taskId: 't1' }] });
    one.a.script = () => result({ tasks: [{ taskId: 't2' }] });
    await one.surface.call({ method: 'tools/call', params: { name: 'b__read', task: { ttl: 1 } } }, callContext());
    const got = await one.surface.task('tasks/get', { taskId: 't1' }, callContext());
    expect(got !== undefined && 'result' in got && got.result.value.method).toBe('tasks/get');
    const listed = await one.surface.task('tasks/list', {}, callContext());
    expect(listed !== undefined && 'result' in listed && listed.result.value).toEqual({
      tasks: [{ taskId: 't2' }, { taskId: 't1' }],
    });
    const other = callContext({ principal: { id: 'other', roles: [] } });
    expect(() => one.surface.task('tasks/get', { taskId: 't1' }, other)).toThrow(/was started here/);
    expect(one.surface.capabilities(callContext().client)).toHaveProperty('tasks');
    const modern = callContext({ client: { ...callContext().client, era: 'modern', revision: '2026-07-28' } });
    expect(one.surface.task('tasks/get', { taskId: 't1' }, modern)).toBeUndefined();
  });
});

describe('the converged surface (10.5)', () => {
  it('shows its own tools in one page and leaves everything else as it is below', async () => {
    await using one = await two();
    let tools = [{ name: 'exec' }];
    const converged = { listTools: () => tools, callTool: async () => text('executed') } as never;
    const surface = new ConvergedSurface('converged', one.surface, converged);
    const { client } = callContext();
    expect(surface.list('tools', undefined, 'legacy')?.value).toEqual({ tools });
    expect(surface.list('tools', '', 'modern')?.value).toMatchObject({ resultType: 'complete', tools });
    expect(surface.list('tools', 'x', 'legacy')).toBeUndefined();
    expect(surface.list('prompts', undefined, 'legacy')?.value).toEqual({ prompts: [] });
    expect(surface.instructions()).toBeUndefined();
    expect(surface.headerParams()).toBeUndefined();
    expect(surface.capabilities(client)).not.toHaveProperty('tasks');
    expect(await surface.call({ method: 'tools/call', params: { name: 'exec' } }, callContext())).toMatchObject({
      era: 'legacy',
    });
    await expect(surface.call({ method: 'prompts/get', params: { name: 'no' } }, callContext())).rejects.toMatchObject({
      fault: 'TOOL_UNKNOWN',
    });
    const told: unknown[] = [];
    const stop = surface.onListChange((kinds) => told.push(...kinds));
    one.surface.list('tools', undefined, 'legacy');
    one.a.list({ tools: [toolOf('read'), toolOf('x')] });
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(told).toEqual([]);
    tools = [{ name: 'other' }];
    one.a.list({ tools: [toolOf('read')] });
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(told).toEqual(['tools']);
    stop();
    const heard: string[] = [];
    const end = surface.onNotification(({ method }) => heard.push(method));
    one.b.notify('notifications/message', {});
    end();
    expect(heard).toEqual(['notifications/message']);
  });
});
