// `/ui` as bytes: what is sent, under which headers, how large, and to whom.
import { readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { Program } from '../support/program.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';

const UI = new URL('../../dist/ui/', import.meta.url).pathname;
const BIN = new URL('../../dist/main.js', import.meta.url).pathname;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    config: { upstreams: {}, keys: [{ name: 'k', key: 'only-with-this-key', roles: ['read'] }] },
  });
});
afterAll(() => gateway.stop());

/** As it comes, without being unpacked. */
function raw(path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
    get(gateway.url + path, { headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
    }).on('error', reject);
  });
}

describe('the files of the dashboard (12.3)', () => {
  it('are open to everybody, under a strict policy', async () => {
    const { status, headers, body } = await raw('/ui');
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const page = body.toString();
    expect(page).not.toMatch(/<style|style=|<script(?![^>]*src=)|\son\w+=/);
    for (const [, address = ''] of page.matchAll(/(?:href|src)="(?!data:)([^"]+)"/g))
      expect(address).toMatch(/^ui\/assets\/main-[\w-]{8}\.(js|css)$/);
  });

  it('come packed, under names that hold a hash, to be kept for ever', async () => {
    const page = (await raw('/ui')).body.toString();
    const [, script] = /src="([^"]+)"/.exec(page) ?? [];
    const plain = await raw(`/${script}`);
    expect([plain.status, plain.headers['content-encoding']]).toEqual([200, undefined]);
    expect(plain.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'Accept-Encoding',
    });
    const gzip = await raw(`/${script}`, { 'accept-encoding': 'gzip' });
    const br = await raw(`/${script}`, { 'accept-encoding': 'gzip, deflate, br' });
    expect([gzip.headers['content-encoding'], br.headers['content-encoding']]).toEqual(['gzip', 'br']);
    expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true);
    expect(brotliDecompressSync(br.body).equals(plain.body)).toBe(true);
    expect((await raw(`/${script}`, { 'accept-encoding': 'br;q=0, gzip' })).headers['content-encoding']).toBe('gzip');
  });

  it('are below 200 KB, packed by gzip, all of them together', () => {
    const files = readdirSync(UI, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.gz'));
    const sizes = files.map((name) => [name, readFileSync(UI + name).length] as const);
    const total = sizes.reduce((sum, [, size]) => sum + size, 0);
    expect(files.length).toBeGreaterThan(2);
    expect(total, JSON.stringify(sizes)).toBeLessThan(200_000);
  });

  it('are no way out of their folder, and nothing for a foreign name of the host', async () => {
    for (const path of [
      '/ui/assets/../index.html',
      '/ui/assets/..%2findex.html',
      '/ui/assets/none.js',
      '/ui/assets/',
      '/ui/other',
    ])
      expect([path, (await raw(path)).status]).toEqual([path, 404]);
    expect((await raw('/ui', { host: 'evil.example' })).status).toBe(403);
    expect((await fetch(`${gateway.url}/ui`, { method: 'POST' })).status).toBe(405);
  });

  it('`/` leads to them, and so does `/ui/`, behind any prefix of a proxy', async () => {
    const root = await fetch(`${gateway.url}/`, { redirect: 'manual' });
    expect([root.status, root.headers.get('location')]).toEqual([302, 'ui']);
    const slash = await fetch(`${gateway.url}/ui/`, { redirect: 'manual' });
    expect([slash.status, slash.headers.get('location')]).toEqual([302, '../ui']);
  });
});

describe('the link to the dashboard (12.3)', () => {
  it('is printed on a terminal, and nowhere else', async () => {
    const folder = await makeTempDir('link');
    // `script` gives the program a terminal.
    const command = `${process.execPath} ${BIN} serve --port 0 --data-dir ${folder}`;
    const program = new Program('script', {
      args: ['-qfec', command, '/dev/null'],
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', HOME: folder, SHELL: '/bin/sh' },
    });
    const [, link = ''] = await program.line(/dashboard {2}(http:\S+)/);
    const [url, code] = link.split('/ui#code=');
    const login = () => fetch(`${url}/api/v1/login`, { method: 'POST', body: JSON.stringify({ code }) });
    expect([(await login()).status, (await login()).status]).toEqual([200, 403]);
    await program.stop();
    await removeDir(folder);
    expect(gateway.stderr).not.toContain('#code=');
  });
});
