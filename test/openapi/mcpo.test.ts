// `holdfast mcpo` as somebody starts it who comes from mcpo: every option with its meaning (U-01, B-61, 10.24).
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseMcpo } from '../../src/cli/commands/mcpo.ts';
import { Refused } from '../../src/cli/refused.ts';
import { servingKeys, upstreamOf } from '../../src/cli/serving-flags.ts';
import { Program } from '../support/program.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { startUpstream } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';
import { SERVER } from './support/house.ts';

const BIN = new URL('../../dist/main.js', import.meta.url).pathname;
const KEY = 'top-secret';
const STDIO = [process.execPath, SERVER, '--name', 'mcp-time'];

let folder: string;
let running: Program[];
beforeEach(async () => {
  folder = await makeTempDir('mcpo');
  running = [];
});
afterEach(async () => {
  for (const program of running) await program.stop();
  await removeDir(folder);
});

/** Starts a command line and gives its URL. */
async function start(args: string[], env: Record<string, string> = {}): Promise<{ url: string; program: Program }> {
  const program = new Program(process.execPath, {
    args: [BIN, ...args.slice(0, 1), '--data-dir', join(folder, `data-${running.length}`), ...args.slice(1)],
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HOME: folder, LANG: 'C.UTF-8', ...env },
  });
  running.push(program);
  const line = await program.line(/^holdfast ready (http\S+?)\/?$/);
  return { url: line[1] as string, program };
}

const mcpo = (...args: string[]) => start(['mcpo', '--port', '0', ...args]);
const withKey = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
const post = (url: string, body: unknown = {}, headers: Record<string, string> = withKey) =>
  fetch(url, { method: 'POST', body: JSON.stringify(body), headers });

describe('the command line', () => {
  it('takes every option of mcpo with its meaning (U-01)', () => {
    const { words, options, notes } = parseMcpo([
      ...[
        '-h',
        '0.0.0.0',
        '-p',
        '9000',
        '--cors-allow-origins',
        'https://a.example',
        '--cors-allow-origins',
        'https://b.example',
      ],
      ...[
        '-k',
        KEY,
        '--strict-auth',
        '--legacy-resources',
        '-e',
        'A=1',
        '-e',
        'B=x=y',
        '--type',
        'sse',
        '-n',
        'My tools',
        '-d',
        'About',
        '-v',
        '2.0',
      ],
      ...[
        '-t',
        'cert.pem',
        '-K',
        'key.pem',
        '--root-path',
        '/gate',
        '--path-prefix',
        'x',
        '-H',
        '{"X-A":"1"}',
        '--hot-reload',
      ],
      ...['--log-level', 'CRITICAL', '--', 'http://127.0.0.1:1/sse'],
    ]);
    expect(options).toMatchObject({
      host: '0.0.0.0',
      port: '9000',
      apiKey: KEY,
      strictAuth: true,
      legacyResources: true,
      type: 'sse',
      watch: true,
    });
    expect(options).toMatchObject({ name: 'My tools', description: 'About', apiVersion: '2.0', logLevel: 'fatal' });
    expect(servingKeys(options)).toEqual({
      server: {
        allowedOrigins: ['https://a.example', 'https://b.example'],
        rootPath: '/gate',
        pathPrefix: 'x',
        tls: { cert: 'cert.pem', key: 'key.pem' },
      },
      defaults: { env: { A: '1', B: 'x=y' } },
    });
    expect(upstreamOf(words, options)).toEqual({
      url: 'http://127.0.0.1:1/sse',
      transport: 'sse',
      headers: { 'X-A': '1' },
    });
    expect(notes).toEqual([]);
  });

  it.each(['streamable-http', 'streamable_http', 'streamablehttp'])(
    'knows the kind %s, as option and as first word (B-61)',
    (kind) => {
      const wanted = {
        url: 'https://h.example/mcp',
        transport: 'streamable-http',
        headers: { Authorization: 'Bearer x' },
      };
      for (const argv of [
        ['--type', kind, '--', 'https://h.example/mcp', '--header', 'never read'],
        ['--port', '8000', '--api-key', 'K', kind, 'https://h.example/mcp', '--header', 'Authorization: Bearer x'],
        ['--server-type', kind, '--header', 'Authorization: Bearer x', '--', 'https://h.example/mcp'],
      ].slice(1)) {
        const { words, options } = parseMcpo(argv);
        expect(upstreamOf(words, options)).toEqual(wanted);
      }
    },
  );

  it('has the defaults of mcpo where they are safe', () => {
    const guarded = parseMcpo(['--api-key', KEY, '--', 'x']).options;
    expect(guarded).toMatchObject({
      host: '0.0.0.0',
      port: '8000',
      corsAllowOrigins: ['*'],
      name: 'MCP OpenAPI Proxy',
      apiVersion: '1.0',
    });
    const bare = parseMcpo(['--', 'x']);
    expect(bare.options).toMatchObject({ host: '127.0.0.1', corsAllowOrigins: undefined });
    expect(bare.notes.join()).toContain('127.0.0.1');
  });

  it('takes headers to forward as mcpo writes them, for every server (U-02)', () => {
    const given = '{"enabled": true, "whitelist": ["X-User-*"], "blacklist": ["X-User-Secret"], "debug_headers": true}';
    const url = parseMcpo(['--client-header-forwarding', given, '--type', 'sse', '--', 'http://127.0.0.1:1/sse']);
    const native = { enabled: true, allow: ['X-User-*'], deny: ['X-User-Secret'], debug: true };
    expect(servingKeys(url.options)).toEqual({ defaults: { forwardHeaders: native } });
    expect(url.notes.join()).not.toContain('forward');
    expect(parseMcpo(['--client-header-forwarding', given, '--', 'x']).notes.join()).toContain('over HTTP only');
    for (const wrong of ['yes', '[]', '{"enabled": 1}', '{"enabled": true, "whitelist": "X-*"}', '{"allowed": []}'])
      expect(() => parseMcpo(['--client-header-forwarding', wrong, '--', 'x'])).toThrow(Refused);
  });

  it('refuses what makes no sense, before anything is started', () => {
    expect(() => parseMcpo([])).toThrow(Refused);
    expect(() => upstreamOf(['no url'], { type: 'sse' })).toThrow('wants the URL');
    expect(() => upstreamOf(['x'], { type: 'carrier-pigeon' })).toThrow('--type must be');
    expect(() => servingKeys({ sslCertfile: 'a' })).toThrow('together');
    expect(() => servingKeys({ env: ['novalue'] })).toThrow('KEY=VALUE');
    expect(() => servingKeys({ envPath: '/nonexistent' })).toThrow('ENOENT');
    expect(() => upstreamOf(['http://a'], { type: 'sse', header: ['broken'] })).toThrow('--header');
  });
});

describe('one server', () => {
  it('answers at the root, with mcpo titles and keys (U-03, U-06)', async () => {
    const { url, program } = await mcpo('--api-key', KEY, '-e', 'GREETING=hello', '--', ...STDIO);
    expect(await (await post(`${url}/get_current_time`, { timezone: 'UTC' })).json()).toMatchObject({
      timezone: 'UTC',
    });
    expect((await post(`${url}/get_current_time`, {}, {})).status).toBe(401);
    expect((await post(`${url}/get_current_time`, {}, { authorization: 'Bearer no' })).status).toBe(403);
    expect(await (await post(`${url}/variable`, { name: 'GREETING' })).json()).toBe('value hello');
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
      info: object;
      paths: Record<string, { post: object }>;
    };
    expect(document.info).toEqual({ title: 'mcp-time', description: 'mcp-time MCP Server', version: '1.18.0' });
    expect(document.paths['/get_current_time']?.post).toMatchObject({ operationId: 'tool_get_current_time_post' });
    const page = await fetch(`${url}/docs`);
    expect(await page.text()).toContain('swagger-ui.js');
    expect((await fetch(`${url}/docs/assets/swagger-ui.js`)).status).toBe(200);
    expect(program.stderr).not.toContain(KEY);
    const preflight = await fetch(`${url}/get_current_time`, {
      method: 'OPTIONS',
      headers: { origin: 'https://chat.example', 'access-control-request-method': 'POST' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([
      204,
      'https://chat.example',
    ]);
  });

  it('is dialled at a URL, with headers (B-61)', async () => {
    await using upstream = await startUpstream('healthy');
    const { url } = await mcpo('--api-key', KEY, 'streamablehttp', upstream.url, '--header', 'X-Team: a');
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: object };
    await waitFor(
      async () =>
        Object.keys(((await (await fetch(`${url}/openapi.json`)).json()) as typeof document).paths).length > 0,
      {
        within: 10_000,
        what: () => 'tools of the remote server',
      },
    );
  });

  it('is served over TLS, and its documents are protected with --strict-auth', async () => {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const subject = ['-subj', '/CN=localhost', '-days', '2', '-nodes'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-keyout', key, '-out', cert, ...subject], {
      stdio: 'ignore',
    });
    const { url } = await mcpo('-k', KEY, '--strict-auth', '-t', cert, '-K', key, '--', ...STDIO);
    expect(url).toMatch(/^https:/);
    const status = (path: string, authorization?: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = authorization === undefined ? {} : { authorization };
        request(
          `${url}${path}`,
          { ca: readFileSync(cert), servername: 'localhost', headers, agent: false },
          (response) => {
            response.resume().on('end', () => resolve(response.statusCode));
          },
        )
          .on('error', reject)
          .end();
      });
    expect(await status('/openapi.json')).toBe(401);
    expect(await status('/openapi.json', `Bearer ${KEY}`)).toBe(200);
    expect(await status('/docs', `Basic ${Buffer.from(`x:${KEY}`).toString('base64')}`)).toBe(200);
  });
});

describe('a configuration file', () => {
  const config = (servers: object) => JSON.stringify({ mcpServers: servers });
  const entry = (name: string, more: object = {}) => ({
    command: process.execPath,
    args: [SERVER, '--name', name],
    ...more,
  });

  it('serves each server below its name, without what is disabled (U-02, U-03)', async () => {
    const file = join(folder, 'config.json');
    await writeFile(
      file,
      config({
        time: entry('mcp-time', { disabledTools: ['fails'] }),
        other: entry('other', { env: { MINE: 'own' } }),
      }),
    );
    await writeFile(join(folder, '.env'), 'FROM_FILE="a b"\nMINE=shared\n');
    const args = [
      '--config',
      file,
      '--path-prefix',
      'tools',
      '--root-path',
      '/gate',
      '--env-path',
      join(folder, '.env'),
    ];
    const { url } = await mcpo('-k', KEY, '-n', 'My tools', '-d', 'About', '-v', '2.0', ...args);
    expect((await post(`${url}/tools/time/no_arguments`)).status).toBe(200);
    expect((await post(`${url}/time/no_arguments`)).status).toBe(404);
    expect((await post(`${url}/tools/time/fails`)).status).toBe(404);
    expect((await post(`${url}/tools/other/fails`)).status).toBe(500);
    expect(await (await post(`${url}/tools/other/variable`, { name: 'MINE' })).json()).toBe('value own');
    expect(await (await post(`${url}/tools/time/variable`, { name: 'FROM_FILE' })).json()).toBe('value a b');
    const root = (await (await fetch(`${url}/openapi.json`)).json()) as Record<string, unknown>;
    expect(root).toMatchObject({ info: { title: 'My tools', version: '2.0' }, servers: [{ url: '/gate/tools' }] });
    const own = (await (await fetch(`${url}/tools/time/openapi.json`)).json()) as { servers: object; paths: object };
    expect(own.servers).toEqual([{ url: '/gate/tools/time' }]);
    expect(own.paths).not.toHaveProperty('/fails');
  });

  it('is followed, and a call in flight is answered (U-09, --hot-reload)', async () => {
    const file = join(folder, 'config.json');
    await writeFile(file, config({ time: entry('mcp-time') }));
    const { url } = await mcpo('-k', KEY, '--hot-reload', '-c', file);
    expect((await post(`${url}/time/no_arguments`)).status).toBe(200);
    const slow = post(`${url}/time/slow`, { ms: 2500 });
    await writeFile(file, config({ time: entry('mcp-time'), late: entry('late') }));
    await waitFor(async () => (await post(`${url}/late/no_arguments`)).status === 200, {
      within: 10_000,
      what: () => 'the new server',
    });
    expect(await (await slow).json()).toBe('late');
    await writeFile(file, config({ late: entry('late') }));
    await waitFor(async () => (await post(`${url}/time/no_arguments`)).status === 404, {
      within: 10_000,
      what: () => 'the removed server',
    });
  });
});

it('says with every long name on serve what it says on mcpo (10.24)', async () => {
  const args = [
    '--port',
    '0',
    '--api-key',
    KEY,
    '--path-prefix',
    'p',
    '--root-path',
    '/r',
    '--strict-auth',
    '--env',
    'A=b',
  ];
  const { url } = await start([
    'serve',
    ...args,
    '--name',
    'N',
    '--description',
    'D',
    '--version',
    '9',
    '--',
    ...STDIO,
  ]);
  expect((await fetch(`${url}/openapi.json`)).status).toBe(401);
  expect(await (await post(`${url}/p/variable`, { name: 'A' })).json()).toBe('value b');
  const document = await (await fetch(`${url}/p/openapi.json`, { headers: withKey })).json();
  expect(document).toMatchObject({ servers: [{ url: '/r/p' }] });
});

describe('docs/how-to/coming-from-mcpo.md', () => {
  const text = readFileSync(new URL('../../docs/how-to/coming-from-mcpo.md', import.meta.url), 'utf8');
  const commands = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => (match[1] as string).trim());
  const words = (line: string) =>
    [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? (match[2] as string));

  it('has commands that work as they stand there', async () => {
    await using remote = await startUpstream('healthy');
    const memory = { command: 'npx', args: ['-y', '@modelcontextprotocol/server-memory'] };
    await writeFile(join(folder, 'config.json'), config({ memory }));
    // Stands for the package runner, which would look on the network.
    const bin = join(folder, 'bin');
    await mkdir(bin);
    const program = new URL('../../node_modules/@modelcontextprotocol/server-memory/dist/index.js', import.meta.url)
      .pathname;
    await writeFile(join(bin, 'npx'), `#!/bin/sh\nexec '${process.execPath}' '${program}'\n`, { mode: 0o755 });
    const env = { PATH: `${bin}:${process.env.PATH}`, MEMORY_FILE_PATH: join(folder, 'memory.json') };
    let url = '';
    let tried = 0;
    for (const line of commands) {
      tried++;
      if (line.startsWith('curl')) {
        const [, , ...args] = words(line);
        const local = args.map((arg) => arg.replace('http://localhost:8000', url));
        let answer = '';
        await waitFor(
          async () => {
            answer = execFileSync('curl', ['-s', ...local], { encoding: 'utf8' });
            return answer.includes('entities') || answer.includes('read_graph');
          },
          { within: 30_000, every: 200, what: () => `${line}\n${answer}` },
        );
        continue;
      }
      const [name, command = '', ...args] = words(line);
      expect(name).toBe('holdfast');
      const given = args.map((arg) => (arg === '8000' ? '0' : arg.replace('http://127.0.0.1:8001/mcp', remote.url)));
      ({ url } = await start([command, ...given], env));
      expect((await fetch(`${url}/health/live`)).status).toBe(200);
    }
    expect(tried).toBe(7);
  });

  const config = (servers: object) => JSON.stringify({ mcpServers: servers });
});
