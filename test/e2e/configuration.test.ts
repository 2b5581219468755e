// `init`, `config` and completion, as a person or a shell uses them.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { MAIN, holdfast as run } from '../support/holdfast.ts';
import { Program } from '../support/program.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { faulty } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

let home: string;
beforeEach(async () => {
  home = await makeTempDir('configuration');
});
afterEach(() => removeDir(home));
const holdfast = (...args: string[]) => run(args, { home });

const installed = (program: string) => spawnSync(program, ['--version']).status === 0;
/** For the name of a test that is skipped. */
const missing = (program: string) => (installed(program) ? '' : ` (${program} is not installed)`);

describe('holdfast init', () => {
  it('writes a file that is read back, with what was found; never over one', async () => {
    await mkdir(join(home, '.cursor'));
    await writeFile(join(home, '.cursor/mcp.json'), '{ "mcpServers": { "files": { "command": "files" } } }');
    const file = join(home, '.config/holdfast/holdfast.json');
    const done = await holdfast('init', '--import', '--port', '9000');
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining('1 servers: files') });
    const text = await readFile(file, 'utf8');
    expect(text).toContain('// Where editors find');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(existsSync(/"\$schema": "(.*)"/.exec(text)?.[1] as string)).toBe(true);
    const shown = await holdfast('config', 'show');
    expect(JSON.parse(shown.out)).toMatchObject({
      version: 1,
      upstreams: { files: { command: 'files' } },
      server: { port: 9000 },
    });
    const again = await holdfast('init');
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('exists already') });
    expect(await readFile(file, 'utf8')).toBe(text);
    expect(await holdfast('init', 'other.json', '--import', 'vscode')).toMatchObject({ code: 2 });
    expect(await holdfast('init', 'other.json', '--port', 'x')).toMatchObject({ code: 2 });
    expect(await holdfast('init', 'other.json', '--json')).toMatchObject({
      code: 0,
      out: expect.stringContaining('"upstreams":[]'),
    });
  });
});

describe.skipIf(!installed('script'))(`holdfast init at a terminal${missing('script')}`, () => {
  /** Runs it in a terminal of its own, answering each question when it stands there. */
  const dialogue = async (args: string, answers: readonly (readonly [question: string, answer: string])[]) => {
    await using program = new Program('script', {
      args: ['--quiet', '--return', '--command', `${process.execPath} ${MAIN} init ${args}`, '/dev/null'],
      cwd: home,
      env: { PATH: process.env.PATH, HOME: home, TERM: 'dumb' },
    });
    let shown = '';
    program.child.stdout?.on('data', (text: Buffer) => {
      shown += text.toString();
    });
    for (const [question, answer] of answers) {
      await waitFor(() => shown.includes(question), { within: 20_000, what: () => shown });
      shown = shown.slice(shown.indexOf(question) + question.length);
      program.child.stdin?.write(answer);
    }
    const { code } = await program.exited;
    return { code, shown };
  };

  it('asks where, what to take over and which port; an empty answer is the one in brackets', async () => {
    await mkdir(join(home, '.cursor'));
    await writeFile(join(home, '.cursor/mcp.json'), '{ "mcpServers": { "files": { "command": "files" } } }');
    const file = join(home, 'asked.json');
    const done = await dialogue('', [
      ['Where shall the configuration be? [', `${file}\r`],
      ['Take over the servers of cursor? Names, all or none [all]', '\r'],
      ['Which port shall it listen on? [8000]', '9123\r'],
    ]);
    expect(done).toMatchObject({ code: 0, shown: expect.stringContaining(`written: ${file}`) });
    const shown = await holdfast('config', 'show', '--config', file);
    expect(JSON.parse(shown.out)).toMatchObject({ upstreams: { files: { command: 'files' } }, server: { port: 9123 } });
  });

  it('with a wrong answer or Ctrl+C writes nothing', async () => {
    const file = join(home, 'nothing.json');
    const wrong = await dialogue(file, [['Which port shall it listen on?', 'many\r']]);
    expect(wrong).toMatchObject({ code: 2, shown: expect.stringContaining('a port is a number from 0 to 65535') });
    const left = await dialogue(file, [['Which port shall it listen on?', '\u0003']]);
    expect(left.code).not.toBe(0);
    expect(left.shown).not.toMatch(/at .*:\d+:\d+/);
    expect(existsSync(file)).toBe(false);
  });
});

describe('holdfast config', () => {
  it('path names the file and nothing else on stdout', async () => {
    expect(await holdfast('config', 'path')).toMatchObject({ code: 1, out: '' });
    await writeFile(join(home, 'holdfast.json'), '{ "upstreams": {} }');
    expect(await holdfast('config', 'path')).toMatchObject({ code: 0, out: join(home, 'holdfast.json') });
    const named = await run(['config', 'path', '--json'], { home, env: { MCP_CONFIG: 'none.json' } });
    expect(JSON.parse(named.out)).toMatchObject({ by: 'MCP_CONFIG', exists: false });
  });

  it('check tells every problem with its place and exits with 2 (12.1, F-K1)', async () => {
    const file = join(home, 'mine.json');
    await writeFile(file, '{\n  "upstreams": {\n    "a": { "comand": "x" },\n    "b": { "command": 5 }\n  }\n}\n');
    const broken = await holdfast('config', 'check', file);
    expect(broken.code).toBe(2);
    expect(broken.err).toMatch(/mine\.json:3:.*"command"/);
    expect(broken.err).toMatch(/mine\.json:4:/);
    await writeFile(file, '{ "mcpServers": { "a": { "command": "x", "env": { "T": "${NOT_SET}" } } } }');
    const unset = await holdfast('config', 'check', file);
    expect(unset).toMatchObject({ code: 0, out: expect.stringContaining('is valid (mcp-servers, 1 upstreams)') });
    expect(unset.err).toContain('${env:NOT_SET} has no value');
    const json = JSON.parse((await holdfast('config', 'check', file, '--json')).out) as object;
    expect(json).toMatchObject({ ok: true, problems: [], format: 'mcp-servers' });
  });

  it('show and schema: no secret, every default on request, the schema that is published', async () => {
    const upstreams = { a: { url: 'https://x.example/mcp', headers: { Authorization: 'Bearer planted-secret-2' } } };
    await writeFile(join(home, 'holdfast.json'), JSON.stringify({ $schema: 'x.json', upstreams }));
    const short = await holdfast('config', 'show');
    const whole = await holdfast('config', 'show', '--effective');
    expect(short.out + whole.out).not.toContain('planted-secret-2');
    expect(JSON.parse(whole.out)).toMatchObject({ server: { port: 8000 }, upstreams: { a: { timeouts: {} } } });
    const schema = JSON.parse((await holdfast('config', 'schema')).out) as { properties: object };
    expect(schema.properties).toHaveProperty('$schema');
  });
});

describe('completion', () => {
  const words = async (...args: string[]) =>
    (await holdfast('__complete', '--', ...args)).out.split('\n').map((line) => line.split('\t')[0]);

  it('knows commands, options, choices, and the names of the running gateway', async () => {
    await using gateway = await startGateway({
      config: { upstreams: { files: faulty('healthy'), maps: faulty('healthy') } },
    });
    await gateway.upstreamsIn();
    const onto = ['--data-dir', gateway.dataDir];
    expect(await words('sta')).toEqual(['start', 'status']);
    expect(await words('config', '')).toEqual(expect.arrayContaining(['path', 'check', 'show', 'schema']));
    expect(await words('doctor', '--no')).toEqual(['--no-start']);
    expect(await words('endpoint', 're')).toEqual(['replace', 'remove']);
    expect(await words('connect', 'c')).toEqual(['claude-desktop', 'claude-code', 'cursor', 'codex']);
    expect(await words('call', ...onto, '')).toEqual(['files', 'maps']);
    expect(await words('call', ...onto, 'files', '')).toEqual(['read', 'put', 'write']);
    expect(await words('')).not.toContain('__complete');
    await writeFile(join(home, 'holdfast.json'), '{ "upstreams": { "offline": { "command": "x" } } }');
    expect(await words('remove', 'o')).toEqual(['offline']);
  });

  it('bash completes with it', async () => {
    const bin = join(home, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'holdfast'), `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`);
    await chmod(join(bin, 'holdfast'), 0o755);
    const script = `source <(holdfast completion bash)
      COMP_WORDS=(holdfast config ch); COMP_CWORD=2; _holdfast; echo "$COMPREPLY"
      complete -p holdfast`;
    const { stdout } = await promisify(execFile)('bash', ['-c', script], {
      env: { PATH: `${bin}:${process.env.PATH}`, HOME: home },
    });
    expect(stdout.trim().split('\n')).toEqual(['check', 'complete -F _holdfast holdfast']);
    expect(await holdfast('completion', 'tcsh')).toMatchObject({ code: 2 });
  });

  /** `holdfast` in PATH, for shells. */
  const withProgram = async () => {
    const bin = join(home, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'holdfast'), `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`);
    await chmod(join(bin, 'holdfast'), 0o755);
    await writeFile(join(home, 'holdfast.json'), '{ "upstreams": { "offline": { "command": "x" } } }');
    return { env: { PATH: `${bin}:${process.env.PATH}`, HOME: home, TERM: 'dumb' }, cwd: home, timeout: 40_000 };
  };

  it.skipIf(!installed('zsh'))(`zsh completes with it, in a real terminal${missing('zsh')}`, async () => {
    // No compinit before it: the script brings what it needs.
    const script = `zmodload zsh/zpty
      zpty z 'zsh -f -i'
      zpty -w z 'PROMPT=; source <(holdfast completion zsh); print loa""ded'
      zpty -r z seen '*loaded*'
      zpty -w -n z $'holdfast config ch\t'
      zpty -r z seen '*config check *'
      zpty -w -n z $'\x15holdfast remove off\t'
      zpty -r z seen '*remove offline *'
      print done`;
    const { stdout } = await promisify(execFile)('zsh', ['-f', '-c', script], await withProgram());
    expect(stdout).toContain('done');
  });

  it.skipIf(!installed('fish'))(`fish completes with it${missing('fish')}`, async () => {
    const script = `holdfast completion fish | source
      complete -C 'holdfast config ch'; complete -C 'holdfast remove off'; complete -C 'holdfast completion '`;
    const { stdout } = await promisify(execFile)('fish', ['--no-config', '-c', script], await withProgram());
    const words = stdout.split('\n').map((line) => line.split('\t')[0]);
    expect(words).toEqual(['check', 'offline', 'bash', 'fish', 'zsh', '']);
  });
});
