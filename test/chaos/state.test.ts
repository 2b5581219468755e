// Every document of the data directory, damaged, of a newer and of an older gateway, under a real one (F-D2, 10.14).
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { holdfast } from '../support/holdfast.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { textOf } from '../support/rpc.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { faulty } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

/** What a gateway keeps as `{version, writtenBy, data}`. */
const DOCUMENTS = [
  'alerts.json',
  'catalog.json',
  'revoked-keys.json',
  'secrets.json',
  'sessions.json',
  'silences.json',
  'used-keys.json',
] as const;
/** Written anew when it is damaged, as nothing of it can be kept. */
const SECRETS = ['admin-token', 'session-key'] as const;

const upstreams = {
  u: faulty('healthy'),
  sealed: { ...faulty('healthy'), env: { TOKEN: '${secret:token}' } },
  remote: { url: 'http://127.0.0.1:9/mcp' },
};

/** A data directory with all of it, as a gateway and the command line leave it. */
async function filled(dataDir: string): Promise<void> {
  mkdirSync(dataDir, { recursive: true });
  const set = await holdfast(['secret', 'set', 'token', '--data-dir', dataDir], { home: dataDir, stdin: 'value-1' });
  expect(set.code).toBe(0);
  {
    await using gateway = await startGateway({ config: { upstreams }, dataDir });
    await gateway.upstreamsIn(['u', 'sealed']);
    await waitFor(() => existsSync(join(dataDir, 'catalog.json')));
  }
  for (const name of DOCUMENTS)
    if (!existsSync(join(dataDir, name))) put(dataDir, name, '{"version":1,"writtenBy":"0.1.0","data":null}');
}

function put(dataDir: string, name: string, text: string): void {
  mkdirSync(dirname(join(dataDir, name)), { recursive: true });
  writeFileSync(join(dataDir, name), text, { mode: 0o600 });
}
const get = (dataDir: string, name: string) => readFileSync(join(dataDir, name), 'utf8');

/** Starts on it, uses it, and gives what was said. */
async function use(dataDir: string): Promise<string> {
  await using gateway = await startGateway({ config: { upstreams }, dataDir });
  await gateway.upstreamsIn(['u']);
  await using client = new ModernHttpClient(`${gateway.url}/mcp/u`);
  expect(textOf(await client.call('write', { nonce: 'n' }))).toBe('n');
  const { status } = await fetch(`${gateway.url}/api/v1/config/versions`, {
    headers: { authorization: `Bearer ${get(dataDir, 'admin-token').trim()}` },
  });
  expect(status).toBe(200);
  await waitFor(() => gateway.stderr.includes('sealed'), { within: 10_000 });
  return gateway.stderr;
}

describe('F-D2 documents of the data directory', () => {
  it.each([
    ['empty', ''],
    ['cut off', '{"version":1,"da'],
    ['zeros, as a loss of power leaves them', '\0'.repeat(64)],
  ])('all of them damaged (%s): each is moved aside or made anew, and told; calls are served', (_how, text) =>
    withTempDir(async (dataDir) => {
      await filled(dataDir);
      for (const name of [...DOCUMENTS, ...SECRETS, 'versions/index.json', 'children.json', 'gateway.lock'])
        put(dataDir, name, text);
      const said = await use(dataDir);
      for (const name of DOCUMENTS) {
        expect(said).toContain(`${name} is damaged`);
        // The store of secrets is not touched before somebody changes it.
        if (name !== 'secrets.json') expect(get(dataDir, `${name}.damaged`)).toBe(text);
      }
      for (const name of SECRETS) {
        expect(said).toContain(`${name} is damaged`);
        expect(get(dataDir, name)).not.toBe(text);
      }
      expect(said).toContain('the history of the configuration was corrupt');
      const aside = readdirSync(join(dataDir, 'versions')).find((name) => name.startsWith('index.json.corrupt'));
      expect(get(dataDir, `versions/${aside}`)).toBe(text);
      const run = (...args: string[]) =>
        holdfast(['secret', ...args, '--data-dir', dataDir], { home: dataDir, stdin: 'value-2' });
      expect(await run('list')).toMatchObject({ code: 1, err: expect.stringContaining('secrets.json is damaged') });
      expect(await run('set', 'token')).toMatchObject({
        code: 0,
        err: expect.stringContaining('secrets.json.damaged'),
      });
      expect(get(dataDir, 'secrets.json.damaged')).toBe(text);
      expect((await run('list')).out).toContain('token');
    }),
  );

  it.each([
    ['a newer', 99, '9.9.9'],
    ['an older', 0, '0.0.1'],
  ])('all of them of %s gateway: told with its version, nothing is lost', (which, version, writtenBy) =>
    withTempDir(async (dataDir) => {
      await filled(dataDir);
      const texts = new Map<string, string>();
      for (const name of DOCUMENTS) {
        const document = JSON.parse(get(dataDir, name)) as object;
        texts.set(name, JSON.stringify({ ...document, version, writtenBy, more: [1] }));
      }
      texts.set('versions/index.json', JSON.stringify({ format: version, next: 7, versions: [], more: 1 }));
      for (const [name, text] of texts) put(dataDir, name, text);
      const kept = readdirSync(join(dataDir, 'versions/texts'));
      const said = await use(dataDir);
      for (const [name, text] of texts) {
        if (name === 'versions/index.json') expect(said).toContain(`(format ${version}) and is left alone`);
        else
          expect(said).toMatch(new RegExp(`${name.replace('.', '\\.')} was written by ${which} gateway.*${writtenBy}`));
        const untouched = version > 1 || name === 'secrets.json' || name.startsWith('versions/');
        expect([name, get(dataDir, untouched ? name : `${name}.v${version}`)]).toEqual([name, text]);
      }
      expect(readdirSync(join(dataDir, 'versions/texts'))).toEqual(kept);
      const set = await holdfast(['secret', 'set', 'b', '--data-dir', dataDir], { home: dataDir, stdin: 'value-2' });
      expect(set).toMatchObject({ code: 1, err: expect.stringContaining(writtenBy) });
      expect(get(dataDir, 'secrets.json')).toBe(texts.get('secrets.json'));
    }),
  );

  it('the store of secrets locked by another program: whoever changes it waits, and takes a lock that was left', () =>
    withTempDir(async (dataDir) => {
      put(dataDir, 'secrets.lock', String(process.pid));
      let done = false;
      const waiting = holdfast(['secret', 'set', 'a', '--data-dir', dataDir], { home: dataDir, stdin: 'x' }).finally(
        () => {
          done = true;
        },
      );
      const list = await holdfast(['secret', 'list', '--data-dir', dataDir], { home: dataDir });
      expect(list).toMatchObject({ code: 0, out: 'no secrets' });
      expect(done).toBe(false);
      // Its owner is gone now.
      put(dataDir, 'secrets.lock', String(2 ** 22 - 3));
      expect(await waiting).toMatchObject({ code: 0 });
      expect(existsSync(join(dataDir, 'secrets.lock'))).toBe(false);
    }));

  it('a backup of a newer holdfast is refused, and nothing is written (10.14)', () =>
    withTempDir(async (folder) => {
      const { gzipSync } = await import('node:zlib');
      const file = join(folder, 'backup');
      const archive = { holdfastBackup: 99, writtenBy: '9.9.9', files: { 'admin-token': 'eA==' }, more: 1 };
      writeFileSync(file, gzipSync(JSON.stringify(archive)));
      const target = join(folder, 'data');
      const refused = await holdfast(['restore', file, '--data-dir', target], { home: folder });
      expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('newer holdfast, version 9.9.9') });
      expect(existsSync(target)).toBe(false);
    }));
});
