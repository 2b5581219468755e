// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references in a configuration are written so
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { originOf } from './layers.ts';
import { type LoadInput, loadConfig, parseConfig } from './load.ts';
import type { Config, UpstreamConfig } from './schema.ts';
import { secretsOf } from './secrets.ts';

const SAMPLES = join(import.meta.dirname, '../../test/config');

const native = (text: string, more: Partial<LoadInput> = {}) =>
  loadConfig({ text, file: '/etc/holdfast/holdfast.json', env: {}, ...more });

async function accepted(text: string, more: Partial<LoadInput> = {}): Promise<Config> {
  const result = await native(text, more);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 1));
  return result.config;
}

async function refused(text: string, more: Partial<LoadInput> = {}) {
  const result = await native(text, more);
  if (result.ok) throw new Error('this should have been refused');
  return result.problems;
}

const only = (config: Config) => Object.values(config.upstreams)[0] as UpstreamConfig;

describe('a native file', () => {
  it('fills in every default of the requirements (8.1, reliability §2)', async () => {
    const config = await accepted('{"upstreams":{"a":{"command":"x"}}}');
    expect(config.server).toMatchObject({ host: '127.0.0.1', port: 8000, pathPrefix: '/', rootPath: '' });
    expect(config.limits).toMatchObject({ body: 4 * 1024 ** 2, depth: 64, inline: 32 * 1024, gateway: 1000 });
    expect(config.naming.prefix).toBe('always');
    expect(config.storage.history).toBe(50);
    const upstream = only(config);
    expect(upstream.timeouts).toEqual({
      dial: 5000,
      connect: 30_000,
      start: 60_000,
      ready: 10_000,
      list: 10_000,
      call: 60_000,
      drain: 15_000,
    });
    expect(upstream.limits).toEqual({ message: 25 * 1024 ** 2, inFlight: 100, queue: 200 });
    expect(upstream.recovery).toEqual({
      enabled: true,
      call: { retries: 2, baseDelay: 100, maxDelay: 5000 },
      connect: { quickAttempts: 5, minInterval: 0, maxDelay: 30_000 },
      breaker: { failures: 5, ratio: 0.5, window: 60_000 },
    });
    expect(upstream.health).toEqual({ enabled: true, interval: 30_000, timeout: 5000, failureThreshold: 2 });
    expect(upstream.supervisor).toMatchObject({ stableAfter: 60_000, cooldown: { base: 60_000, cap: 900_000 } });
    expect(upstream.pool).toMatchObject({ min: 2, max: 10, idle: 300_000 });
    expect(upstream).toMatchObject({ transport: 'stdio', enabled: true, unresolved: [], invalid: [] });
  });

  it('reads the sample with comments and references', async () => {
    const text = readFileSync(join(SAMPLES, 'holdfast.jsonc'), 'utf8');
    const env = { DATA_ROOT: '/data', SEARCH_TOKEN: 'search-token-1', TEAM_KEY: 'team-key-0123456789' };
    const config = await accepted(text, { file: '/srv/gate/holdfast.jsonc', env });
    const { files, search, both } = config.upstreams as Record<string, UpstreamConfig>;
    expect(Object.keys(config.upstreams)).toEqual(['files', 'search', '天气', 'both']);
    expect(files).toMatchObject({
      args: ['server.mjs', '--root', '/data'],
      cwd: '/srv/gate/servers',
      env: { REGION: 'eu', LEVEL: 'debug', RETRIES: '3' },
      timeouts: { call: 120_000, drain: 5000 },
    });
    expect(files?.tools.overrides.read_file).toEqual({ timeout: 5000, retry: 'safe' });
    expect(search).toMatchObject({
      headers: { Authorization: 'Bearer search-token-1' },
      transport: 'streamable-http',
      tls: { ca: '/srv/gate/ca.pem' },
      stopWhenIdle: 600_000,
      timeouts: { call: 90_000 },
    });
    expect(config.upstreams.天气?.transport).toBe('websocket');
    expect(both).toMatchObject({ command: 'python3', url: 'http://127.0.0.1:9000/mcp', transport: 'auto' });
    expect(config.server.pathPrefix).toBe('/tools/');
    expect(config.log.file).toBe('/srv/gate/holdfast.log');
    expect(config.extensions).toEqual({ note: 'kept as it is' });
    expect(secretsOf(config)).toEqual(expect.arrayContaining(['search-token-1', 'team-key-0123456789']));
    expect(Object.isFrozen(config.upstreams.files?.timeouts)).toBe(true);
  });

  it('accepts a byte order mark, comments and trailing commas', async () => {
    const text = '\uFEFF// one\n{"upstreams":{"a":{"command":"x",/* two */"args":["y",],},},}';
    expect(only(await accepted(text))).toMatchObject({ command: 'x', args: ['y'] });
  });

  it.each([
    ['5000ms', 5000],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    [2.5, 2500],
  ])('reads the duration %s as %i ms', async (written, ms) => {
    const config = await accepted(JSON.stringify({ upstreams: { a: { command: 'x', timeouts: { call: written } } } }));
    expect(only(config).timeouts.call).toBe(ms);
  });

  it.each(['0s', '-1s', '5 parsecs', '25d', '', -3, true])('refuses the duration %j', async (written) => {
    const problems = await refused(JSON.stringify({ upstreams: { a: { command: 'x', timeouts: { call: written } } } }));
    expect(problems).toMatchObject([{ path: 'upstreams.a.timeouts.call' }]);
  });

  it('tells what is wrong in the file where a flag or a variable hides it (F-K3)', async () => {
    const text = '{\n "server": { "port": "x", "prot": 1 },\n "log": { "level": 5 }\n}';
    const result = await loadConfig({
      text,
      file: 'f.json',
      env: { LOG_LEVEL: 'error' },
      flags: { server: { port: 0 } },
    });
    expect(result.ok ? [] : result.problems.map(({ file, line, path }) => [file, line, path])).toEqual([
      ['f.json', 2, 'server.port'],
      ['f.json', 2, 'server.prot'],
      ['f.json', 3, 'log.level'],
    ]);
  });

  it('tells all problems at once, each with file, line, column, path and hint (F-K3)', async () => {
    const problems = await refused(
      [
        '{',
        '  "upstreams": {',
        '    "a": { "comand": "x", "timeouts": { "call": "soon" } },',
        '    "b": {},',
        '    "c": { "command": "y", "transport": "htttp" }',
        '  },',
        '  "server": { "port": 99999 },',
        '  "colour": "red",',
        '  "keys": [{ "name": "k" }],',
        '  "defaultView": "no-such",',
        '  "locale": "fr"',
        '}',
      ].join('\n'),
    );
    const told = problems.map(({ line, column, path, hint }) => [line, column, path, hint]);
    expect(told).toEqual([
      [3, 12, 'upstreams.a.comand', 'did you mean "command"?'],
      [3, 49, 'upstreams.a.timeouts.call', undefined],
      [4, 10, 'upstreams.b', undefined],
      [5, 41, 'upstreams.c.transport', 'did you mean "http"?'],
      [7, 23, 'server.port', undefined],
      [8, 3, 'colour', undefined],
      [9, 12, 'keys[0]', undefined],
      [10, 18, 'defaultView', undefined],
      [11, 13, 'locale', undefined],
    ]);
    expect(problems.every(({ file }) => file === '/etc/holdfast/holdfast.json')).toBe(true);
  });

  it.each([
    ['', 'empty'],
    ['  \n ', 'empty'],
    ['// only a comment', ''],
    ['[1]', 'an array'],
    ['"x"', 'a string'],
    ['null', 'a null'],
    ['{"upstreams": {"a": {"command": "x"', 'ends too early'],
    ['{"upstreams": {"a" "x"}}', 'colon'],
    ['PK\u0003\u0004\0\0binary', 'not a text file'],
    ['hello there', 'not JSON'],
    ['['.repeat(100_000), 'nested too deeply'],
  ])('refuses %j with its place (F-K1)', async (text, message) => {
    const problems = await refused(text);
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) {
      expect(problem.line).toBeGreaterThan(0);
      expect(problem.column).toBeGreaterThan(0);
    }
    expect(problems.map((problem) => problem.message).join('; ')).toContain(message);
  });

  it('points to the place where a file was cut off (F-K1)', async () => {
    const [problem] = await refused('{\n  "upstreams": {\n    "a": {');
    expect(problem).toMatchObject({ line: 3, message: expect.stringContaining('ends too early') });
  });

  it('names both places of a key that stands twice (F-K11)', async () => {
    const problems = await refused('{"upstreams": {\n "a": {"command": "x"},\n "a": {"command": "y"}\n}}');
    expect(problems).toMatchObject([{ line: 3, column: 2, path: 'upstreams.a' }]);
    expect(problems[0]?.message).toContain('first in line 2, column 2');
  });

  it.each(['mcp', 'health', 'openapi.json', '.well-known', 'custom', '__proto__'])(
    'refuses the reserved id %s (10.12, F-K11)',
    async (id) => {
      const problems = await refused(`{"upstreams": {"${id}": {"command": "x"}}}`);
      expect(problems[0]).toMatchObject({ line: 1, column: 16, message: 'this id is reserved' });
      expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    },
  );

  it.each([
    [{ a: { command: 'x', transport: 'sse' } }, 'upstreams.a.transport'],
    [{ a: { url: 'http://h/', transport: 'stdio' } }, 'upstreams.a.transport'],
    [{ a: { url: 'ws://h/', transport: 'http' } }, 'upstreams.a.url'],
    [{ a: { command: 'x', pool: { min: 5, max: 2 } } }, 'upstreams.a.pool.min'],
    [{ a: { command: 'x', env: { 'A=B': 'c' } } }, 'upstreams.a.env["A=B"]'],
    [{ a: { url: 'http://h/', headers: { 'Bad Name': 'c' } } }, 'upstreams.a.headers["Bad Name"]'],
    [{ a: { url: 'http://h/', headers: { A: 'c\r\nX: y' } } }, 'upstreams.a.headers.A'],
    [{ a: { command: 'x', alias: 'b' }, b: { command: 'y' } }, 'upstreams.a.alias'],
  ])('refuses what no single key shows: %j', async (upstreams, path) => {
    expect(await refused(JSON.stringify({ upstreams }))).toMatchObject([{ path }]);
  });

  it('knows the transports that an embedding program brings', async () => {
    const text = '{"upstreams":{"a":{"url":"http://h/","transport":"carrier-pigeon"}}}';
    expect(only(await accepted(text, { transports: ['carrier-pigeon'] })).transport).toBe('carrier-pigeon');
    expect(await refused(text)).toMatchObject([{ path: 'upstreams.a.transport' }]);
  });
});

describe('references', () => {
  it('concern only the upstream that asks (F-K9), and no value is told', async () => {
    const text = JSON.stringify({
      upstreams: {
        a: { command: 'x', env: { T: '${env:GIVEN}-${env:GONE}' }, args: ['${file:nope.txt}'] },
        b: { command: 'y', env: { T: '${env:GIVEN}' } },
      },
    });
    const config = await accepted(text, { env: { GIVEN: 'given-value' } });
    expect(config.upstreams.a?.unresolved).toEqual(['${file:nope.txt}', '${env:GONE}']);
    expect(config.upstreams.b).toMatchObject({ unresolved: [], env: { T: 'given-value' } });
    expect(secretsOf(config)).toEqual(['given-value']);
  });

  it('read files beside the configuration, take fallbacks, and leave an escaped one alone', async () => {
    const text = JSON.stringify({
      upstreams: { a: { command: 'x', args: ['${file:k.txt}', '${env:NO:-fallback}', '$${env:NO}', '${secret:s}'] } },
    });
    const config = await accepted(text, {
      readText: (path) => `from ${path}\n`,
      secret: (name) => (name === 's' ? 'stored-secret' : undefined),
    });
    expect(only(config).args).toEqual(['from /etc/holdfast/k.txt', 'fallback', '${env:NO}', 'stored-secret']);
    expect(secretsOf(config)).toContain('stored-secret');
  });

  it('outside the upstreams must have a value', async () => {
    const problems = await refused('{"keys": [{"name": "k", "key": "${env:GONE}"}]}');
    expect(problems).toMatchObject([{ path: 'keys[0].key', message: '${env:GONE} has no value' }]);
  });

  it('that turn a URL into something else fail that upstream alone', async () => {
    const config = await accepted('{"upstreams":{"a":{"url":"${env:U}"}}}', { env: { U: 'not a url' } });
    expect(only(config).invalid).toHaveLength(1);
  });

  it('in the notation of other programs are warned of', async () => {
    const result = await native('{"upstreams":{"a":{"command":"x","env":{"A":"${TOKEN}"}}}}');
    expect(result).toMatchObject({ ok: true, warnings: [{ path: 'upstreams.a' }] });
  });
});

describe('secretsOf', () => {
  it('holds headers that authorize, variables with telling names, passwords in URLs and keys', async () => {
    const config = await accepted(
      JSON.stringify({
        upstreams: {
          a: {
            url: 'https://me:url-pass@h/?token=query-token&page=1234567',
            headers: { Authorization: 'Bearer abc.def', 'X-Colour': 'reddish' },
          },
          b: { command: 'x', env: { GITHUB_TOKEN: 'ghp_1234', MODE: 'careful', DEBUG_KEY: 'true' } },
        },
        keys: [{ name: 'k', key: 'a-key-in-the-file' }],
      }),
    );
    expect(new Set(secretsOf(config))).toEqual(
      new Set(['url-pass', 'query-token', 'Bearer abc.def', 'abc.def', 'ghp_1234', 'a-key-in-the-file']),
    );
  });

  it('holds what defaults and command lines give to every upstream, by reference, by name and by look (U-01, X-51)', async () => {
    const result = await native('{"upstreams":{"a":{"command":"x"},"b":{"url":"http://127.0.0.1/mcp"}}}', {
      env: { GIVEN: 'by-reference' },
      overlay: { defaults: { headers: { 'X-Auth-Token': 'default-header', 'X-Plain': '${env:GIVEN}' } } },
      flags: {
        defaults: {
          env: {
            DB_PASSWORD: 'told-by-name',
            OTHER: '${env:GIVEN}',
            GH: 'ghp_abcdefghijklmnop',
            SEED: '0123456789abcdef0123456789abcdef',
            DATABASE_URL: 'postgres://me:in-a-url@db.example/x',
            BAD_URL: 'postgres://me:100%@db.example/x',
            HOME_DIR: '/var/lib/some-long-directory-name-0123456789',
            WORDS: 'a sentence of more than twenty-four characters, 1',
            SITE: 'service-0123456789.eu-central-1.example.com',
          },
        },
      },
    });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    expect(new Set(secretsOf(result.config))).toEqual(
      new Set([
        'by-reference',
        'default-header',
        'told-by-name',
        'ghp_abcdefghijklmnop',
        '0123456789abcdef0123456789abcdef',
        'in-a-url',
        '100%',
      ]),
    );
  });
});

describe('layers', () => {
  it('count in the order environment of mcpo, file, overlay, environment, flags (8.2)', async () => {
    const text = '{"mcpServers":{"a":{"command":"x","timeout":7}},"webUI":{}}';
    const result = await native(text, {
      env: { MCPO_MAX_CONCURRENT: '9', PORT: '9001', HOST: '127.0.0.2' },
      overlay: { upstreams: { a: { timeouts: { call: 8 }, serial: true }, b: { command: 'added' } } },
      flags: { server: { host: '::1' } },
    });
    if (!result.ok) throw new Error('refused');
    const { config, origins } = result;
    expect(config.upstreams.a).toMatchObject({ timeouts: { call: 8000 }, serial: true, limits: { inFlight: 9 } });
    expect(config.upstreams.b?.command).toBe('added');
    expect(config.server).toMatchObject({ port: 9001, host: '::1' });
    const origin = (...path: string[]) => originOf(origins, path).source;
    expect(origin('upstreams', 'a', 'command')).toBe('file');
    expect(origin('upstreams', 'a', 'timeouts', 'call')).toBe('overlay');
    expect(originOf(origins, ['upstreams', 'a', 'limits', 'inFlight'])).toEqual({
      source: 'environment',
      name: 'MCPO_MAX_CONCURRENT',
    });
    expect(origin('server', 'host')).toBe('flag');
    expect(origin('locale')).toBe('default');
  });

  it('let an overlay take an upstream away (10.16)', async () => {
    const config = await accepted('{"mcpServers":{"a":{"command":"x"},"b":{"command":"y"}}}', {
      overlay: { upstreams: { a: null } },
    });
    expect(Object.keys(config.upstreams)).toEqual(['b']);
  });

  it('name the layer in which a problem lies', async () => {
    const problems = await refused('{}', { overlay: { server: { port: 'x' } } });
    expect(problems).toMatchObject([{ file: 'overlay', path: 'server.port' }]);
  });
});

describe('parseConfig', () => {
  it('takes the value of a program and its directory', () => {
    const result = parseConfig({ upstreams: { a: { command: 'x', cwd: 'here' } } }, { env: {}, directory: '/base' });
    expect(result).toMatchObject({ ok: true, config: { upstreams: { a: { cwd: '/base/here' } } } });
  });

  it('tells problems without a text to point into', () => {
    const result = parseConfig({ upstreams: { a: { command: 'x', cwd: `${homedir()}\0` } } }, { env: {} });
    expect(result).toMatchObject({ ok: false, problems: [{ path: 'upstreams.a.command' }] });
  });
});
