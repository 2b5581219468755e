// Every example is started as its README says, with `holdfast` in PATH, and does what it is there for.
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyHttpClient } from './support/legacy-http-client.ts';
import { ModernHttpClient } from './support/modern-http-client.ts';
import { processesUnder } from './support/processes.ts';
import { Program } from './support/program.ts';
import type { Json } from './support/rpc.ts';
import { StdioClient } from './support/stdio-client.ts';
import { makeTempDir, removeDir } from './support/temp-dir.ts';
import { waitFor } from './support/wait.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const MAIN = join(root, 'dist/main.js');

let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await makeTempDir('examples');
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await symlink(MAIN, join(bin, 'holdfast'));
  // Where npx finds the servers without a network.
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await cp(join(root, 'examples'), join(folder, 'examples'), { recursive: true });
  env = { PATH: `${bin}:${process.env.PATH}`, HOME: folder, XDG_STATE_HOME: join(folder, 'state'), LANG: 'C.UTF-8' };
});

afterAll(() => removeDir(folder));

const at = (...path: string[]) => join(folder, 'examples', ...path);
const json = async (...path: string[]) => JSON.parse(await readFile(at(...path), 'utf8')) as Json;

/** Orphans of `npx` may wait a while for process 1 to collect them. */
const PATIENT = { settle: 10_000 };

async function serve(cwd: string, ...args: string[]): Promise<{ program: Program; url: string }> {
  const program = new Program('holdfast', { args: ['serve', '--port', '0', ...args], cwd, env });
  const [, url = ''] = await program.line(/^holdfast ready (http\S+)/);
  return { program, url };
}

/** Names of the tools at an address, once there are any that `wanted` accepts. */
async function toolsAt(url: string, wanted: (names: string[]) => boolean = (names) => names.length > 0) {
  await using client = new LegacyHttpClient(url);
  await client.initialize();
  return await waitFor(
    async () => {
      const { tools } = (await client.request('tools/list')) as { tools: { name: string }[] };
      const names = tools.map(({ name }) => name);
      return wanted(names) && names;
    },
    { within: 25_000, every: 100, what: `tools at ${url}` },
  );
}

/** The address in a client's file, at the port that the gateway really has. */
function addressed(address: unknown, url: string): string {
  expect(String(address)).toMatch(/^http:\/\/127\.0\.0\.1:8000\/mcp/);
  return url + new URL(String(address)).pathname;
}

describe('examples', () => {
  it('are all here, and in the list', async () => {
    const folders = (await readdir(join(root, 'examples'), { withFileTypes: true })).filter((one) => one.isDirectory());
    const list = await readFile(join(root, 'examples/README.md'), 'utf8');
    const source = await readFile(import.meta.filename, 'utf8');
    for (const { name } of folders) {
      expect(list).toContain(`(${name}/README.md)`);
      expect(source).toMatch(new RegExp(`it\\(['"]${name}:`));
    }
  });

  it('claude-desktop: the command in its file serves the servers over stdio', async () => {
    const { holdfast } = (await json('claude-desktop/claude_desktop_config.json')).mcpServers as Record<
      string,
      { command: string; args: string[] }
    >;
    const args = holdfast?.args.map((arg) => arg.replace('/absolute/path/to', at('claude-desktop'))) ?? [];
    const cwd = at('claude-desktop');
    await using client = new StdioClient('holdfast', { args: [...args, '--view', 'passthrough'], cwd, env });
    expect(holdfast?.command).toBe('holdfast');
    await client.initialize();
    const names = await waitFor(
      async () => {
        const { tools } = (await client.request('tools/list')) as { tools: { name: string }[] };
        const found = tools.map(({ name }) => name);
        return found.includes('memory__read_graph') && found.includes('thinking__sequentialthinking') && found;
      },
      { within: 25_000, every: 100 },
    );
    expect(names.length).toBeGreaterThan(5);
    expect(client.noise).toEqual([]);
  });

  it('cursor: the address in its file shows everything behind three tools', async () => {
    const { program, url } = await serve(at('cursor'), '--config', 'servers.json');
    await using _ = program;
    const file = (await json('cursor/mcp.json')).mcpServers as Record<string, { url: string }>;
    expect(await toolsAt(addressed(file.holdfast?.url, url))).toEqual(['inspect', 'exec', 'resources']);
    await using client = new ModernHttpClient(`${url}/mcp`);
    const call = { server_name: 'everything', tool_name: 'echo', arguments: { message: 'hi' } };
    const result = await client.request('tools/call', { name: 'exec', arguments: call });
    expect(result.content).toMatchObject([{ type: 'text', text: 'Echo: hi' }]);
    await program.stop(PATIENT);
  });

  it("vscode: VS Code's own file is served, and its workspace connects to every tool", async () => {
    const { program, url } = await serve(at('vscode'), '--config', 'servers.json');
    await using _ = program;
    const file = (await json('vscode/.vscode/mcp.json')).servers as Record<string, { url: string }>;
    expect(await toolsAt(addressed(file.holdfast?.url, url))).toContain('files__read_text_file');
    await using client = new ModernHttpClient(`${url}/mcp/files`);
    const call = { name: 'list_directory', arguments: { path: at('vscode') } };
    const { content } = (await client.request('tools/call', call)) as { content: { text: string }[] };
    expect(content[0]?.text).toContain('[FILE] servers.json');
    await program.stop(PATIENT);
  });

  it('single-command: one server under its own names, without a file', async () => {
    const args = ['--port', '0', '--data-dir', join(folder, 'single')];
    await using program = new Program(at('single-command/start.sh'), { args, cwd: at('single-command'), env });
    const [, url = ''] = await program.line(/^holdfast ready (http\S+)/);
    expect(await toolsAt(`${url}/mcp`)).toContain('echo');
    await program.stop(PATIENT);
  });

  it('views: each address shows what the file says, and a change concerns only what it names', async () => {
    const { program, url } = await serve(at('views'));
    await using _ = program;
    const has =
      (...wanted: string[]) =>
      (names: string[]) =>
        wanted.every((name) => names.includes(name));
    const all = await toolsAt(
      `${url}/mcp/passthrough`,
      has('everything__echo', 'memory__read_graph', 'files__read_file'),
    );
    expect(all.filter((name) => name.includes('delete_'))).toEqual([]);
    const reading = await toolsAt(`${url}/mcp/reading`);
    expect(reading).toEqual(expect.arrayContaining(['memory__read_graph', 'memory__search_nodes', 'files__read_file']));
    expect(reading.filter((name) => /everything|write|create|edit|move/.test(name))).toEqual([]);
    for (const view of ['mcp', 'mcp/small']) expect(await toolsAt(`${url}/${view}`)).toHaveLength(3);
    expect(await toolsAt(`${url}/mcp/memory`)).toContain('read_graph');

    const server = (name: string) => processesUnder(program.pid).filter(({ command }) => command.includes(name));
    const before = { memory: server('server-memory'), everything: server('server-everything') };
    const text = await readFile(at('views/holdfast.json'), 'utf8');
    await writeFile(
      at('views/holdfast.json'),
      text.replace(
        '"-y", "@modelcontextprotocol/server-everything"',
        '"-y", "@modelcontextprotocol/server-everything", "stdio"',
      ),
    );
    await waitFor(() => server('server-everything stdio').length > 0, {
      within: 15_000,
      every: 50,
      what: 'the change',
    });
    const pids = (list: { pid: number }[]) => list.map(({ pid }) => pid);
    expect(pids(server('server-memory'))).toEqual(pids(before.memory));
    expect(before.memory.length).toBeGreaterThan(0);
    // The old one serves until the new one is up, and is gone then.
    const old = new Set(pids(before.everything));
    const gone = () => server('server-everything').every(({ pid }) => !old.has(pid));
    await waitFor(gone, { within: 20_000, every: 50, what: 'the end of the old process' });
    expect(await toolsAt(`${url}/mcp/everything`)).toContain('echo');
    await program.stop(PATIENT);
  });

  it('embed: a program with a gateway inside calls a tool and leaves nothing', async () => {
    const { stdout } = await run(process.execPath, [join(root, 'examples/embed/main.mjs')], { env, cwd: at('embed') });
    expect(stdout).toContain('everything: starting → ready');
    expect(stdout).toContain('Echo: hello');
    expect(stdout.trim().split('\n').at(-1)).toBe('everything: stopping → stopped');
  });

  it('custom-transport: a server in memory behind the gateway', async () => {
    const { stdout } = await run(process.execPath, [join(root, 'examples/custom-transport/main.mjs')], { env });
    expect(stdout).toBe('1 + 2 + 39 = 42\n');
  });
});
