// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in a configuration are written so
import { describe, expect, it } from 'vitest';
import { type LoadResult, parseConfig } from './load.ts';
import type { ConfigInput } from './schema.ts';
import { secretsOf } from './secrets.ts';

type Tools = NonNullable<NonNullable<ConfigInput['customTools']>['tools']>;

const q = { type: 'object' as const, properties: { q: { type: 'string' }, n: { type: 'number' } } };

function load(handler: unknown, more: object = {}, tool: object = {}): LoadResult {
  const tools = [{ name: 'one', description: 'One.', inputSchema: q, handler, ...tool }] as Tools;
  return parseConfig({ customTools: { tools, ...more } } as ConfigInput, { env: { KEY: 'planted-key' } });
}

function problems(result: LoadResult): string[] {
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe('customTools (D-40, X-71)', () => {
  it.each<[string, unknown, object?]>([
    ['http', { type: 'http', url: 'http://127.0.0.1:1/a/{q}?n={{n}}' }],
    [
      'http with all of it',
      {
        type: 'http',
        url: 'https://api.example/',
        method: 'POST',
        headers: { 'X-Q': '{{q}}' },
        auth: { type: 'basic', username: 'u', password: 'p' },
        body_template: '{"q": "{{q}}", "n": {{n}}}',
        response_mapping: { success_path: 'code', success_value: 0, error_path: 'msg', data_path: 'data.list[0]' },
        timeout: '5s',
        retry_count: 1,
        retry_delay: 0,
      },
    ],
    ['coze by its own key', { type: 'proxy', platform: 'coze', config: { workflow_id: '7', api_key: 'k' } }],
    [
      'coze by the platform',
      { type: 'proxy', platform: 'coze', config: { bot_id: '7' } },
      { platforms: { coze: { token: 't' } } },
    ],
    [
      'openai',
      { type: 'proxy', platform: 'openai', config: { api_key: 'k', params: { model: 'm' }, prompt: 'Say {{q}}' } },
    ],
    [
      'a model on this machine, without a key',
      { type: 'proxy', platform: 'openai', config: { base_url: 'http://127.0.0.1:11434/v1', params: { model: 'm' } } },
    ],
    ['anthropic', { type: 'proxy', platform: 'anthropic', config: { api_key: 'k', params: { model: 'm' } } }],
    ['any platform', { type: 'proxy', platform: 'custom', config: { base_url: 'http://x/run' } }],
    ['mcp', { type: 'mcp', upstream: 'a', tool: 'b' }],
    ['mcp in the words of xiaozhi-client', { type: 'mcp', config: { serviceName: 'a', toolName: 'b' } }],
    [
      'chain',
      {
        type: 'chain',
        tools: [
          { upstream: 'a', tool: 'b' },
          { upstream: 'a', tool: 'c', arguments: { x: '{{result}}' } },
        ],
      },
    ],
    ['script that is switched on', { type: 'script', script: 'a.py' }, { allow: ['script'] }],
    ['function that is switched on', { type: 'function', module: 'a.mjs' }, { allow: ['function'] }],
  ])('takes %s', (_, handler, more) => {
    expect(problems(load(handler, more))).toEqual([]);
  });

  it.each<[string, unknown, string | RegExp, object?]>([
    [
      'an unknown type',
      { type: 'ftp' },
      /handler.*: expected a handler; "type" is one of http, proxy, mcp, chain, script, function/,
    ],
    ['a script by default', { type: 'script', script: 'a.py' }, /handler\.type: script handlers run code/],
    [
      'a script where only functions are allowed',
      { type: 'script', script: 'a.py' },
      /not switched on/,
      { allow: ['function'] },
    ],
    ['a function by default', { type: 'function', module: 'a.mjs' }, /handler\.type: function handlers run code/],
    [
      'a host that an argument names',
      { type: 'http', url: 'https://{q}.example/' },
      /url: an argument cannot stand for the host/,
    ],
    ['a scheme that an argument names', { type: 'http', url: '{{q}}://a/' }, /url: expected an http/],
    ['another scheme', { type: 'http', url: 'file:///etc/passwd' }, /url: expected an http/],
    ['a user in the URL', { type: 'http', url: 'https://u:p@a.example/' }, /url: a URL cannot hold a user name/],
    ['a backslash in the URL', { type: 'http', url: 'https://a.example\\@b/' }, /url: a URL cannot hold a user name/],
    ['an unknown argument', { type: 'http', url: 'https://a.example/{qq}' }, /url: inputSchema has no argument "qq"/],
    ['an unknown method', { type: 'http', url: 'https://a.example/', method: 'TRACE' }, /method: expected "GET"/],
    ['a body of GET', { type: 'http', url: 'https://a.example/', body_template: '{}' }, /body_template: a GET request/],
    [
      'a body that is not JSON',
      { type: 'http', url: 'https://a.example/', method: 'POST', body_template: '{"q": {{q}}' },
      /body_template: is not JSON/,
    ],
    [
      'a header of the connection',
      { type: 'http', url: 'https://a.example/', headers: { Host: 'b' } },
      /headers\.Host: this header is set/,
    ],
    [
      'a line break in a header',
      { type: 'http', url: 'https://a.example/', headers: { A: 'b\r\nC: d' } },
      /headers\.A: a header cannot hold/,
    ],
    [
      'bearer without a token',
      { type: 'http', url: 'https://a.example/', auth: { type: 'bearer' } },
      /auth\.token: is missing/,
    ],
    [
      'basic without a name',
      { type: 'http', url: 'https://a.example/', auth: { type: 'basic' } },
      /auth\.username: is missing/,
    ],
    [
      'api_key without a key',
      { type: 'http', url: 'https://a.example/', auth: { type: 'api_key' } },
      /auth\.api_key: is missing/,
    ],
    [
      'a value without a path',
      { type: 'http', url: 'https://a.example/', response_mapping: { success_value: 0 } },
      /success_value: needs/,
    ],
    [
      'coze without workflow and bot',
      { type: 'proxy', platform: 'coze', config: { api_key: 'k' } },
      /config: coze needs either/,
    ],
    ['coze without a key', { type: 'proxy', platform: 'coze', config: { bot_id: '1' } }, /api_key: is missing/],
    [
      'a model without a name',
      { type: 'proxy', platform: 'openai', config: { api_key: 'k' } },
      /params: needs "model"/,
    ],
    [
      'a workflow elsewhere',
      { type: 'proxy', platform: 'openai', config: { api_key: 'k', workflow_id: '1', params: { model: 'm' } } },
      /workflow_id: is known/,
    ],
    ['custom without an address', { type: 'proxy', platform: 'custom' }, /base_url: is missing/],
    ['mcp without a target', { type: 'mcp', upstream: 'a' }, /an mcp handler needs/],
    ['an empty chain', { type: 'chain', tools: [] }, /tools: must not be empty/],
    [
      'a chain of what is not there',
      { type: 'chain', tools: ['two'] },
      /tools\[0\]: there is no custom tool of this name/,
    ],
    ['a chain that calls itself', { type: 'chain', tools: ['one'] }, /handler: calls itself in the end/],
    [
      'an mcp handler that calls itself',
      { type: 'mcp', upstream: 'custom', tool: 'one' },
      /handler: calls itself in the end/,
    ],
    [
      'a script without an interpreter',
      { type: 'script', script: 'run' },
      /interpreter: is missing/,
      { allow: ['script'] },
    ],
    [
      'a script that is a text',
      { type: 'script', script: 'a\nb.sh' },
      /script: expected the path/,
      { allow: ['script'] },
    ],
  ])('refuses %s', (_, handler, message, more) => {
    const told = problems(load(handler, more));
    expect(told.join('\n')).toMatch(message);
    expect(told.every((one) => one.startsWith('customTools.'))).toBe(true);
  });

  it.each(['name', 'description', 'inputSchema', 'handler'])('demands %s', (key) => {
    const result = load({ type: 'http', url: 'http://a.example/' }, {}, { [key]: undefined });
    expect(problems(result).join()).toMatch(new RegExp(`tools\\[0\\]\\.${key}.*: is missing`));
  });

  it('refuses two tools of one name, and a schema that is no object', () => {
    const handler = { type: 'http' as const, url: 'http://a.example/' };
    const tool = { name: 'one', description: 'One.', inputSchema: q, handler };
    expect(problems(parseConfig({ customTools: { tools: [tool, tool] } }, { env: {} }))).toEqual([
      'customTools.tools[1].name: this name is used twice',
    ]);
    expect(problems(load(handler, {}, { inputSchema: { type: 'string' } })).join()).toMatch(
      /inputSchema\.type: expected "object"/,
    );
  });

  it('ends a chain of chains that never ends, through others', () => {
    const chain = (name: string, next: string) => ({
      name,
      description: name,
      inputSchema: { type: 'object' as const },
      handler: { type: 'chain' as const, tools: [next] },
    });
    const told = problems(
      parseConfig({ customTools: { tools: [chain('a', 'b'), chain('b', 'c'), chain('c', 'a')] } }, { env: {} }),
    );
    expect(told).toHaveLength(3);
    expect(told[0]).toMatch(/tools\[0\]\.handler: calls itself/);
    const long = Array.from({ length: 12 }, (_, index) => chain(`t${index}`, `t${index + 1}`));
    const end = { ...chain('t12', ''), handler: { type: 'http' as const, url: 'http://a.example/' } };
    expect(problems(parseConfig({ customTools: { tools: [...long, end] } }, { env: {} })).join()).toMatch(
      /nested deeper than 8/,
    );
  });

  it('warns of an upstream that is not configured', () => {
    const result = load({ type: 'mcp', upstream: 'b', tool: 'x' });
    expect(result.ok && result.warnings.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'customTools.tools[0].handler.upstream: there is no upstream of this name; this tool cannot work yet',
    ]);
  });

  it('resolves references, and knows what of it is secret', () => {
    const result = load(
      { type: 'http', url: 'https://a.example/?api_key=in-the-url', auth: { type: 'bearer', token: '${env:KEY}' } },
      { platforms: { coze: { token: 'coze-token' } } },
    );
    if (!result.ok) throw new Error(problems(result).join());
    expect(result.config.customTools.tools[0]?.handler).toMatchObject({ auth: { token: 'planted-key' } });
    expect(secretsOf(result.config)).toEqual(expect.arrayContaining(['planted-key', 'coze-token', 'in-the-url']));
    expect(
      problems(
        load({ type: 'http', url: 'https://a.example/', auth: { type: 'bearer', token: '${env:GONE}' } }),
      ).join(),
    ).toMatch(/has no value/);
  });

  it('takes relative paths from the folder of the file', () => {
    const tool = (name: string, handler: unknown) => ({
      name,
      description: name,
      inputSchema: { type: 'object' },
      handler,
    });
    const tools = [
      tool('a', { type: 'script', script: 'a.py' }),
      tool('b', { type: 'function', module: '/b.mjs' }),
    ] as Tools;
    const result = parseConfig(
      { customTools: { allow: ['script', 'function'], tools } },
      { env: {}, directory: '/etc/x' },
    );
    expect(result.ok && result.config.customTools.tools.map(({ handler }) => handler)).toMatchObject([
      { script: '/etc/x/a.py' },
      { module: '/b.mjs' },
    ]);
  });

  it('may be named by views and as the default view', () => {
    const tools: Tools = [
      { name: 'a', description: 'A.', inputSchema: q, handler: { type: 'http', url: 'http://a.example/' } },
    ];
    const settings = { defaultView: 'custom', views: { mine: { upstreams: ['custom'] } } };
    const result = parseConfig({ customTools: { tools }, ...settings }, { env: {} });
    expect(result.ok && result.warnings).toEqual([]);
    expect(problems(parseConfig(settings, { env: {} })).join()).toMatch(/defaultView: there is no view/);
  });
});
