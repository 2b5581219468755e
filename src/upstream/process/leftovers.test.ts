import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { removeDir } from '../../../test/support/temp-dir.ts';
import { waitFor } from '../../../test/support/wait.ts';
import { UpstreamChild } from './child.ts';
import { ChildRecords, reapLeftovers } from './leftovers.ts';
import { processesWith, readStat } from './proc.ts';
import type { ProcessConfig } from './spawn.ts';
import { TAG_VARIABLE } from './tag.ts';

const silent = (): void => undefined;
let directory: string;
let file: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'leftovers-'));
  file = path.join(directory, 'sub', 'children.json');
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await removeDir(directory);
});

async function start(tag: string | undefined, command = 'sleep', args = ['300']) {
  const env = { PATH: process.env.PATH ?? '', ...(tag !== undefined && { [TAG_VARIABLE]: tag }) };
  const child = spawn(command, args, { env, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  await once(child, 'spawn');
  const pid = child.pid as number;
  return { child, record: { pid, start: readStat(pid)?.start ?? 0, tag: tag ?? 'none', upstream: 'u' } };
}

/** A gateway that is certainly gone. */
async function goneGateway(): Promise<{ pid: number; start: number }> {
  const child = spawn('true');
  await once(child, 'exit');
  return { pid: child.pid as number, start: 1 };
}

async function write(gateway: object, records: unknown[]): Promise<void> {
  file = path.join(directory, 'children.json');
  await writeFile(file, JSON.stringify({ version: 1, gateway, children: records }));
}

const alive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

describe('ChildRecords', () => {
  it('knows who survived SIGKILL, until it is gone (C-33)', async () => {
    const records = new ChildRecords(undefined, silent);
    const config = { command: 'sleep', args: ['300'] } as unknown as ProcessConfig;
    const child = await UpstreamChild.start({ upstream: 'u', config, log: silent, records });
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    try {
      expect((await child.end(80)).surviving).toContain(child.pid);
      expect(records.survivors()).toEqual([{ upstream: 'u', pid: child.pid }]);
    } finally {
      kill.mockRestore();
      process.kill(child.pid, 'SIGKILL');
    }
    await child.exited;
    expect(records.survivors()).toEqual([]);
  });

  it('writes who lives, whole and private, and removes the file with the last one', async () => {
    const records = new ChildRecords(file, silent);
    for (let pid = 1001; pid < 1021; pid++) records.add({ pid, start: 7, tag: `t${pid}`, upstream: 'u' });
    for (let pid = 1001; pid < 1020; pid++) records.remove(pid);
    await records.settled();
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      version: 1,
      gateway: { pid: process.pid, start: readStat(process.pid)?.start },
      children: [{ pid: 1020, start: 7, tag: 't1020', upstream: 'u' }],
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    records.remove(1020);
    await records.settled();
    expect(await readdir(path.dirname(file))).toEqual([]);
  });

  it('F-D1 says that it cannot write, and goes on', async () => {
    const told: string[] = [];
    const records = new ChildRecords('/dev/null/no/such/file', (_, text) => told.push(text));
    records.add({ pid: 1001, start: 7, tag: 't', upstream: 'u' });
    await records.settled();
    expect(told).toEqual(['the record of child processes cannot be written']);
  });
});

describe('reapLeftovers (X-43, Gateway death)', () => {
  it('ends what a killed gateway left, with its group, and nothing else', async () => {
    const tag = `1-1:u:${Date.now()}`;
    const ours = await start(tag, 'sh', ['-c', 'trap "" TERM; sleep 300 & echo up; wait; wait']);
    await once(ours.child.stdout as NodeJS.ReadableStream, 'data');
    const untagged = await start(undefined);
    const other = await start('1-1:u:other');
    await write(await goneGateway(), [
      ours.record,
      // The same number, another process: its start differs.
      { ...other.record, start: other.record.start - 1 },
      { ...untagged.record, tag },
    ]);
    const report = await reapLeftovers(file, silent, 200);
    expect(report.surviving).toEqual([]);
    expect(report.ended.length).toBe(2);
    expect(report.ended).toContain(ours.record.pid);
    await waitFor(() => !alive(ours.child));
    expect(await processesWith(`${TAG_VARIABLE}=${tag}`)).toEqual([]);
    expect([alive(untagged.child), alive(other.child)]).toEqual([true, true]);
    expect(await readdir(directory)).toEqual([]);
  });

  it('ends members of the group when its leader is gone already', async () => {
    const tag = `1-1:u:${Date.now()}g`;
    const ours = await start(tag, 'sh', ['-c', 'sleep 300 >&- & echo up']);
    const out = ours.child.stdout as NodeJS.ReadableStream;
    out.resume();
    await once(ours.child, 'exit');
    await write(await goneGateway(), [ours.record]);
    expect((await reapLeftovers(file, silent)).ended.length).toBe(1);
    expect(await processesWith(`${TAG_VARIABLE}=${tag}`)).toEqual([]);
  });

  it('ends what went into a session of its own (F-P17)', async () => {
    const tag = `1-1:u:${Date.now()}s`;
    const ours = await start(tag, 'sh', ['-c', 'setsid sleep 300 >&- & echo up; wait']);
    await once(ours.child.stdout as NodeJS.ReadableStream, 'data');
    await waitFor(async () =>
      (await processesWith(`${TAG_VARIABLE}=${tag}`)).some(({ group }) => group !== ours.record.pid),
    );
    await write(await goneGateway(), [ours.record]);
    expect((await reapLeftovers(file, silent)).ended.length).toBe(2);
    expect(await processesWith(`${TAG_VARIABLE}=${tag}`)).toEqual([]);
  });

  it('ends a frozen one too', async () => {
    const ours = await start('1-1:u:frozen');
    ours.child.kill('SIGSTOP');
    await waitFor(() => readStat(ours.record.pid)?.state === 'T');
    await write(await goneGateway(), [ours.record]);
    expect((await reapLeftovers(file, silent)).ended).toEqual([ours.record.pid]);
  });

  it('takes the records over at once, so that the new gateway can write its own', async () => {
    const ours = await start('1-1:u:before');
    const next = await start('1-1:u:after');
    await write(await goneGateway(), [ours.record]);
    const reaping = reapLeftovers(file, silent);
    const records = new ChildRecords(file, silent);
    records.add(next.record);
    await records.settled();
    expect((await reaping).ended).toEqual([ours.record.pid]);
    expect(alive(next.child)).toBe(true);
    expect(JSON.parse(await readFile(file, 'utf8')).children).toEqual([next.record]);
    expect(await readdir(directory)).toEqual(['children.json']);
  });

  it('touches nothing while the gateway that wrote it runs', async () => {
    const ours = await start('1-1:u:living');
    await write({ pid: process.pid, start: readStat(process.pid)?.start }, [ours.record]);
    expect(await reapLeftovers(file, silent)).toEqual({ ended: [], surviving: [] });
    expect(alive(ours.child)).toBe(true);
    expect(await readdir(directory)).toEqual(['children.json']);
  });

  it.each(['', '{', '[]', '{"version":1}', '{"version":2,"gateway":{"pid":1,"start":1},"children":[]}'])(
    'takes a file that says %j for none',
    async (text) => {
      file = path.join(directory, 'children.json');
      await writeFile(file, text);
      expect(await reapLeftovers(file, silent)).toEqual({ ended: [], surviving: [] });
    },
  );

  it('ignores records that name no process of ours', async () => {
    await write(await goneGateway(), [{ pid: 1, start: 0, tag: 't' }, { pid: -1, start: 0, tag: 't' }, 7, null]);
    expect((await reapLeftovers(file, silent)).ended).toEqual([]);
  });
});
