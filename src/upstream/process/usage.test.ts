import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../../test/support/wait.ts';
import { groupMembers, hasVariable, parseStat, readStat } from './proc.ts';
import { groupUsage, processUsage } from './usage.ts';

const groups: number[] = [];
afterEach(() => {
  for (const group of groups.splice(0)) process.kill(-group, 'SIGKILL');
});

async function group(script: string): Promise<number> {
  const child = spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' });
  await once(child, 'spawn');
  groups.push(child.pid as number);
  return child.pid as number;
}

describe('readStat', () => {
  it('agrees with what Node knows of this process', async () => {
    const before = process.cpuUsage();
    const stat = readStat(process.pid);
    const after = process.cpuUsage();
    expect(stat).toMatchObject({ pid: process.pid, parent: process.ppid, state: 'R' });
    const rss = process.memoryUsage.rss();
    expect(Math.abs((stat?.rss ?? 0) - rss) / rss).toBeLessThan(0.2);
    const worked = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1000;
    expect(stat?.cpu).toBeGreaterThan(worked(before) - 200);
    expect(stat?.cpu).toBeLessThan(worked(after) + 200);
  });

  it('is not misled by the name of a process', () => {
    const fields = Array.from({ length: 30 }, (_, at) => String(at + 4)).join(' ');
    expect(parseStat(`42 (a) S (b c)) T ${fields}`)).toMatchObject({
      pid: 42,
      state: 'T',
      parent: 4,
      group: 5,
      start: 22,
    });
    expect(parseStat('')).toBeUndefined();
    expect(parseStat('42 (x) S')).toBeUndefined();
  });

  it('knows nothing of what is not there', async () => {
    expect(readStat(2 ** 22 + 1)).toBeUndefined();
    expect(processUsage(2 ** 22 + 1)).toBeUndefined();
    expect(await hasVariable(2 ** 22 + 1, 'A=b')).toBe(false);
  });
});

describe('usage (C-30, F-P5, F-P23)', () => {
  it('counts a whole group, and leaves out leaders that are gone', async () => {
    const pid = await group('sleep 300 & sleep 300 & wait');
    await waitFor(async () => (await groupUsage([pid])).get(pid)?.processes === 3);
    const usage = await groupUsage([pid, 2 ** 22 + 1]);
    expect([...usage.keys()]).toEqual([pid]);
    expect(usage.get(pid)?.rss).toBeGreaterThanOrEqual(processUsage(pid)?.rss ?? Infinity);
  });

  it('shows CPU time that is used, and a stopped process', async () => {
    const pid = await group('while :; do :; done');
    const first = processUsage(pid)?.cpu ?? 0;
    await waitFor(() => (processUsage(pid)?.cpu ?? 0) > first + 30);
    process.kill(pid, 'SIGSTOP');
    await waitFor(() => processUsage(pid)?.frozen === true);
  });

  it('sees that the server behind a wrapper is stopped', async () => {
    const pid = await group('sleep 300; :');
    await waitFor(async () => (await groupMembers(pid)).length === 2);
    const behind = (await groupMembers(pid)).find((member) => member.pid !== pid);
    expect((await groupUsage([pid])).get(pid)?.frozen).toBe(false);
    process.kill(behind?.pid as number, 'SIGSTOP');
    await waitFor(async () => (await groupUsage([pid])).get(pid)?.frozen === true);
  });
});
