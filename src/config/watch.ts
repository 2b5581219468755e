// Follows one file, whatever way it changes: written in place, replaced by rename, swapped behind a symbolic link.
// (interface used by `holdfast serve`; see requirements U-09, reliability F-K4)
import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

export interface ConfigWatcher {
  close(): void;
}

const SETTLE = 500;
const POLL = 2_000;

/** Calls `changed` once after each burst of changes; a call is never overlapped by the next. */
export function watchConfig(file: string, { changed }: { changed(): Promise<void> | void }): ConfigWatcher {
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  let last = '';
  let watcher: FSWatcher | undefined;
  const look = async () => {
    const mark = await stat(file).then(
      ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
      () => 'gone',
    );
    if (mark === last) return;
    const first = last === '';
    last = mark;
    if (first) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = running.then(() => changed());
    }, SETTLE);
  };
  void look();
  try {
    watcher = watch(dirname(file), (_event, name) => {
      if (name === null || name === basename(file) || !name.includes('.tmp')) void look();
    });
    watcher.on('error', () => watcher?.close());
  } catch {
    // polled below
  }
  const poll = setInterval(() => void look(), POLL).unref();
  return {
    close() {
      clearTimeout(timer);
      clearInterval(poll);
      watcher?.close();
    },
  };
}
