// The configuration changes under a running gateway: what did not change is not touched, what is wrong changes nothing.
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { ModernHttpClient } from '../support/modern-http-client.ts';
import { processesUnder } from '../support/processes.ts';
import { textOf } from '../support/rpc.ts';
import { withTempDir } from '../support/temp-dir.ts';
import { faulty } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

const PLAIN = new URL('../servers/plain/stdio.mjs', import.meta.url).pathname;
const plain = (...flags: string[]) => ({ command: process.execPath, args: [PLAIN, ...flags] });
const children = (gateway: Gateway) =>
  processesUnder(gateway.pid)
    .filter(({ command }) => command.includes('/servers/'))
    .map(({ pid }) => pid)
    .sort();
/** The version of the configuration in force. */
const version = async (gateway: Gateway) => ((await gateway.health()).config as { version: number }).version;
const rejected = async (gateway: Gateway) =>
  ((await gateway.health()).config as { rejected?: { problems: string[] } }).rejected;
const applied = (gateway: Gateway, least: number) =>
  waitFor(async () => (await version(gateway)) >= least, { within: 10_000, every: 25, what: () => gateway.stderr });

describe('a changed configuration (12.1, F-K1, F-K4, F-K6, F-K7, F-K8)', () => {
  it('20 reloads under load: no failed call, and the server that did not change keeps its process (F-K6)', async () => {
    const config = (round: number) => ({
      upstreams: {
        steady: faulty('healthy'),
        soft: { ...faulty('healthy'), timeouts: { call: `${30 + round}s` }, description: `round ${round}` },
        ...(round % 2 === 0 ? { guest: plain() } : {}),
      },
      defaultView: 'passthrough',
    });
    await using gateway = await startGateway({ config: config(0) });
    await gateway.upstreamsIn();
    await using legacy = new LegacyHttpClient(`${gateway.url}/mcp`);
    await legacy.initialize();
    await using modern = new ModernHttpClient(`${gateway.url}/mcp`);
    const before = processesUnder(gateway.pid)
      .filter(({ command }) => command.includes('healthy'))
      .map(({ pid }) => pid);
    let calls = 0;
    const failures: unknown[] = [];
    let done = false;
    const load = [legacy, modern, legacy, modern].map(async (client, which) => {
      while (!done) {
        const nonce = `${which}-${calls++}`;
        try {
          expect(textOf(await client.call(which < 2 ? 'steady__read' : 'soft__write', { nonce }))).toBe(nonce);
        } catch (failure) {
          failures.push(failure);
        }
      }
    });
    for (let round = 1; round <= 20; round++) {
      await gateway.writeConfig(config(round));
      await applied(gateway, round + 1);
    }
    done = true;
    await Promise.all(load);
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(20);
    const after = processesUnder(gateway.pid)
      .filter(({ command }) => command.includes('healthy'))
      .map(({ pid }) => pid);
    expect(after.sort()).toEqual(before.sort());
  });

  it('added, changed, renamed and removed servers: each where it should be, told by list_changed', async () => {
    await using gateway = await startGateway({
      config: { upstreams: { a: plain('--version=1') }, defaultView: 'passthrough' },
    });
    await gateway.upstreamsIn();
    await using client = new LegacyHttpClient(`${gateway.url}/mcp`);
    await client.initialize();
    await client.toolNames();
    await client.openStream();
    const [first] = children(gateway);

    await gateway.writeConfig({
      upstreams: { a: plain('--version=1'), b: faulty('healthy') },
      defaultView: 'passthrough',
    });
    await client.notification('notifications/tools/list_changed');
    await waitFor(async () => (await client.toolNames()).includes('b__read'));
    expect(children(gateway)).toContain(first);

    await gateway.writeConfig({
      upstreams: { a: plain('--version=2'), b: faulty('healthy') },
      defaultView: 'passthrough',
    });
    await waitFor(() => !children(gateway).includes(first as number), { within: 10_000 });
    expect(textOf(await client.call('a__echo', { x: 1 }))).toBe('{"x":1}');

    await gateway.writeConfig({ upstreams: { c: faulty('healthy') }, defaultView: 'passthrough' });
    await gateway.upstreamsIn(['c']);
    await waitFor(async () => (await client.toolNames()).every((name) => name.startsWith('c__')));
    await waitFor(() => children(gateway).length === 1, { within: 10_000 });
    await expect(client.call('a__echo', {})).rejects.toMatchObject({ code: -32602 });
    await expect(new ModernHttpClient(`${gateway.url}/mcp/a`).call('echo')).rejects.toMatchObject({ status: 404 });
  });

  it('a removed server ends the call that runs, and takes no new one (F-K7)', async () => {
    await using gateway = await startGateway({
      config: {
        upstreams: { slow: faulty('slow-tool', { set: { ms: 1_500 } }), other: faulty('healthy') },
        defaultView: 'passthrough',
      },
    });
    await gateway.upstreamsIn();
    await using client = new LegacyHttpClient(`${gateway.url}/mcp`);
    await client.initialize();
    const running = client.call('slow__write', { nonce: 'r', fault: true });
    await gateway.writeConfig({ upstreams: { other: faulty('healthy') }, defaultView: 'passthrough' });
    await applied(gateway, 2);
    await expect(client.call('slow__write', { nonce: 'n' })).rejects.toMatchObject({ code: -32602 });
    expect(textOf(await running)).toBe('r');
    await waitFor(() => children(gateway).length === 1, { within: 30_000 });
  });

  it.each([
    ['half written', '{\n"upstreams": {"u": ', [':2:20: ']],
    ['empty', '', [':1:1: ']],
    ['binary', '\u0000\u0001\u0002', [':1:1: ']],
    ['a mark and nothing', '\ufeff', [':1:1: ']],
    ['of another type', '[1,2,3]', [':1:1: ']],
    ['invalid', '{"upstreams":{"u":{"command":5}},\n"nope":1}', [':1:30: upstreams.u.command', ':2:1: nope']],
    ['without a command', '{"upstreams":{\n"u":{}}}', [':2:5: upstreams.u']],
  ])(
    'one that is %s leaves the old in force, and /health says why and where (F-K1, F-K3)',
    async (_name, text, places) => {
      await using gateway = await startGateway({ config: { upstreams: { u: faulty('healthy') } } });
      await gateway.upstreamsIn();
      const before = children(gateway);
      await gateway.writeConfig(text);
      const problem = await waitFor(() => rejected(gateway), { within: 10_000, every: 25 });
      expect(problem.problems.length).toBeGreaterThan(0);
      expect(problem.problems).toHaveLength(places.length);
      for (const [index, place] of places.entries()) expect(problem.problems[index]).toContain(`holdfast.json${place}`);
      expect(gateway.stderr).toContain('the running one stays');
      expect(await version(gateway)).toBe(1);
      expect(children(gateway)).toEqual(before);
      expect(textOf(await new ModernHttpClient(`${gateway.url}/mcp/u`).call('read', { nonce: 'n' }))).toBe('n');
      await gateway.writeConfig(
        `\ufeff${JSON.stringify({ upstreams: { u: faulty('healthy'), v: faulty('healthy') } })}`,
      );
      await gateway.upstreamsIn(['u', 'v']);
      expect(await rejected(gateway)).toBeUndefined();
    },
  );

  it('one that is deleted leaves the old in force; when it is back it counts', async () => {
    await using gateway = await startGateway({ config: { upstreams: { u: faulty('healthy') } } });
    await gateway.upstreamsIn();
    await rm(gateway.configPath);
    await waitFor(() => rejected(gateway), { within: 10_000, every: 25 });
    expect(children(gateway)).toHaveLength(1);
    await gateway.writeConfig({ upstreams: { u: faulty('healthy'), v: faulty('healthy') } });
    await gateway.upstreamsIn(['u', 'v']);
  });

  it('the version is one number everywhere: a repaired file makes none, a restart keeps it (12.4, C-60)', async () => {
    await withTempDir(async (dataDir) => {
      const text = (names: string[]) =>
        JSON.stringify({ mcpServers: Object.fromEntries(names.map((name) => [name, faulty('healthy')])) });
      const kept = async (gateway: Gateway) => {
        const token = (await readFile(join(dataDir, 'admin-token'), 'utf8')).trim();
        const answer = await fetch(`${gateway.url}/api/v1/config/versions`, {
          headers: { authorization: `Bearer ${token}` },
        });
        return ((await answer.json()) as { versions: { version: number }[] }).versions.at(-1)?.version;
      };
      {
        await using gateway = await startGateway({ config: text(['u']), dataDir });
        expect([await version(gateway), await kept(gateway)]).toEqual([1, 1]);
        await gateway.writeConfig('{');
        await waitFor(() => rejected(gateway), { every: 25 });
        await gateway.writeConfig(text(['u']));
        await waitFor(async () => (await rejected(gateway)) === undefined, { every: 25 });
        expect([await version(gateway), await kept(gateway)]).toEqual([1, 1]);
        // What is edited here lies in an overlay; the file below it makes a version all the same.
        await gateway.writeConfig(text(['u', 'v']));
        await gateway.upstreamsIn(['u', 'v']);
        expect([await version(gateway), await kept(gateway)]).toEqual([2, 2]);
      }
      await using again = await startGateway({ config: text(['u', 'v']), dataDir });
      expect([await version(again), await kept(again)]).toEqual([2, 2]);
    });
  });

  it('a removed server that was on its way back does not come back (F-K7)', async () => {
    const dies = faulty('exits-after-executing');
    const other = faulty('healthy');
    await using gateway = await startGateway({ config: { upstreams: { dies, other }, defaultView: 'passthrough' } });
    await gateway.upstreamsIn();
    await using client = new ModernHttpClient(`${gateway.url}/mcp/dies`);
    // It dies and is started again while it is taken away; a call waits for it meanwhile.
    const killed = client.call('write', { nonce: 'k', fault: true }).catch((error: Error) => error);
    await killed;
    await gateway.writeConfig({ upstreams: { other }, defaultView: 'passthrough' });
    const waiting: Promise<unknown>[] = [];
    await waitFor(
      async () => {
        waiting.push(client.call('write', { nonce: 'w', fault: true }).catch((error: Error) => error));
        return (await version(gateway)) === 2;
      },
      { within: 10_000, every: 100 },
    );
    for (const outcome of await Promise.all(waiting)) expect(outcome).toBeInstanceOf(Error);
    await waitFor(() => children(gateway).length === 1, { within: 10_000 });
    const left = children(gateway);
    // Longer than the longest first pause between two starts.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(children(gateway)).toEqual(left);
    expect(Object.keys((await gateway.health()).upstreams)).toEqual(['other']);
    await expect(client.call('write', { nonce: 'n' })).rejects.toMatchObject({ status: 404 });
  });

  it('another order of keys and variables, other white space, a comment: no process is restarted (F-K8)', async () => {
    const { command, args } = faulty('healthy');
    await using gateway = await startGateway({
      config: { upstreams: { u: { command, args, env: { A: '1', B: '2' }, timeouts: { call: '30s' } } } },
    });
    await gateway.upstreamsIn();
    const before = children(gateway);
    const [path, list] = [JSON.stringify(command), JSON.stringify(args)];
    await gateway.writeConfig(
      `// said anew\n{"upstreams":{"u":{"timeouts":{"call":30},\n"env":{"B":"2","A":"1",},"args":${list},\t"command":${path}}}}`,
    );
    await applied(gateway, 2);
    expect(children(gateway)).toEqual(before);
    await gateway.writeConfig({ upstreams: { u: { command, args, env: { A: '1', B: '3' } } } });
    await applied(gateway, 3);
    await waitFor(() => children(gateway).length === 1 && children(gateway)[0] !== before[0], { within: 10_000 });
  });

  it('is seen when the file is replaced by a rename, or a symlink is swapped (F-K4)', async () => {
    await using gateway = await startGateway({ config: { upstreams: { u: faulty('healthy') } } });
    await gateway.upstreamsIn();
    const folder = dirname(gateway.configPath);
    const text = (name: string) => JSON.stringify({ upstreams: { [name]: faulty('healthy') } });
    await writeFile(join(folder, 'next'), text('renamed'));
    const began = performance.now();
    await rename(join(folder, 'next'), gateway.configPath);
    await applied(gateway, 2);
    expect(performance.now() - began).toBeLessThan(20_000);
    await writeFile(join(folder, 'real.json'), text('linked'));
    await symlink(join(folder, 'real.json'), join(folder, 'link'));
    await rename(join(folder, 'link'), gateway.configPath);
    await applied(gateway, 3);
    await gateway.upstreamsIn(['linked']);
    // As a mounted ConfigMap: the file is a link through `..data`, which is swapped for the next version.
    for (const version of ['v1', 'v2']) {
      await mkdir(join(folder, version));
      await writeFile(join(folder, version, 'map.json'), text(version));
    }
    await symlink('v1', join(folder, '..data'));
    await symlink('..data/map.json', join(folder, 'link'));
    await rename(join(folder, 'link'), gateway.configPath);
    await gateway.upstreamsIn(['v1']);
    await symlink('v2', join(folder, '..next'));
    await rename(join(folder, '..next'), join(folder, '..data'));
    await applied(gateway, 5);
    await gateway.upstreamsIn(['v2']);
  });

  it('views, names and switched-off tools change without touching a process (10.29, X-06)', async () => {
    const upstreams = { u: faulty('healthy') };
    await using gateway = await startGateway({ config: { upstreams, defaultView: 'passthrough' } });
    await gateway.upstreamsIn();
    const before = children(gateway);
    await using client = new ModernHttpClient(`${gateway.url}/mcp`);
    expect(await client.toolNames()).toEqual(['u__read', 'u__put', 'u__write']);
    await gateway.writeConfig({
      upstreams: {
        u: { ...upstreams.u, alias: 'x', tools: { disabled: ['write'], overrides: { read: { description: 'New.' } } } },
      },
      views: { safe: { tools: { allow: ['read'] } } },
      defaultView: 'passthrough',
    });
    await applied(gateway, 2);
    await waitFor(async () => (await client.toolNames()).join() === 'x__read,x__put');
    expect(await new ModernHttpClient(`${gateway.url}/mcp/safe`).toolNames()).toEqual(['x__read']);
    await expect(client.call('x__write', { nonce: 'n' })).rejects.toMatchObject({ code: -32602 });
    await expect(new ModernHttpClient(`${gateway.url}/mcp/u`).call('write', { nonce: 'n' })).rejects.toMatchObject({
      code: -32602,
    });
    expect(children(gateway)).toEqual(before);
  });

  it('what only a restart can change is said', async () => {
    const upstreams = { u: faulty('healthy') };
    await using gateway = await startGateway({ config: { upstreams } });
    await gateway.writeConfig({ upstreams, limits: { body: '1MB' } });
    await waitFor(() => gateway.stderr.includes('limits take effect after a restart'), { within: 10_000 });
  });

  it('is not followed with --no-watch', async () => {
    await using gateway = await startGateway({ config: { upstreams: { u: faulty('healthy') } }, args: ['--no-watch'] });
    await gateway.writeConfig('broken');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await rejected(gateway)).toBeUndefined();
  });

  it('a subscription outlives the change of its server; the new one is heard on the old stream', async () => {
    await using gateway = await startGateway({
      config: { upstreams: { u: plain('--version=1') }, defaultView: 'passthrough' },
    });
    await gateway.upstreamsIn();
    await using client = new LegacyHttpClient(`${gateway.url}/mcp`);
    await client.initialize();
    await client.toolNames();
    await client.openStream();
    const [first] = children(gateway);
    await gateway.writeConfig({ upstreams: { u: plain('--version=2') }, defaultView: 'passthrough' });
    await waitFor(() => !children(gateway).includes(first as number), { within: 10_000 });
    await client.call('u__change');
    await client.notification('notifications/tools/list_changed');
  });
});
