// The path that every face takes: who is asked, what is refused before anything is sent, and what is told afterwards.
import { describe, expect, it } from 'vitest';
import { error, held, result, ScriptedUpstream, text } from '../../test/support/scripted-upstream.ts';
import { callContext } from '../../test/support/upstream-under-test.ts';
import { EventStream, type GatewayEvent } from '../core/events.ts';
import { GatewayFault } from '../core/fault.ts';
import { nearest } from '../core/nearest.ts';
import { HeapGuard } from '../operations/heap-guard.ts';
import { createDispatch, type ToolPolicy } from './dispatch.ts';

function path(limit = 10, policy: ToolPolicy | undefined = { safety: 'read', timeout: 5 }) {
  const upstream = new ScriptedUpstream('files', ['read']);
  const stream = new EventStream();
  const events: GatewayEvent[] = [];
  stream.subscribe((event) => events.push(event));
  const dispatch = createDispatch({
    upstream: (name) => (name === 'files' ? upstream : undefined),
    upstreams: () => ['files'],
    tool: () => policy,
    nearest: (name, candidates) => nearest(name, candidates),
    limit,
    events: stream,
  });
  return { upstream, dispatch, events, finished: () => events.filter((event) => event.type === 'call.finished') };
}
const call = {
  kind: 'call-tool',
  upstream: 'files',
  name: 'read',
  params: { name: 'read' },
  exactArguments: '{"n":1.0}',
} as const;

describe('dispatch', () => {
  it('sends each operation as its method, with its safety', async () => {
    const { dispatch, upstream } = path();
    await dispatch(call, callContext());
    await dispatch({ kind: 'read-resource', upstream: 'files', uri: 'x://1', params: { uri: 'x://1' } }, callContext());
    await dispatch({ kind: 'get-prompt', upstream: 'files', name: 'p', params: { name: 'p' } }, callContext());
    await dispatch({ kind: 'complete', upstream: 'files', params: {} }, callContext());
    await dispatch({ kind: 'forward', upstream: 'files', method: 'tasks/get', params: {} }, callContext());
    await dispatch({ kind: 'forward', upstream: 'files', method: 'tasks/cancel', params: {} }, callContext());
    expect(upstream.calls).toMatchObject([
      { method: 'tools/call', safety: 'read', timeout: 5, subject: 'read', exactArguments: '{"n":1.0}' },
      { method: 'resources/read', safety: 'read', subject: 'x://1' },
      { method: 'prompts/get', safety: 'read', subject: 'p' },
      { method: 'completion/complete', safety: 'read' },
      { method: 'tasks/get', safety: 'read' },
      { method: 'tasks/cancel', safety: 'write' },
    ]);
  });

  it('names what is near when the server does not exist (F-C17)', async () => {
    const { dispatch, finished } = path();
    const failed = dispatch({ ...call, upstream: 'flies' }, callContext({ id: 'c1' }));
    await expect(failed).rejects.toMatchObject({
      fault: 'UPSTREAM_UNKNOWN',
      correlationId: 'c1',
      data: { near: ['files'] },
    });
    expect(finished()).toMatchObject([{ outcome: 'fault', fault: 'UPSTREAM_UNKNOWN', upstream: 'flies' }]);
  });

  it('lets nobody call what the policy does not know (X-06)', async () => {
    const { dispatch, upstream } = path(10, undefined);
    const stream = new EventStream();
    const closed = createDispatch({
      upstream: () => upstream,
      upstreams: () => [],
      tool: () => undefined,
      nearest: () => [],
      limit: 1,
      events: stream,
    });
    await expect(closed(call, callContext())).rejects.toMatchObject({ fault: 'TOOL_UNKNOWN', upstream: 'files' });
    expect(upstream.calls).toEqual([]);
    expect(dispatch.inFlight).toBe(0);
  });

  it('sends nothing while the heap is nearly full, and calls again afterwards (F-G8)', async () => {
    const { upstream } = path();
    let used = 0.95;
    const heap = new HeapGuard({ used: () => used });
    const guarded = createDispatch({
      upstream: () => upstream,
      upstreams: () => ['files'],
      tool: () => ({ safety: 'read' }),
      nearest: () => [],
      limit: 10,
      admit: () => heap.admit(),
      events: new EventStream(),
    });
    heap.look();
    await expect(guarded(call, callContext())).rejects.toMatchObject({ fault: 'OVERLOADED' });
    expect(upstream.calls).toEqual([]);
    expect(guarded.inFlight).toBe(0);
    used = 0.5;
    heap.look();
    await guarded(call, callContext());
    expect(upstream.calls).toHaveLength(1);
    heap.close();
  });

  it('runs as many as limits.gateway allows, refuses the next at once, and takes one again when one is done (F-C15)', async () => {
    const { dispatch, upstream } = path(2);
    const holds = [held(), held()];
    let turn = 0;
    upstream.script = (one, context) =>
      turn < 2 ? (holds[turn++] as ReturnType<typeof held>).script(one, context) : text('third');
    const running = [dispatch(call, callContext()), dispatch(call, callContext())];
    expect(dispatch.inFlight).toBe(2);
    await expect(dispatch(call, callContext())).rejects.toMatchObject({
      fault: 'OVERLOADED',
      delivery: 'not-sent',
      retryAfterMs: 1000,
    });
    holds[0]?.answer(text('a'));
    await running[0];
    await dispatch(call, callContext());
    holds[1]?.answer(text('b'));
    await running[1];
    expect(dispatch.inFlight).toBe(0);
  });

  it('tells every end once, and what kind of end it was', async () => {
    const { dispatch, upstream, finished } = path();
    const answers = [
      () => text('ok'),
      () => result({ isError: true, content: [] }),
      () => error(-32000, 'no'),
      () => {
        throw new GatewayFault('UPSTREAM_TIMEOUT', 'late', { delivery: 'maybe-sent' });
      },
      () => {
        throw new Error('a bug');
      },
    ];
    for (const script of answers) {
      upstream.script = script;
      await dispatch(
        call,
        callContext({
          client: { era: 'legacy', revision: 'x', capabilities: {}, info: { name: 'n', version: '2' }, key: 'k' },
        }),
      ).catch(() => undefined);
    }
    expect(finished().map((event) => 'outcome' in event && [event.outcome, event.fault])).toEqual([
      ['result', undefined],
      ['tool-error', undefined],
      ['rpc-error', undefined],
      ['fault', 'UPSTREAM_TIMEOUT'],
      ['fault', 'INTERNAL'],
    ]);
    expect(finished()[0]).toMatchObject({
      client: 'n 2',
      method: 'tools/call',
      subject: 'read',
      face: 'mcp',
      principal: 'local',
    });
    expect(dispatch.inFlight).toBe(0);
  });
});
