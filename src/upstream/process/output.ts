// The stdout of a child as a socket that reads into one buffer that all of them share. A pipe that `spawn` makes takes
// memory for each read, and a large message leaves as much of it behind (reliability figure 13; performance rows 6, 10).
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * What is read is handed on, and copied by who keeps it, before the next read. It holds what Linux lets a child write
 * ahead (208 KiB), so that one read takes all of it (performance row 10).
 */
const SHARED = Buffer.allocUnsafeSlow(256 * 1024);

const NAME = 'out';
/** Bytes that a path of a socket may have everywhere; libuv cuts off what is more than its system takes. */
const LONGEST_PATH = 103;

/** Two ends of one connection. */
export interface OutputPair {
  ours: Socket;
  /** For the child; ours to close once it has it. */
  theirs: Socket;
}

/**
 * Connects a pair through a folder that only this user may enter and that is gone afterwards. `take` gets what comes,
 * in memory that is used again as soon as it returns. Undefined where the system does not give it: then a pipe will do.
 */
export async function outputPair(take: (bytes: Buffer) => void): Promise<OutputPair | undefined> {
  if (process.platform === 'win32' || Buffer.byteLength(join(tmpdir(), 'holdfast-XXXXXX', NAME)) > LONGEST_PATH)
    return undefined;
  let folder: string | undefined;
  const server = createServer({ pauseOnConnect: true });
  let ours: Socket | undefined;
  try {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-'));
    const path = join(folder, NAME);
    await once(server.listen(path), 'listening');
    const callback = (length: number): boolean => {
      take(SHARED.subarray(0, length));
      return true;
    };
    const taken = new AbortController();
    ours = connect({ path, onread: { buffer: SHARED, callback } });
    ours.on('error', () => undefined);
    // Where there is no descriptor for the other end, it is closed and nobody is told.
    ours.once('close', () => taken.abort());
    const [theirs] = (await once(server, 'connection', { signal: taken.signal })) as [Socket];
    return { ours, theirs };
  } catch {
    ours?.destroy();
    return undefined;
  } finally {
    server.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}
