// The handler `http` against real servers: what goes out, what comes back, and what an argument cannot do.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillJson, fillUrl, originOf } from '../../src/custom/fill.ts';
import { backend, faultOf, json, make, type Seen, tool } from './support.ts';

const echo = async () => backend((request, response) => json(response, request));
const sent = (text: string) => JSON.parse(text) as Seen;

describe('what an http tool sends (D-40)', () => {
  it('puts arguments into path, query and headers, encoded for each', async () => {
    const { url } = await echo();
    const handler = {
      type: 'http',
      url: `${url}/v1/{city}/days?q={{q}}&lang={lang}&fixed=1#top`,
      headers: { 'X-Note': 'about {{q}}' },
    };
    const { text } = make({ tools: [tool('get', handler)] });
    const request = sent(await text('get', { city: 'São Paulo/../x?y#z', q: 'a&b=c' }));
    expect(request.method).toBe('GET');
    expect(request.url).toBe('/v1/S%C3%A3o%20Paulo%2F..%2Fx%3Fy%23z/days?q=a%26b%3Dc&fixed=1');
    expect(request.headers['x-note']).toBe('about a&b=c');
    expect(request.body).toBe('');
  });

  it.each([
    [{ type: 'bearer', token: 't0ken' }, 'authorization', 'Bearer t0ken'],
    [
      { type: 'basic', username: 'u', password: 'p:w' },
      'authorization',
      `Basic ${Buffer.from('u:p:w').toString('base64')}`,
    ],
    [{ type: 'api_key', api_key: 'k' }, 'x-api-key', 'k'],
    [{ type: 'api_key', api_key: 'k', api_key_header: 'X-Own' }, 'x-own', 'k'],
  ])('says who asks: %o', async (auth, header, value) => {
    const { url } = await echo();
    const { text } = make({ tools: [tool('get', { type: 'http', url, auth, headers: { Authorization: 'none' } })] });
    expect(sent(await text('get')).headers[header]).toBe(value);
  });

  it.each(['POST', 'PUT', 'PATCH'])('%s sends all arguments as JSON where no body is configured', async (method) => {
    const { url } = await echo();
    const { text } = make({ tools: [tool('do', { type: 'http', url, method })] });
    const request = sent(await text('do', { a: [1, '二'] }));
    expect([request.method, request.headers['content-type'], JSON.parse(request.body)]).toEqual([
      method,
      'application/json',
      { a: [1, '二'] },
    ]);
  });

  it('fills a JSON body, a body that is an object, and a form', async () => {
    const { url } = await echo();
    const { text } = make({
      tools: [
        tool('json', {
          type: 'http',
          url,
          method: 'POST',
          body_template: '{"q": "it is {{q}}", "n": {{n}}, "gone": {{gone}}}',
        }),
        tool('object', {
          type: 'http',
          url,
          method: 'POST',
          body_template: { q: 'it is {{q}}', n: '{{n}}', deep: ['{{q}}'] },
        }),
        tool('form', {
          type: 'http',
          url,
          method: 'POST',
          headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
          body_template: 'q={{q}}&n={{n}}',
        }),
      ],
    });
    const args = { q: '"x", "admin": true, "y": "', n: 3 };
    expect(JSON.parse(sent(await text('json', args)).body)).toEqual({ q: `it is ${args.q}`, n: 3, gone: null });
    expect(JSON.parse(sent(await text('object', args)).body)).toEqual({ q: `it is ${args.q}`, n: 3, deep: [args.q] });
    expect(sent(await text('form', args)).body).toBe('q=%22x%22%2C%20%22admin%22%3A%20true%2C%20%22y%22%3A%20%22&n=3');
  });
});

describe('what an argument of an http tool cannot do (reliability §4)', () => {
  it.each(['.', '..', '\ud800', ''])('be %j in the path', async (city) => {
    const { url, seen } = await echo();
    const { call } = make({ tools: [tool('get', { type: 'http', url: `${url}/a/{city}/b` })] });
    const fault = await faultOf(call('get', { city }));
    expect([fault.fault, fault.delivery, seen.length]).toEqual(['ARGUMENTS_INVALID', 'not-sent', 0]);
  });

  it('start another header', async () => {
    const { url, seen } = await echo();
    const { call } = make({ tools: [tool('get', { type: 'http', url, headers: { 'X-Q': '{{q}}' } })] });
    expect((await faultOf(call('get', { q: 'a\r\nX-Admin: 1' }))).fault).toBe('ARGUMENTS_INVALID');
    expect(seen).toHaveLength(0);
  });

  it('change scheme, host or the configured path, whatever it is', () => {
    const template = 'https://api.example:8443/base/{a}/x?b={{b}}';
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        let url: URL;
        try {
          url = fillUrl(template, { a, b });
        } catch {
          return true;
        }
        const { origin, pathname, searchParams, hash } = url;
        const parts = pathname.split('/');
        return (
          origin === originOf(template) &&
          parts.length === 4 &&
          parts[1] === 'base' &&
          decodeURIComponent(parts[2] as string) === a &&
          searchParams.get('b') === b &&
          hash === ''
        );
      }),
    );
  });

  it('be more than a value in a JSON body', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.jsonValue(), (text, value) => {
        const filled = JSON.parse(fillJson('{"a\\"b": "<{{text}}>", "c": {{value}}}', { text, value })) as unknown;
        expect(filled).toEqual({ 'a"b': `<${text}>`, c: JSON.parse(JSON.stringify(value)) as unknown });
      }),
    );
  });

  it('lead elsewhere through a redirect: credentials stay with their origin', async () => {
    const elsewhere = await echo();
    const here = await backend((request, response) => {
      const to = request.url === '/near' ? '/there' : `${elsewhere.url}/stolen`;
      if (request.url === '/there') json(response, request.headers.authorization);
      else response.writeHead(302, { location: to }).end();
    });
    const auth = { type: 'bearer', token: 'planted' };
    const { text, call } = make({
      tools: [
        tool('near', { type: 'http', url: `${here.url}/near`, auth }),
        tool('far', { type: 'http', url: `${here.url}/far`, auth }),
      ],
    });
    expect(await text('near')).toBe('"Bearer planted"');
    const result = await call('far');
    expect(result.isError).toBe(true);
    expect(JSON.stringify(result)).toContain(`redirects to ${elsewhere.url}, which is not followed`);
    expect(elsewhere.seen).toHaveLength(0);
  });

  it('reach what the guard refuses', async () => {
    const { url, seen } = await echo();
    const fetchGuard = () => Promise.reject(new Error('not there'));
    const { call } = make({ tools: [tool('get', { type: 'http', url })] }, { fetchGuard });
    expect((await faultOf(call('get'))).message).toContain('not there');
    expect(seen).toHaveLength(0);
  });
});

describe('what an http tool gives back (D-40)', () => {
  const answering = async (value: unknown, mapping: object, status = 200) => {
    const { url } = await backend((_, response) => json(response, value, status));
    return make({ tools: [tool('get', { type: 'http', url, response_mapping: mapping, retry_count: 0 })] }).call('get');
  };
  const ok = (text: string) => ({ content: [{ type: 'text', text }] });
  const bad = (text: string) => ({ ...ok(text), isError: true });

  it.each<[string, unknown, object, object]>([
    ['the whole body, letter by letter', { n: 1.5 }, {}, ok('{"n":1.5}')],
    ['a part of it', { data: { list: [{ t: '晴' }] } }, { data_path: 'data.list[0].t' }, ok('晴')],
    ['a part that is an object', { data: { a: 1 } }, { data_path: '$.data' }, ok('{"a":1}')],
    ['a success by its flag', { ok: true, data: 'x' }, { success_path: 'ok', data_path: 'data' }, ok('x')],
    [
      'a success by its code',
      { code: 0, data: 'x' },
      { success_path: 'code', success_value: 0, data_path: 'data' },
      ok('x'),
    ],
    ['a failure by its flag', { ok: false, msg: 'no city' }, { success_path: 'ok', error_path: 'msg' }, bad('no city')],
    [
      'a failure by its code',
      { code: 7, msg: 'no' },
      { success_path: 'code', success_value: 0, error_path: 'msg' },
      bad('no'),
    ],
    ['a failure by its message', { error: { text: 'gone' } }, { error_path: 'error.text' }, bad('gone')],
    [
      'no failure where there is no message',
      { error: null, a: 1 },
      { error_path: 'error' },
      ok('{"error":null,"a":1}'),
    ],
    ['what is missing', { a: 1 }, { data_path: 'b' }, bad('the answer holds nothing at b: {"a":1}')],
  ])('%s', async (_, value, mapping, result) => {
    expect(await answering(value, mapping)).toEqual(result);
  });

  it('a status that says no, with what the back end says of it', async () => {
    expect(await answering({ error: { message: 'no such city' } }, { error_path: 'error.message' }, 404)).toEqual(
      bad('HTTP 404: no such city'),
    );
    expect(await answering({ why: 'x' }, {}, 500)).toEqual(bad('HTTP 500: {"why":"x"}'));
  });

  it('an image as an image, and texts in their charset', async () => {
    const { url } = await backend((request, response) => {
      if (request.url === '/image')
        response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.from([1, 2, 3]));
      else response.writeHead(200, { 'content-type': 'text/plain; charset=gbk' }).end(Buffer.from([0xc4, 0xe3]));
    });
    const { call, text } = make({
      tools: [tool('image', { type: 'http', url: `${url}/image` }), tool('text', { type: 'http', url })],
    });
    expect(await call('image')).toEqual({ content: [{ type: 'image', data: 'AQID', mimeType: 'image/png' }] });
    expect(await text('text')).toBe('你');
  });
});

describe('when an http tool fails (X-23, reliability §2)', () => {
  it.each([
    ['GET', 3],
    ['PUT', 3],
    ['DELETE', 3],
    ['POST', 1],
    ['PATCH', 1],
  ])('%s is sent %i times to a server that is busy', async (method, times) => {
    const { url, seen } = await backend((_, response) => json(response, {}, 503));
    const { call } = make({ tools: [tool('do', { type: 'http', url, method, retry_delay: '1ms' })] });
    expect((await call('do')).isError).toBe(true);
    expect(seen).toHaveLength(times);
  });

  it('is repeated until it answers, after the wait that the server asks for', async () => {
    const { url } = await backend((_, response, at) =>
      at < 2 ? json(response, {}, 429, { 'retry-after': '1' }) : json(response, { at }),
    );
    const { text } = make({ tools: [tool('get', { type: 'http', url, retry_delay: '1ms' })] });
    const began = performance.now();
    expect(await text('get')).toBe('{"at":2}');
    expect(performance.now() - began).toBeGreaterThan(900);
    // A wait that goes beyond the deadline is not begun.
    const patient = await backend((_, response) => json(response, {}, 503, { 'retry-after': '60' }));
    const other = make({ tools: [tool('get', { type: 'http', url: patient.url })] });
    expect((await other.call('get', {}, { timeout: 500 })).isError).toBe(true);
  });

  it('is not sent again after its connection was lost, unless that runs nothing twice', async () => {
    const { url, seen } = await backend((_, response) => response.destroy());
    const { call } = make({
      tools: [
        tool('get', { type: 'http', url, retry_delay: '1ms', retry_count: 1 }),
        tool('post', { type: 'http', url, method: 'POST', retry_delay: '1ms', retry_count: 1 }),
      ],
    });
    const post = await faultOf(call('post'));
    expect([post.fault, post.delivery, post.upstream, seen.length]).toEqual([
      'UPSTREAM_DISCONNECTED',
      'maybe-sent',
      'custom',
      1,
    ]);
    expect((await faultOf(call('get'))).fault).toBe('UPSTREAM_DISCONNECTED');
    expect(seen).toHaveLength(3);
  });

  it('says that nothing was sent where nobody listens', async () => {
    const { call } = make({
      tools: [tool('post', { type: 'http', url: 'http://127.0.0.1:1/', method: 'POST', retry_delay: '1ms' })],
    });
    const fault = await faultOf(call('post'));
    expect([fault.fault, fault.delivery]).toEqual(['UPSTREAM_UNREACHABLE', 'not-sent']);
  });

  it('ends at its timeout, at the deadline of its caller, and when it is cancelled; the connection goes with it', async () => {
    let closed = 0;
    const { url, seen } = await backend((_, response) => {
      response.on('close', () => closed++);
    });
    const { call, upstream } = make({
      tools: [tool('get', { type: 'http', url, timeout: '50ms' }), tool('slow', { type: 'http', url })],
    });
    const timeout = await faultOf(call('get'));
    expect([timeout.fault, timeout.delivery]).toEqual(['UPSTREAM_TIMEOUT', 'maybe-sent']);
    expect((await faultOf(call('slow', {}, { deadline: performance.now() + 50 }))).fault).toBe('DEADLINE_EXCEEDED');
    const abort = new AbortController();
    const cancelled = faultOf(call('slow', {}, { signal: abort.signal }));
    await expect.poll(() => seen.length).toBe(3);
    expect(upstream.facts().inFlight).toBe(1);
    abort.abort();
    expect((await cancelled).fault).toBe('CANCELLED');
    await expect.poll(() => closed).toBe(3);
    expect(upstream.facts()).toMatchObject({ inFlight: 0, queued: 0, errorCount: 2 });
  });

  it('takes no more than max_size', async () => {
    const { url } = await backend((_, response) => {
      const more = () => response.write('x'.repeat(10_000)) && setImmediate(more);
      response.on('drain', more);
      response.on('close', () => response.removeAllListeners('drain'));
      more();
    });
    const { call } = make({ tools: [tool('get', { type: 'http', url, max_size: '64KB' })] });
    expect((await faultOf(call('get'))).fault).toBe('RESULT_TOO_LARGE');
  });

  it('is told at once when the upstream is stopped', async () => {
    const { url, seen } = await backend(() => undefined);
    const { call, upstream } = make({ tools: [tool('get', { type: 'http', url })] });
    const fault = faultOf(call('get'));
    await expect.poll(() => seen.length).toBe(1);
    await upstream.stop({ drain: 20, reason: 'removed' });
    expect([(await fault).fault, (await fault).delivery]).toEqual(['UPSTREAM_NOT_READY', 'maybe-sent']);
    expect((await faultOf(call('get'))).fault).toBe('UPSTREAM_NOT_READY');
  });
});
