// Calls over REST, answered as mcpo answers them, by real upstreams.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait.ts';
import { type House, server, startHouse } from './support/house.ts';

let house: House;
beforeAll(async () => {
  house = await startHouse({ config: { upstreams: { time: server(), other: server('other') } } });
  await house.ready();
});
afterAll(() => house.stop());

const body = async (path: string, sent?: unknown, headers?: Record<string, string>) => {
  const response = await house.post(path, sent, headers);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
};

describe('results (U-07)', () => {
  it('gives a text that is JSON as that JSON, spelled as it came', async () => {
    const answer = await body('/time/get_current_time', { timezone: 'UTC' });
    expect(answer).toMatchObject({ status: 200, type: 'application/json' });
    expect(JSON.parse(answer.text)).toEqual({ timezone: 'UTC', datetime: '2025-05-02T10:00:00+00:00', is_dst: false });
    expect(answer.text).toContain('\n  "timezone"');
  });

  it('gives any other text as a string', async () => {
    expect((await body('/time/no_arguments')).text).toBe('"plain words"');
  });

  it('gives several items as a list, and none as an empty one', async () => {
    expect((await body('/time/several', {})).text).toBe('[{"n":1.50},"two",3]');
    expect((await body('/time/nothing', {})).text).toBe('[]');
  });

  it('gives images and audio as data URIs', async () => {
    expect(JSON.parse((await body('/time/image', {})).text)[1]).toMatch(/^data:image\/png;base64,iVBORw0/);
    expect((await body('/time/audio', {})).text).toBe('"data:audio/wav;base64,UklGRg=="');
  });

  it('gives images and audio as binary to a caller that accepts them', async () => {
    const image = await house.post('/time/image', {}, { accept: 'image/png, application/json;q=0.5' });
    expect(image.headers.get('content-type')).toBe('image/png');
    expect(
      Buffer.from(await image.arrayBuffer())
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    const audio = await house.post('/time/audio', {}, { accept: 'audio/*' });
    expect(audio.headers.get('content-type')).toBe('audio/wav');
    expect(Buffer.from(await audio.arrayBuffer()).toString()).toBe('RIFF');
    expect((await house.post('/time/image', {}, { accept: '*/*' })).headers.get('content-type')).toBe(
      'application/json',
    );
  });

  it('gives embedded resources whole (X-30)', async () => {
    const [text, blob, link] = JSON.parse((await body('/time/resource', {})).text);
    expect(text).toEqual({ uri: 'file:///a.txt', mimeType: 'text/plain', text: 'inside' });
    expect(blob).toEqual({ uri: 'file:///a.bin', mimeType: 'application/octet-stream', blob: 'AAEC' });
    expect(link).toMatchObject({ type: 'resource_link', uri: 'file:///b.txt' });
  });

  it('gives the sentence of mcpo in their place where --legacy-resources asks for it (X-30)', async () => {
    await using legacy = await startHouse({ config: { upstreams: { time: server() } }, legacyResources: true });
    const [text, blob, link] = JSON.parse(await (await legacy.post('/time/resource', {})).text());
    expect([text, blob]).toEqual(['Embedded resource not supported yet.', 'Embedded resource not supported yet.']);
    expect(link).toMatchObject({ type: 'resource_link' });
  });
});

describe('arguments', () => {
  it('takes an empty body as {} (10.26)', async () => {
    expect((await body('/time/echo')).text).toBe('{}');
    expect((await body('/time/echo', ' ')).text).toBe('{}');
  });

  it('drops nulls of optional arguments and keeps every other value (U-05)', async () => {
    expect((await body('/time/echo', { value: 0, count: null, name: '' })).text).toBe('{"value":0,"name":""}');
  });

  it('keeps numbers as they were spelled', async () => {
    expect((await body('/time/exact', '{"id": 12345678901234567890}')).text).toBe('12345678901234567890');
  });

  it('checks them against the schema before anything is sent (10.19, 12.4)', async () => {
    const answer = await body('/time/get_current_time', {});
    expect(answer.status).toBe(422);
    expect(JSON.parse(answer.text)).toEqual({
      detail: [{ loc: ['body', 'timezone'], msg: 'Field required', type: 'missing' }],
    });
    const wrong = JSON.parse((await body('/time/echo', { count: 0, name: 7 })).text);
    expect(wrong.detail.map(({ loc }: { loc: unknown }) => loc)).toEqual([
      ['body', 'count'],
      ['body', 'name'],
    ]);
    expect(wrong.detail[1]).toMatchObject({ type: 'string_type' });
  });

  it('refuses what is no JSON object with 422, a foreign type with 415, a deep body with 400', async () => {
    expect(JSON.parse((await body('/time/echo', '{"a":')).text).detail[0]).toMatchObject({ type: 'json_invalid' });
    expect((await body('/time/echo', '[1]')).status).toBe(422);
    expect((await body('/time/echo', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415);
    expect((await body('/time/echo', `{"value":${'['.repeat(200)}${']'.repeat(200)}}`)).status).toBe(400);
  });
});

describe('names (X-27, 10.26)', () => {
  it.each([
    ['health', 'tool health'],
    ['docs', 'tool docs'],
    ['metrics', 'tool metrics'],
    ['openapi.json', 'tool openapi.json'],
    ['with/slashes/in', 'slashes'],
    ['with%2Fslashes%2Fin', 'slashes'],
    [encodeURIComponent('天气'), '晴'],
    ['n'.repeat(128), 'long'],
  ])('reaches the tool at %s', async (path, text) => {
    expect(await body(`/time/${path}`, {})).toMatchObject({ status: 200, text: JSON.stringify(text) });
  });

  it('says what is near to a name that does not exist', async () => {
    const tool = await body('/time/get_curent_time', {});
    expect(tool.status).toBe(404);
    expect(JSON.parse(tool.text).detail).toMatchObject({
      fault: 'TOOL_UNKNOWN',
      upstream: 'time',
      delivery: 'not-sent',
      near: ['get_current_time'],
    });
    const upstream = await body('/tiem/get_current_time', {});
    expect(upstream.status).toBe(404);
    expect(JSON.parse(upstream.text).detail).toContain('did you mean "time"');
  });

  it('answers other methods than POST with 405', async () => {
    const response = await fetch(`${house.url}/time/echo`);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('serves no tool at the root where there are two upstreams', async () => {
    expect((await body('/echo', {})).status).toBe(404);
  });
});

describe('failures (U-08, 8.3)', () => {
  it('answers isError with 500 and the text as message', async () => {
    expect(await body('/time/fails', {})).toEqual({
      status: 500,
      type: 'application/json',
      text: '{"detail":{"message":"the disk is full"}}',
    });
  });

  it.each([
    [-32700, 400],
    [-32600, 400],
    [-32601, 404],
    [-32602, 422],
    [-32603, 500],
    [-1, 500],
  ])('answers the JSON-RPC error %d of an upstream with %d', async (code, status) => {
    const answer = await body('/time/rpc_error', { code });
    expect(answer.status).toBe(status);
    const detail = { message: `code ${code}`, ...(code === -32602 && { data: { field: 'x' } }) };
    expect(JSON.parse(answer.text)).toEqual({ detail });
  });

  it('gives problem details to a caller that accepts them', async () => {
    const accept = 'application/json, application/problem+json';
    const fault = await body('/time/nowhere', {}, { accept });
    expect(fault.type).toBe('application/problem+json');
    expect(JSON.parse(fault.text)).toMatchObject({
      type: 'urn:holdfast:fault:TOOL_UNKNOWN',
      title: 'Not Found',
      status: 404,
      fault: 'TOOL_UNKNOWN',
    });
    expect(JSON.parse((await body('/time/get_current_time', {}, { accept })).text)).toMatchObject({
      status: 422,
      errors: [{ loc: ['body', 'timezone'] }],
    });
  });

  it('gives up when X-Request-Timeout says so, with 504', async () => {
    const started = performance.now();
    const answer = await body('/time/slow', { ms: 50_000 }, { 'x-request-timeout': '0.2' });
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(answer.status).toBe(504);
    expect((await body('/time/echo', {}, { 'x-request-timeout': 'soon' })).status).toBe(400);
  });

  it('tells an upstream that cannot be started with 503', async () => {
    await using lame = await startHouse({ config: { upstreams: { lame: { command: '/nonexistent/program' } } } });
    const response = await lame.post('/lame/anything', {}, { 'x-request-id': 'mine-1' });
    expect(response.status).toBe(503);
    const detail = { upstream: 'lame', delivery: 'not-sent', correlationId: 'mine-1' };
    expect((await response.json()) as object).toMatchObject({ detail });
  });
});

describe('the call itself', () => {
  it('keeps the id that its caller gave, and makes one otherwise', async () => {
    const own = await house.post('/time/echo', {}, { 'x-request-id': 'abc-1' });
    expect(own.headers.get('x-request-id')).toBe('abc-1');
    const made = await house.post('/time/nowhere', {}, { 'x-request-id': 'not legal\t' });
    const { detail } = (await made.json()) as { detail: { correlationId: string } };
    expect(made.headers.get('x-request-id')).toBe(detail.correlationId);
    expect(detail.correlationId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('carries the trace of its caller to the upstream', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const answer = await body('/time/meta', {}, { traceparent, tracestate: 'a=b', baggage: 'k=v' });
    expect(JSON.parse(answer.text)).toEqual({ traceparent, tracestate: 'a=b', baggage: 'k=v' });
    expect((await body('/time/meta', {}, { traceparent: 'nonsense' })).text).toBe('{}');
  });

  it('streams progress to a caller that accepts events', async () => {
    const response = await house.post('/time/steps', {}, { accept: 'text/event-stream' });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const events = (await response.text()).trim().split('\n\n');
    expect(events).toEqual([
      'event: progress\ndata: {"progress":1,"total":2,"message":"step 1"}',
      'event: progress\ndata: {"progress":2,"total":2,"message":"step 2"}',
      'event: result\ndata: {"done":true}',
    ]);
    expect((await house.post('/time/fails', {}, { accept: 'text/event-stream' })).status).toBe(500);
    const both = await house.post('/time/steps', {}, { accept: 'application/json, text/event-stream' });
    expect(both.headers.get('content-type')).toBe('application/json');
  });

  it('cancels at the upstream when its caller goes away', async () => {
    const abort = new AbortController();
    const finished = new Promise<{ fault?: string | undefined }>((resolve) => {
      const off = house.events.subscribe((event) => {
        if (event.type !== 'call.finished' || event.subject !== 'slow') return;
        off();
        resolve(event);
      });
    });
    const call = fetch(`${house.url}/time/slow`, {
      method: 'POST',
      body: '{"ms":20000}',
      headers: { 'content-type': 'application/json' },
      signal: abort.signal,
    });
    await waitFor(() => house.fleet.get('time')?.facts().inFlight === 1);
    abort.abort();
    await expect(call).rejects.toThrow();
    expect((await finished).fault).toBe('CANCELLED');
  });
});

it('keeps a call waiting while its upstream starts, and serves an upstream without tools (10.15)', async () => {
  await using late = await startHouse({
    config: { upstreams: { late: server('late', '--start-after', '700'), empty: server('empty', '--no-tools') } },
  });
  const answer = await late.post('/late/get_current_time', {});
  expect(answer.status).toBe(422);
  const response = await late.post('/empty/anything', {});
  expect(response.status).toBe(404);
  const spec = (await (await fetch(`${late.url}/empty/openapi.json`)).json()) as { paths: object };
  expect(spec.paths).toEqual({});
});
