// The handler `proxy` against servers that speak as the platforms do.
import { describe, expect, it } from 'vitest';
import { type Backend, backend, json, make, tool } from './support.ts';

const ok = (text: string) => ({ content: [{ type: 'text', text }] });
const bad = (text: string) => ({ ...ok(text), isError: true });
const body = ({ seen }: Backend, at = 0) => JSON.parse(seen[at]?.body ?? 'null') as unknown;

describe('Coze (D-40)', () => {
  it('runs a workflow with the arguments as its parameters and the token of the platform', async () => {
    const coze = await backend((_, response) => json(response, { code: 0, msg: '', data: '{"output":"晴"}' }));
    const { call } = make({
      platforms: { coze: { token: 'pat_1', base_url: coze.url } },
      tools: [
        tool('weather', { type: 'proxy', platform: 'coze', config: { workflow_id: '73', params: { unit: 'c' } } }),
      ],
    });
    expect(await call('weather', { city: '北京', unit: 'f' })).toEqual(ok('{"output":"晴"}'));
    expect(coze.seen[0]).toMatchObject({
      method: 'POST',
      url: '/v1/workflow/run',
      headers: { authorization: 'Bearer pat_1' },
    });
    expect(body(coze)).toEqual({ workflow_id: '73', parameters: { city: '北京', unit: 'c' } });
  });

  it('tells what a workflow says of its failure, and of a refusal', async () => {
    const coze = await backend((_, response, at) =>
      at === 1
        ? json(response, { code: 4200, msg: 'Workflow not found' })
        : json(response, { code: 4100, msg: 'bad token' }, 401),
    );
    const config = { workflow_id: '1', api_key: 'own', base_url: coze.url };
    const { call } = make({ tools: [tool('flow', { type: 'proxy', platform: 'coze', config })] });
    expect(await call('flow')).toEqual(bad('Coze 4200: Workflow not found'));
    expect(await call('flow')).toEqual(bad('HTTP 401: bad token'));
    expect(coze.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer own', 'Bearer own']);
  });

  it('asks a bot and gives its answers, not its thoughts', async () => {
    const coze = await backend((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const event = (name: string, data: unknown) => response.write(`event:${name}\ndata:${JSON.stringify(data)}\n\n`);
      event('conversation.chat.created', { id: '1', status: 'created' });
      event('conversation.message.delta', { type: 'answer', content: 'Su' });
      event('conversation.message.completed', { type: 'verbose', content: '{"msg_type":"x"}' });
      event('conversation.message.completed', { type: 'answer', content: 'Sunny.' });
      response.end('event:done\ndata:"[DONE]"');
    });
    const config = { bot_id: 'b1', api_key: 'k', base_url: `${coze.url}/` };
    const { call } = make({ tools: [tool('bot', { type: 'proxy', platform: 'coze', config })] });
    expect(await call('bot', { query: 'Weather?' })).toEqual(ok('Sunny.'));
    expect(coze.seen[0]?.url).toBe('/v3/chat');
    expect(body(coze)).toMatchObject({
      bot_id: 'b1',
      stream: true,
      additional_messages: [{ role: 'user', content: 'Weather?', content_type: 'text' }],
    });
  });

  it('tells why a bot failed', async () => {
    const coze = await backend((_, response, at) => {
      if (at === 2) return json(response, { code: 4015, msg: 'not published' });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const data = { status: 'failed', last_error: { code: 702, msg: 'balance' } };
      return response.end(`event:conversation.chat.failed\ndata:${JSON.stringify(data)}\n\n`);
    });
    const config = { bot_id: 'b1', api_key: 'k', base_url: coze.url };
    const { call } = make({ tools: [tool('bot', { type: 'proxy', platform: 'coze', config })] });
    expect(await call('bot', { query: 'x' })).toEqual(bad('Coze 702: balance'));
    expect(await call('bot', { query: 'x' })).toEqual(bad('Coze 4015: not published'));
  });
});

describe('OpenAI and what speaks its API (D-40)', () => {
  it('asks a model; the parameters of the operator stand', async () => {
    const openai = await backend((_, response) => json(response, { choices: [{ message: { content: 'Hola' } }] }));
    const params = { model: 'm1', temperature: 0, messages: [{ role: 'system', content: 'Translate.' }] };
    const config = {
      api_key: 'sk-1',
      base_url: `${openai.url}/v1`,
      params,
      prompt: '{{text}} to {{to}}',
      headers: { 'X-Team': 'a' },
    };
    const { call } = make({ tools: [tool('translate', { type: 'proxy', platform: 'openai', config })] });
    expect(await call('translate', { text: 'Hello', to: 'Spanish', model: 'other' })).toEqual(ok('Hola'));
    expect(openai.seen[0]).toMatchObject({
      url: '/v1/chat/completions',
      headers: { authorization: 'Bearer sk-1', 'x-team': 'a', 'content-type': 'application/json' },
    });
    expect(body(openai)).toEqual({
      ...params,
      stream: false,
      messages: [params.messages[0], { role: 'user', content: 'Hello to Spanish' }],
    });
  });

  it.each([
    [{ input: 'a', more: 1 }, 'a'],
    [{ anything: 'b' }, 'b'],
    [{ x: 'a', y: 2 }, '{"x":"a","y":2}'],
  ])('finds the question in %o', async (args, question) => {
    const openai = await backend((_, response) => json(response, { choices: [{ message: { content: 'x' } }] }));
    const config = { base_url: openai.url, params: { model: 'm' } };
    const { call } = make({ tools: [tool('ask', { type: 'proxy', platform: 'openai', config })] });
    await call('ask', args);
    expect(body(openai)).toMatchObject({ messages: [{ role: 'user', content: question }] });
  });

  it('tells errors, and answers of another kind', async () => {
    const openai = await backend((_, response, at) =>
      at === 1
        ? json(response, { error: { message: 'no quota', type: 'x' } }, 429)
        : json(response, { choices: [{ message: { tool_calls: [] } }] }),
    );
    const config = { base_url: openai.url, api_key: 'k', params: { model: 'm' } };
    const { call } = make({ tools: [tool('ask', { type: 'proxy', platform: 'openai', config })] });
    // A question may cost money: it is not asked again by itself.
    expect(await call('ask', { input: 'x' })).toEqual(bad('HTTP 429: no quota'));
    expect((await call('ask', { input: 'x' })).isError).toBe(true);
    expect(openai.seen).toHaveLength(2);
  });
});

describe('Anthropic (D-40)', () => {
  it('asks a model in its own way', async () => {
    const content = [
      { type: 'thinking', thinking: '…' },
      { type: 'text', text: 'Bon' },
      { type: 'text', text: 'jour' },
    ];
    const anthropic = await backend((_, response) => json(response, { content }));
    const config = { base_url: anthropic.url, params: { model: 'c1', system: 'Translate.' } };
    const { call } = make({
      platforms: { anthropic: { token: 'sk-ant' } },
      tools: [tool('ask', { type: 'proxy', platform: 'anthropic', config })],
    });
    expect(await call('ask', { input: 'Hello' })).toEqual(ok('Bonjour'));
    expect(anthropic.seen[0]).toMatchObject({
      url: '/v1/messages',
      headers: { 'x-api-key': 'sk-ant', 'anthropic-version': '2023-06-01' },
    });
    expect(body(anthropic)).toEqual({
      max_tokens: 1024,
      model: 'c1',
      system: 'Translate.',
      stream: false,
      messages: [{ role: 'user', content: 'Hello' }],
    });
  });

  it('tells errors', async () => {
    const anthropic = await backend((_, response) =>
      json(response, { type: 'error', error: { type: 'x', message: 'model: unknown' } }, 404),
    );
    const config = { base_url: `${anthropic.url}/v1`, api_key: 'k', params: { model: 'c1' } };
    const { call } = make({ tools: [tool('ask', { type: 'proxy', platform: 'anthropic', config })] });
    expect(await call('ask', { input: 'x' })).toEqual(bad('HTTP 404: model: unknown'));
    expect(anthropic.seen[0]?.url).toBe('/v1/messages');
  });
});

it('any other platform gets the arguments and answers with a text (D-40)', async () => {
  const other = await backend((request, response) =>
    json(response, { got: JSON.parse(request.body) as unknown, key: request.headers.authorization }),
  );
  const config = { base_url: `${other.url}/run/`, api_key: 'k', params: { fixed: 1 } };
  const { call } = make({ tools: [tool('run', { type: 'proxy', platform: 'custom', config })] });
  expect(await call('run', { a: 1, fixed: 2 })).toEqual(ok('{"got":{"a":1,"fixed":1},"key":"Bearer k"}'));
  expect(other.seen[0]?.url).toBe('/run/');
});
