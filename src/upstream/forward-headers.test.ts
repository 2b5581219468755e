import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Forwarding, forwardedHeaders, forwards, identityKey, withHeaders } from './forward-headers.ts';

const rule = (more: Partial<Forwarding['forwardHeaders']> = {}, upstream: Partial<Forwarding> = {}): Forwarding => ({
  forwardHeaders: { enabled: true, allow: [], deny: [], debug: false, ...more },
  headers: {},
  transport: 'auto',
  url: 'http://127.0.0.1/mcp',
  ...upstream,
});
const sent = (headers: Record<string, string>) => new Map(Object.entries(headers));
const names = (upstream: Forwarding, headers: Record<string, string>) =>
  Object.keys(forwardedHeaders(upstream, sent(headers)) ?? {}).sort();

const ALL = {
  host: 'gateway',
  connection: 'keep-alive, x-hop',
  'x-hop': '1',
  'keep-alive': 'timeout=5',
  te: 'trailers',
  'transfer-encoding': 'chunked',
  upgrade: 'h2c',
  'content-type': 'application/json',
  'content-length': '2',
  'content-language': 'en',
  accept: '*/*',
  'accept-encoding': 'gzip',
  'mcp-session-id': 's',
  'mcp-protocol-version': '2025-11-25',
  'mcp-param-region': 'eu',
  'mcp-other': 'o',
  'last-event-id': '1',
  authorization: 'Bearer a',
  cookie: 'c=1',
  'proxy-authorization': 'Basic x',
  'proxy-trace': 'p',
  'x-api-key': 'k',
  origin: 'http://a',
  'x-user-id': '7',
  'x-user-secret': 's',
  'x-tenant': 't',
};

describe('what goes on (X-28, U-02)', () => {
  test.each<[string, Partial<Forwarding['forwardHeaders']>, string[]]>([
    ['off', { enabled: false, allow: ['*'] }, []],
    [
      'an empty allow means all but credentials and what is of the connection',
      {},
      ['x-tenant', 'x-user-id', 'x-user-secret'],
    ],
    ['a lone * likewise', { allow: ['*'] }, ['x-tenant', 'x-user-id', 'x-user-secret']],
    ['a prefix, in any case', { allow: ['X-USER-*'] }, ['x-user-id', 'x-user-secret']],
    ['deny wins over allow', { allow: ['x-user-*', 'x-user-secret'], deny: ['X-User-Secret'] }, ['x-user-id']],
    ['deny with a *', { deny: ['*secret', 'X-T*t'] }, ['x-user-id']],
    [
      'credentials by their name only',
      { allow: ['Authorization', 'cookie', 'X-Api-Key'] },
      ['authorization', 'cookie', 'x-api-key'],
    ],
    ['a * is no name', { allow: ['auth*', 'co*', '*-api-key', 'proxy*', 'mcp*', 'content*', 'orig*'] }, []],
    [
      'others of these groups by name',
      { allow: ['Content-Language', 'mcp-other', 'proxy-trace', 'Origin'] },
      ['content-language', 'mcp-other', 'origin', 'proxy-trace'],
    ],
    [
      'what would break the next message never, named or not',
      {
        allow: [
          'Host',
          'Connection',
          'X-Hop',
          'Keep-Alive',
          'TE',
          'Transfer-Encoding',
          'Upgrade',
          'Content-Length',
          'Content-Type',
          'Accept',
          'Mcp-Session-Id',
          'Mcp-Param-Region',
          'Proxy-Authorization',
          'Last-Event-ID',
        ],
      },
      [],
    ],
    ['a * in the middle', { allow: ['x-*-id'] }, ['x-user-id']],
    [
      '* may stand for nothing, and characters are not used twice',
      { allow: ['x-tenant*', 'x-user-id-*-id'] },
      ['x-tenant'],
    ],
  ])('%s', (_name, more, expected) => {
    expect(names(rule(more), ALL)).toEqual(expected);
  });

  test('nothing over stdio and WebSocket', () => {
    const stdio = rule({}, { command: 'x', url: undefined });
    const socket = rule({}, { url: 'ws://127.0.0.1/', transport: 'websocket' });
    expect([stdio, socket].map((upstream) => [forwards(upstream), names(upstream, ALL)])).toEqual([
      [false, []],
      [false, []],
    ]);
    expect(['auto', 'sse', 'streamable-http'].map((transport) => forwards(rule({}, { transport })))).toEqual([
      true,
      true,
      true,
    ]);
  });

  test('a configured header is replaced by one that is named, never by a *', () => {
    const headers = { 'X-Tenant': 'acme', Authorization: 'Bearer own' };
    expect(names(rule({ allow: ['x-*'] }, { headers }), ALL)).toEqual(['x-user-id', 'x-user-secret']);
    expect(names(rule({ allow: ['x-tenant', 'authorization'] }, { headers }), ALL)).toEqual([
      'authorization',
      'x-tenant',
    ]);
    expect({ ...withHeaders(headers, { authorization: 'Bearer a' }) }).toEqual({
      'X-Tenant': 'acme',
      authorization: 'Bearer a',
    });
  });

  test('a header that could start another one is left out; any legal name is only a name', () => {
    const evil = new Map([
      ['x-a', 'a\r\nx-evil: 1'],
      ['x-b', 'b\0'],
      ['x c', 'c'],
      ['x-d', '\u4f60'],
      ['x-e\n', 'e'],
      ['__proto__', 'p'],
      ['constructor', 'q'],
    ]);
    expect(Object.entries(forwardedHeaders(rule(), evil) ?? {})).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'q'],
    ]);
  });

  test('whatever is sent and allowed, nothing that could break a request goes on', () => {
    const name = fc.constantFrom(
      'Host',
      'CONTENT-LENGTH',
      'Transfer-encoding',
      'mcp-session-id',
      'x-a',
      'Authorization',
      'x-b',
    );
    fc.assert(
      fc.property(
        fc.dictionary(name, fc.string()),
        fc.array(fc.oneof(name, fc.constantFrom('*', 'x*', '*a*'))),
        (headers, allow) => {
          for (const [key, value] of Object.entries(forwardedHeaders(rule({ allow }), sent(headers)) ?? {})) {
            expect(['x-a', 'x-b', 'authorization']).toContain(key);
            expect(value).not.toMatch(/[\r\n\0]/);
            if (key === 'authorization') expect(allow).toContain('Authorization');
          }
        },
      ),
    );
  });
});

describe('who it is', () => {
  test('the same headers are the same caller, whatever is other in each request', () => {
    const key = identityKey({ 'x-user': 'ada', authorization: 'Bearer a' });
    expect(identityKey({ authorization: 'Bearer a', 'x-user': 'ada', traceparent: '00-1', 'x-request-id': '9' })).toBe(
      key,
    );
    expect(identityKey({ authorization: 'Bearer b', 'x-user': 'ada' })).not.toBe(key);
    expect(key).not.toContain('ada');
    expect([identityKey(undefined), identityKey({ traceparent: '00-1' })]).toEqual(['', '']);
  });

  test('no two sets of headers look alike', () => {
    expect(identityKey({ a: 'b","c":"d' })).not.toBe(identityKey({ a: 'b', c: 'd' }));
  });
});
