// The command lines of MCPX and xiaozhi-client, as somebody types them who comes from there (10.24).
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAIN, holdfast as run } from '../support/holdfast.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { Program } from '../support/program.ts';
import { StdioClient } from '../support/stdio-client.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { faulty } from '../support/upstream.ts';
import { CloudSimulator, tokenFor } from '../xiaozhi/simulators/cloud.ts';

let home: string;
const ends: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  home = await makeTempDir('old-commands');
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await removeDir(home);
});

const env = () => ({ PATH: process.env.PATH ?? '', HOME: home, LANG: 'C.UTF-8' });

async function started(...args: string[]): Promise<{ url: string; program: Program }> {
  const program = new Program(process.execPath, { args: [MAIN, ...args], cwd: home, env: env() });
  ends.push(() => program.stop());
  const [, url] = await program.line(/^holdfast ready (http\S+?)\/?$/);
  return { url: url as string, program };
}

async function toolNames(client: { request(method: string): Promise<unknown> }): Promise<string[]> {
  const { tools } = (await client.request('tools/list')) as { tools: { name: string }[] };
  return tools.map(({ name }) => name);
}

describe('holdfast mcpx (A-60 … A-63)', () => {
  const gen1 = { mcp_servers: [{ name: 'u', type: 'stdio', ...faulty('healthy') }] };
  const gen3 = { mcpServers: { u: { type: 'stdio', ...faulty('healthy') } } };

  it('serves config.json over stdio; the three tools of its first generation', async () => {
    await writeFile(join(home, 'config.json'), JSON.stringify(gen1));
    for (const args of [['config.json'], []]) {
      const client = new StdioClient(process.execPath, { args: [MAIN, 'mcpx', ...args], cwd: home, env: env() });
      ends.push(() => client.program.stop({ signal: 'EOF' }));
      await client.initialize();
      expect(await toolNames(client)).toEqual(['inspect', 'exec', 'resources']);
    }
  });

  it('mcpx-sse and mcpx-toolkit serve HTTP; a port that is taken is no reason to end', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => taken.once('listening', done));
    ends.push(() => new Promise((done) => taken.close(done)));
    const { port } = taken.address() as { port: number };
    await writeFile(join(home, 'config.json'), JSON.stringify(gen1));
    const sse = await started('mcpx-sse', '--port', String(port), 'config.json');
    expect(Number(new URL(sse.url).port)).toBeGreaterThan(port);
    expect(sse.program.stderr).toContain('only this machine is served');
    expect(await toolNames(new ModernHttpClient(`${sse.url}/mcp`))).toEqual(['inspect', 'exec', 'resources']);
    await sse.program.stop();

    const own = join(home, '.config/mcpx-toolkit/mcpx.json');
    await mkdir(join(own, '..'), { recursive: true });
    await writeFile(own, JSON.stringify(gen3));
    const toolkit = await started(
      'mcpx-toolkit',
      '--port',
      '0',
      '--gui',
      '--api-key',
      'planted-key-1',
      '--host',
      '127.0.0.1',
    );
    expect(toolkit.program.stderr).toContain('the dashboard is always there');
    expect((await fetch(`${toolkit.url}/ui/`)).status).toBe(200);
    expect((await fetch(`${toolkit.url}/mcp`, { method: 'POST', body: '{}' })).status).toBe(401);
    const client = new ModernHttpClient(`${toolkit.url}/mcp`, { headers: { authorization: 'Bearer planted-key-1' } });
    expect(await toolNames(client)).toEqual(['invoke', 'read']);
  });

  it('opens the dashboard with --open, and says where nothing is found', async () => {
    const bin = join(home, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'xdg-open'), `#!/bin/sh\necho "$1" > ${join(home, 'opened')}\n`, { mode: 0o755 });
    const none = await run(['mcpx'], { home });
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining('.config/mcpx-toolkit/mcpx.json') });
    await mkdir(join(home, '.mcpx'));
    await writeFile(join(home, '.mcpx/config.json'), JSON.stringify(gen3));
    const program = new Program(process.execPath, {
      args: [MAIN, 'mcpx', '--desktop', '--port', '0'],
      cwd: home,
      env: { ...env(), PATH: `${bin}:${process.env.PATH}` },
    });
    ends.push(() => program.stop());
    const [, url] = await program.line(/^holdfast ready (http\S+?)\/?$/);
    await expect
      .poll(() => (existsSync(join(home, 'opened')) ? readFile(join(home, 'opened'), 'utf8') : ''))
      .toContain(`${url}/ui#code=`);
  });
});

describe('holdfast xiaozhi (D-50, E-26)', () => {
  const xiaozhi = (...args: string[]) => run(['xiaozhi', ...args], { home });

  it('starts in the background, shows, switches, calls and stops; the file stays as it is', async () => {
    const cloud = await CloudSimulator.start({ deadline: 5_000, followsChanges: true });
    ends.push(() => cloud.stop());
    const [one, two] = [tokenFor(1), tokenFor(2)];
    const file = join(home, '.xiaozhi-client/xiaozhi.config.json');
    await mkdir(join(home, '.xiaozhi-client'));
    const text = JSON.stringify({
      mcpEndpoint: [cloud.url(one)],
      mcpServers: { u: faulty('healthy') },
      webUI: { port: 0 },
    });
    await writeFile(file, text);
    const opened = cloud.next();
    const begun = await xiaozhi('start', '-d');
    expect(begun).toMatchObject({ code: 0, out: expect.stringMatching(/^holdfast started http/) });
    ends.push(() => xiaozhi('stop'));
    await (await opened).message(({ id }) => id === 0);

    await expect.poll(async () => (await xiaozhi('status')).out, { timeout: 20_000 }).toMatch(/u +ready/);
    expect((await xiaozhi('mcp', 'list')).out).toMatch(/^u +ready/);
    expect((await xiaozhi('mcp', 'list', '--tools')).out).toMatch(/^u__read/m);
    expect((await xiaozhi('mcp', 'server', 'u')).out).toMatch(/^read/m);
    expect((await xiaozhi('mcp', 'call', 'u', 'read', '--args', '{"nonce":"here"}')).out).toBe('here');
    expect((await xiaozhi('mcp', 'tool', 'u', 'write', 'disable')).code).toBe(0);
    expect((await xiaozhi('mcp', 'call', 'u', 'write')).code).toBe(4);
    const second = cloud.next();
    expect((await xiaozhi('endpoint', 'add', cloud.url(two))).out).toContain('added');
    await second;
    const list = await xiaozhi('endpoint', 'list');
    expect(list.out).toMatch(/agent_1.*\n.*agent_2/);
    expect(list.out).not.toContain(two.split('.')[1]);
    expect((await xiaozhi('endpoint', 'remove', cloud.url(two))).code).toBe(0);
    expect((await xiaozhi('endpoint', 'list')).out).not.toContain('agent_2');
    expect((await xiaozhi('config', 'set', 'heartbeatInterval', '40000')).code).toBe(0);
    expect((await xiaozhi('config', 'get', 'heartbeatInterval')).out).toBe('40000ms');
    expect((await xiaozhi('restart', '-d')).out).toContain('restarted');
    expect((await xiaozhi('stop')).code).toBe(0);
    expect((await xiaozhi('stop')).code).toBe(5);
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('changes the configuration where nothing runs, and teaches what is wrong', async () => {
    const wrong: [string[], number, RegExp][] = [
      [['start'], 2, /config init/],
      [['config', 'get', 'nothing'], 2, /mcpEndpoint, mcpServers/],
      [['config', 'set', 'reconnectInterval', 'soon'], 2, /milliseconds/],
      [['mcp', 'tool', 'u', 'x', 'off'], 2, /enable or disable/],
      [['endpoint', 'add', 'http://x'], 2, /ws:\/\//],
      [['mcp', 'call', 'u', 'x'], 5, /no gateway/],
      [['nonsense'], 2, /./],
      [[], 2, /start/],
    ];
    for (const [words, code, message] of wrong) {
      const result = await xiaozhi(...words);
      expect([words, result.code, result.err]).toEqual([words, code, expect.stringMatching(message)]);
    }
    expect((await xiaozhi('--version')).out).toMatch(/^\d+\.\d+\.\d+$/);
    expect((await xiaozhi('--info')).out).toContain('node v');
    expect((await xiaozhi('config', 'init')).code).toBe(0);
    expect((await xiaozhi('config', 'set', 'mcpEndpoint', 'wss://x.example/?token=planted-token-1')).code).toBe(0);
    expect((await xiaozhi('endpoint', 'add', 'wss://y.example/?token=planted-token-2')).code).toBe(0);
    const list = await xiaozhi('endpoint', 'list');
    expect(list.out).toBe('  1. wss://x.example/?token=***\n  2. wss://y.example/?token=***');
    expect((await xiaozhi('endpoint', 'remove', 'wss://x.example/?token=planted-token-1')).code).toBe(0);
    expect(await readFile(join(home, 'holdfast.json'), 'utf8')).not.toContain('planted-token-1');
    expect((await xiaozhi('config', 'set', 'reconnectInterval', '5000')).code).toBe(0);
    expect((await xiaozhi('config', 'get', 'reconnectInterval')).out).toBe('5000ms');
  });
});
