// Secrets of the store and of files on the whole gateway: set by the command line, taken over while it runs, and in no
// output (reliability §4, Processes; figure 15).
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
}, 60_000);
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
  }, 40_000);
});

it('500 mixed calls and failures: no planted secret in any output (figure 15)', async () => {
  await using client = new ModernHttpClient(`${gateway.url}/mcp/passthrough`, { headers });
  await using converged = new ModernHttpClient(`${gateway.url}/mcp/converged`, { headers });
  const said: string[] = [];
  const note = (value: unknown) =>
    said.push(value instanceof Error ? `${value.message} ${JSON.stringify(value)}` : JSON.stringify(value));
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
}, 120_000);

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
