// The log of a gateway in the background: its stderr is a file in the data directory, so that also what Node itself
// says at a crash is in it. It is cut in place when it has grown, as a process cannot change where its stderr goes.
import { copyFileSync, fstatSync, ftruncateSync, renameSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes at which the file is put aside. */
const MOST = 10 * 1024 * 1024;
/** Files put aside that are kept: `gateway.log.1` is the newest of them. */
const KEPT = 3;

export function logFileOf(dataDir: string): string {
  return join(dataDir, 'gateway.log');
}

/** Writes to stderr, which was opened on `path` for appending, and keeps that file short. */
export function toOwnLog(path: string, most = MOST): (text: string) => void {
  const { fd } = process.stderr;
  let size = sizeOf(fd);
  return (text) => {
    process.stderr.write(text);
    size += Buffer.byteLength(text);
    if (size < most) return;
    putAside(path, fd);
    size = sizeOf(fd);
  };
}

/** Nothing is lost: nobody else writes there, and between the copy and the cut nothing of ours runs. */
function putAside(path: string, fd: number): void {
  try {
    for (let number = KEPT; number > 1; number--) {
      try {
        renameSync(`${path}.${number - 1}`, `${path}.${number}`);
      } catch {
        // there are not so many yet
      }
    }
    copyFileSync(path, `${path}.1`);
    ftruncateSync(fd, 0);
  } catch {
    // A full disk: it is tried again after as much text.
  }
}

function sizeOf(fd: number): number {
  try {
    return fstatSync(fd).size;
  } catch {
    return 0;
  }
}
