// Writing a file so that whoever reads it, even after a crash, finds the old text or the new one and nothing between
// (F-K12, F-D1).
import { randomBytes } from 'node:crypto';
import { open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const TEMPORARY = /^\..+\.[0-9a-f]{12}\.tmp$/;

/**
 * Replaces a file; returns when it would survive a loss of power. The mode of an existing file is kept.
 * @throws the system's error (ENOSPC, EACCES, EROFS …); the old file is then untouched.
 */
export async function writeDurably(path: string, text: string, mode = 0o600): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const kept = await stat(path).then(
    (old) => old.mode & 0o777,
    () => mode,
  );
  try {
    const file = await open(temporary, 'wx', kept);
    try {
      await file.writeFile(text);
      // The mode given to open is cut by the umask.
      await file.chmod(kept);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncDirectory(directory);
}

/** The new name itself must reach the disk; systems that cannot sync a directory do it by themselves. */
async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EISDIR' && code !== 'EPERM' && code !== 'EINVAL' && code !== 'EACCES') throw error;
  }
}

/** Takes away what writers left behind that were killed in the middle; only in a directory of our own. */
export async function removeTemporaries(directory: string): Promise<void> {
  for (const name of await readdir(directory))
    if (TEMPORARY.test(name)) await unlink(join(directory, name)).catch(() => undefined);
}
