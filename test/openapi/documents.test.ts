// The documents: named as mcpo names them, legal OpenAPI 3.1 whatever upstreams list, made fast and kept.
import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { faulty } from '../support/upstream.ts';
import { type House, server, startHouse } from './support/house.ts';

const golden = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`./golden/${name}`, import.meta.url), 'utf8')) as T;

// biome-ignore lint/suspicious/noExplicitAny: documents are looked into at many places
type Document = any;
const KEY = 'a-key-of-the-tests';

async function get(house: House, path: string, headers: Record<string, string> = {}): Promise<Document> {
  const response = await fetch(house.url + path, { headers });
  expect(response.status).toBe(200);
  return await response.json();
}

async function expectValid(document: object): Promise<void> {
  const result = await new Validator().validate(structuredClone(document) as Record<string, unknown>);
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
}

describe('golden files of mcpo', () => {
  it('names and describes a tool as mcpo does (U-04)', async () => {
    await using house = await startHouse({ config: { upstreams: { time: server() } }, key: KEY });
    await house.ready();
    const document = await get(house, '/time/openapi.json');
    await expectValid(document);
    const wanted = golden<Document>('time.openapi.json');
    // What is ours beside it: the answer of the gateway's own failures.
    const { '4XX': _, '5XX': __, ...responses } = document.paths['/get_current_time'].post.responses;
    const ours = {
      ...document,
      paths: { '/get_current_time': { post: { ...document.paths['/get_current_time'].post, responses } } },
      components: {
        ...document.components,
        schemas: Object.fromEntries(
          Object.keys(wanted.components.schemas).map((name) => [name, document.components.schemas[name]]),
        ),
      },
    };
    expect(ours).toEqual(wanted);
  });

  it('answers as mcpo does (U-06, U-07, U-08)', async () => {
    await using house = await startHouse({ config: { upstreams: { time: server() } }, key: KEY });
    await house.ready();
    for (const { why, path, body, key = KEY, status, answer, headers } of golden<Document[]>('answers.json')) {
      const response = await house.post(path, body, key === null ? {} : { authorization: `Bearer ${key}` });
      const text = await response.text();
      expect([why, response.status]).toEqual([why, status]);
      if (answer !== undefined) expect([why, JSON.parse(text)]).toEqual([why, answer]);
      for (const [name, value] of Object.entries(headers ?? {})) expect(response.headers.get(name)).toBe(value);
    }
  });
});

describe('documents', () => {
  it('keeps references and recursion, and puts definitions into components (U-05)', async () => {
    await using house = await startHouse({ config: { upstreams: { time: server() } } });
    await house.ready();
    const { paths, components } = await get(house, '/time/openapi.json');
    const model = components.schemas.convert_time_form_model;
    expect(model.properties.target).toEqual({ $ref: '#/components/schemas/convert_time_form_model_Target' });
    expect(components.schemas.convert_time_form_model_Target.properties.next).toEqual(model.properties.target);
    expect(model.properties._flags).toEqual({ anyOf: [{ type: 'string' }, { type: 'integer' }], title: 'Flags' });
    expect(model.properties.time).toMatchObject({ default: '12:00', description: 'HH:MM' });
    const { schema } = paths['/convert_time'].post.responses['200'].content['application/json'];
    expect(schema.anyOf[0]).toEqual({ $ref: '#/components/schemas/convert_time_response_model' });
    expect(paths['/no_arguments'].post.requestBody).toBeUndefined();
    expect(paths['/get_current_time'].post.security).toBeUndefined();
  });

  it('reaches every tool at the path it is shown under, whatever it is called (X-27)', async () => {
    await using house = await startHouse({ config: { upstreams: { time: server() } }, single: true });
    await house.ready();
    for (const document of [await get(house, '/openapi.json'), await get(house, '/time/openapi.json')]) {
      await expectValid(document);
      const base = document.servers?.[0].url ?? '';
      const paths = Object.keys(document.paths);
      expect(paths.length).toBe(24);
      const ids = paths.map((path) => document.paths[path].post.operationId);
      expect(new Set(ids).size).toBe(ids.length);
      for (const path of paths) {
        const response = await house.post(base + path, path.endsWith('slow') ? { ms: 1 } : undefined);
        expect([path, response.status === 404 || response.status === 405]).toEqual([path, false]);
      }
    }
    const root = await get(house, '/openapi.json');
    expect(root.info.title).toBe('mcp-time');
    expect(Object.keys(root.paths)).toContain('/get_current_time');
    expect(Object.keys(root.paths)).toContain('/time/health');
    expect(root.paths['/get_current_time'].post.operationId).toBe('tool_get_current_time_post');
  });

  it('has one document over all upstreams, in which nothing collides', async () => {
    await using house = await startHouse({
      config: { upstreams: { time: server(), 'my server': server('other'), 时间: server() } },
    });
    await house.ready();
    const document = await get(house, '/openapi.json');
    await expectValid(document);
    expect(document.paths['/time/get_current_time'].post).toMatchObject({
      operationId: 'tool_time_get_current_time_post',
      tags: ['time'],
    });
    const paths = Object.keys(document.paths);
    expect(paths.length).toBe(72);
    for (const path of paths.filter((one) => one.endsWith('/no_arguments'))) {
      expect(await (await house.post(path)).text()).toBe('"plain words"');
    }
    expect(await (await house.post('/my%20server/no_arguments')).text()).toBe('"plain words"');
    expect(await (await house.post(`/${encodeURIComponent('时间')}/no_arguments`)).text()).toBe('"plain words"');
    expect(document.info.description).toContain('[time](/time/docs)');
  });

  it('serves a document before the upstream is there, and the tools once it is', async () => {
    await using house = await startHouse({
      config: { upstreams: { late: server('late', '--start-after', '500'), never: { command: '/nonexistent' } } },
    });
    const before = await get(house, '/late/openapi.json');
    expect(before).toMatchObject({ info: { title: 'late', version: '1.0' }, paths: {} });
    await expectValid(before);
    expect((await get(house, '/never/openapi.json')).paths).toEqual({});
    await house.post('/late/no_arguments');
    expect(Object.keys((await get(house, '/late/openapi.json')).paths)).toContain('/get_current_time');
    expect((await fetch(`${house.url}/nobody/openapi.json`)).status).toBe(404);
  });

  it('moves with the prefix, and prints what a proxy stripped (10.26)', async () => {
    const config = {
      server: { pathPrefix: 'api/tools', rootPath: '/gate/' },
      upstreams: { time: server(), b: server() },
    };
    await using house = await startHouse({ config });
    await house.ready();
    expect((await house.post('/api/tools/time/no_arguments')).status).toBe(200);
    expect((await house.post('/time/no_arguments')).status).toBe(404);
    expect((await get(house, '/api/tools/time/openapi.json')).servers).toEqual([{ url: '/gate/api/tools/time' }]);
    const root = await get(house, '/openapi.json');
    expect(root.servers).toEqual([{ url: '/gate/api/tools' }]);
    expect(root).toEqual(await get(house, '/api/tools/openapi.json'));
    expect((await fetch(`${house.url}/docs`)).status).toBe(200);
    expect((await fetch(`${house.url}/api/tools/time/docs`)).status).toBe(200);
  });

  it('stands whatever schemas an upstream lists (F-L3 to F-L7, F-L13)', async () => {
    await using house = await startHouse({
      config: {
        upstreams: { bad: faulty('bad-schemas'), names: faulty('evil-names'), refs: faulty('recursive-ref') },
      },
    });
    await house.ready();
    for (const path of ['/openapi.json', '/bad/openapi.json', '/names/openapi.json', '/refs/openapi.json']) {
      await expectValid(await get(house, path));
    }
  });
});

describe('keys (U-06, 12.3)', () => {
  it('leaves documents open and protects calls; a tool called docs is a call', async () => {
    await using house = await startHouse({ config: { upstreams: { time: server() } }, key: KEY });
    await house.ready();
    for (const path of ['/docs', '/openapi.json', '/time/docs', '/time/openapi.json']) {
      expect([path, (await fetch(house.url + path)).status]).toEqual([path, 200]);
    }
    for (const path of ['/time/docs', '/time/openapi.json', '/time/nowhere', '/nobody/tool', '/echo']) {
      const none = await house.post(path, {});
      expect([path, none.status, none.headers.get('www-authenticate')]).toEqual([path, 401, 'Bearer']);
      expect([path, (await house.post(path, {}, { authorization: 'Bearer no' })).status]).toEqual([path, 403]);
    }
    expect(await (await house.post('/time/docs', {}, { authorization: `Bearer ${KEY}` })).text()).toBe('"tool docs"');
  });

  it('protects documents as well with --strict-auth, by Bearer or Basic', async () => {
    await using house = await startHouse({ config: { upstreams: { time: server() } }, key: KEY, strictAuth: true });
    await house.ready();
    const basic = `Basic ${Buffer.from(`anybody:${KEY}`).toString('base64')}`;
    for (const path of ['/docs', '/openapi.json', '/time/docs', '/time/openapi.json']) {
      const status = async (authorization?: string) =>
        (await fetch(house.url + path, { headers: authorization === undefined ? {} : { authorization } })).status;
      expect([
        path,
        await status(),
        await status('Bearer no'),
        await status(`Bearer ${KEY}`),
        await status(basic),
      ]).toEqual([path, 401, 403, 200, 200]);
      expect((await fetch(house.url + path, { method: 'OPTIONS' })).status).toBe(204);
    }
  });
});
