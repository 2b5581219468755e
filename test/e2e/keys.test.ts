// Keys on the whole gateway: what a scoped one sees and may call on every face, how often, until when, and that a
// change takes effect while the gateway runs (reliability §4; requirements 12.3, 10.18, 10.29).
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/http/keys.ts';
import { holdfast } from '../support/command.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { exchange } from '../support/http-exchange.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait.ts';

const server = (path: string, ...args: string[]) => ({
  command: process.execPath,
  args: [new URL(`../servers/${path}`, import.meta.url).pathname, ...args],
});
const hashed = (secret: string) => `sha256:${digestOf(secret).toString('hex')}`;
const as = (key: string) => ({ authorization: `Bearer ${key}` });
const HIDDEN = /conformance|vault|static-text|simple_prompt|touch/;

const CONFIG = {
  upstreams: { open: server('plain/stdio.mjs'), vault: server('conformance/main.mjs', '--era', 'legacy') },
  views: { some: { upstreams: ['open'], tools: { allow: ['echo'] } }, other: { upstreams: ['vault'] } },
  keys: [
    { name: 'all', hash: hashed('key-of-all'), roles: ['read', 'call'] },
    {
      name: 'small',
      hash: hashed('key-of-small'),
      roles: ['read', 'call'],
      upstreams: ['open'],
      tools: { deny: ['touch'] },
    },
    { name: 'viewer', hash: hashed('key-of-viewer'), roles: ['call'], views: ['some'] },
    { name: 'slow', hash: hashed('key-of-slow'), roles: ['call'], rate: { calls: 2, per: '1h' } },
    { name: 'old', hash: hashed('key-of-old'), roles: ['call'], expires: '2001-01-01' },
    {
      name: 'turned',
      hash: hashed('key-of-turned'),
      previous: { hash: hashed('key-before'), until: '2999-01-01' },
      roles: ['call'],
    },
    { name: 'reader', hash: hashed('key-of-reader'), roles: ['read'] },
  ],
};

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ config: CONFIG });
  await gateway.upstreamsIn();
});
afterAll(() => gateway.stop());

const modern = (key: string, view: string) => new ModernHttpClient(`${gateway.url}/mcp/${view}`, { headers: as(key) });
async function legacy(key: string, view: string): Promise<LegacyHttpClient> {
  const client = new LegacyHttpClient(`${gateway.url}/mcp/${view}`, { headers: as(key) });
  await client.initialize();
  return client;
}
async function get(path: string, key: string): Promise<{ status: number; text: string }> {
  const response = await fetch(gateway.url + path, { headers: as(key) });
  return { status: response.status, text: await response.text() };
}
const rest = (path: string, key: string) =>
  fetch(gateway.url + path, {
    method: 'POST',
    headers: { ...as(key), 'content-type': 'application/json' },
    body: '{}',
  });

describe('a scoped key (reliability §4: list and call and REST)', () => {
  it.each(['legacy', 'modern'] as const)('sees and calls its own in the passthrough view, %s era', async (era) => {
    await using client =
      era === 'legacy' ? await legacy('key-of-small', 'passthrough') : modern('key-of-small', 'passthrough');
    const names = await client.toolNames();
    expect(names).toContain('open__echo');
    expect(JSON.stringify([names, await client.list('resources'), await client.list('prompts')])).not.toMatch(HIDDEN);
    expect(JSON.stringify(await client.call('open__echo', { a: 1 }))).toContain('a');
    await expect(client.call('open__touch')).rejects.toMatchObject({ code: -32602 });
    await expect(client.call('vault__test_simple_text')).rejects.toMatchObject({ code: -32602 });
    await expect(client.request('resources/read', { uri: 'test://static-text' })).rejects.toThrow(/not found/);
    await expect(client.request('prompts/get', { name: 'vault__test_simple_prompt' })).rejects.toThrow(
      /Unknown prompt/,
    );
    const ref = { type: 'ref/prompt', name: 'vault__test_simple_prompt' };
    const argument = { name: 'a', value: '' };
    await expect(client.request('completion/complete', { ref, argument })).rejects.toThrow(/Unknown prompt/);
  });

  it('is shown nothing else in the converged view: text, inspect, search, exec, resources', async () => {
    await using client = modern('key-of-small', 'converged');
    expect(JSON.stringify(await client.list('tools'))).not.toMatch(HIDDEN);
    const texts = await Promise.all([
      client.call('inspect', {}),
      client.call('inspect', { server_name: 'open' }),
      client.call('inspect', { query: 'simple text' }),
      client.call('inspect', { server_name: 'vault' }),
      client.call('exec', { server_name: 'vault', tool_name: 'test_simple_text' }),
      client.call('exec', { server_name: 'open', tool_name: 'touch' }),
      client.call('resources', { server_name: 'vault', uri: 'test://static-text' }),
    ]);
    for (const [index, { content, isError }] of texts.entries()) {
      // What was asked for may be named again, its neighbours not.
      const said = JSON.stringify(content).replaceAll(/vault|touch|test:\/\/static-text|test_simple_text/g, '');
      expect(said).not.toMatch(HIDDEN);
      if (index > 2) expect(isError).toBe(true);
    }
    const ran = await client.call('exec', { server_name: 'open', tool_name: 'echo', arguments: { b: 2 } });
    expect(ran.isError).not.toBe(true);
  });

  it('finds no view of what is hidden, and no name of it', async () => {
    for (const path of ['/mcp/vault', '/mcp/other', '/mcp/never-heard-of']) {
      const answer = await exchange(gateway.url + path, {
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
        headers: { ...as('key-of-small'), 'content-type': 'application/json' },
      });
      expect(answer.status).toBe(404);
      expect((await answer.body).replaceAll(path.slice(5), '')).not.toMatch(/vault|other/);
    }
    expect((await exchange(`${gateway.url}/sse/vault`, { method: 'GET', headers: as('key-of-small') })).status).toBe(
      404,
    );
  });

  it('has its own documents and calls over REST', async () => {
    expect((await rest('/open/echo', 'key-of-small')).status).toBe(200);
    expect((await rest('/open/touch', 'key-of-small')).status).toBe(404);
    expect((await rest('/vault/test_simple_text', 'key-of-small')).status).toBe(404);
    expect((await rest('/vault/test_simple_text', 'key-of-all')).status).toBe(200);
    for (const path of ['/openapi.json', '/open/openapi.json', '/docs'])
      expect((await get(path, 'key-of-small')).text).not.toMatch(HIDDEN);
    expect((await get('/openapi.json', 'key-of-all')).text).toMatch(/touch/);
    expect((await get('/vault/openapi.json', 'key-of-small')).status).toBe(404);
  });

  it('may be what views show (10.29)', async () => {
    await using client = modern('key-of-viewer', 'passthrough');
    expect(await client.toolNames()).toEqual(['open__echo']);
    expect((await rest('/open/meta', 'key-of-viewer')).status).toBe(404);
  });

  it('hears of no change that it does not see', async () => {
    await using small = modern('key-of-small', 'passthrough');
    await using viewer = modern('key-of-viewer', 'passthrough');
    await small.listen({ toolsListChanged: true });
    await viewer.listen({ toolsListChanged: true });
    await small.call('open__change');
    await small.notification('notifications/tools/list_changed');
    expect(viewer.notifications.filter(({ method }) => method === 'notifications/tools/list_changed')).toEqual([]);
  });
});

describe('a key (reliability §4, Identity)', () => {
  it('cannot use the session of another key (F-C10)', async () => {
    await using mine = await legacy('key-of-all', 'passthrough');
    await using theirs = new LegacyHttpClient(`${gateway.url}/mcp/passthrough`, { headers: as('key-of-small') });
    theirs.sessionId = mine.sessionId;
    theirs.revision = mine.revision;
    await expect(theirs.list('tools')).rejects.toMatchObject({ status: 404 });
    expect(await mine.toolNames()).toContain('vault__test_simple_text');
  });

  it('outlives a new signing key with its session; new sessions are signed with that (10.18)', async () => {
    await using before = await legacy('key-of-all', 'passthrough');
    const token = (await readFile(join(gateway.dataDir, 'admin-token'), 'utf8')).trim();
    const turned = await fetch(`${gateway.url}/api/v1/sessions/rotate-key`, { method: 'POST', headers: as(token) });
    expect(turned.status).toBe(200);
    expect(await before.toolNames()).toContain('open__echo');
    await using after = await legacy('key-of-all', 'passthrough');
    expect(await after.toolNames()).toContain('open__echo');
  });

  it('has its roles, an end, and a former secret for a while', async () => {
    expect((await rest('/open/echo', 'key-of-reader')).status).toBe(403);
    const old = await rest('/open/echo', 'key-of-old');
    expect([old.status, await old.text()]).toEqual([403, expect.stringMatching(/"old\\" has expired/)]);
    expect((await rest('/open/echo', 'key-of-turned')).status).toBe(200);
    expect((await rest('/open/echo', 'key-before')).status).toBe(200);
    expect((await rest('/open/echo', 'nobody-knows')).status).toBe(403);
  });

  it('is refused beyond its rate with the time to wait: 429 over REST, −31001 over MCP (8.3)', async () => {
    const statuses = [];
    for (let call = 0; call < 3; call++) statuses.push(await rest('/open/echo', 'key-of-slow'));
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(Number(statuses[2]?.headers.get('retry-after'))).toBeGreaterThan(1000);
    await using client = modern('key-of-slow', 'passthrough');
    await expect(client.call('open__echo')).rejects.toMatchObject({
      code: -31001,
      data: { fault: 'RATE_LIMITED', retryable: true },
    });
  });
});

describe('keys while the gateway runs (A-53, X-07)', () => {
  const key = (...args: string[]) =>
    holdfast(['key', ...args, '--config', gateway.configPath, '--data-dir', gateway.dataDir]);

  it('are added, listed, rotated and revoked by the command line; a revoked one ends at once, its streams too', async () => {
    const made = await key('add', 'laptop', '--upstream', 'open', '--expires', '90d');
    expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('not shown again')]);
    const first = made.stdout.trim();
    expect(first).toMatch(/^hfk_[\w-]{43}$/);
    expect((await rest('/open/echo', first)).status).toBe(200);
    expect((await rest('/vault/test_simple_text', first)).status).toBe(404);
    const file = await readFile(gateway.configPath, 'utf8');
    expect(file).toContain(hashed(first));
    expect(file).not.toContain(first);

    const turned = await key('rotate', 'laptop', '--overlap', '1h');
    const second = turned.stdout.trim();
    expect((await rest('/open/echo', first)).status).toBe(200);
    expect((await rest('/open/echo', second)).status).toBe(200);
    const listed = await key('list', '--json');
    expect(listed.stdout).not.toContain(second);
    expect((JSON.parse(listed.stdout) as { keys: object[] }).keys).toContainEqual(
      expect.objectContaining({ name: 'laptop', roles: ['call'], upstreams: ['open'], lastUsed: expect.any(String) }),
    );

    await using client = await legacy(second, 'open');
    const stream = await client.openStream();
    const before = await readFile(gateway.configPath, 'utf8');
    expect((await key('revoke', 'laptop')).code).toBe(0);
    await stream.body.catch(() => undefined);
    for (const secret of [first, second]) expect((await rest('/open/echo', secret)).status).toBe(403);

    // What an old version of the file says does not bring it back.
    await gateway.writeConfig(before);
    await waitFor(async () => (await key('list')).stdout.includes('laptop'), { within: 10_000 });
    expect((await rest('/open/echo', second)).status).toBe(403);
    expect((await key('list')).stdout).toMatch(/laptop.*revoked/);
    expect((await key('revoke', 'nobody')).stderr).toMatch(/no key called "nobody"/);
  });

  it('change in the file without a restart: roles and scope are the new ones with the next request', async () => {
    const config = {
      ...CONFIG,
      keys: CONFIG.keys.map((one) => (one.name === 'small' ? { ...one, upstreams: ['vault'] } : one)),
    };
    await gateway.writeConfig(config);
    await waitFor(async () => (await rest('/open/echo', 'key-of-small')).status === 404, { within: 10_000 });
    expect((await rest('/vault/test_simple_text', 'key-of-small')).status).toBe(200);
    const kept = JSON.parse(await readFile(join(gateway.dataDir, 'revoked-keys.json'), 'utf8')) as {
      data: object;
    };
    expect(Object.values(kept.data)).toHaveLength(2);
  });
});

describe('keys where no gateway runs', () => {
  it('are made in the file, comments kept, so that the first start may be on a wide address (10.16)', () =>
    withTempDir(async (folder) => {
      const config = join(folder, 'holdfast.json');
      await writeFile(config, '{\n  // mine\n  "upstreams": {}\n}\n');
      const made = await holdfast([
        'key',
        'add',
        'first',
        '--role',
        'admin',
        '--config',
        config,
        '--data-dir',
        join(folder, 'd'),
      ]);
      expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('not shown again')]);
      const file = await readFile(config, 'utf8');
      expect(file).toContain('// mine');
      expect(file).toContain(hashed(made.stdout.trim()));
    }));
});
