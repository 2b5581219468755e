import { chmod, copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeDir } from '../../../test/support/temp-dir.ts';
import { waitFor } from '../../../test/support/wait.ts';
import type { UpstreamConfig } from '../../config/schema.ts';
import { createStdioTransport, type StdioTransport } from '../transports/stdio.ts';
import { containerRun } from './container.ts';
import { ChildRecords, reapLeftovers } from './leftovers.ts';

const SERVERS = path.resolve(import.meta.dirname, '../../../test/servers/process');
const OTHERS = 'io.github.holdfast.tag=somebody:else:1';
const silent = (): void => undefined;

let home: string;
let file: string;
beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'container-'));
  file = path.join(home, 'children.json');
  await copyFile(path.join(SERVERS, 'docker.sh'), path.join(home, 'docker'));
  await chmod(path.join(home, 'docker'), 0o755);
  await writeFile(path.join(home, 'container-0123456789ab'), `${OTHERS}\n`);
});
afterEach(() => removeDir(home));

const containers = async (): Promise<string[]> => (await readdir(home)).filter((name) => name.startsWith('container-'));
const calls = async (verb: string): Promise<string[]> =>
  (await readFile(path.join(home, 'calls'), 'utf8')).split('\n').filter((line) => line.split(' ').includes(verb));

async function start(args: string[], records?: ChildRecords): Promise<StdioTransport> {
  const server = [process.execPath, path.join(SERVERS, 'echo.mjs')];
  const config = {
    command: 'docker',
    args: ['run', '-i', ...args, 'image', ...server],
    env: { PATH: `${home}:${process.env.PATH}` },
  };
  const transport = createStdioTransport({
    upstream: 'boxed',
    config: config as unknown as UpstreamConfig,
    log: silent,
    records,
  });
  let answered: () => void = silent;
  const answer = new Promise<void>((resolve) => {
    answered = resolve;
  });
  const sink = { message: () => answered(), failed: silent, noise: silent, closed: silent };
  await transport.open(sink, new AbortController().signal);
  transport.request({ id: 1, method: 'm', text: '{"jsonrpc":"2.0","id":1,"method":"m"}' });
  await answer;
  return transport;
}

describe('containerRun', () => {
  const ours = ['--label', 'io.github.holdfast.tag=t', '--cidfile'];

  it('adds our label and id file behind `run`, whatever stands before it', () => {
    const run = containerRun('/usr/bin/docker', ['--context', 'far', 'run', '-i', 'image', 'run'], 't');
    expect(run?.args.slice(0, 6)).toEqual(['--context', 'far', 'run', ...ours]);
    expect(run?.args.slice(7)).toEqual(['-i', 'image', 'run']);
    expect(run?.args[6]).toBe(run?.cidFile);
    expect(run?.host).toEqual({ file: '/usr/bin/docker', options: ['--context', 'far'] });
    expect(containerRun('podman', ['container', 'run', 'image'], 't')?.args.slice(0, 5)).toEqual([
      'container',
      'run',
      ...ours,
    ]);
  });

  it('uses an id file that is named already', () => {
    const run = containerRun('docker', ['run', '--cidfile=/tmp/x', 'image'], 't');
    expect(run?.args).toEqual(['run', '--label', 'io.github.holdfast.tag=t', '--cidfile=/tmp/x', 'image']);
    expect(run?.cidFile).toBe('/tmp/x');
  });

  it.each([
    ['docker', ['exec', '-i', 'box', 'server']],
    ['docker', ['compose', 'run', 'x']],
    ['node', ['run']],
    ['docker', []],
  ])('leaves %s %j alone', (command, args) => {
    expect(containerRun(command, args, 't')).toBeUndefined();
  });
});

describe('containers (10.31, F-P18)', () => {
  it('are removed when the gateway stops their upstream, and only ours', async () => {
    const transport = await start([]);
    expect((await containers()).length).toBe(2);
    await transport.close(2000);
    expect(await containers()).toEqual(['container-0123456789ab']);
  });

  it('are left to themselves when they have gone by --rm', async () => {
    await (await start(['--rm'])).close(2000);
    expect(await containers()).toEqual(['container-0123456789ab']);
    expect(await calls('rm')).toEqual([]);
  });

  it('are removed when the client is killed', async () => {
    const transport = await start(['--rm']);
    process.kill(transport.pid as number, 'SIGKILL');
    await waitFor(async () => (await containers()).length === 1);
    await transport.close();
    const run = (await calls('run'))[0] ?? '';
    const cidFile = /--cidfile (\S+)/.exec(run)?.[1] ?? '';
    expect((await readdir(path.dirname(cidFile))).includes(path.basename(cidFile))).toBe(false);
  });

  it('are removed at the next start when the gateway was killed', async () => {
    const records = new ChildRecords(file, silent);
    const transport = await start([], records);
    await records.settled();
    const content = JSON.parse(await readFile(file, 'utf8'));
    const kept = `${file}.kept`;
    await writeFile(kept, JSON.stringify({ ...content, gateway: { ...content.gateway, start: 1 } }));
    await writeFile(path.join(home, 'down'), '');
    await transport.close(500);
    await records.settled();
    expect((await readdir(home)).includes('children.json')).toBe(true);
    expect((await containers()).length).toBe(2);
    // While the daemon is away nothing is known, so nothing is forgotten.
    await reapLeftovers(kept, silent);
    expect((await readdir(home)).includes('children.json.kept.reaping')).toBe(true);
    await rm(path.join(home, 'down'));
    await reapLeftovers(kept, silent);
    expect(await containers()).toEqual(['container-0123456789ab']);
    expect((await readdir(home)).filter((name) => name.includes('.kept'))).toEqual([]);
  });
});
