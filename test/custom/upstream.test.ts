// The upstream `custom` as the rest of the house sees it: the port, not the handlers.
import { describe, expect, it } from 'vitest';
import { RunningCatalog } from '../../src/catalog/catalog.ts';
import { EventStream } from '../../src/core/events.ts';
import { backend, callContext, faultOf, json, make, tool } from './support.ts';

const http = { type: 'http', url: 'http://127.0.0.1:1/' };

describe('the upstream custom (D-40)', () => {
  it('is ready as soon as it exists, with its lists confirmed as they were given', () => {
    const inputSchema = {
      type: 'object',
      properties: { q: { type: 'string', minLength: 1 } },
      required: ['q'],
      'x-own': [1],
    };
    const more = { title: 'Get', annotations: { readOnlyHint: true }, inputSchema };
    const { upstream } = make({
      tools: [tool('get', http, more), tool('alias', { type: 'mcp', upstream: 'a', tool: 'b' })],
    });
    expect(upstream.name).toBe('custom');
    expect(upstream.state.state).toBe('ready');
    expect(upstream.lists).toMatchObject({ revision: 1, confirmed: true, resources: [], excluded: [] });
    expect(upstream.lists.tools).toEqual([
      { name: 'get', title: 'Get', description: 'get.', inputSchema, annotations: { readOnlyHint: true } },
      { name: 'alias', description: 'alias.', inputSchema: { type: 'object' } },
    ]);
    expect(upstream.identity).toMatchObject({ transport: 'in-process', capabilities: { tools: {} } });
  });

  it('is shown in every view like any other', () => {
    const { upstream } = make({ tools: [tool('天气', http), tool('get', http)] });
    const member = { upstream, tools: { allow: [], disabled: [], overrides: {} }, trustAnnotations: true };
    const catalog = new RunningCatalog({ members: [member], prefix: 'always' }, new EventStream());
    expect([...(catalog.view('passthrough')?.tools.keys() ?? [])]).toContain('custom__get');
    expect(catalog.view('passthrough')?.tools.size).toBe(2);
    expect(catalog.view('custom')?.tools.get('get')).toMatchObject({ upstream: 'custom', name: 'get' });
    catalog.close();
  });

  it('checks arguments against the schema before anything is done', async () => {
    const { url, seen } = await backend((_, response) => json(response, {}));
    const inputSchema = {
      type: 'object',
      properties: { q: { type: 'string' }, n: { type: 'integer' } },
      required: ['q'],
      additionalProperties: false,
    };
    const { call } = make({ tools: [tool('get', { type: 'http', url }, { inputSchema })] });
    for (const args of [{}, { q: 1 }, { q: 'x', other: 1 }, [], 'text'])
      expect((await faultOf(call('get', args))).fault).toBe('ARGUMENTS_INVALID');
    expect((await faultOf(call('get', { q: 'a', n: 1.5 }))).message).toBe(
      'Argument validation failed: n must be integer',
    );
    expect(seen).toHaveLength(0);
    await call('get', { q: 'x', n: 1 });
    expect(seen).toHaveLength(1);
  });

  it('serves a tool whose schema cannot be compiled, and says so once', async () => {
    const { url } = await backend((_, response) => json(response, {}));
    const inputSchema = { type: 'object', properties: { q: { $ref: 'https://elsewhere.example/schema' } } };
    const { text, events } = make({ tools: [tool('get', { type: 'http', url }, { inputSchema })] });
    expect([await text('get'), await text('get')]).toEqual(['{}', '{}']);
    expect(events.filter((event) => event.type === 'log')).toHaveLength(1);
  });

  it('knows no other tool and no other method', async () => {
    const { upstream, call } = make({ tools: [tool('weather', http)] });
    const fault = await faultOf(call('wether'));
    expect([fault.fault, fault.data]).toEqual(['TOOL_UNKNOWN', { near: ['weather'] }]);
    const answer = await upstream.call({ method: 'prompts/get', params: {}, safety: 'read' }, callContext());
    expect(answer).toMatchObject({ error: { code: -32601 } });
    expect(await upstream.subscribe('x:y', callContext())).toBeUndefined();
  });

  it('drains: a call under way is answered, a new one is refused; told as any other change of state', async () => {
    let answer = (): void => undefined;
    const { url, seen } = await backend((_, response) => {
      answer = () => json(response, { late: true });
    });
    const { upstream, text, call, events } = make({ tools: [tool('get', { type: 'http', url })] });
    const changes: string[] = [];
    upstream.onChange((what) => changes.push(`${what} ${upstream.state.state}`));
    const under = text('get');
    await expect.poll(() => seen.length).toBe(1);
    const stopped = upstream.stop({ drain: 5_000, reason: 'removed' });
    expect(upstream.state.state).toBe('draining');
    expect((await faultOf(call('get'))).fault).toBe('UPSTREAM_NOT_READY');
    answer();
    expect(await under).toBe('{"late":true}');
    await stopped;
    expect(changes).toEqual(['state draining', 'state stopped']);
    expect(events.filter(({ type }) => type === 'upstream.state')).toMatchObject([
      { upstream: 'custom', from: 'ready', to: 'draining' },
      { upstream: 'custom', from: 'draining', to: 'stopped' },
    ]);
  });

  it('a call that was cancelled before it began sends nothing', async () => {
    const { url, seen } = await backend((_, response) => json(response, {}));
    const { call } = make({ tools: [tool('get', { type: 'http', url })] });
    const fault = await faultOf(call('get', {}, { signal: AbortSignal.abort() }));
    expect([fault.fault, fault.delivery, seen.length]).toEqual(['CANCELLED', 'not-sent', 0]);
  });
});
