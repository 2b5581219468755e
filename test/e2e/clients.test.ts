// Other programs: their servers into the gateway, the gateway into their files, and back (E-01 … E-05, E-20, 8.2).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLIENTS, type ClientPlaces } from '../../src/cli/clients.ts';
import { startGateway } from '../support/gateway.ts';
import { MAIN, holdfast as run } from '../support/holdfast.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';

let home: string;
beforeEach(async () => {
  home = await makeTempDir('clients');
});
afterEach(() => removeDir(home));

const holdfast = (...args: string[]) => run(args, { home });
const own = () => join(home, '.config/holdfast/holdfast.json');

async function put(path: string, content: object | string): Promise<string> {
  const file = join(home, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  return file;
}
const json = async (file: string) => JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;

describe('where programs keep their servers', () => {
  const paths = (id: string, places: Partial<ClientPlaces>) =>
    CLIENTS.find((client) => client.id === id)
      ?.files({ env: {}, platform: 'linux', cwd: '/w', ...places })
      .map(({ path }) => path.replaceAll('\\', '/'));

  it('on every system, and where a variable says so', () => {
    const HOME = '/home/ann';
    expect(paths('claude-desktop', { env: { HOME } })).toEqual(['/home/ann/.config/Claude/claude_desktop_config.json']);
    expect(paths('claude-desktop', { env: { HOME: '/Users/ann' }, platform: 'darwin' })).toEqual([
      '/Users/ann/Library/Application Support/Claude/claude_desktop_config.json',
    ]);
    expect(paths('vscode', { env: { APPDATA: '/ann/Roaming' }, platform: 'win32' })).toEqual([
      '/ann/Roaming/Code/User/mcp.json',
      '/w/.vscode/mcp.json',
    ]);
    expect(paths('vscode', { env: { HOME, XDG_CONFIG_HOME: '/x' } })?.[0]).toBe('/x/Code/User/mcp.json');
    expect(paths('codex', { env: { HOME, CODEX_HOME: '/c' } })).toEqual(['/c/config.toml']);
    expect(paths('claude-code', { env: { HOME } })).toEqual(['/home/ann/.claude.json', '/w/.mcp.json']);
    expect(paths('xiaozhi-client', { env: { HOME, XIAOZHI_CONFIG_DIR: 'x' } })?.[0]).toBe('/w/x/xiaozhi.config.json');
  });
});

describe('holdfast import', () => {
  it('finds all programs, tells names that collide and what is there already, and asks before it changes', async () => {
    const same = { command: 'npx', args: ['-y', 'server-github'], env: { GITHUB_TOKEN: '${GITHUB_TOKEN}' } };
    await put('.config/Claude/claude_desktop_config.json', {
      mcpServers: { github: same, files: { command: 'files-a' } },
    });
    await put(
      '.cursor/mcp.json',
      `{\n  // mine\n  "mcpServers": { "files": { "command": "files-b" }, "gh": ${JSON.stringify(same)} },\n}`,
    );
    await put('.codex/config.toml', 'model = "x"\n\n[mcp_servers.docs]\nurl = "https://docs.example/mcp"\n');
    await put('.claude.json', {
      numStartups: 3,
      mcpServers: { holdfast: { type: 'http', url: 'http://127.0.0.1:8000/mcp' } },
    });
    await put('.gemini/settings.json', { theme: 'dark' });
    await put('mcp_settings.json', {
      mcpServers: { weather: { command: 'weather' } },
      groups: [{ id: '1', name: 'day', servers: ['weather'] }],
      users: [{ username: 'admin', password: '$2b$10$hash' }],
    });
    const asked = await holdfast('import');
    expect(asked).toMatchObject({ code: 2, err: expect.stringContaining('--yes') });
    expect(existsSync(own())).toBe(false);
    const dry = await holdfast('import', '--dry-run', '--json');
    expect(JSON.parse(dry.out)).toMatchObject({ changed: false, dryRun: true });
    const done = await holdfast('import', '--yes');
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining(`written to ${own()}`) });
    expect(done.err).toMatch(/\+ files {2}as files-cursor: the name is taken by another server/);
    expect(done.err).toMatch(/= gh {2}is there already as github/);
    expect(done.err).toContain('this id is reserved');
    expect(done.err).toContain('holdfast  is this gateway; left out');
    expect(done.err).toMatch(/settings\.json {2}\(no servers\)/);
    expect(await json(own())).toEqual({
      upstreams: {
        github: { command: 'npx', args: ['-y', 'server-github'], env: { GITHUB_TOKEN: '${env:GITHUB_TOKEN}' } },
        files: { command: 'files-a' },
        'files-cursor': { command: 'files-b' },
        'docs-1': { url: 'https://docs.example/mcp' },
        weather: { command: 'weather' },
      },
      views: { day: { upstreams: ['weather'], tools: { allow: ['weather/*'] } } },
    });
    const again = await holdfast('import');
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining('nothing to import') });
  });

  it('takes over into the running gateway, without its own entry', async () => {
    await using gateway = await startGateway({ config: { upstreams: {} } });
    const file = await put('.mcp.json', {
      mcpServers: { holdfast: { type: 'http', url: `${gateway.url}/mcp` }, gone: { command: '/does/not/exist' } },
    });
    const done = await holdfast('import', file, '--yes', '--data-dir', gateway.dataDir);
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining('+ gone') });
    expect(done.err).toContain('· holdfast  is this gateway; left out');
    await gateway.upstreamsIn(['gone'], 'failed');
    expect(Object.keys((await gateway.health()).upstreams)).toEqual(['gone']);
  });

  it('says what it looked for, what cannot be read and which name was meant', async () => {
    const none = await holdfast('import');
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining('Claude Desktop: ') });
    expect(await holdfast('import', 'curser')).toMatchObject({ code: 2, err: expect.stringContaining('cursor') });
    expect(await holdfast('import', 'cursor')).toMatchObject({
      code: 1,
      err: expect.stringContaining('.cursor/mcp.json'),
    });
    const broken = await put('.cursor/mcp.json', '{ "mcpServers": { "a": ');
    const refused = await holdfast('import', 'cursor', '--yes');
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining(`${broken}:1:`) });
    expect(existsSync(own())).toBe(false);
  });

  it('makes a native file of a foreign one and what was changed over it; never over an old one (10.16, E-05)', async () => {
    const foreign = await put('mcp.json', {
      mcpServers: { a: { command: 'x', colour: 'red' }, b: { command: 'y' } },
      theme: 'dark',
    });
    await holdfast('disable', 'b', '--config', foreign);
    const native = join(home, 'native.json');
    const done = await holdfast('import', foreign, '--write', native);
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining('2 upstreams') });
    expect(await json(native)).toEqual({
      version: 1,
      upstreams: { a: { command: 'x' }, b: { command: 'y', enabled: false } },
      extensions: { 'mcp-servers': { mcpServers: { a: { colour: 'red' } }, theme: 'dark' } },
    });
    const again = await holdfast('import', foreign, '--write', native);
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('exists already') });
    expect((await holdfast('list', '--config', native)).out).toMatch(/^a +enabled/);
  });

  it('asks for what VS Code asks for: passwords go to the store of secrets, other values into the file', async () => {
    const file = await put('.vscode/mcp.json', {
      inputs: [
        { type: 'promptString', id: 'gh-token', description: 'GitHub token', password: true },
        { type: 'pickString', id: 'region', description: 'Region', options: ['eu', 'us'], default: 'eu' },
      ],
      servers: {
        github: {
          url: 'https://api.example/${input:region}/mcp',
          headers: { Authorization: 'Bearer ${input:gh-token}' },
        },
      },
    });
    const header = { Authorization: 'Bearer ${secret:gh-token}' };
    const secrets = async () => (await holdfast('secret', 'list')).out;
    const open = await holdfast('import', file, '--yes', '--dry-run');
    expect(open.err).toContain('HOLDFAST_INPUT_GH_TOKEN');
    const wrong = await holdfast('import', file, '--yes', '--input', 'region=mars');
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('eu, us') });
    expect(await holdfast('import', file, '--yes', '--input', 'regoin=eu')).toMatchObject({ code: 2 });
    expect(existsSync(own())).toBe(false);

    // Without a terminal: by variable and option.
    const env = { HOLDFAST_INPUT_GH_TOKEN: 'planted-input-1' };
    const given = await run(['import', file, '--yes', '--input', 'region=us'], { home, env });
    expect(given.code).toBe(0);
    expect(await json(own())).toEqual({
      upstreams: { github: { url: 'https://api.example/us/mcp', headers: header } },
    });
    expect(await secrets()).toMatch(/^gh-token {2}set/);
    expect((await holdfast('config', 'check')).err).toBe('');
    expect((await holdfast('import', file, '--yes')).out).toContain('everything is there already');
    expect(given.out + given.err).not.toContain('planted');
  });

  it.skipIf(!existsSync('/usr/bin/script'))('asks on a terminal, where a password is not shown', async () => {
    const file = await put('.vscode/mcp.json', {
      inputs: [
        { type: 'promptString', id: 'gh-token', description: 'GitHub token', password: true },
        { type: 'promptString', id: 'team', description: 'Team', default: 'blue' },
      ],
      servers: { github: { command: 'gh', args: ['${input:team}'], env: { TOKEN: '${input:gh-token}' } } },
    });
    const command = [process.execPath, MAIN, 'import', file].join(' ');
    const terminal = spawn('/usr/bin/script', ['-qefc', command, '/dev/null'], {
      cwd: home,
      env: { PATH: process.env.PATH ?? '', HOME: home, TERM: 'xterm' },
    });
    let seen = '';
    const answers: [RegExp, string][] = [
      [/Do it\?/, 'y\r'],
      [/GitHub token: /, 'planted-input-2\r'],
      [/Team \[blue\]: /, '\r'],
    ];
    terminal.stdout.on('data', (chunk) => {
      seen += String(chunk);
      const [question, answer] = answers[0] ?? [];
      if (question?.test(seen) !== true) return;
      answers.shift();
      terminal.stdin.write(answer);
    });
    const [code] = (await once(terminal, 'exit')) as [number];
    expect([code, seen]).toEqual([0, expect.not.stringContaining('planted')]);
    expect(await json(own())).toEqual({
      upstreams: { github: { command: 'gh', args: ['blue'], env: { TOKEN: '${secret:gh-token}' } } },
    });
    expect((await holdfast('secret', 'list')).out).toMatch(/^gh-token {2}set/);
  });
});

describe('holdfast export', () => {
  it('prints other formats without secrets, writes them whole into a new file, and tells what has no place', async () => {
    const headers = { Authorization: 'Bearer planted-secret-3' };
    const upstreams = { a: { command: 'x', serial: true }, b: { url: 'https://b.example/mcp', headers } };
    const config = await put('holdfast.json', { upstreams, views: { small: { upstreams: ['a'] } } });
    const shown = await holdfast('export', 'vscode', '--config', config);
    expect(shown.code).toBe(0);
    expect(shown.out + shown.err).not.toContain('planted-secret-3');
    expect(shown.err).toContain('vscode has no place for upstreams.a.serial, views');
    expect(JSON.parse(shown.out)).toMatchObject({ servers: { a: { type: 'stdio', command: 'x' } } });
    const file = join(home, 'codex.toml');
    expect((await holdfast('export', 'codex', '--config', config, '--write', file)).code).toBe(0);
    expect(await readFile(file, 'utf8')).toContain('planted-secret-3');
    expect((await holdfast('list', '--config', file)).out).toMatch(/^a .*\nb /);
    expect(await holdfast('export', 'codex', '--config', config, '--write', file)).toMatchObject({ code: 2 });
    expect(await holdfast('export', 'vscod', '--config', config)).toMatchObject({
      code: 2,
      err: expect.stringContaining('vscode'),
    });
  });
});

describe('holdfast connect (E-20)', () => {
  it('writes an address, is idempotent, and --undo gives back the file byte for byte', async () => {
    await using gateway = await startGateway({ config: { upstreams: {} } });
    const onto = ['--data-dir', gateway.dataDir];
    const before = '{\n  // mine\n  "mcpServers": {\n    "a": { "command": "x" }, // keep\n  },\n}\n';
    const cursor = await put('dotfiles/mcp.json', before);
    await mkdir(join(home, '.cursor'));
    await symlink(cursor, join(home, '.cursor/mcp.json'));
    const done = await holdfast('connect', 'cursor', ...onto);
    expect(done).toMatchObject({ code: 0, err: '' });
    const text = await readFile(cursor, 'utf8');
    expect(text).toContain('// mine');
    expect(text).toContain('// keep');
    expect(text).toContain(`"url": "${gateway.url}/mcp"`);
    expect((await lstat(join(home, '.cursor/mcp.json'))).isSymbolicLink()).toBe(true);
    expect((await holdfast('connect', 'cursor', ...onto)).out).toContain('is connected already');
    expect(await readFile(cursor, 'utf8')).toBe(text);
    expect((await holdfast('connect', 'cursor', '--undo', ...onto)).out).toContain('as it was');
    expect(await readFile(cursor, 'utf8')).toBe(before);
    expect(existsSync(`${cursor}.before-holdfast`)).toBe(false);
    expect((await holdfast('connect', 'cursor', '--undo')).out).toContain('is not connected');
  });

  it('keeps what others have written since; a file that was not there goes again', async () => {
    const config = await put('holdfast.json', { upstreams: {} });
    const desktop = join(home, '.config/Claude/claude_desktop_config.json');
    const made = await holdfast('connect', 'claude-desktop', '--config', config);
    expect(made.code).toBe(0);
    expect(await json(desktop)).toEqual({
      mcpServers: {
        holdfast: {
          command: process.execPath,
          args: [expect.stringMatching(/dist\/main\.js$/), 'stdio', '--config', config],
        },
      },
    });
    expect((await holdfast('connect', 'claude-desktop', '--undo')).out).toContain('gone again');
    expect(existsSync(desktop)).toBe(false);
    const claude = await put('.claude.json', '{ "numStartups": 1 }');
    await holdfast('connect', 'claude-code', '--stdio', '--config', config);
    await writeFile(claude, (await readFile(claude, 'utf8')).replace('"numStartups": 1', '"numStartups": 2'));
    expect((await holdfast('connect', 'claude-code', '--undo')).out).toContain('the rest of the file stays');
    expect(await json(claude)).toEqual({ numStartups: 2, mcpServers: {} });
  });

  it('TOML keeps its comments; a key stands in the file and never in the output (X-67)', async () => {
    await using gateway = await startGateway({ config: { upstreams: {} } });
    const before = '# mine\nmodel = "x" # keep\n\n[mcp_servers.a]\ncommand = "y"\n\n[tools]\nweb = true\n';
    const codex = await put('.codex/config.toml', before);
    const done = await holdfast('connect', 'codex', '--url', gateway.url, '--api-key', 'very-secret-key-1');
    expect(done).toMatchObject({ code: 0, err: '' });
    expect(done.out).not.toContain('very-secret-key-1');
    const text = await readFile(codex, 'utf8');
    expect(text).toContain('# mine\nmodel = "x" # keep\n');
    expect(text).toContain('[mcp_servers.holdfast]');
    expect(text).toContain('very-secret-key-1');
    await holdfast('connect', 'codex', '--url', gateway.url, '--view', 'converged');
    expect(await readFile(codex, 'utf8')).toContain(`${gateway.url}/mcp/converged`);
    expect(await readFile(codex, 'utf8')).not.toContain('very-secret-key-1');
    expect((await holdfast('connect', 'codex', '--undo')).code).toBe(0);
    expect(await readFile(codex, 'utf8')).toBe(before);
  });

  it('writes the form each client reads, and what it wrote is read back as this gateway', async () => {
    await using gateway = await startGateway({ config: { upstreams: {} } });
    const forms: Record<string, object> = {
      'claude-code': { mcpServers: { holdfast: { type: 'http', url: `${gateway.url}/mcp` } } },
      vscode: { servers: { holdfast: { type: 'http', url: `${gateway.url}/mcp` } } },
      windsurf: { mcpServers: { holdfast: { serverUrl: `${gateway.url}/mcp` } } },
      gemini: { mcpServers: { holdfast: { httpUrl: `${gateway.url}/mcp` } } },
    };
    for (const [client, form] of Object.entries(forms)) {
      const done = await holdfast('connect', client, '--url', gateway.url, '--json');
      const { file } = JSON.parse(done.out) as { file: string };
      expect([client, await json(file)]).toEqual([client, form]);
    }
    const found = await holdfast('import', '--data-dir', gateway.dataDir);
    expect(found.err.match(/is this gateway/g)).toHaveLength(4);
  });

  it('leaves a broken file alone, needs a gateway for an address, and knows near names', async () => {
    const file = await put('.cursor/mcp.json', '{ "mcpServers": [ }');
    expect(await holdfast('connect', 'cursor', '--url', 'http://127.0.0.1:1')).toMatchObject({ code: 2 });
    expect(await readFile(file, 'utf8')).toBe('{ "mcpServers": [ }');
    expect(await holdfast('connect', 'windsurf')).toMatchObject({ code: 5, err: expect.stringContaining('--stdio') });
    expect(await holdfast('connect', 'windsrf')).toMatchObject({ code: 2, err: expect.stringContaining('windsurf') });
    expect(await holdfast('connect', 'mcphub')).toMatchObject({ code: 2 });
  });
});
