// Requests of 2026-07-28 on a real listener: each stands for itself, and its stream is its life (MP2, MP4, MP18 to MP22).
import { describe, expect, it } from 'vitest';
import { exchange } from '../support/http-exchange.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { openHouse } from '../support/mcp-house.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { type Json, type RpcMessage, textOf } from '../support/rpc.ts';
import { error, hangs, held, result, ScriptedUpstream, text, toolOf } from '../support/scripted-upstream.ts';
import { waitFor } from '../support/wait.ts';

const META = 'io.modelcontextprotocol';
const regional = {
  name: 'query',
  inputSchema: {
    type: 'object',
    properties: {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      n: { type: 'integer', 'x-mcp-header': 'Count' },
    },
  },
};
async function house(era: 'legacy' | 'modern' = 'legacy', more: Partial<Parameters<typeof openHouse>[0]> = {}) {
  const upstream = new ScriptedUpstream('u', ['read', regional], era);
  const one = await openHouse({ upstreams: [upstream], ...more });
  return { upstream, one, client: new ModernHttpClient(`${one.url}/mcp/u`) };
}
const call = (more: object = {}, headers: Record<string, string> = {}) => ({
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name: 'read',
      arguments: {},
      _meta: { [`${META}/protocolVersion`]: '2026-07-28', [`${META}/clientCapabilities`]: {} },
      ...more,
    },
  }),
  headers: {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'read',
    ...headers,
  },
});

describe('what a request has to say (MP2)', () => {
  it.each([
    ['no version in the body', { _meta: { [`${META}/clientCapabilities`]: {} } }, {}, -32602],
    ['no capabilities', { _meta: { [`${META}/protocolVersion`]: '2026-07-28' } }, {}, -32602],
    [
      'capabilities that are a list',
      { _meta: { [`${META}/protocolVersion`]: '2026-07-28', [`${META}/clientCapabilities`]: 1 } },
      {},
      -32602,
    ],
    ['another method in the header', {}, { 'mcp-method': 'tools/list' }, -32020],
    ['another name in the header', {}, { 'mcp-name': 'write' }, -32020],
    ['another version in the header', {}, { 'mcp-protocol-version': '2025-11-25' }, -32020],
    ['a name that is no legal Base64', {}, { 'mcp-name': '=?base64?***?=' }, -32020],
  ])('%s is 400', async (_name, more, headers, code) => {
    const { one } = await house();
    await using _ = one;
    const reply = await exchange(`${one.url}/mcp/u`, call(more, headers));
    expect([reply.status, JSON.parse(await reply.body)]).toMatchObject([400, { id: 1, error: { code } }]);
  });

  it('missing headers are 400 with -32020', async () => {
    const { one, upstream } = await house();
    await using _ = one;
    for (const gone of ['mcp-protocol-version', 'mcp-method', 'mcp-name']) {
      const { body, headers } = call();
      const reply = await exchange(`${one.url}/mcp/u`, {
        body,
        headers: Object.fromEntries(Object.entries(headers).filter(([key]) => key !== gone)),
      });
      expect([gone, reply.status, JSON.parse(await reply.body)]).toMatchObject([
        gone,
        400,
        { error: { code: -32020 } },
      ]);
    }
    expect(upstream.calls).toEqual([]);
  });

  it('a version that is not ours is 400 with -32022 and what is', async () => {
    const { one } = await house();
    await using _ = one;
    const client = new ModernHttpClient(`${one.url}/mcp/u`, { revision: '2027-01-01' });
    const { status, message } = await client.exchange('tools/list');
    const discovered = await new ModernHttpClient(`${one.url}/mcp/u`).initialize();
    expect([status, message.error]).toMatchObject([400, { code: -32022, data: { requested: '2027-01-01' } }]);
    expect(discovered.supportedVersions).toEqual(expect.arrayContaining(message.error?.data?.supported as string[]));
  });

  it('the prefixed name of a merged view is the one compared, Base64 decoded', async () => {
    const odd = new ScriptedUpstream('o', [toolOf('hi')]);
    odd.lists = { ...odd.lists, resources: [{ uri: 'x://ä', name: 'a' }] };
    await using one = await openHouse({ upstreams: [odd] });
    const client = new ModernHttpClient(`${one.url}/mcp`);
    odd.script = ({ params }) => (params.uri === undefined ? text(String(params.name)) : result({ contents: [] }));
    expect(textOf(await client.call('o__hi'))).toBe('hi');
    expect(await client.request('resources/read', { uri: 'x://ä' })).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
  });

  it('arguments that a tool wants in headers have to be there, and the same', async () => {
    const { one, client, upstream } = await house();
    await using _ = one;
    const args = { region: 'eu', n: 3 };
    const good = { 'mcp-param-region': 'eu', 'mcp-param-count': '3.0' };
    await client.call('query', args, { headers: good });
    expect(upstream.calls).toHaveLength(1);
    for (const headers of [
      {},
      { 'mcp-param-region': 'eu' },
      { ...good, 'mcp-param-region': 'us' },
      { ...good, 'mcp-param-count': '4' },
      { ...good, 'mcp-param-count': '' },
    ]) {
      const { status, message } = await client.exchange('tools/call', { name: 'query', arguments: args }, { headers });
      expect([status, message.error?.code]).toEqual([400, -32020]);
    }
    const extra = await client.exchange('tools/call', { name: 'query', arguments: {} }, { headers: good });
    expect(extra.status).toBe(400);
    expect(upstream.calls).toHaveLength(1);
  });

  it('answers and batches of a client are refused; notifications are taken', async () => {
    const { one } = await house();
    await using _ = one;
    const { headers } = call();
    const answer = await exchange(`${one.url}/mcp/u`, { body: '{"jsonrpc":"2.0","id":1,"result":{}}', headers });
    expect(answer.status).toBe(400);
    const batch = await exchange(`${one.url}/mcp/u`, { body: `[${call().body}]`, headers });
    expect(batch.status).toBe(400);
    const note = await exchange(`${one.url}/mcp/u`, {
      body: '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}',
      headers: { ...headers, 'mcp-method': 'notifications/cancelled' },
    });
    expect(note.status).toBe(202);
  });
});

describe('results (MP8, MP17, MP18)', () => {
  it('of a legacy upstream get what the era wants, and keep everything else', async () => {
    const { one, client, upstream } = await house();
    await using _ = one;
    upstream.script = () => result({ content: [], _meta: { 'x/y': 1 }, extra: { $schema: 's' } });
    expect(await client.call('read')).toEqual({
      resultType: 'complete',
      content: [],
      _meta: { 'x/y': 1 },
      extra: { $schema: 's' },
    });
    upstream.script = () => error(-32002, 'Resource not found', { uri: 'x://' });
    await expect(client.request('resources/read', { uri: 'x://' })).rejects.toMatchObject({ code: -32602 });
    expect(await client.request('tools/list')).toMatchObject({
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { [`${META}/serverInfo`]: { name: 'holdfast' } },
    });
  });

  it('that only change in a large body are passed byte by byte', async () => {
    const { one, client, upstream } = await house('modern');
    await using _ = one;
    const big = 'ä'.repeat(100_000);
    upstream.script = () => result({ resultType: 'complete', content: [{ type: 'text', text: big }] }, 'modern');
    expect(textOf(await client.call('read'))).toBe(big);
  });

  it('unknown tools, resources and views name what is near', async () => {
    const { one, client } = await house();
    await using _ = one;
    await expect(client.call('raed')).rejects.toMatchObject({
      code: -32602,
      data: { fault: 'TOOL_UNKNOWN', near: ['read'] },
    });
    const lost = new ModernHttpClient(`${one.url}/mcp/nope`);
    const { status, message } = await lost.exchange('tools/list', {}, { id: 'v' });
    expect([status, message.id, message.error?.data?.views]).toEqual([404, 'v', ['passthrough', 'u']]);
  });
});

describe('going away is cancelling (MP4, F-C6)', () => {
  it('reaches the upstream within 1 s, and nothing more is sent', async () => {
    const { one, client, upstream } = await house();
    await using _ = one;
    let aborted = 0;
    upstream.script = (request, context) => {
      context.signal.addEventListener('abort', () => {
        aborted = performance.now();
      });
      return hangs(request, context);
    };
    const leave = new AbortController();
    const pending = client
      .exchange('tools/call', { name: 'read' }, { signal: leave.signal })
      .catch((reason: Error) => reason.name);
    await waitFor(() => upstream.calls.length === 1);
    const began = performance.now();
    leave.abort();
    expect(await pending).toBe('AbortError');
    await waitFor(() => aborted > 0, { within: 30_000 });
    expect(aborted - began).toBeLessThan(10_000);
    await waitFor(() => one.mcp.open.answers === 0);
  });

  it('is not done by a notification: only stdio has that', async () => {
    const { one, client, upstream } = await house();
    await using _ = one;
    const hold = held();
    upstream.script = hold.script;
    const answer = client.exchange('tools/call', { name: 'read' }, { id: 77 });
    const context = await hold.called;
    await client.notify('notifications/cancelled', { requestId: 77 });
    expect(context.signal.aborted).toBe(false);
    hold.answer(text('still'));
    expect((await answer).message.id).toBe(77);
  });
});

describe('subscriptions/listen (MP22, MP23)', () => {
  it('acknowledges first, then sends only what was asked for, tagged, and ends gracefully', async () => {
    const { one, client, upstream } = await house('modern');
    await using _ = one;
    await client.toolNames();
    const messages: RpcMessage[] = [];
    const { body, headers } = call();
    const listen = JSON.parse(body) as RpcMessage;
    const reply = await exchange(`${one.url}/mcp/u`, {
      body: JSON.stringify({
        ...listen,
        id: 'sub',
        method: 'subscriptions/listen',
        params: {
          _meta: (listen.params as Json)._meta,
          notifications: {
            toolsListChanged: true,
            promptsListChanged: false,
            resourceSubscriptions: ['x://1', 'x://1'],
          },
        },
      }),
      headers: { ...headers, 'mcp-method': 'subscriptions/listen' },
      onMessage: (message) => messages.push(message),
    });
    expect(reply.type).toBe('text/event-stream');
    await waitFor(() => messages.length === 1);
    expect(messages[0]).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: {
        notifications: { toolsListChanged: true, resourceSubscriptions: ['x://1'] },
        _meta: { [`${META}/subscriptionId`]: 'sub' },
      },
    });
    expect([...upstream.subscribed]).toEqual([['x://1', 1]]);
    upstream.notify('notifications/resources/updated', { uri: 'x://2' });
    upstream.notify('notifications/message', { level: 'error', data: 'never here' });
    upstream.list({ prompts: [{ name: 'p' }] });
    upstream.notify('notifications/resources/updated', { uri: 'x://1', _meta: { a: 1 } });
    upstream.list({ tools: [toolOf('other')] });
    await waitFor(() => messages.length === 3);
    expect(messages.slice(1)).toMatchObject([
      {
        method: 'notifications/resources/updated',
        params: { uri: 'x://1', _meta: { a: 1, [`${META}/subscriptionId`]: 'sub' } },
      },
      { method: 'notifications/tools/list_changed', params: { _meta: { [`${META}/subscriptionId`]: 'sub' } } },
    ]);
    one.mcp.close();
    await reply.body;
    expect(messages[3]).toMatchObject({
      id: 'sub',
      result: { resultType: 'complete', _meta: { [`${META}/subscriptionId`]: 'sub' } },
    });
    expect(upstream.subscribed.size).toBe(0);
    expect(upstream.listeners.notifications).toBe(0);
  });

  it('ends with its stream: the upstream is told, nothing is left', async () => {
    const { one, client, upstream } = await house();
    await using _ = one;
    const { close } = await client.listen({ resourceSubscriptions: ['x://1'] });
    expect(one.mcp.open.streams).toBe(1);
    close();
    await waitFor(() => upstream.subscribed.size === 0 && one.mcp.open.streams === 0);
    expect(upstream.listeners.notifications).toBe(0);
  });

  it.each([
    [{}, -32602],
    [{ notifications: 5 }, -32602],
    [{ notifications: { toolsListChanged: 'yes' } }, -32602],
    [{ notifications: { resourceSubscriptions: 'x://1' } }, -32602],
    [{ notifications: { resourceSubscriptions: [1] } }, -32602],
  ])('%j is refused', async (params, code) => {
    const { one, client } = await house();
    await using _ = one;
    const { status, message } = await client.exchange('subscriptions/listen', params);
    expect([status, message.error?.code]).toEqual([400, code]);
  });

  it('is bounded as all streams are (F-C8)', async () => {
    const { one, client } = await house('legacy', { limits: { streams: 1 } });
    await using _ = one;
    const { close } = await client.listen({ toolsListChanged: true });
    const { status } = await client.exchange('subscriptions/listen', { notifications: {} });
    expect(status).toBe(429);
    close();
  });

  it('GET and DELETE have no place in this era', async () => {
    const { one } = await house();
    await using _ = one;
    for (const method of ['GET', 'DELETE', 'PATCH']) {
      const reply = await exchange(`${one.url}/mcp/u`, {
        method,
        headers: { accept: 'text/event-stream', 'mcp-protocol-version': '2026-07-28' },
      });
      expect([method, reply.status]).toEqual([method, 405]);
      await reply.body;
    }
  });
});

describe('questions of a legacy upstream (MP19, MP20)', () => {
  const asks = (upstream: ScriptedUpstream, count: number) => {
    upstream.script = async (_call, context) => {
      const said: unknown[] = [];
      for (let round = 0; round < count; round++) {
        const answer = await context.ask?.(
          { method: 'elicitation/create', params: { message: `q${round}` } },
          context.signal as AbortSignal,
        );
        said.push('result' in (answer ?? {}) ? (answer as { result: Json }).result : answer);
      }
      return text(JSON.stringify(said));
    };
  };
  const able = { capabilities: { elicitation: { form: {} } } };

  it('become input_required; the retry goes on with the same call, as often as there are questions', async () => {
    const { one, upstream } = await house();
    await using _ = one;
    asks(upstream, 2);
    const client = new ModernHttpClient(`${one.url}/mcp/u`, able);
    let answer: Json = await client.call('read');
    for (let round = 0; round < 2; round++) {
      expect(answer).toMatchObject({ resultType: 'input_required' });
      const [[key, request]] = Object.entries(answer.inputRequests as Json) as [[string, Json]];
      expect(request).toMatchObject({ method: 'elicitation/create', params: { mode: 'form', message: `q${round}` } });
      const inputResponses = { [key]: { action: 'accept', content: { n: round } } };
      answer = await client.request('tools/call', {
        name: 'read',
        arguments: {},
        requestState: answer.requestState,
        inputResponses,
      });
    }
    expect(textOf(answer as never)).toBe(
      '[{"action":"accept","content":{"n":0}},{"action":"accept","content":{"n":1}}]',
    );
    expect(upstream.calls).toHaveLength(1);
    expect(one.parked.size).toBe(0);
  });

  it('two parked calls never swap answers', async () => {
    const { one, upstream } = await house();
    await using _ = one;
    upstream.script = async ({ params }, context) => {
      const answer = (await context.ask?.(
        { method: 'elicitation/create', params: { message: 'q' } },
        context.signal as AbortSignal,
      )) as { result: Json };
      return text(`${(params.arguments as Json).who} got ${(answer.result.content as Json).for}`);
    };
    const client = new ModernHttpClient(`${one.url}/mcp/u`, able);
    const parked = await Promise.all(
      ['a', 'b', 'c'].map((who) => client.request('tools/call', { name: 'read', arguments: { who } })),
    );
    const retry = async (state: Json, who: string, arguments_ = { who }) =>
      await client.request('tools/call', {
        name: 'read',
        arguments: arguments_,
        requestState: state.requestState,
        inputResponses: { q1: { action: 'accept', content: { for: who } } },
      });
    await expect(retry(parked[0] as Json, 'b', { who: 'b' })).rejects.toMatchObject({ code: -32602 });
    const texts = await Promise.all(
      ['c', 'a', 'b'].map(async (who) => textOf((await retry(parked['abc'.indexOf(who)] as Json, who)) as never)),
    );
    expect(texts).toEqual(['c got c', 'a got a', 'b got b']);
  });

  it('that nobody answers end after the time given: the upstream is told cancel, the call is cancelled', async () => {
    const { one, upstream } = await house('legacy', { parkedTtl: 60 });
    await using _ = one;
    let told: unknown;
    let cancelled = false;
    upstream.script = async (request, context) => {
      context.signal.addEventListener('abort', () => {
        cancelled = true;
      });
      told = await context.ask?.(
        { method: 'elicitation/create', params: { message: 'q' } },
        context.signal as AbortSignal,
      );
      return await hangs(request, context);
    };
    const client = new ModernHttpClient(`${one.url}/mcp/u`, able);
    const parked = await client.call('read');
    await waitFor(() => cancelled);
    expect(told).toEqual({ result: { action: 'cancel' } });
    const late = client.request('tools/call', {
      name: 'read',
      arguments: {},
      requestState: parked.requestState,
      inputResponses: {},
    });
    await expect(late).rejects.toMatchObject({ code: -32602 });
  });

  it('a client that declared nothing has nothing to be asked with (MP20)', async () => {
    const { one, client, upstream } = await house();
    await using _ = one;
    upstream.script = (_call, context) => text(String(context.ask === undefined));
    expect(textOf(await client.call('read'))).toBe('true');
  });

  it('URL elicitation by error becomes a question too (MP19)', async () => {
    const { one, upstream } = await house();
    await using _ = one;
    upstream.script = () =>
      error(-32042, 'visit', {
        elicitations: [{ elicitationId: 'e', url: 'https://x.example', message: 'go' }, 'odd'],
      });
    const client = new ModernHttpClient(`${one.url}/mcp/u`, { capabilities: { elicitation: { url: {} } } });
    expect(await client.call('read')).toMatchObject({
      resultType: 'input_required',
      inputRequests: {
        url1: { method: 'elicitation/create', params: { mode: 'url', url: 'https://x.example', message: 'go' } },
      },
    });
    await expect(new ModernHttpClient(`${one.url}/mcp/u`, able).call('read')).rejects.toMatchObject({ code: -32042 });
  });
});

describe('questions of a modern upstream (MP15, MP28)', () => {
  it('reach a legacy client on the stream of its call; requestState goes back byte by byte', async () => {
    const { one, upstream } = await house('modern');
    await using _ = one;
    const state = ' {"odd" : "é\\u0000"} ';
    upstream.script = ({ params }) =>
      params.requestState === undefined
        ? result(
            {
              resultType: 'input_required',
              requestState: state,
              inputRequests: {
                a: { method: 'elicitation/create', params: { mode: 'form', message: 'name?', requestedSchema: {} } },
                b: { method: 'roots/list' },
                c: { method: 'elicitation/create', params: { mode: 'url', url: 'https://x.example', message: 'go' } },
              },
            },
            'modern',
          )
        : result({ resultType: 'complete', content: [{ type: 'text', text: JSON.stringify(params) }] }, 'modern');
    const client = new LegacyHttpClient(`${one.url}/mcp/u`, {
      capabilities: { elicitation: {}, roots: {} },
      revision: '2025-06-18',
    });
    client.responder = ({ method, params }) =>
      method === 'roots/list'
        ? { roots: [{ uri: 'file:///r' }] }
        : { action: 'accept', content: { saw: params?.mode ?? 'no mode' } };
    await client.initialize();
    const sent = JSON.parse(textOf(await client.call('read', { x: 1 }))) as Json;
    expect(sent).toMatchObject({
      arguments: { x: 1 },
      requestState: state,
      inputResponses: {
        a: { action: 'accept', content: { saw: 'no mode' } },
        b: { roots: [{ uri: 'file:///r' }] },
        c: { action: 'decline' },
      },
    });
  });

  it('pass to a modern client and back untouched', async () => {
    const { one, client, upstream } = await house('modern');
    await using _ = one;
    upstream.script = ({ params }) =>
      params.requestState === undefined
        ? result(
            { resultType: 'input_required', requestState: 'opaque \u00e9', inputRequests: { k: { method: 'x/y' } } },
            'modern',
          )
        : result(
            {
              resultType: 'complete',
              content: [{ type: 'text', text: JSON.stringify([params.requestState, params.inputResponses]) }],
            },
            'modern',
          );
    const first = await client.call('read');
    expect(first).toMatchObject({
      resultType: 'input_required',
      requestState: 'opaque é',
      inputRequests: { k: { method: 'x/y' } },
    });
    const second = await client.request('tools/call', {
      name: 'read',
      arguments: {},
      requestState: first.requestState,
      inputResponses: { k: { r: 1 } },
    });
    expect(textOf(second as never)).toBe('["opaque é",{"k":{"r":1}}]');
  });

  it("that never end are the upstream's fault, after a bound", async () => {
    const { one, upstream } = await house('modern');
    await using _ = one;
    upstream.script = () => result({ resultType: 'input_required', requestState: 'again' }, 'modern');
    const client = new LegacyHttpClient(`${one.url}/mcp/u`);
    await client.initialize();
    await expect(client.call('read')).rejects.toMatchObject({ data: { fault: 'UPSTREAM_PROTOCOL' } });
    expect(upstream.calls.length).toBeLessThan(30);
    for (const odd of [{ inputRequests: 5 }, { inputRequests: { a: 'x' } }]) {
      upstream.script = () => result({ resultType: 'input_required', ...odd }, 'modern');
      await expect(client.call('read')).rejects.toMatchObject({ data: { fault: 'UPSTREAM_PROTOCOL' } });
    }
  });
});
