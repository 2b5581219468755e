// Scratch folders of tests: made under the system's temporary folder, always removed again.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new empty folder; the caller removes it with `removeDir`. */
export function makeTempDir(label = 'test'): Promise<string> {
  return mkdtemp(join(tmpdir(), `holdfast-${label}-`));
}

/** Removes a folder and all in it; retried, because a process that is just ending may still write there. */
export function removeDir(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** Runs `body` with a new empty folder and removes the folder afterwards, whatever happens. */
export async function withTempDir<T>(body: (path: string) => Promise<T> | T, label?: string): Promise<T> {
  const path = await makeTempDir(label);
  try {
    return await body(path);
  } finally {
    await removeDir(path);
  }
}
