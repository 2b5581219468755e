import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeTempDir, removeDir } from '../../../test/support/temp-dir.ts';
import { type OutputPair, outputPair } from './output.ts';
import { readStat } from './proc.ts';
import { launch, planSpawn } from './spawn.ts';

const silent = (): void => undefined;
const node = (program: string) => planSpawn('u', { command: process.execPath, args: ['-e', program] }, 'tag', silent);

// The path of a socket must not be long, and this machine may have its temporary folder anywhere.
beforeEach(() => vi.stubEnv('TMPDIR', '/tmp'));
afterEach(() => vi.unstubAllEnvs());

describe.skipIf(process.platform === 'win32')('outputPair', () => {
  it('gives all that a child writes, in memory that is used again, and its end; the folder is gone', async () => {
    const folder = await makeTempDir();
    onTestFinished(() => removeDir(folder));
    vi.stubEnv('TMPDIR', folder);
    let said = '';
    const reads = new Set<ArrayBufferLike>();
    const { ours, theirs } = (await outputPair((bytes) => {
      said += bytes.toString('latin1');
      reads.add(bytes.buffer);
    })) as OutputPair;
    expect(readdirSync(folder)).toEqual([]);
    const program = 'for (let at = 0; at < 20; at++) process.stdout.write(String(at % 10).repeat(50_000))';
    const child = await launch(await node(program), silent, theirs);
    expect(child.stdout).toBeNull();
    expect(theirs.destroyed).toBe(true);
    await once(ours, 'end');
    expect(said).toBe(Array.from({ length: 20 }, (_, at) => String(at % 10).repeat(50_000)).join(''));
    expect(reads.size).toBe(1);
  });

  it('holds a child back while nobody takes what it writes, and loses nothing of it', async () => {
    let taken = 0;
    const { ours, theirs } = (await outputPair((bytes) => {
      if (taken === 0) ours.pause();
      taken += bytes.length;
    })) as OutputPair;
    // Were its stdout not blocking, as that of any program, it would be refused with EAGAIN and end.
    const program = "const fs = require('fs'); for (let at = 0; at < 5000; at++) fs.writeSync(1, 'x'.repeat(1000))";
    const child = await launch(await node(program), silent, theirs);
    await vi.waitUntil(() => taken > 0 && readStat(child.pid as number)?.state === 'S', { timeout: 60_000 });
    expect(child.exitCode).toBeNull();
    expect(taken).toBeLessThan(5_000_000);
    ours.resume();
    await Promise.all([once(ours, 'end'), once(child, 'exit')]);
    expect([taken, child.exitCode]).toEqual([5_000_000, 0]);
  });

  it('where no folder can be made there is none, and a pipe does', async () => {
    // Longer than the path of a socket may be.
    const folder = await makeTempDir('long-'.repeat(30));
    onTestFinished(() => removeDir(folder));
    vi.stubEnv('TMPDIR', folder);
    expect(await outputPair(silent)).toBeUndefined();
    vi.stubEnv('TMPDIR', '/nowhere/at/all');
    expect(await outputPair(silent)).toBeUndefined();
  });

  it.runIf(existsSync('/usr/bin/prlimit'))(
    'gives none, and does not wait, where descriptors end half-way (F-P12)',
    async () => {
      const limit = (files: string) =>
        execFileSync('/usr/bin/prlimit', ['--pid', String(process.pid), `--nofile=${files}:`, '--noheadings']);
      const [, before = ''] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
      const held: number[] = [];
      // With room above the highest: once they are closed again, the program that lifts the limit needs descriptors.
      limit(String(32 + Math.max(...readdirSync('/proc/self/fd').map(Number))));
      try {
        for (const left of [2, 1]) {
          expect(() => {
            for (;;) held.push(openSync('/dev/null', 'r'));
          }).toThrow('EMFILE');
          for (const fd of held.splice(-left)) closeSync(fd);
          expect(await outputPair(silent)).toBeUndefined();
        }
      } finally {
        for (const fd of held) closeSync(fd);
        limit(before);
      }
    },
  );

  it('is closed when the child cannot start', async () => {
    const { ours, theirs } = (await outputPair(silent)) as OutputPair;
    const ended = once(ours, 'end');
    const plan = { ...(await node('')), file: '/nowhere/at/all' };
    await expect(launch(plan, silent, theirs)).rejects.toMatchObject({ fault: 'UPSTREAM_START_FAILED' });
    await ended;
  });
});
