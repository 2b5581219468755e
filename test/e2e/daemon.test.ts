// The gateway in the background: started, found, followed, restarted and stopped by the commands (D-50, E-24).
import { copyFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { MAIN, holdfast as run } from '../support/holdfast.ts';
import { type ProcessInfo, processesUnder, processInfo, waitGone } from '../support/processes.ts';
import { Program } from '../support/program.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { faulty } from '../support/upstream.ts';
import { waitFor } from '../support/wait.ts';

let home: string;
let config: string;
let dataDir: string;
/** Every gateway that was started; none may outlive its test. */
let gateways: ProcessInfo[];

beforeEach(async () => {
  home = await makeTempDir('daemon');
  config = join(home, 'holdfast.json');
  dataDir = join(home, 'state');
  gateways = [];
  await writeFile(config, JSON.stringify({ upstreams: { u: faulty('healthy') }, server: { port: 0 } }));
});
afterEach(async () => {
  for (const { pid } of gateways.filter((one) => processInfo(one.pid)?.startTime === one.startTime))
    process.kill(pid, 'SIGTERM');
  await waitGone(gateways, 20_000);
  await removeDir(home);
});

const environment = () => ({ PATH: process.env.PATH ?? '', HOME: home });
const program = (...args: string[]) =>
  new Program(process.execPath, { args: [MAIN, ...args], cwd: home, env: environment() });
const holdfast = (...args: string[]) => run(args, { home });
const here = () => ['--config', config, '--data-dir', dataDir];

interface Told {
  event: string;
  url: string;
  pid: number;
  log: string;
}

async function started(...args: string[]): Promise<Told> {
  const { code, out, err } = await holdfast('start', ...here(), '--json', ...args);
  expect(err).toBe('');
  expect(code).toBe(0);
  return remember(JSON.parse(out) as Told);
}

function remember(told: Told): Told {
  const info = processInfo(told.pid);
  if (info !== undefined) gateways.push(info, ...processesUnder(told.pid));
  return told;
}

const live = async (url: string) => (await fetch(`${url}/health/live`)).status;

describe('start, status, stop (D-50, 12.1)', () => {
  it('comes back when it listens, in a session of its own; a second start finds it; stop leaves no process', async () => {
    const { url, pid, log } = await started();
    expect(await live(url)).toBe(200);
    expect(processInfo(pid)).toMatchObject({ sid: pid, ppid: expect.not.stringMatching(String(process.pid)) });
    expect((await stat(log)).mode & 0o777).toBe(0o600);
    const again = await holdfast('start', ...here());
    expect(again).toMatchObject({ code: 0, out: `holdfast runs already at ${url} (pid ${pid})` });
    const status = await holdfast('status', ...here());
    expect(status.out).toContain(`pid ${pid}, in the background, log ${log}`);
    await waitFor(() => processesUnder(pid).length > 0);
    remember({ event: '', url, pid, log });
    const stopped = await holdfast('stop', ...here());
    expect(stopped).toMatchObject({ code: 0, out: expect.stringContaining(`(pid ${pid})`) });
    await waitGone(gateways);
    const none = await holdfast('stop', ...here());
    expect(none).toMatchObject({ code: 5, err: expect.stringContaining('nothing to stop') });
    expect(await holdfast('attach', ...here())).toMatchObject({ code: 5 });
  });

  it('shows why it failed, with the exit code of what failed, and leaves nothing behind', async () => {
    await using taken = await startGateway({ config: { upstreams: {} } });
    const busy = await holdfast('start', ...here(), '--port', String(taken.port));
    expect(busy).toMatchObject({ code: 1, out: '', err: expect.stringContaining(String(taken.port)) });
    await writeFile(config, '{ "upstreams": { "u": { "comand": "x" } } }');
    const broken = await holdfast('start', ...here());
    expect(broken).toMatchObject({ code: 2, out: '', err: expect.stringContaining('comand') });
    expect(broken.err).not.toContain('    at ');
    expect(await holdfast('status', ...here())).toMatchObject({ code: 5 });
  });

  it('stops a gateway in the foreground too, and never restarts one', async () => {
    await using gateway = await startGateway({ config: { upstreams: { u: faulty('healthy') } }, dataDir });
    const refused = await holdfast('restart', ...here());
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('not started by holdfast start') });
    expect(await holdfast('logs', ...here())).toMatchObject({ code: 1, err: expect.stringContaining('its terminal') });
    expect(await holdfast('stop', ...here())).toMatchObject({ code: 0 });
    expect(await gateway.program.exited).toMatchObject({ code: 0 });
  });

  it('does not take another process for the gateway whose pid it has (C-05)', async () => {
    const { pid } = await started();
    await holdfast('stop', ...here());
    const owner = { pid: process.pid, started: '1', url: 'http://127.0.0.1:1' };
    await writeFile(join(dataDir, 'gateway.lock'), JSON.stringify(owner));
    expect(await holdfast('stop', ...here())).toMatchObject({ code: 5 });
    expect(pid).not.toBe(process.pid);
  });
});

describe('restart', () => {
  it('keeps arguments, folder and address; a broken configuration stops nothing', async () => {
    const first = await started('--port', '0', '--view', 'u');
    await writeFile(config, '{ "upstreams": ');
    const refused = await holdfast('restart', '--data-dir', dataDir);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('nothing was started') });
    expect(await live(first.url)).toBe(200);
    await writeFile(config, JSON.stringify({ upstreams: { u: faulty('healthy') } }));
    // From elsewhere, told nothing but the data directory.
    const { out } = await holdfast('restart', '--data-dir', dataDir, '--json');
    const second = remember(JSON.parse(out) as Told);
    expect(second).toMatchObject({ event: 'restarted', url: first.url, was: first.pid });
    expect(second.pid).not.toBe(first.pid);
    const record = JSON.parse(await readFile(join(dataDir, 'daemon.json'), 'utf8')) as { argv: string[] };
    expect(record.argv).toEqual(expect.arrayContaining(['--config', config, '--view', 'u']));
    expect((await stat(join(dataDir, 'daemon.json'))).mode & 0o777).toBe(0o600);
    await holdfast('stop', ...here());
    const third = remember(JSON.parse((await holdfast('restart', '--data-dir', dataDir, '--json')).out) as Told);
    expect(await live(third.url)).toBe(200);
  });

  it('of one upstream leaves the gateway and the others alone (C-02)', async () => {
    const { pid } = await started();
    await waitFor(async () => (await holdfast('status', ...here(), '--json')).out.includes('"state":"ready"'), {
      within: 20_000,
    });
    const [child] = processesUnder(pid);
    expect(await holdfast('restart', 'u', ...here())).toMatchObject({ code: 0, out: 'restarted u' });
    await waitGone([child as ProcessInfo]);
    expect(processInfo(pid)).toBeDefined();
    const near = await holdfast('restart', 'uu', ...here());
    expect(near).toMatchObject({ code: 1, err: expect.stringContaining('no upstream is called "uu"') });
  });
});

describe('logs and attach', () => {
  it('follow what the gateway writes, over the place where the file is cut, and attach ends with it', async () => {
    const { url, log } = await started('--log-level', 'debug');
    await waitFor(async () => (await readFile(log, 'utf8')).includes('ready'), { within: 20_000 });
    const last = await holdfast('logs', ...here(), '-n', '1');
    expect(last.out.split('\n')).toHaveLength(1);
    const follower = program('logs', '--follow', ...here(), '--lines', '0');
    const attached = program('attach', ...here());
    await waitFor(() => attached.stderr.includes(`attached to ${url}`));
    await waitFor(() => attached.lines.length > 0);
    await holdfast('call', 'u', 'read', '--args', '{"nonce":"n"}', ...here());
    await follower.line(/tools\/call read/);
    await attached.line(/tools\/call read/);
    // As the gateway does it once the file has grown.
    await copyFile(log, `${log}.1`);
    await truncate(log);
    await holdfast('call', 'u', 'put', '--args', '{"nonce":"n"}', ...here());
    await attached.line(/tools\/call put/);
    expect(await readFile(log, 'utf8')).not.toContain('tools/call read');
    await holdfast('stop', ...here());
    expect(await attached.exited).toMatchObject({ code: 0 });
    expect(attached.stderr).toContain('has ended');
    await follower.line(/SIGTERM/);
    follower.signal('SIGINT');
    expect(await follower.exited).toMatchObject({ code: 0 });
  });

  it('print the last lines that one upstream wrote', async () => {
    await writeFile(
      config,
      JSON.stringify({
        upstreams: { u: { command: 'sh', args: ['-c', 'seq 9 >&2; exec cat >&2'] } },
        server: { port: 0 },
      }),
    );
    await started();
    const printed = async () => (await holdfast('logs', 'u', ...here(), '-n', '3')).out.split('\n').length === 3;
    await waitFor(printed, { within: 20_000 });
    expect(await holdfast('logs', 'u', '-f', ...here())).toMatchObject({ code: 2 });
  });
});
