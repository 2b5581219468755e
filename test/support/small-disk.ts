// A real file system that is small enough to be filled, or read-only: a tmpfs of its own. Only root may mount one.
import { execFileSync } from 'node:child_process';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTempDir, removeDir } from './temp-dir.ts';

export interface SmallDisk {
  readonly path: string;
  /** Until not one byte more goes in. */
  fill(): void;
  /** Takes away what filled it. */
  free(): void;
  readOnly(yes: boolean): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Why no such disk can be had here, or nothing. */
export const noSmallDisk = ((): string | undefined => {
  if (process.platform !== 'linux') return 'only Linux has a tmpfs';
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'mounting is not permitted here';
  }
})();

export async function smallDisk(size = '1m'): Promise<SmallDisk> {
  const path = await makeTempDir('disk');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', path]);
  const filler = join(path, 'filler');
  return {
    path,
    fill() {
      writeFileSync(filler, '');
      for (const piece of [65_536, 4_096, 256, 1])
        for (;;)
          try {
            appendFileSync(filler, Buffer.alloc(piece));
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
            break;
          }
    },
    free: () => rmSync(filler, { force: true }),
    readOnly: (yes) => void execFileSync('mount', ['-o', `remount,${yes ? 'ro' : 'rw'}`, path]),
    async [Symbol.asyncDispose]() {
      // Whatever still has a file open there keeps it, out of sight.
      execFileSync('umount', ['--lazy', path]);
      await removeDir(path);
    },
  };
}
