import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, test } from 'vitest';
import { files, stage, weather } from '../../test/converge/fixture.ts';
import { GatewayFault } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';

const path = '{path: string /* Where it lies */; head?: number /* int, >=1 */}';

describe('inspect', () => {
  test('A-04, A-20: a server is a list, a tool is one object, input_schema is TypeScript', async () => {
    const { call } = stage();
    const list = (await call('inspect', { server_name: 'files' })).json as JsonObject[];
    expect(list.map(({ name }) => name)).toEqual(['read_file', 'write_file', 'inspect']);
    expect(Object.keys(list[0] as object)).toEqual(['server_name', 'name', 'description', 'input_schema']);
    expect((await call('inspect', { server_name: 'files', tool_name: 'read_file' })).json).toEqual({
      server_name: 'files',
      name: 'read_file',
      description: 'Read a file as text',
      input_schema: path,
    });
  });

  test('A-20: JSON Schema where signatures are switched off', async () => {
    const { call } = stage([files], { compression: { schema: { enabled: false, maxDescription: 0 } } });
    const one = (await call('inspect', { server_name: 'files', tool_name: 'read_file' })).json as JsonObject;
    expect(one.input_schema).toEqual(files.tools?.[0]?.inputSchema);
  });

  test('A-03: with nothing: the servers; with a tool alone: that tool; with detail: names or the schema', async () => {
    const { call } = stage();
    expect((await call('inspect')).json).toEqual([
      { server_name: 'files', version: '1.2.3', tools: 3, instructions: files.instructions },
      { server_name: '天气.v2', version: '1.2.3', tools: 1 },
    ]);
    expect((await call('inspect', { tool_name: 'now.at' })).json).toMatchObject({
      server_name: '天气.v2',
      name: 'now.at',
    });
    expect((await call('inspect', { server_name: 'files', detail: 'names' })).json).toEqual([
      'read_file',
      'write_file',
      'inspect',
    ]);
    expect(
      (await call('inspect', { server_name: 'files', tool_name: 'read_file', detail: 'schema' })).json,
    ).toMatchObject({
      input_schema: files.tools?.[0]?.inputSchema,
      annotations: { readOnlyHint: true },
    });
  });

  test('brief: a line for each tool, without comments (performance row 20)', async () => {
    const { call } = stage();
    const { text } = await call('inspect', { server_name: 'files', detail: 'brief' });
    const lines = text.split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe('read_file({path: string; head?: number}): Read a file as text');
    expect((await call('inspect', { server_name: 'files', tool_name: 'read_file', detail: 'brief' })).text).toBe(
      lines[0],
    );
    expect(text).not.toContain('/*');
  });

  test('query: the tools that fit, with signatures; also in Chinese, also misspelt', async () => {
    const { call } = stage();
    for (const [query, name] of [
      ['overwrite a file', 'write_file'],
      ['raed fiel', 'read_file'],
      ['城市天气', 'now.at'],
    ]) {
      const found = (await call('inspect', { query })).json as JsonObject[];
      expect(found[0]).toMatchObject({ name });
      expect(String(found[0]?.input_schema)).toContain('string');
    }
    expect((await call('inspect', { query: 'file', server_name: '天气.v2' })).json).toEqual([]);
  });

  test('a changed catalogue is indexed aside, and found at once all the same', async () => {
    const tools = Array.from(
      { length: 300 },
      (_, index) =>
        ({
          ...files.tools?.[0],
          name: `tool_${index}`,
          description: `Turns handle ${index} of the machine`,
        }) as JsonObject,
    );
    const { call, converged, show } = stage();
    const prepared = converged.prepare();
    show([{ name: 'many', tools }]);
    const again = converged.prepare();
    expect((await call('inspect', { query: 'handle 299' })).json).toMatchObject([
      { name: 'tool_299' },
      ...Array.from({ length: 9 }, () => ({})),
    ]);
    await Promise.all([prepared, again]);
    expect((await call('inspect', { query: 'handle 17' })).json).toMatchObject([
      { name: 'tool_17' },
      ...Array.from({ length: 9 }, () => ({})),
    ]);
    expect((await call('inspect', { query: 'read a file' })).text).not.toContain('files');
  });

  test('X-06: a switched-off tool is not there, in any way', async () => {
    const { call, converged } = stage();
    expect(JSON.stringify(converged.listTools())).not.toContain('secret');
    expect((await call('inspect', { server_name: '天气.v2' })).text).not.toContain('secret');
    expect((await call('exec', { server_name: '天气.v2', tool_name: 'secret' })).isError).toBe(true);
    expect((await call('inspect', { query: 'switched off' })).text).not.toContain('secret');
  });

  test('answered from memory in less than 2 ms', async () => {
    const tools = Array.from(
      { length: 200 },
      (_, index) => ({ ...files.tools?.[0], name: `tool_${index}` }) as JsonObject,
    );
    const { call } = stage([{ name: 'many', tools }]);
    await call('inspect', { server_name: 'many' });
    const times: number[] = [];
    for (let round = 0; round < 20; round++) {
      const start = performance.now();
      await call('inspect', { server_name: 'many', tool_name: `tool_${round}` });
      await call('inspect', { server_name: 'many' });
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    expect(times[10]).toBeLessThan(20);
  });

  test('a server of 1,000 tools is told shorter, not cut', async () => {
    const tools = Array.from(
      { length: 1000 },
      (_, index) => ({ ...files.tools?.[0], name: `tool_${index}`, description: 'd'.repeat(500) }) as JsonObject,
    );
    const { call } = stage([{ name: 'many', tools }]);
    const text = (await call('inspect', { server_name: 'many' })).text;
    expect(text.length).toBeLessThanOrEqual(32 * 1024);
    expect(JSON.parse(text)).toHaveLength(1000);
  });
});

describe('exec', () => {
  test('the call goes through whole: arguments, _meta, request state, signal, notify, ask, deadline', async () => {
    const { converged, context, sent } = stage();
    const full = { ...context, notify: () => undefined, ask: async () => ({ result: {} }), deadline: 5 };
    await converged.callTool(
      {
        name: 'exec',
        arguments: { server_name: 'files', tool_name: 'read_file', arguments: { path: 'x' } },
        _meta: { progressToken: 7 },
        requestState: 's',
      },
      full,
      '{"server_name":"files","tool_name":"read_file","arguments":{"path":"x","head":1.0}}',
    );
    expect(sent).toHaveLength(1);
    expect(sent[0]?.context).toBe(full);
    expect(sent[0]?.operation).toEqual({
      kind: 'call-tool',
      upstream: 'files',
      name: 'read_file',
      params: { _meta: { progressToken: 7 }, requestState: 's', name: 'read_file', arguments: { path: 'x' } },
      exactArguments: '{"path":"x","head":1.0}',
    });
  });

  test('a tool called inspect, a tool with dots, a tool by its exposed name, arguments as text', async () => {
    const { call, sent } = stage();
    await call('exec', { server_name: 'files', tool_name: 'inspect' });
    await call('exec', { server_name: '天气.v2', tool_name: 'now.at', arguments: '{"city":"杭州"}' });
    await call('exec', { server_name: 'files', tool_name: 'files__inspect' });
    expect(
      sent.map(({ operation }) => [
        operation.upstream,
        'name' in operation && operation.name,
        operation.params.arguments,
      ]),
    ).toEqual([
      ['files', 'inspect', {}],
      ['天气.v2', 'now.at', { city: '杭州' }],
      ['files', 'inspect', {}],
    ]);
  });

  test('A-23, A-24: an unknown server and an unknown tool name those that come near', async () => {
    const { call, sent } = stage();
    expect((await call('exec', { server_name: 'file', tool_name: 'x' })).json).toEqual({
      error: "Server 'file' not found",
      code: 'SERVER_NOT_FOUND',
      did_you_mean: ['files'],
      available_servers: ['files', '天气.v2'],
    });
    const unknown = await call('exec', { server_name: 'files', tool_name: 'readFile' });
    expect(unknown.isError).toBe(true);
    expect(unknown.json).toMatchObject({
      code: 'TOOL_NOT_FOUND',
      did_you_mean: ['read_file'],
      available_tools: ['read_file', 'write_file', 'inspect'],
    });
    expect((await call('exec', { server_name: 'files', tool_name: 'now.at' })).json).toMatchObject({
      found_on_servers: ['天气.v2'],
    });
    expect(sent).toEqual([]);
    expect((await stage([]).call('exec', { server_name: 'a', tool_name: 'b' })).json).toEqual({
      error: "Server 'a' not found",
      code: 'SERVER_NOT_FOUND',
      hint: 'No MCP servers are currently connected',
    });
  });

  test('X-08: wrong arguments are answered with paths and the signature, and nothing is sent', async () => {
    const { call, sent } = stage();
    const wrong = await call('exec', {
      server_name: 'files',
      tool_name: 'read_file',
      arguments: { head: 'x', extra: 1 },
    });
    expect(wrong.isError).toBe(true);
    expect(wrong.json).toMatchObject({ code: 'VALIDATION_ERROR', tool_schema: path });
    expect((wrong.json as JsonObject).error).toMatch(/^Argument validation failed: /);
    expect((wrong.json as { problems: JsonObject[] }).problems.map((problem) => problem.path).sort()).toEqual([
      '/extra',
      '/head',
      '/path',
    ]);
    expect(
      (await call('exec', { server_name: 'files', tool_name: 'read_file', arguments: [1] as never })).json,
    ).toMatchObject({ code: 'VALIDATION_ERROR' });
    expect((await call('exec', { tool_name: 'read_file' })).json).toMatchObject({
      code: 'VALIDATION_ERROR',
      error: 'Argument validation failed: server_name is missing',
    });
    expect(sent).toEqual([]);
  });

  test('10.19: not checked where the upstream says never', async () => {
    const { call, sent } = stage([files], { validates: () => false });
    await call('exec', { server_name: 'files', tool_name: 'read_file', arguments: { nonsense: true } });
    expect(sent).toHaveLength(1);
  });

  test('an upstream that is down: state, since when, next try', async () => {
    const cause = new GatewayFault('UPSTREAM_EXITED', 'exited with code 1');
    const since = Date.UTC(2026, 0, 1);
    const { call, answer } = stage([
      { ...files, state: { state: 'cooling_down', since, attempt: 4, until: since + 60_000, cause } },
    ]);
    answer(new GatewayFault('COOLING_DOWN', 'files is cooling down', { upstream: 'files', retryAfterMs: 60_000 }));
    const down = await call('exec', { server_name: 'files', tool_name: 'inspect' });
    expect(down.isError).toBe(true);
    expect(down.json).toMatchObject({
      code: 'EXECUTION_ERROR',
      fault: 'COOLING_DOWN',
      server: 'files',
      state: 'cooling_down',
      since: '2026-01-01T00:00:00.000Z',
      next_try: '2026-01-01T00:01:00.000Z',
      cause: 'exited with code 1',
      retry_after_ms: 60_000,
      delivery: 'not-sent',
    });
    answer(new GatewayFault('COOLING_DOWN', 'files is cooling down: exited with code 1', { upstream: 'files' }));
    const told = await call('exec', { server_name: 'files', tool_name: 'inspect' });
    expect(told.json, 'a cause that the error holds is not said twice').not.toHaveProperty('cause');
  });

  test('X-09, X-10: faults keep their class, an unknown outcome is said, a refusal of the upstream is an error result', async () => {
    const { call, answer, converged, context } = stage();
    answer(new GatewayFault('UPSTREAM_DISCONNECTED', 'lost', { upstream: 'files', delivery: 'maybe-sent' }));
    expect((await call('exec', { server_name: 'files', tool_name: 'inspect' })).json).toMatchObject({
      fault: 'UPSTREAM_DISCONNECTED',
      retryable: false,
      hint: expect.stringContaining('outcome is unknown'),
    });
    answer({ error: { code: -32602, message: 'no such thing' } });
    expect((await call('exec', { server_name: 'files', tool_name: 'inspect' })).json).toEqual({
      error: 'no such thing',
      code: 'EXECUTION_ERROR',
      server: 'files',
      upstream_code: -32602,
    });
    answer({ error: { code: -32042, message: 'open this page' } });
    await expect(call('exec', { server_name: 'files', tool_name: 'inspect' })).rejects.toThrow('-32042');
    answer(new GatewayFault('CANCELLED', 'cancelled'));
    await expect(call('exec', { server_name: 'files', tool_name: 'inspect' })).rejects.toMatchObject({
      fault: 'CANCELLED',
    });
    await expect(converged.callTool({ name: 'insect' }, context)).rejects.toMatchObject({
      fault: 'TOOL_UNKNOWN',
      data: { near: ['inspect'] },
    });
  });

  test('10.15: a call for a tool that nobody lists yet waits until its upstream has listed', async () => {
    const late = {
      ...files,
      tools: [],
      confirmed: false,
      state: { state: 'starting', since: 0, attempt: 1, deadline: 0, phase: 'listing' } as const,
    };
    const scene = stage([late], {
      settled: async () => {
        scene.show([files]);
        return [];
      },
    });
    expect((await scene.call('exec', { server_name: 'files', tool_name: 'inspect' })).isError).toBe(false);
  });
});

describe('results', () => {
  test('10.20: structuredContent is off, on by configuration, and never lost where it is all there is', async () => {
    const structuredContent = { rows: [1, 2] };
    const result = { content: [{ type: 'text', text: 'two rows' }], structuredContent };
    const off = stage();
    off.answer(result);
    expect((await off.call('exec', { server_name: 'files', tool_name: 'inspect' })).result).toEqual({
      content: result.content,
    });
    off.answer({ content: [], structuredContent });
    expect((await off.call('exec', { server_name: 'files', tool_name: 'inspect' })).text).toBe('{"rows":[1,2]}');
    const on = stage([files], { converged: { structuredContent: true } });
    on.answer(result);
    expect((await on.call('exec', { server_name: 'files', tool_name: 'inspect' })).result).toEqual(result);
    on.answer({ content: [{ type: 'text', text: '[1]' }] });
    expect((await on.call('exec', { server_name: 'files', tool_name: 'inspect' })).result.structuredContent).toEqual({
      result: [1],
    });
  });

  test('images, audio, links and embedded resources pass untouched; isError stays', async () => {
    const { call, answer } = stage();
    const content = [
      { type: 'text', text: '{ "a": 1 }', annotations: { priority: 1 } },
      { type: 'image', data: 'aGk=', mimeType: 'image/png' },
      { type: 'audio', data: 'aGk=', mimeType: 'audio/wav' },
      { type: 'resource_link', uri: 'file:///a', name: 'a' },
      { type: 'resource', resource: { uri: 'file:///a', text: '{ "b": 2 }' } },
      { type: 'something-new', x: 1 },
    ];
    answer({ content, isError: true, _meta: { k: 1 } });
    expect((await call('exec', { server_name: 'files', tool_name: 'inspect' })).result).toEqual({
      content: [{ type: 'text', text: '{"a":1}', annotations: { priority: 1 } }, ...content.slice(1)],
      isError: true,
      _meta: { k: 1 },
    });
  });

  test('a result that is not finished passes untouched', async () => {
    const { call, answer } = stage();
    for (const result of [
      { resultType: 'input_required', inputRequests: {}, requestState: 'x' },
      { task: { taskId: '1' } },
    ]) {
      answer(result);
      expect(
        (await call('exec', { server_name: 'files', tool_name: 'inspect' }).catch((e) => e)).result ?? result,
      ).toEqual(result);
    }
  });

  test('10.27: a large result is a preview and a handle that resources pages, for the same principal only', async () => {
    const savings: number[] = [];
    const { call, answer, converged } = stage([files], { saved: ({ tokens }) => savings.push(tokens) });
    const text = Array.from({ length: 5_000 }, (_, index) => `line ${index} 中文`).join('\n');
    answer({
      content: [
        { type: 'text', text },
        { type: 'image', data: 'aGk=', mimeType: 'image/png' },
      ],
    });
    const shown = await call('exec', { server_name: 'files', tool_name: 'inspect' });
    expect(Buffer.byteLength(shown.text)).toBeLessThan(4_500);
    expect((shown.result.content as unknown[])[1]).toMatchObject({ type: 'image' });
    expect(savings[0]).toBeGreaterThan(10_000);
    const start = shown.text.slice(0, shown.text.indexOf('\n\n[Shown'));
    let whole = start;
    let uri = /"(holdfast:\/\/[^"]+)"/.exec(shown.text)?.[1];
    const first = uri as string;
    while (uri !== undefined) {
      const page: { text: string } = await call('resources', { uri });
      const cut = page.text.lastIndexOf('\n\n[Bytes');
      const end = page.text.slice(cut);
      whole += page.text.slice(0, cut);
      uri = /"(holdfast:\/\/[^"]+)"/.exec(end)?.[1];
    }
    expect(whole).toBe(text);
    expect(
      (await call('resources', { uri: first }, { principal: { id: 'somebody else', roles: ['call'] } })).json,
    ).toMatchObject({ code: 'RESOURCE_NOT_FOUND' });
    converged.close();
    expect((await call('resources', { uri: first })).json).toMatchObject({
      code: 'RESOURCE_NOT_FOUND',
      hint: expect.stringContaining('call the tool again'),
    });
  });

  test('many texts together count as large', async () => {
    const { call, answer } = stage();
    answer({
      content: Array.from({ length: 100 }, (_, index) => ({ type: 'text', text: `${index} ${'x'.repeat(1000)}` })),
    });
    const { result } = await call('exec', { server_name: 'files', tool_name: 'inspect' });
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(40_000);
  });
});

describe('resources', () => {
  test('A-05, A-06, A-26: the list; a text is the raw string, a blob an object, several a list', async () => {
    const { call, answer, sent } = stage();
    answer({ contents: [{ uri: 'file:///a.txt', text: `${'b'.repeat(150)}` }] });
    const list = (await call('resources')).json as { resources: JsonObject[]; templates: JsonObject[] };
    expect(list.resources[0]).toEqual({
      server_name: 'files',
      uri: 'file:///a.txt',
      name: 'a.txt',
      description: `${'b'.repeat(100)}...`,
      mime_type: 'text/plain',
      size: 12,
    });
    expect(list.templates).toEqual([{ server_name: 'files', uri_template: 'file:///{path}', name: 'any file' }]);
    expect(sent).toHaveLength(1); // only the text without a description was read
    answer({ contents: [{ uri: 'file:///a.txt', text: '{ "raw": true }' }] });
    expect((await call('resources', { uri: 'file:///a.txt' })).text).toBe('{ "raw": true }');
    answer({ contents: [{ uri: 'file:///b.png', mimeType: 'image/png', blob: 'aGk=' }] });
    expect((await call('resources', { server_name: 'files', uri: 'file:///b.png' })).json).toEqual({
      uri: 'file:///b.png',
      mime_type: 'image/png',
      blob: 'aGk=',
    });
    answer({
      contents: [
        { uri: 'a', text: '1' },
        { uri: 'b', blob: 'aGk=', mimeType: 'x/y' },
      ],
    });
    expect((await call('resources', { uri: 'file:///other' })).json).toEqual([
      { uri: 'a', text: '1' },
      { uri: 'b', mime_type: 'x/y', blob: 'aGk=' },
    ]);
    expect((await call('resources', { uri: 'nothing:///x' })).json).toMatchObject({
      code: 'RESOURCE_NOT_FOUND',
      available_resources: expect.any(Array),
    });
    expect((await stage([]).call('resources')).text).toBe('No resources available.');
  });

  test('kept as long as the upstream allows, and forgotten when it says that it changed', async () => {
    const { call, answer, sent, converged } = stage();
    answer({ contents: [{ uri: 'file:///a.txt', text: 'x' }], ttlMs: 60_000, cacheScope: 'private' });
    const read = (more = {}) => call('resources', { uri: 'file:///a.txt' }, more);
    await read();
    await read();
    expect(sent).toHaveLength(1);
    await read({ principal: { id: 'other', roles: ['call'] } });
    expect(sent).toHaveLength(2);
    converged.forget('files', 'file:///a.txt');
    await read();
    expect(sent).toHaveLength(3);
    converged.forget('files');
    await read();
    expect(sent).toHaveLength(4);
  });
});

describe('definitions', () => {
  test('A-27: the live catalogue, the same object while nothing changes, new when it does (X-05)', () => {
    const { converged, show } = stage();
    const before = converged.listTools();
    expect(before[0]?.description).toContain(
      'Server: files - Reads and writes files below the allowed folders.\n- read_file(path, head?): Read a file as text',
    );
    expect(before[2]?.description).toContain('a.txt (file:///a.txt) [text/plain] (12 bytes)');
    show([files, { ...weather, state: { state: 'degraded', since: 1, cause: 'x' } }]);
    expect(converged.listTools()).toBe(before);
    show([files]);
    expect(JSON.stringify(converged.listTools())).not.toContain('天气');
  });

  test('shrinks by the largest server first and never exceeds the budget', () => {
    const tool = (index: number) => ({
      name: `do_something_${index}`,
      description: 'This does something that takes many words to explain to everybody.',
      inputSchema: { type: 'object', properties: { first: {}, second: {} } },
    });
    for (const tokens of [500, 1000, 2000]) {
      for (const [servers, each] of [
        [1, 5],
        [3, 40],
        [50, 20],
        [400, 5],
      ] as const) {
        const fakes = Array.from({ length: servers }, (_, s) => ({
          name: `server_${s}`,
          tools: Array.from({ length: each }, (_, t) => tool(t)),
          instructions: 'Does things. '.repeat(20),
        }));
        const { converged } = stage([files, ...fakes], { converged: { tokens } });
        const text = JSON.stringify(converged.listTools());
        expect(countTokens(text)).toBeLessThanOrEqual(tokens);
        expect(text).toContain('inspect');
      }
    }
  });
});

describe('what strangers send', () => {
  test('names with dots, separators, Unicode and 300 characters; schemas that are null, recursive, large, or have an evil pattern', async () => {
    const names = ['a.b.c', 'a__b', '工具', 'x'.repeat(300), '__proto__', 'constructor', 'with space', 'exec'];
    const evil: unknown[] = [
      null,
      { type: 'object', properties: { self: { $ref: '#' } } },
      {
        type: 'object',
        properties: Object.fromEntries(
          Array.from({ length: 50_000 }, (_, i) => [`p${i}`, { type: 'string', description: 'd'.repeat(70) }]),
        ),
      },
      { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } },
      'text',
      { type: 'object', required: 'not a list', properties: [] },
    ];
    const tools = names.map(
      (name, index) =>
        ({ name, description: index % 2 ? null : 'd', inputSchema: evil[index % evil.length] }) as JsonObject,
    );
    const { call, sent, converged } = stage([{ name: 'odd.server', tools }, files]);
    expect(countTokens(JSON.stringify(converged.listTools()))).toBeLessThanOrEqual(2000);
    for (const name of names) {
      const start = performance.now();
      expect((await call('inspect', { server_name: 'odd.server', tool_name: name })).isError).toBe(false);
      expect(
        (await call('exec', { server_name: 'odd.server', tool_name: name, arguments: { a: `${'a'.repeat(50)}!` } }))
          .text,
      ).toBe('done');
      expect(performance.now() - start).toBeLessThan(10_000);
    }
    expect(sent.map(({ operation }) => 'name' in operation && operation.name)).toEqual(names);
    expect((await call('inspect', { server_name: 'odd.server' })).text.length).toBeLessThan(70_000);
    expect((await call('inspect', { query: '工具' })).json).toMatchObject([{ name: '工具' }]);
    for (const args of [{ server_name: 7 }, { query: {} }, { detail: [] }])
      expect((await call('inspect', args)).json).toMatchObject({ code: 'VALIDATION_ERROR' });
  });

  test('results that are no results', async () => {
    const { call, answer } = stage();
    for (const content of [[null, 7, { type: 'text' }, { type: 'text', text: 5 }], 'text', {}]) {
      answer({ content } as JsonObject);
      await expect(
        call('exec', { server_name: 'files', tool_name: 'inspect' }).then(({ result }) => result.content),
      ).resolves.toEqual(content);
    }
  });
});
