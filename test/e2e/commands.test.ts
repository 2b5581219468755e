// The commands as a person or a script uses them: exit codes, what is on stdout, joining a gateway that runs.
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { LegacyHttpClient } from '../support/legacy-http-client.ts';
import { processesUnder, residentBytes, waitGone } from '../support/processes.ts';
import { Program } from '../support/program.ts';
import { textOf } from '../support/rpc.ts';
import { StdioClient } from '../support/stdio-client.ts';
import { makeTempDir, removeDir, withTempDir } from '../support/temp-dir.ts';
import { faulty } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

const MAIN = new URL('../../dist/main.js', import.meta.url).pathname;
const PLAIN = new URL('../servers/plain/stdio.mjs', import.meta.url).pathname;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    config: {
      upstreams: {
        u: faulty('healthy'),
        plain: { command: process.execPath, args: [PLAIN] },
        gone: { command: '/does/not/exist' },
      },
      defaultView: 'passthrough',
    },
  });
  await gateway.upstreamsIn(['u', 'plain']);
  await gateway.upstreamsIn(['gone'], 'failed');
});
afterAll(async () => {
  await gateway.stop();
});

/** Runs one command to its end; state and home are the test's own. */
async function holdfast(args: string[], env: Record<string, string> = {}, input = '') {
  const home = await makeTempDir('home');
  const program = new Program(process.execPath, {
    args: [MAIN, ...args],
    cwd: home,
    env: { PATH: process.env.PATH ?? '', HOME: home, ...env },
  });
  program.child.stdin?.end(input);
  const { code } = await program.exited;
  await waitFor(() => program.child.stdout?.readableEnded ?? true);
  await removeDir(home);
  return { code, stdout: program.lines.join('\n'), stderr: program.stderr };
}
const here = () => ['--data-dir', gateway.dataDir];

describe('call, tools, status (12.1)', () => {
  it('call prints the text and exits 0; --json prints the whole result', async () => {
    const plain = await holdfast(['call', 'u', 'read', '--args', '{"nonce":"hällo"}', ...here()]);
    expect(plain).toMatchObject({ code: 0, stdout: 'hällo' });
    const json = await holdfast(['call', 'u', 'read', '-a', '{"nonce":"n"}', '--json', ...here()]);
    expect(JSON.parse(json.stdout)).toMatchObject({ result: { content: [{ text: 'n' }] } });
    const byUrl = await holdfast(['call', 'u', 'read', '-a', '{"nonce":"n"}', '--url', `${gateway.url}/`]);
    expect(byUrl).toMatchObject({ code: 0, stdout: 'n' });
    const behind = await holdfast(['call', 'u', 'read', '{"nonce":"b"}', ...here()]);
    expect(behind).toMatchObject({ code: 0, stdout: 'b' });
    const piped = await holdfast(['call', 'u', 'read', '-', ...here()], {}, '{"nonce":"p"}');
    expect(piped).toMatchObject({ code: 0, stdout: 'p' });
  });

  it('is 3 where the tool itself says isError', async () => {
    await using wrong = await startGateway({
      config: {
        upstreams: {
          fs: {
            command: new URL('../../node_modules/.bin/mcp-server-filesystem', import.meta.url).pathname,
            args: ['/tmp'],
          },
        },
      },
    });
    await wrong.upstreamsIn();
    const result = await holdfast([
      'call',
      'fs',
      'read_text_file',
      '-a',
      '{"path":"/etc/hostname"}',
      '--data-dir',
      wrong.dataDir,
    ]);
    expect(result.code).toBe(3);
    expect(result.stdout).toContain('denied');
  });

  it('is 4 where the call did not come through, with the hint', async () => {
    const unknown = await holdfast(['call', 'u', 'raed', ...here()]);
    expect([unknown.code, unknown.stdout]).toEqual([4, '']);
    expect(unknown.stderr).toContain('"read"');
    const json = await holdfast(['call', 'u', 'raed', '--json', ...here()]);
    expect([json.code, JSON.parse(json.stdout)]).toMatchObject([4, { error: { data: { fault: 'TOOL_UNKNOWN' } } }]);
    expect((await holdfast(['call', 'gone', 'x', ...here()])).code).toBe(4);
    expect((await holdfast(['call', 'nope', 'x', ...here()])).code).toBe(4);
    const late = await holdfast(['call', 'plain', 'hang', '--timeout', '0.3', ...here()]);
    expect([late.code, late.stderr]).toMatchObject([4, expect.stringContaining('in time')]);
  });

  it('is 5 where no gateway answers', async () => {
    for (const args of [['call', 'u', 'read'], ['tools'], ['status']]) {
      const none = await holdfast(args);
      expect([args[0], none.code]).toEqual([args[0], 5]);
      expect(none.stderr).toContain('no gateway');
      expect((await holdfast([...args, '--url', 'http://127.0.0.1:1'])).code).toBe(5);
    }
  });

  it('is 2 for what cannot be meant', async () => {
    for (const args of [
      ['call', 'u'],
      ['call', 'u', 'read', '-a', '{'],
      ['call', 'u', 'read', '-a', '[]'],
      ['call', 'u', 'read', '{}', '-a', '{}'],
      ['nope'],
      ['status', '--nope'],
    ]) {
      expect([args, (await holdfast([...args, ...(args[0] === 'nope' ? [] : here())])).code]).toEqual([args, 2]);
    }
    expect((await holdfast(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+$/);
    expect(await holdfast(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('serve') });
  });

  it('tools lists all, or one server; status tells every state', async () => {
    const all = await holdfast(['tools', ...here()]);
    expect(all.stdout).toMatch(/^u__read .*read-only/m);
    const one = await holdfast(['tools', 'u', '--json', ...here()]);
    expect((JSON.parse(one.stdout) as { tools: { name: string }[] }).tools.map(({ name }) => name)).toEqual([
      'read',
      'put',
      'write',
    ]);
    const status = await holdfast(['status', ...here()]);
    expect(status).toMatchObject({ code: 0, stdout: expect.stringMatching(/gone\s+failed.*does\/not\/exist/) });
    const json = await holdfast(['status', '--json', ...here()]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      status: 'degraded',
      upstreams: { u: { state: 'ready', tools: 3 } },
    });
  });

  it('finds its key: none and a wrong one are refused, the admin token of the data directory is taken', async () => {
    await using locked = await startGateway({
      config: { upstreams: { u: faulty('healthy') } },
      env: { HOLDFAST_API_KEY: 'right' },
    });
    await locked.upstreamsIn();
    const call = ['call', 'u', 'read', '-a', '{"nonce":"n"}'];
    expect(await holdfast([...call, '--url', locked.url])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('401'),
    });
    expect(await holdfast([...call, '--url', locked.url, '-k', 'wrong'])).toMatchObject({ code: 1 });
    expect(await holdfast([...call, '--url', locked.url], { HOLDFAST_API_KEY: 'right' })).toMatchObject({ code: 0 });
    expect(await holdfast([...call, '--data-dir', locked.dataDir])).toMatchObject({ code: 0 });
    await using client = new StdioClient(process.execPath, {
      args: [MAIN, 'stdio', '--data-dir', locked.dataDir, '--config', locked.configPath, '--view', 'u'],
    });
    await client.initialize();
    expect(textOf(await client.call('read', { nonce: 'joined' }))).toBe('joined');
  });
});

describe('serve (12.1, F-G9)', () => {
  it('-- command serves that one alone, under its own names', async () => {
    await using one = await startGateway({ command: [process.execPath, PLAIN] });
    await one.upstreamsIn();
    await using client = new LegacyHttpClient(`${one.url}/mcp`);
    await client.initialize();
    expect(await client.toolNames()).toContain('echo');
    expect(textOf(await client.call('echo', { a: 1 }))).toBe('{"a":1}');
  });

  it('--json says that it is ready in one line of JSON with its own pid', async () => {
    await using one = await startGateway({ command: [process.execPath, PLAIN], args: ['--json'] });
    expect(JSON.parse(one.program.lines[0] as string)).toEqual({ event: 'ready', url: one.url, pid: one.pid });
    expect(one.program.lines).toHaveLength(1);
  });

  it('configured keys have their roles, and their views (12.3)', async () => {
    await using one = await startGateway({
      config: {
        upstreams: { u: faulty('healthy') },
        keys: [
          { name: 'reader', key: 'reader-secret-1', roles: ['read'] },
          { name: 'caller', key: 'caller-secret-1', roles: ['call'] },
        ],
      },
    });
    const status = async (path: string, key?: string, method = 'GET') =>
      (
        await fetch(one.url + path, {
          method,
          headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
          ...(method === 'POST' && { body: '{}' }),
        })
      ).status;
    expect(await status('/mcp', undefined, 'POST')).toBe(401);
    expect(await status('/mcp', 'reader-secret-1', 'POST')).toBe(403);
    expect(await status('/mcp', 'caller-secret-1', 'POST')).toBe(400);
    const told = async (key?: string) =>
      JSON.stringify(
        await (
          await fetch(`${one.url}/health`, {
            ...(key !== undefined && { headers: { authorization: `Bearer ${key}` } }),
          })
        ).json(),
      );
    await one.upstreamsIn();
    expect(await told()).toContain('"state":"ready"');
    for (const path of ['/health', '/health/live', '/health/ready']) expect(await status(path)).toBe(200);
  });

  it('outlives whoever read its output', async () => {
    await using one = await startGateway({
      config: { upstreams: { u: faulty('healthy') } },
      args: ['--log-level', 'debug'],
    });
    await one.upstreamsIn();
    one.program.child.stdout?.destroy();
    one.program.child.stderr?.destroy();
    await using client = new LegacyHttpClient(`${one.url}/mcp/u`);
    await client.initialize();
    for (let index = 0; index < 20; index++) expect(textOf(await client.call('read', { nonce: 'n' }))).toBe('n');
  });

  it('is not told by its loopback address from elsewhere: Host is checked, liveness is not', async () => {
    const ask = (path: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        request(gateway.url + path, { headers: { host: 'evil.example' } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await Promise.all(['/health/live', '/health/ready', '/health', '/mcp'].map(ask))).toEqual([
      200, 200, 403, 403,
    ]);
  });

  it('1,000 sessions that go without a word cost nothing (10.18, F-C8)', async () => {
    const open = async (count: number) => {
      for (let index = 0; index < count; index += 50) {
        await Promise.all(
          Array.from({ length: 50 }, async () => {
            const client = new LegacyHttpClient(`${gateway.url}/mcp/u`);
            await client.initialize().catch((reason: { status?: number }) => expect(reason.status).toBe(429));
            await client.close();
          }),
        );
      }
    };
    await open(500);
    const before = residentBytes(gateway.pid);
    await open(1_000);
    expect(residentBytes(gateway.pid) - before).toBeLessThan(100 * 1024 * 1024);
  });
});

describe('two gateways on one data directory (F-G6, 10.14)', () => {
  it('the second serves without writing, and says so; history and lock stay whole', async () => {
    await withTempDir(async (dataDir) => {
      const config = { upstreams: { u: faulty('healthy') } };
      await using first = await startGateway({ config, dataDir });
      await first.upstreamsIn();
      await using second = await startGateway({ config, dataDir });
      await second.upstreamsIn();
      expect(second.stderr).toContain(`belongs to the gateway with pid ${first.pid}`);
      await using client = new LegacyHttpClient(`${first.url}/mcp/u`);
      await client.initialize();
      expect(textOf(await client.call('read', { nonce: 'a' }))).toBe('a');
      // One session is known to both: they share the key.
      const other = new LegacyHttpClient(`${second.url}/mcp/u`);
      other.sessionId = client.sessionId;
      expect(textOf(await other.call('read', { nonce: 'b' }))).toBe('b');
      await second.stop();
      expect(JSON.parse(readFileSync(join(dataDir, 'gateway.lock'), 'utf8'))).toMatchObject({
        pid: first.pid,
        url: first.url,
      });
      expect((await first.health()).status).toBe('healthy');
    });
  });
});

describe('stdio (10.25, F-G10, F-G12)', () => {
  const standalone = (config: object, folder: string, env: Record<string, string> = {}) => {
    const file = join(folder, 'holdfast.json');
    return {
      file,
      write: async () => (await import('node:fs/promises')).writeFile(file, JSON.stringify(config)),
      options: {
        args: [
          MAIN,
          'stdio',
          '--config',
          file,
          '--data-dir',
          join(folder, 'data'),
          '--view',
          'passthrough',
          '--log-level',
          'trace',
        ],
        env: { PATH: process.env.PATH ?? '', HOME: folder, ...env },
      },
    };
  };

  it.each(['2025-11-25', '2026-07-28'])(
    '%s: every line on stdout is JSON-RPC, whatever the servers do (F-G12)',
    async (revision) => {
      await withTempDir(async (folder) => {
        const setup = standalone(
          {
            upstreams: {
              noisy: faulty('noise-lines'),
              banner: faulty('banner'),
              flood: faulty('floods-stderr'),
              crash: faulty('crashes-at-every-start'),
              missing: { command: '/does/not/exist' },
              good: faulty('healthy'),
            },
          },
          folder,
        );
        await setup.write();
        await using client = new StdioClient(process.execPath, { ...setup.options, revision });
        await client.initialize();
        for (const name of ['good__read', 'noisy__read', 'banner__read', 'flood__read']) {
          expect(textOf(await client.call(name, { nonce: name, fault: true }))).toBe(name);
        }
        for (const wrong of ['not json', '[]', '{"jsonrpc":"1.0"}', '', '{"jsonrpc":"2.0","id":1,"method":"nope"}'])
          client.write(wrong);
        expect((await client.toolNames()).length).toBeGreaterThan(8);
        expect(client.noise).toEqual([]);
      });
    },
    40_000,
  );

  it('an answer that its server wrote over several lines is one line here (F-G12)', async () => {
    await withTempDir(async (folder) => {
      const { createServer } = await import('node:http');
      const server = createServer((incoming, response) => {
        let body = '';
        incoming.on('data', (piece: Buffer) => {
          body += String(piece);
        });
        incoming.on('end', () => {
          const { id, method } = JSON.parse(body || '{}') as { id?: number; method?: string };
          if (id === undefined) return response.writeHead(202).end();
          if (method === 'server/discover') return response.writeHead(400).end('{}');
          const results: Record<string, object> = {
            initialize: {
              protocolVersion: '2025-11-25',
              capabilities: { tools: {} },
              serverInfo: { name: 'p', version: '1' },
            },
            'tools/list': { tools: [{ name: 'pretty', inputSchema: { type: 'object' } }] },
            'tools/call': { content: [{ type: 'text', text: 'over\nlines' }], n: [1, 2] },
          };
          response.writeHead(200, { 'content-type': 'application/json' });
          return response.end(JSON.stringify({ jsonrpc: '2.0', id, result: results[method ?? ''] ?? {} }, null, 2));
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as { port: number };
      const setup = standalone({ upstreams: { p: { url: `http://127.0.0.1:${port}/mcp` } } }, folder);
      await setup.write();
      const client = new StdioClient(process.execPath, setup.options);
      await client.initialize();
      expect(textOf(await client.call('p__pretty'))).toBe('over\nlines');
      expect(client.noise).toEqual([]);
      await client.close();
      server.close();
      server.closeAllConnections();
    });
  });

  it.each(['EOF', 'SIGTERM', 'SIGINT', 'stdout'] as const)(
    'ends within 5 s with its children: %s (F-G10)',
    async (how) => {
      await withTempDir(async (folder) => {
        const setup = standalone(
          {
            upstreams: { stubborn: faulty('ignores-term'), good: faulty('healthy'), slow: faulty('never-handshakes') },
          },
          folder,
        );
        await setup.write();
        const client = new StdioClient(process.execPath, setup.options);
        await client.initialize();
        expect(textOf(await client.call('good__read', { nonce: 'n' }))).toBe('n');
        const hanging = client.call('good__read', { nonce: 'n', fault: true }).catch(() => undefined);
        await hanging;
        const under = processesUnder(client.program.pid);
        expect(under.length).toBeGreaterThanOrEqual(3);
        const began = performance.now();
        if (how === 'EOF') client.program.child.stdin?.end();
        else if (how === 'stdout') {
          client.program.child.stdout?.destroy();
          for (let index = 0; index < 3; index++)
            client.write({ jsonrpc: '2.0', id: 100 + index, method: 'tools/list' });
        } else client.program.signal(how);
        const { code } = await client.program.exited;
        expect(performance.now() - began).toBeLessThan(20_000);
        expect(code).toBe(0);
        await waitGone(under);
      });
    },
    30_000,
  );

  it('what was asked before stdin closed is still answered', async () => {
    const program = new Program(process.execPath, {
      args: [MAIN, 'stdio', '--standalone', '--', process.execPath, PLAIN],
    });
    const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'pipe', version: '1' } };
    const lines = [
      { jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize },
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'echo', arguments: { piped: true } } },
    ];
    program.child.stdin?.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    expect(await program.exited).toMatchObject({ code: 0 });
    const answer = await waitFor(() => program.lines.find((line) => line.includes('"id":2')));
    expect(answer).toContain('piped');
  });

  describe('joined to the running gateway', () => {
    const joined = (revision = '2025-11-25') =>
      new StdioClient(process.execPath, { args: [MAIN, 'stdio', ...here(), '--config', gateway.configPath], revision });

    it.each(['2025-11-25', '2026-07-28'])('%s: calls, progress, cancellation, lists', async (revision) => {
      await using client = joined(revision);
      await client.initialize();
      const answer = await client.exchange(
        'tools/call',
        { name: 'plain__progress', arguments: {} },
        { progressToken: 't' },
      );
      expect(answer.before.filter(({ method }) => method === 'notifications/progress')).toHaveLength(3);
      const running = async () => {
        const { performance: of } = (await (await fetch(`${gateway.url}/metrics`)).json()) as {
          performance: Record<string, { current_concurrent: number }>;
        };
        return of.plain?.current_concurrent;
      };
      await waitFor(async () => (await running()) === 0);
      const stop = new AbortController();
      const hang = client.exchange('tools/call', { name: 'plain__hang' }, { signal: stop.signal });
      await waitFor(async () => (await running()) === 1);
      stop.abort();
      await waitFor(async () => (await running()) === 0);
      // Its place is free, the next call is answered, and nothing came for the cancelled one.
      expect(textOf(await client.call('plain__echo', { big: 'x'.repeat(300_000) }))).toContain('xxx');
      expect(await Promise.race([hang, Promise.resolve('nothing')])).toBe('nothing');
      expect(client.noise).toEqual([]);
      expect(client.program.stderr).toContain('joined the gateway');
    });

    it('starts no servers of its own', async () => {
      await using client = joined();
      await client.initialize();
      expect(processesUnder(client.program.pid)).toEqual([]);
    });

    it('messages that come without waiting, batches and nonsense are all answered in JSON-RPC', async () => {
      const program = new Program(process.execPath, {
        args: [MAIN, 'stdio', ...here(), '--config', gateway.configPath],
      });
      const initialize = {
        protocolVersion: '2025-03-26',
        capabilities: {},
        clientInfo: { name: 'pipe', version: '1' },
      };
      const lines = [
        JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize }),
        JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }),
        JSON.stringify({
          jsonrpc: '2.0',
          id: 2,
          method: 'tools/call',
          params: { name: 'u__read', arguments: { nonce: 'n' } },
        }),
        '[{"jsonrpc":"2.0","id":3,"method":"ping"},{"jsonrpc":"2.0","id":4,"method":"ping"}]',
        'nonsense',
        '5',
        '{"jsonrpc":"2.0","id":6,"method":"nope"}',
      ];
      program.child.stdin?.write(lines.map((line) => `${line}\n`).join(''));
      const parsed = () =>
        program.lines.flatMap((line) => JSON.parse(line) as { id: unknown; error?: object; result?: object });
      await waitFor(() => [1, 2, 3, 4, 6].every((id) => parsed().some((message) => message.id === id)), {
        within: 30_000,
        what: () => program.lines.join('\n'),
      });
      expect(parsed().find(({ id }) => id === 2)).toHaveProperty('result');
      expect(parsed().filter(({ id }) => id === null).length).toBe(2);
      await program.stop({ signal: 'EOF' });
    });
  });
});
