// The management API over real upstreams: who may use it, what it shows, what it changes.
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeApi } from '../../src/faces/admin/openapi.ts';
import { preferred } from '../../src/faces/admin/plain-routes.ts';
import { keyOf } from '../../src/http/keys.ts';
import { exchange } from '../support/http-exchange.ts';
import { faulty } from '../support/upstream.ts';
import { ADMIN, type AdminHouse, startAdminHouse } from './support/admin-house.ts';
import { readExposition } from './support/lint.ts';

const SECRET = 'tok-5e5e5e5e5e5e';
const CONFIG = {
  upstreams: {
    a: { ...faulty('healthy'), env: { API_TOKEN: SECRET }, description: 'the first' },
    b: faulty('healthy'),
  },
  storage: { callLog: { arguments: 'redacted' as const } },
};
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const admin = bearer(ADMIN);

let open: AdminHouse;
let keyed: AdminHouse;
beforeAll(async () => {
  const keys = [
    keyOf('reader', 'key-read', ['read']),
    keyOf('caller', 'key-call', ['call']),
    keyOf('boss', 'key-admin', ['admin']),
  ];
  [open, keyed] = await Promise.all([startAdminHouse(CONFIG), startAdminHouse({ upstreams: {} }, keys)]);
  await open.ready();
});
afterAll(() => Promise.all([open.stop(), keyed.stop()]));

describe('who may use it (12.3)', () => {
  const READS = [
    '/api/v1/status',
    '/api/v1/metrics',
    '/api/v1/diagnostics',
    '/api/v1/upstreams',
    '/api/v1/alerts',
    '/api/v1/openapi.json',
  ];
  const ADMINS = [
    '/api/v1/config',
    '/api/v1/calls',
    '/api/v1/tools',
    '/api/v1/sessions',
    '/api/v1/log',
    '/api/v1/config/versions',
  ];

  it.each(['/metrics', '/metrics/prometheus', '/diagnostics', '/status'])(
    '%s: open on loopback without keys, read with keys',
    async (path) => {
      expect((await open.get(path)).status).toBe(200);
      expect((await open.send('POST', path, {})).status).toBe(405);
      expect((await keyed.get(path)).status).toBe(401);
      expect((await keyed.get(path, bearer('key-call'))).status).toBe(403);
      expect((await keyed.get(path, bearer('wrong'))).status).toBe(403);
      expect((await keyed.get(path, bearer('key-read'))).status).toBe(200);
    },
  );

  it.each([...READS, ...ADMINS, '/api/v1', '/api/v1/no/such/thing'])(
    '%s: never without a key, on loopback neither',
    async (path) => {
      const answer = await open.get(path);
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
      expect((await open.get(path, bearer('wrong'))).status).toBe(403);
      expect((await keyed.get(path)).status).toBe(401);
      expect((await keyed.get(path, bearer('key-call'))).status).toBe(403);
    },
  );

  it.each(READS)('%s: a key that may read', async (path) => {
    expect((await keyed.get(path, bearer('key-read'))).status).toBe(200);
    expect((await keyed.get(path, { 'x-api-key': 'key-admin' })).status).toBe(200);
    expect((await open.get(path, admin)).status).toBe(200);
  });

  it.each(ADMINS)('%s: a key that may administer', async (path) => {
    expect((await keyed.get(path, bearer('key-read'))).status).toBe(403);
    expect((await keyed.get(path, bearer('key-admin'))).status).toBe(200);
    expect((await keyed.get(path, bearer(ADMIN))).status).toBe(200);
  });

  it('lets nobody but an admin change anything', async () => {
    const { paths } = describeApi([], '0') as { paths: object };
    expect(paths).toEqual({});
    const document = (await open.get('/api/v1/openapi.json', admin)).json as {
      paths: Record<string, Record<string, unknown>>;
    };
    let checked = 0;
    for (const [path, methods] of Object.entries(document.paths))
      for (const method of Object.keys(methods)) {
        if (method === 'get' || path === '/api/v1/login' || path === '/api/v1/logout') continue;
        const url = path.replaceAll(/\{\w+\}/g, 'a');
        expect([path, method, (await open.send(method.toUpperCase(), url, {})).status]).toEqual([path, method, 401]);
        expect((await keyed.send(method.toUpperCase(), url, {}, bearer('key-read'))).status).toBe(403);
        checked++;
      }
    expect(checked).toBeGreaterThan(20);
  });

  it('tells the event stream who was refused', () => {
    expect(open.seen).toContainEqual({
      type: 'auth.refused',
      face: 'admin',
      reason: 'the admin token, or a key with the role admin, is needed',
    });
  });
});

describe('logins of browsers', () => {
  const cookieOf = (headers: Headers) => {
    const [pair = '', ...rest] = (headers.get('set-cookie') ?? '').split('; ');
    return { cookie: pair, flags: rest };
  };

  it('exchanges a one-time code for a cookie, once', async () => {
    const code = open.face.code();
    const answer = await open.send('POST', '/api/v1/login', { code });
    expect(answer.json).toMatchObject({ principal: 'admin', roles: ['read', 'call', 'admin'] });
    const { cookie, flags } = cookieOf(answer.headers);
    expect(flags).toEqual(expect.arrayContaining(['HttpOnly', 'SameSite=Strict', 'Path=/']));
    expect((await open.get('/api/v1/config', { cookie })).status).toBe(200);
    expect((await open.send('POST', '/api/v1/login', { code })).status).toBe(403);
    expect((await open.send('POST', '/api/v1/login', { code: 'guess' })).status).toBe(403);
    await open.send('POST', '/api/v1/logout', {}, { cookie });
    expect((await open.get('/api/v1/config', { cookie })).status).toBe(401);
  });

  it('makes such links for an admin', async () => {
    const made = (await open.send('POST', '/api/v1/login/codes', undefined, admin)).json as {
      code: string;
      url: string;
    };
    expect(made.url).toBe(`${open.url}/ui#code=${made.code}`);
    expect((await open.send('POST', '/api/v1/login', { code: made.code })).status).toBe(200);
  });

  it('takes a key; nobody logs in without one', async () => {
    expect((await open.send('POST', '/api/v1/login', {})).status).toBe(401);
    expect((await keyed.send('POST', '/api/v1/login', {}, bearer('key-call'))).status).toBe(401);
    const { cookie } = cookieOf((await keyed.send('POST', '/api/v1/login', {}, bearer('key-read'))).headers);
    expect((await keyed.get('/api/v1/status', { cookie })).status).toBe(200);
    expect((await keyed.get('/api/v1/config', { cookie })).status).toBe(403);
    keyed.face.keysChanged(['caller']);
    expect((await keyed.get('/api/v1/status', { cookie })).status).toBe(200);
    keyed.face.keysChanged(['reader']);
    expect((await keyed.get('/api/v1/status', { cookie })).status).toBe(401);
  });

  it('is of no use to pages of other origins, other ports of this host among them', async () => {
    const { cookie } = cookieOf((await open.send('POST', '/api/v1/login', { code: open.face.code() })).headers);
    const post = (headers: Record<string, string>, body: unknown = {}) =>
      open.send('POST', '/api/v1/upstreams/a/resume', body, { cookie, ...headers });
    expect((await post({ origin: open.url })).status).toBe(200);
    expect((await post({ origin: 'http://localhost:9' })).status).toBe(403);
    expect((await post({ 'sec-fetch-site': 'same-site' })).status).toBe(403);
    expect((await post({ 'content-type': 'text/plain' }, 'x')).status).toBe(403);
    expect((await open.get('/api/v1/config', { cookie, origin: 'http://127.0.0.1:9' })).status).toBe(403);
    expect((await post({ cookie: 'holdfast_00000000=nonsense' })).status).toBe(401);
  });
});

describe('upstreams', () => {
  it('lists them; settings only for an admin, values of variables for nobody', async () => {
    const list = (await open.get('/api/v1/upstreams', admin)).json as { upstreams: Record<string, unknown>[] };
    expect(list.upstreams.map(({ name, state, score }) => [name, state, score])).toEqual([
      ['a', 'ready', 100],
      ['b', 'ready', 100],
    ]);
    const one = await open.get('/api/v1/upstreams/a', admin);
    expect(one.json).toMatchObject({
      config: { env: { API_TOKEN: '***' }, description: 'the first' },
      transport: 'stdio',
    });
    expect(one.text).not.toContain(SECRET);
  });

  it('says which there are when one is not known', async () => {
    const answer = await open.get('/api/v1/upstreams/aa', admin);
    expect([answer.status, answer.json]).toEqual([
      404,
      { detail: expect.objectContaining({ fault: 'UPSTREAM_UNKNOWN', near: [] }) as object },
    ]);
  });

  it('restarts, and writes down who did (X-47)', async () => {
    const before = open.fleet.get('b')?.facts().pid;
    expect((await open.send('POST', '/api/v1/upstreams/b/restart?force=true', undefined, admin)).json).toMatchObject({
      ok: true,
    });
    await expect.poll(() => open.fleet.get('b')?.facts().pid, { timeout: 10_000 }).not.toBe(before);
    await open.ready();
    expect(open.seen).toContainEqual({ type: 'admin.action', by: 'admin', action: 'restart by force', subject: 'b' });
  });

  it('shows processes, lines of stderr and samples (C-54, C-72)', async () => {
    const pid = open.fleet.get('a')?.facts().pid;
    expect((await open.get('/api/v1/upstreams/a/processes', admin)).json).toMatchObject({ processes: [{ pid }] });
    expect((await open.get('/api/v1/upstreams/a/logs?lines=5', admin)).json).toEqual({
      lines: expect.any(Array) as unknown[],
    });
    await open.operations.look();
    const { samples } = (await open.get('/api/v1/upstreams/a/samples?limit=1', admin)).json as {
      samples: Record<string, number>[];
    };
    expect(samples[0]?.memory_bytes).toBeGreaterThan(1e6);
    expect(samples[0]?.open_files).toBeGreaterThan(2);
    expect((await open.get('/api/v1/upstreams/gateway/samples', admin)).status).toBe(200);
    expect((await open.get('/api/v1/upstreams/a/samples?limit=x', admin)).status).toBe(422);
  });

  it('switches, pauses and checks', async () => {
    const post = (verb: string) => open.send('POST', `/api/v1/upstreams/a/${verb}`, undefined, admin);
    await post('disable');
    await post('enable');
    expect(open.toggled.splice(0)).toEqual([
      ['a', false, 'admin'],
      ['a', true, 'admin'],
    ]);
    await post('pause');
    expect((await open.get('/api/v1/upstreams/a', admin)).json).toMatchObject({ paused: { by: 'admin' } });
    await post('resume');
    expect((await open.get('/api/v1/upstreams/a', admin)).json).not.toHaveProperty('paused');
    expect((await post('check')).json).toEqual({ healthy: true, ms: 1 });
  });

  it('adds, changes and removes through the configuration', async () => {
    open.changes.length = 0;
    expect((await open.send('POST', '/api/v1/upstreams', { name: 'a', config: {} }, admin)).status).toBe(409);
    expect(
      (await open.send('POST', '/api/v1/upstreams', { name: 'n', config: { url: 'http://x' } }, admin)).status,
    ).toBe(201);
    await open.send('PUT', '/api/v1/upstreams/a', { command: 'y' }, admin);
    await open.send('DELETE', '/api/v1/upstreams/a', undefined, admin);
    expect(open.changes.map(({ change, by }) => [by, 'edits' in change && change.edits[0]])).toEqual([
      ['admin', { path: ['upstreams', 'n'], value: { url: 'http://x' } }],
      ['admin', { path: ['upstreams', 'a'], value: { command: 'y' } }],
      ['admin', { path: ['upstreams', 'a'], value: null }],
    ]);
  });
});

describe('tools, resources, calls', () => {
  it('lists tools with what they cost, finds them by words', async () => {
    const { total, tools } = (await open.get('/api/v1/tools?upstream=a', admin)).json as {
      total: number;
      tools: Record<string, unknown>[];
    };
    expect(tools.map(({ name, safety, exposed }) => [name, safety, exposed])).toEqual([
      ['read', 'read', 'a__read'],
      ['put', 'idempotent', 'a__put'],
      ['write', 'write', 'a__write'],
    ]);
    expect([total, typeof tools[0]?.tokens]).toEqual([3, 'number']);
    expect((await open.get('/api/v1/tools?q=put', admin)).json).toMatchObject({ total: 2 });
    expect((await open.get('/api/v1/tools/a/read', admin)).json).toHaveProperty('inputSchema.type', 'object');
    expect((await open.get('/api/v1/tools/a/raed', admin)).json).toMatchObject({
      detail: { fault: 'TOOL_UNKNOWN', near: ['read'] },
    });
  });

  it('tries a tool, finds the call, and repeats it if it only reads', async () => {
    const tried = (await open.send('POST', '/api/v1/tools/a/read/call', { arguments: { nonce: 'n1' } }, admin))
      .json as {
      id: string;
      result: object;
      timing: { attempts: number };
    };
    expect([JSON.stringify(tried.result).includes('n1'), tried.timing.attempts]).toEqual([true, 1]);
    const { calls } = (await open.get(`/api/v1/calls?upstream=a&tool=read`, admin)).json as { calls: { id: string }[] };
    expect(calls[0]?.id).toBe(tried.id);
    const row = (await open.get(`/api/v1/calls/${tried.id}`, admin)).json as Record<string, unknown>;
    expect(row).toMatchObject({ face: 'admin', client: 'admin', subject: 'read', outcome: 'result' });
    const write = (await open.send('POST', '/api/v1/tools/a/write/call', { arguments: { nonce: 'n2' } }, admin))
      .json as { id: string };
    expect((await open.send('POST', `/api/v1/calls/${write.id}/replay`, undefined, admin)).status).toBe(409);
    expect((await open.get('/api/v1/calls/none', admin)).status).toBe(404);
    expect((await open.get('/api/v1/calls?since=yesterday', admin)).status).toBe(422);
  });

  it('switches tools', async () => {
    await open.send('POST', '/api/v1/tools/a/put/disable', undefined, admin);
    expect(open.toggled.splice(0)).toEqual([['a', 'put', false, 'admin']]);
  });

  it('answers wrong bodies with what is wrong', async () => {
    expect((await open.send('POST', '/api/v1/tools/a/read/call', '{', admin)).json).toEqual({
      detail: 'the body is not JSON',
    });
    const answer = await open.send('POST', '/api/v1/silences', { minutes: 'long', colour: 'red' }, admin);
    expect(answer.status).toBe(422);
    expect((answer.json as { detail: { loc: unknown[] }[] }).detail.map(({ loc }) => loc)).toEqual([
      ['body', 'minutes'],
      ['body'],
    ]);
    expect((await open.send('POST', '/api/v1/silences', 'x'.repeat(70_000), admin)).status).toBe(413);
    const wrong = await open.send('DELETE', '/api/v1/silences', undefined, admin);
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, POST']);
  });

  it('lists resources and prompts', async () => {
    expect((await open.get('/api/v1/resources', admin)).json).toEqual({
      resources: expect.any(Array) as [],
      templates: expect.any(Array) as [],
    });
    expect((await open.get('/api/v1/prompts', admin)).json).toEqual({ prompts: expect.any(Array) as [] });
  });
});

describe('alerts, rules, silences, configuration, log', () => {
  it('changes a rule and sets it back, through the configuration and at once', async () => {
    const rule = async () =>
      ((await open.get('/api/v1/rules', admin)).json as { rules: Record<string, unknown>[] }).rules.find(
        ({ name }) => name === 'high_cpu_usage',
      );
    expect(await rule()).toMatchObject({ warning: 80, window: '300s', default: true });
    expect((await open.send('PUT', '/api/v1/rules/high_cpu_usage', { warning: 70 }, admin)).status).toBe(200);
    expect(await rule()).toMatchObject({ warning: 70, error: 150 });
    await open.send('PUT', '/api/v1/rules/other', { metric: 'exits', warning: 1, window: '90s' }, admin);
    await open.send('PUT', '/api/v1/rules/high_cpu_usage', { warning: 60 }, admin);
    expect(
      ((await open.get('/api/v1/rules', admin)).json as { rules: { name: string; window: string }[] }).rules.at(-1),
    ).toMatchObject({ name: 'other', window: '90s' });
    expect((await open.send('DELETE', '/api/v1/rules/high_cpu_usage', undefined, admin)).status).toBe(200);
    expect(await rule()).toMatchObject({ warning: 80 });
    expect((await open.send('DELETE', '/api/v1/rules/high_cpu_usage', undefined, admin)).status).toBe(404);
  });

  it('silences and ends silences', async () => {
    const made = (await open.send('POST', '/api/v1/silences', { rule: 'x', minutes: 5, reason: 'test' }, admin))
      .json as { id: string };
    expect((await open.get('/api/v1/silences', admin)).json).toMatchObject({
      silences: [{ rule: 'x', subject: '*', by: 'admin', reason: 'test' }],
    });
    expect((await open.send('DELETE', `/api/v1/silences/${made.id}`, undefined, admin)).status).toBe(200);
    expect((await open.send('DELETE', `/api/v1/silences/${made.id}`, undefined, admin)).status).toBe(404);
    expect((await open.send('POST', '/api/v1/alerts/none/resolve', undefined, admin)).status).toBe(404);
    expect((await open.send('POST', '/api/v1/sinks/test', undefined, admin)).json).toEqual({});
  });

  it('reads, checks, plans, applies and rolls back', async () => {
    open.changes.length = 0;
    expect((await open.get('/api/v1/config', admin)).json).toMatchObject({ etag: 'e1' });
    expect((await open.send('POST', '/api/v1/config/validate', { text: 'broken' }, admin)).json).toMatchObject({
      ok: false,
      problems: [{ line: 1 }],
    });
    expect((await open.send('POST', '/api/v1/config/plan', { text: 'broken' }, admin)).status).toBe(422);
    expect((await open.send('POST', '/api/v1/config/plan', { text: '{}' }, admin)).json).toHaveProperty('plan');
    expect((await open.send('PUT', '/api/v1/config', { text: '{}' }, { ...admin, 'if-match': '"old"' })).status).toBe(
      409,
    );
    expect(
      (await open.send('PUT', '/api/v1/config', { text: '{}', etag: 'e1', reason: 'why' }, admin)).json,
    ).toMatchObject({ version: 2 });
    expect((await open.send('PUT', '/api/v1/config', { nothing: true }, admin)).status).toBe(422);
    expect((await open.get('/api/v1/config/versions/1', admin)).json).toHaveProperty('text');
    expect((await open.get('/api/v1/config/versions/9', admin)).status).toBe(404);
    expect((await open.send('POST', '/api/v1/config/versions/9/rollback', undefined, admin)).status).toBe(404);
    expect((await open.send('POST', '/api/v1/config/versions/1/rollback', undefined, admin)).status).toBe(200);
    expect(open.changes.map(({ reason }) => reason)).toEqual(['why', 'back to version 1']);
  });

  it('changes the level of the log while it runs', async () => {
    expect((await open.send('PUT', '/api/v1/log', { level: 'debug' }, admin)).json).toEqual({ level: 'debug' });
    expect((await open.get('/api/v1/log', admin)).json).toEqual({ level: 'debug' });
    expect((await open.send('PUT', '/api/v1/log', { level: 'loud' }, admin)).status).toBe(422);
  });
});

describe('the OpenAPI document (12.6)', () => {
  it('is valid, and describes every operation', async () => {
    const document = (await open.get('/api/v1/openapi.json', admin)).json as {
      paths: Record<string, Record<string, { operationId: string; summary: string }>>;
    };
    expect(await new Validator().validate(structuredClone(document))).toMatchObject({ valid: true });
    const all = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(all.length).toBeGreaterThan(55);
    expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(all.length);
  });
});

describe('the support bundle', () => {
  it('holds everything and no secret', async () => {
    const answer = await open.get('/api/v1/support-bundle', admin);
    const bundle = answer.json as Record<string, unknown>;
    for (const part of ['health', 'diagnostics', 'metrics', 'alerts', 'upstreams', 'config', 'calls', 'samples'])
      expect(bundle).toHaveProperty(part);
    expect(answer.text).not.toContain(SECRET);
    expect((await open.get('/api/v1/support-bundle')).status).toBe(401);
  });
});

describe('events (12.6)', () => {
  const listen = async (house: AdminHouse, headers: Record<string, string>) => {
    const told: { event: string; data: unknown }[] = [];
    const stream = await exchange(`${house.url}/api/v1/events`, {
      method: 'GET',
      headers,
      onEvent: ({ event, data }) => void told.push({ event, data: data === '' ? undefined : JSON.parse(data) }),
    });
    stream.body.catch(() => undefined);
    return { stream, told, of: (type: string) => told.filter(({ event }) => event === type) };
  };

  it('tells figures, states at once, and calls together', async () => {
    const { stream, of } = await listen(open, admin);
    expect(stream.type).toBe('text/event-stream');
    await expect.poll(() => of('overview').length).toBe(1);
    await open.send('POST', '/api/v1/tools/b/read/call', { arguments: { nonce: 'x' } }, admin);
    await expect
      .poll(() => of('calls')[0]?.data, { timeout: 30_000 })
      .toMatchObject({ count: 1, calls: [{ upstream: 'b' }] });
    const began = performance.now();
    process.kill(open.fleet.get('b')?.facts().pid as number, 'SIGKILL');
    await expect.poll(() => of('upstream.state').length, { timeout: 30_000 }).toBeGreaterThan(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    await expect.poll(() => of('process.exited')[0]?.data).toMatchObject({ upstream: 'b', signal: 'SIGKILL' });
    stream.leave();
    await open.ready();
  });

  it('tells a reader neither calls nor logs, and no secret to anybody', async () => {
    const reader = await listen(keyed, bearer('key-read'));
    const boss = await listen(keyed, bearer('key-admin'));
    keyed.events.emit({ type: 'log', level: 'warn', text: 'refused Bearer abcdefghijklmnop' });
    keyed.events.emit({ type: 'config.rejected', problems: ['x'] });
    await expect.poll(() => reader.of('config.rejected').length).toBe(1);
    await expect.poll(() => boss.of('log')[0]?.data).toMatchObject({ text: 'refused Bearer ***' });
    expect(reader.of('log')).toEqual([]);
    reader.stream.leave();
    boss.stream.leave();
  });

  it('ends when the gateway stops', async () => {
    const house = await startAdminHouse({ upstreams: {} });
    const { stream } = await listen(house, admin);
    house.face.close();
    await stream.body;
    await house.stop();
  });
});

describe('/metrics by Accept (10.4)', () => {
  it.each([
    [undefined, 'json'],
    ['*/*', 'json'],
    ['application/json, text/plain, */*', 'json'],
    ['text/html,application/xhtml+xml', 'json'],
    ['text/plain', 'text'],
    ['application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1', 'openmetrics'],
    ['text/plain;version=0.0.4;q=0.9,*/*;q=0.1', 'text'],
  ] as const)('%s → %s', (accept, form) => {
    expect(preferred(accept)).toBe(form);
  });

  it('serves all three over HTTP, well-formed', async () => {
    expect((await open.get('/metrics')).headers.get('content-type')).toBe('application/json');
    const text = await open.get('/metrics', { accept: 'text/plain' });
    expect(text.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(readExposition(text.text, false).problems).toEqual([]);
    const om = await open.get('/metrics/prometheus', { accept: 'application/openmetrics-text' });
    expect(readExposition(om.text, true).problems).toEqual([]);
    expect(readExposition((await open.get('/metrics/prometheus')).text, false).problems).toEqual([]);
  });
});
