// The handler `script` with real programs: what they get, what they give, and that nothing of them stays.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { createCustomUpstream } from '../../src/custom/index.ts';
import { processInfo } from '../support/processes.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait.ts';
import { faultOf, make, tool } from './support.ts';

const allow = ['script' as const];

async function folder(files: Record<string, string>): Promise<string> {
  const directory = await makeTempDir('script');
  onTestFinished(() => removeDir(directory));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return directory;
}

/** A zombie that nobody reaps runs nothing any more. */
const alive = (pid: number): boolean => !['Z', undefined].includes(processInfo(pid)?.state);

const REPORT = `
let input = '';
for await (const chunk of process.stdin) input += chunk;
console.log(JSON.stringify({ input: JSON.parse(input), env: process.env, argv: process.argv.slice(2), cwd: process.cwd() }));
`;

describe('what a script gets (D-40, reliability §4)', () => {
  it('arguments on stdin and in the environment, and little else', async () => {
    const directory = await folder({ 'report.mjs': REPORT });
    process.env.HOLDFAST_PLANTED_KEY = 'planted';
    process.env.SOME_API_KEY = 'planted';
    onTestFinished(() => {
      delete process.env.HOLDFAST_PLANTED_KEY;
      delete process.env.SOME_API_KEY;
    });
    const { text } = make(
      { allow, tools: [tool('report', { type: 'script', script: 'report.mjs', env: { MODE: 'fast' } })] },
      { directory },
    );
    const args = { city: "Köln'; rm -rf / #", days: 3, list: [1], 'PATH=': 'x', LD_PRELOAD: '/tmp/x.so' };
    const seen = JSON.parse(await text('report', args)) as {
      input: unknown;
      env: Record<string, string>;
      argv: string[];
      cwd: string;
    };
    expect(seen.input).toEqual(args);
    expect(seen.argv).toEqual([]);
    expect(seen.cwd).toBe(directory);
    expect(seen.env).toMatchObject({
      MODE: 'fast',
      HOLDFAST_TOOL: 'report',
      HOLDFAST_ARGUMENTS: JSON.stringify(args),
      HOLDFAST_ARG_city: args.city,
      HOLDFAST_ARG_days: '3',
      HOLDFAST_ARG_LD_PRELOAD: '/tmp/x.so',
      PATH: process.env.PATH,
    });
    expect(Object.keys(seen.env)).not.toContain('LD_PRELOAD');
    expect(JSON.stringify(seen.env)).not.toContain('planted');
  });

  it.each([
    ['a.js', undefined, 'process.stdout.write("node " + process.env.HOLDFAST_ARG_q)', 'node x'],
    ['a.py', undefined, 'import json, sys\nprint("python", json.load(sys.stdin)["q"])', 'python x'],
    ['a.sh', undefined, 'read -r line\necho "bash $HOLDFAST_ARG_q $line"', 'bash x {"q":"x"}'],
    ['plain', 'bash' as const, 'echo "no ending"', 'no ending'],
  ])('%s runs under its interpreter', async (script, interpreter, source, output) => {
    const directory = await folder({ [script]: source });
    const handler = { type: 'script', script, ...(interpreter && { interpreter }) };
    const { text } = make({ allow, tools: [tool('run', handler)] }, { directory });
    expect(await text('run', { q: 'x' })).toBe(output);
  });
});

describe('what a script gives (D-40)', () => {
  const run = async (source: string, more: object = {}) => {
    const directory = await folder({ 'a.mjs': source });
    return make({ allow, tools: [tool('run', { type: 'script', script: 'a.mjs', ...more })] }, { directory });
  };

  it('a result of its own where it prints one', async () => {
    const result = { content: [{ type: 'image', data: 'AQID', mimeType: 'image/png' }], isError: false };
    const { call } = await run(`console.log(JSON.stringify(${JSON.stringify(result)}))`);
    expect(await call('run')).toEqual(result);
  });

  it('a failure where it exits with one; what it wrote to stderr is for the operator', async () => {
    const { call, events } = await run('console.log("no such city"); console.error("planted detail"); process.exit(3)');
    expect(await call('run')).toEqual({ content: [{ type: 'text', text: 'no such city' }], isError: true });
    expect(JSON.stringify(events)).toContain('planted detail');
    const silent = await run('process.exit(4)');
    expect(await silent.text('run')).toBe('the script ended with code 4');
    const killed = await run('process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000)');
    expect(await killed.text('run')).toBe('the script ended with signal SIGKILL');
  });

  it('no more than max_size', async () => {
    const { call } = await run('const more = () => process.stdout.write("x".repeat(65536), more); more();', {
      max_size: '128KB',
    });
    expect((await faultOf(call('run'))).fault).toBe('RESULT_TOO_LARGE');
  });

  it('a clear fault where the file is not there', async () => {
    const { call } = make(
      { allow, tools: [tool('run', { type: 'script', script: 'gone.py' })] },
      { directory: '/nonexistent' },
    );
    const fault = await faultOf(call('run'));
    expect([fault.fault, fault.delivery]).toEqual(['UPSTREAM_START_FAILED', 'not-sent']);
    expect(fault.message).toBe('the script of "run" cannot be read (ENOENT)');
  });
});

describe('the end of a script (reliability §4, Processes)', () => {
  const STUBBORN = `
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
process.on('SIGTERM', () => {});
const child = spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'], { stdio: 'ignore' });
writeFileSync('pids', process.pid + ' ' + child.pid);
setInterval(() => {}, 1000);
`;
  const pids = async (directory: string) => {
    const text = await waitFor(() => readFile(join(directory, 'pids'), 'utf8').catch(() => ''));
    return text.split(' ').map(Number);
  };

  it.each(['timeout', 'cancel', 'stop'])('%s ends the whole group, however deaf it is', async (how) => {
    const directory = await folder({ 'a.mjs': STUBBORN });
    const handler = { type: 'script', script: 'a.mjs', timeout: how === 'timeout' ? '700ms' : '60s' };
    const { call, upstream } = make({ allow, tools: [tool('run', handler)] }, { directory });
    const abort = new AbortController();
    const fault = faultOf(call('run', {}, { signal: abort.signal }));
    const group = await pids(directory);
    expect(group.every(alive)).toBe(true);
    if (how === 'cancel') abort.abort();
    if (how === 'stop') await upstream.stop({ drain: 0, reason: 'removed' });
    const names = { timeout: 'UPSTREAM_TIMEOUT', cancel: 'CANCELLED', stop: 'UPSTREAM_NOT_READY' };
    expect([(await fault).fault, (await fault).delivery]).toEqual([names[how as keyof typeof names], 'maybe-sent']);
    if (how === 'stop') expect(group.some(alive)).toBe(false);
    await waitFor(() => !group.some(alive), { what: 'the group to be gone' });
  });

  it('what it left behind goes with it', async () => {
    const source = `
import { spawn } from 'node:child_process';
const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
child.unref();
console.log(child.pid);
`;
    const directory = await folder({ 'a.mjs': source });
    const { text } = make({ allow, tools: [tool('run', { type: 'script', script: 'a.mjs' })] }, { directory });
    const pid = Number(await text('run'));
    expect(pid).toBeGreaterThan(1);
    await waitFor(() => !alive(pid), { what: 'the grandchild to be gone' });
  });
});

it('a script that is not switched on is refused, whoever made the setup (X-71)', () => {
  const loaded = parseConfig(
    { customTools: { allow, tools: [tool('run', { type: 'script', script: 'a.sh' })] } },
    { env: {} },
  );
  if (!loaded.ok) throw new Error('refused');
  const { events, ...setup } = {
    events: { emit: () => undefined } as never,
    directory: '/',
    dispatch: () => Promise.reject(new Error('no')),
  };
  expect(() => createCustomUpstream({ ...loaded.config.customTools, allow: [], ...setup, events })).toThrow(
    /does not name that/,
  );
});
