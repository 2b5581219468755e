// Secrets of the store and of files on the whole gateway: set by the command line, taken over while it runs, and in no
// output (reliability §4, Processes; figure 15).
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SecretStore } from '../../src/store/secret-store.ts';
import { holdfast } from '../support/command.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { makeTempDir, removeDir, withTempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait.ts';

const PLAIN = new URL('../servers/plain/stdio.mjs', import.meta.url).pathname;
const PLANTED = {
  stored: 'planted-Zq83-stored-secret',
  second: 'planted-Xw19-second-secret',
  file: 'planted-Pm42-file-secret',
  variable: 'planted-Lk77-variable',
  header: 'planted-Ty56-header-token',
  key: 'planted-Rb31-caller-key',
};

let folder: string;
let gateway: Gateway;
beforeAll(async () => {
  folder = await makeTempDir('secrets');
  await writeFile(join(folder, 'token'), `${PLANTED.file}\n`);
  const dataDir = join(folder, 'data');
  const set = await holdfast(['secret', 'set', 'stored', '--data-dir', dataDir], { input: `${PLANTED.stored}\n` });
  expect([set.code, set.stderr]).toEqual([0, '']);
  gateway = await startGateway({
    dataDir,
    env: { PLANTED_VARIABLE: PLANTED.variable, OF_NOBODY: 'seen-by-no-child' },
    config: {
      upstreams: {
        child: {
          command: process.execPath,
          args: [PLAIN],
          env: {
            STORED: '${secret:stored}',
            FROM_FILE: `\${file:${join(folder, 'token')}}`,
            VARIABLE: '${env:PLANTED_VARIABLE}',
          },
        },
        other: { command: process.execPath, args: [PLAIN] },
        crashing: {
          command: process.execPath,
          args: ['-e', 'console.error(process.env.TOKEN); process.exit(1)'],
          env: { TOKEN: '${secret:stored}' },
        },
        lacking: { command: process.execPath, args: [PLAIN], env: { A: '${secret:never-set}' } },
        remote: {
          url: `http://127.0.0.1:9/mcp?token=${PLANTED.header}`,
          headers: { Authorization: `Bearer ${PLANTED.header}` },
        },
      },
      keys: [{ name: 'caller', key: PLANTED.key, roles: ['read', 'call', 'admin'] }],
      log: { level: 'debug' },
      storage: { callLog: { arguments: 'redacted' } },
      defaults: { timeouts: { ready: '200ms' } },
    },
  });
  await gateway.upstreamsIn(['child', 'other']);
});
afterAll(async () => {
  await gateway.stop();
  await removeDir(folder);
});

const headers = { authorization: `Bearer ${PLANTED.key}` };
const get = async (path: string) => await (await fetch(gateway.url + path, { headers })).text();
const pidOf = async (name: string) => {
  const { processes } = JSON.parse(await get(`/api/v1/upstreams/${name}/processes`)) as {
    processes: { pid: number }[];
  };
  return processes[0]?.pid;
};
/** The environment of a child, as the system has it. */
const environment = async (name: string) => await readFile(`/proc/${await pidOf(name)}/environ`, 'utf8');

describe('references', () => {
  it('reach the server that names them, and no other one (X-51, 10.30)', async () => {
    const own = await environment('child');
    expect(own).toContain(`STORED=${PLANTED.stored}`);
    expect(own).toContain(`FROM_FILE=${PLANTED.file}\0`);
    expect(own).toContain(`VARIABLE=${PLANTED.variable}`);
    const other = await environment('other');
    for (const secret of [...Object.values(PLANTED), 'seen-by-no-child']) expect(other).not.toContain(secret);
  });

  it('without a value concern their own server, which names them (F-K9)', async () => {
    const { upstreams } = JSON.parse(await get('/health')) as {
      upstreams: Record<string, { state: string; error?: unknown }>;
    };
    expect(upstreams.lacking?.state).toBe('failed');
    expect(JSON.stringify(upstreams.lacking?.error)).toContain('${secret:never-set}');
  });

  it('are taken over when a file or a stored secret changes; nobody else is restarted', async () => {
    const [child, other] = [await pidOf('child'), await pidOf('other')];
    await writeFile(join(folder, 'token'), 'planted-Pm42-file-secret-2');
    await waitFor(async () => ![child, undefined].includes(await pidOf('child')), { within: 10_000 });
    await gateway.upstreamsIn(['child']);
    expect(await environment('child')).toContain('FROM_FILE=planted-Pm42-file-secret-2\0');
    const before = await pidOf('child');
    await holdfast(['secret', 'set', 'stored', '--data-dir', gateway.dataDir], { input: PLANTED.second });
    await waitFor(async () => ![before, undefined].includes(await pidOf('child')), { within: 10_000 });
    expect(await environment('child')).toContain(`STORED=${PLANTED.second}`);
    expect(await pidOf('other')).toBe(other);
  });
});

it('are set, listed by name and removed over the management API; no answer holds a value (reliability §4)', async () => {
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${gateway.url}/api/v1/secrets${path}`, {
      method,
      headers: { ...headers, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, text: await answer.text() };
  };
  const named = encodeURIComponent('team/mail@home');
  const said = [
    await ask('PUT', `/${named}`, { value: PLANTED.second }),
    await ask('PUT', `/${named}`, { value: PLANTED.second, more: PLANTED.second }),
    await ask('PUT', '/a b', { value: PLANTED.second }),
    await ask('GET', ''),
    await ask('GET', `/${named}`),
  ];
  expect(said.map(({ status }) => status)).toEqual([200, 422, 409, 200, 405]);
  expect(JSON.stringify(said)).not.toContain(PLANTED.second);
  expect(JSON.parse(said[3]?.text ?? '')).toMatchObject({
    secrets: expect.arrayContaining([{ name: 'team/mail@home', changed: expect.any(String) }]) as object[],
    key: 'file',
  });
  expect(new SecretStore(gateway.dataDir, {}).get('team/mail@home')).toBe(PLANTED.second);
  // What a server has changes with it, as by the command line.
  const before = await pidOf('child');
  expect(await ask('PUT', '/stored', { value: `${PLANTED.stored}-3` })).toMatchObject({ status: 200 });
  await waitFor(async () => ![before, undefined].includes(await pidOf('child')), { within: 10_000 });
  await gateway.upstreamsIn(['child']);
  expect(await environment('child')).toContain(`STORED=${PLANTED.stored}-3`);
  expect(await ask('DELETE', `/${named}`)).toMatchObject({ status: 200 });
  expect(await ask('DELETE', `/${named}`)).toMatchObject({ status: 404 });
  expect((await fetch(`${gateway.url}/api/v1/secrets`)).status).toBe(401);
  expect(await readFile(join(gateway.dataDir, 'audit.jsonl'), 'utf8')).toContain('"action":"set secret"');
});

it('500 mixed calls and failures: no planted secret in any output (figure 15)', async () => {
  await using client = new ModernHttpClient(`${gateway.url}/mcp/passthrough`, { headers });
  await using converged = new ModernHttpClient(`${gateway.url}/mcp/converged`, { headers });
  const said: string[] = [];
  const note = (value: unknown) =>
    said.push(value instanceof Error ? `${value.message} ${JSON.stringify(value)}` : JSON.stringify(value));
  // What is told as it happens, from before the first call to behind the last one.
  const listening = new AbortController();
  const events = await fetch(`${gateway.url}/api/v1/events`, { headers, signal: listening.signal });
  let told = '';
  const reading = (async () => {
    for await (const chunk of events.body ?? []) told += Buffer.from(chunk).toString();
  })().catch(() => undefined);
  const one = async (index: number) => {
    const planted = Object.values(PLANTED)[index % 6] as string;
    const run = [
      () => client.call('child__echo', { text: planted }).then(() => undefined),
      () => client.call('child__odd', {}),
      () => client.call(`child__${planted}`, {}).catch((error: Error) => note(error.message.replaceAll(planted, ''))),
      () => client.call('crashing__any', {}),
      () => client.call('remote__any', {}),
      () => client.call('lacking__any', {}),
      () => converged.call('inspect', {}),
      () => converged.call('exec', { server_name: 'crashing', tool_name: 'x' }),
      () =>
        fetch(`${gateway.url}/child/echo`, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: '{"a":',
        }).then((answer) => answer.text()),
      () =>
        fetch(`${gateway.url}/mcp`, { method: 'POST', headers: { authorization: `Bearer ${planted}x` } }).then(
          (answer) => answer.text(),
        ),
    ][index % 10] as () => Promise<unknown>;
    await run().then(note, note);
  };
  for (let from = 0; from < 500; from += 20) await Promise.all(Array.from({ length: 20 }, (_, at) => one(from + at)));

  const pages = [
    '/health',
    '/metrics',
    '/metrics/prometheus',
    '/diagnostics',
    '/status',
    '/openapi.json',
    '/api/v1/config',
    '/api/v1/config/effective',
    '/api/v1/config/versions',
    '/api/v1/config/versions/1',
    '/api/v1/config/explain',
    '/api/v1/secrets',
    '/api/v1/logs',
    '/api/v1/endpoints',
    '/api/v1/rules',
    '/api/v1/upstreams/child/processes',
    '/api/v1/upstreams',
    '/api/v1/upstreams/crashing',
    '/api/v1/upstreams/crashing/logs',
    '/api/v1/upstreams/remote',
    '/api/v1/tools',
    '/api/v1/calls?limit=1000',
    '/api/v1/alerts',
    '/api/v1/keys',
    '/api/v1/support-bundle',
    '/api/v1/overview',
    '/api/v1/session',
  ];
  for (const page of pages) said.push(await get(page));
  // The difference that a change would make, of secrets themselves too.
  for (const edits of [
    [{ path: ['upstreams', 'remote', 'headers', 'Authorization'], value: `Bearer ${PLANTED.second}` }],
    [{ path: ['upstreams', 'remote', 'timeouts', 'call'], value: 'never' }],
    [{ path: ['keys', 0, 'roles'], value: [PLANTED.variable.slice(0, 3)] }],
  ])
    for (const what of ['plan', 'validate']) {
      const answer = await fetch(`${gateway.url}/api/v1/config/${what}`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ edits }),
      });
      said.push(await answer.text());
    }
  // What the command line shows of it.
  const bundle = join(folder, 'bundle.tar.gz');
  for (const args of [
    ['status'],
    ['status', '--json'],
    ['list'],
    ['list', '--json'],
    ['tools'],
    ['config', 'explain'],
    ['config', 'explain', '--json'],
    ['config', 'history'],
    ['config', 'show', '--effective', '--config', gateway.configPath],
    ['config', 'check', '--config', gateway.configPath],
    ['doctor', '--config', gateway.configPath],
    ['key', 'list'],
    ['secret', 'list'],
    ['call', 'crashing', 'any'],
    ['call', 'remote', 'any'],
    ['support-bundle', '--output', bundle, '--config', gateway.configPath],
  ]) {
    const { stdout, stderr } = await holdfast([...args, '--data-dir', gateway.dataDir], {
      env: { PLANTED_VARIABLE: PLANTED.variable },
    });
    expect([args.join(' '), (stdout + stderr).length]).not.toEqual([args.join(' '), 0]);
    said.push(stdout, stderr);
  }
  said.push(gunzipSync(await readFile(bundle)).toString());
  listening.abort();
  await reading;
  expect(told).toContain('event: calls');
  said.push(told);
  said.push(gateway.stderr, gateway.program.lines.join('\n'));
  // Lines of calls wait a moment for others.
  await waitFor(async () => (await readFile(join(gateway.dataDir, 'audit.jsonl'), 'utf8')).includes('child'));
  for (const name of await readdir(gateway.dataDir)) {
    if (!(await stat(join(gateway.dataDir, name))).isFile()) continue;
    said.push(await readFile(join(gateway.dataDir, name), 'utf8'));
  }
  const everything = said.join('\n');
  expect(everything.length).toBeGreaterThan(50_000);
  for (const [name, secret] of Object.entries(PLANTED)) {
    const at = everything.indexOf(secret);
    expect([name, at === -1 ? '' : everything.slice(Math.max(0, at - 200), at + 60)]).toEqual([name, '']);
  }
});

describe('the store of secrets', () => {
  it('is sealed under the name of each, opened with no other key, changed by nobody (AES-256-GCM)', () =>
    withTempDir(async (dir) => {
      const store = new SecretStore(dir, {});
      await store.set('a', 'first-value');
      await store.set('b', 'second-value');
      const file = join(dir, 'secrets.json');
      const text = await readFile(file, 'utf8');
      expect(text).not.toMatch(/first-value|second-value/);
      expect(((await stat(file)).mode & 0o777) | ((await stat(join(dir, 'secret-key'))).mode & 0o777)).toBe(0o600);
      expect(new SecretStore(dir, {}).get('a')).toBe('first-value');
      // One value under the name of another.
      const kept = JSON.parse(text) as { data: { secrets: Record<string, unknown> } };
      kept.data.secrets.a = kept.data.secrets.b;
      await writeFile(file, JSON.stringify(kept));
      expect(() => new SecretStore(dir, {}).get('a')).toThrow(/changed by somebody else/);
      await writeFile(file, text);
      await writeFile(join(dir, 'secret-key'), Buffer.alloc(32, 7).toString('base64url'));
      expect(() => new SecretStore(dir, {}).get('a')).toThrow(/sealed with another key/);
    }));

  it('has its key where it is told, and gets a new one', () =>
    withTempDir(async (dir) => {
      const outside = join(dir, 'elsewhere.key');
      await writeFile(outside, 'a key that is mounted from somewhere else');
      const away = new SecretStore(join(dir, 'x'), { HOLDFAST_SECRET_KEY_FILE: outside });
      await away.set('a', 'value-a');
      expect(() => new SecretStore(join(dir, 'x'), {}).get('a')).toThrow(/key of the secrets is missing/);
      const store = new SecretStore(join(dir, 'y'), {});
      await store.set('a', 'value-a');
      const before = await readFile(join(dir, 'y', 'secrets.json'), 'utf8');
      expect(await store.rotateKey()).toBe(1);
      expect(await readFile(join(dir, 'y', 'secrets.json'), 'utf8')).not.toBe(before);
      expect(new SecretStore(join(dir, 'y'), {}).get('a')).toBe('value-a');
      await expect(store.set('a b', 'x')).rejects.toThrow(/letters, digits/);
    }));

  it.skipIf(process.platform !== 'linux')('moves its key into the keyring, and says where there is none', () =>
    withTempDir(async (dir) => {
      const [data, bin] = [join(dir, 'data'), join(dir, 'bin')];
      const run = (args: string[], input = '') =>
        holdfast(['secret', ...args, '--data-dir', data], { input, env: { PATH: bin } });
      await run(['set', 'one'], 'the-value');
      const before = await readFile(join(data, 'secrets.json'), 'utf8');
      const none = await run(['rotate-key', '--keyring']);
      expect(none).toMatchObject({ code: 1, stdout: '' });
      expect(none.stderr).toMatch(/secret-tool is not installed .*nothing was changed.*HOLDFAST_SECRET_KEY_FILE/s);
      expect(await readFile(join(data, 'secrets.json'), 'utf8')).toBe(before);
      expect(new SecretStore(data, {}).get('one')).toBe('the-value');
      // As secret-tool is called: the key comes over stdin, and stands on no command line.
      await mkdir(bin);
      const tool = `#!/bin/sh
echo "$@" >> ${dir}/called
case "$1" in store) /bin/cat > ${dir}/ring;; lookup) /bin/cat ${dir}/ring;; esac
`;
      await writeFile(join(bin, 'secret-tool'), tool, { mode: 0o755 });
      expect((await run(['rotate-key', '--keyring'])).stdout).toContain('kept in the keyring');
      const key = (await readFile(join(dir, 'ring'), 'utf8')).trim();
      expect(Buffer.from(key, 'base64url')).toHaveLength(32);
      expect(await readFile(join(dir, 'called'), 'utf8')).not.toContain(key);
      await expect(stat(join(data, 'secret-key'))).rejects.toThrow(/ENOENT/);
      expect(JSON.parse((await run(['list', '--json'])).stdout)).toMatchObject({ key: 'keyring' });
      expect(await run(['set', 'two'], 'another')).toMatchObject({ code: 0 });
      expect((await run(['rotate-key', '--file'])).stdout).toContain('2 secrets have a new key, kept in the file');
      expect(new SecretStore(data, {}).get('one')).toBe('the-value');
      expect(new SecretStore(data, {}).get('two')).toBe('another');
    }),
  );

  it('is listed by name and emptied by the command line', () =>
    withTempDir(async (dir) => {
      const run = (args: string[], input = '') => holdfast(['secret', ...args, '--data-dir', dir], { input });
      await run(['set', 'one'], 'the-value');
      expect((await run(['list'])).stdout).toMatch(/^one {2}set /);
      expect((await run(['remove', 'one'])).stdout).toBe('removed one\n');
      expect(await run(['remove', 'one'])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('no secret') as string,
      });
    }));
});
