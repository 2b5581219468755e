import { mkdir, mkdtemp, readFile, rename, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeDir } from '../../test/support/temp-dir.ts';
import type { Problem } from './problem.ts';
import { ConfigWatch, type WatchOptions, watchConfig } from './watch.ts';

type Seen = { text: string } | { problems: Problem[] };

/** What the watch said, in order, one at a time. */
class Log {
  readonly all: Seen[] = [];
  #waiting: ((seen: Seen) => void) | undefined;
  #taken = 0;
  say(seen: Seen): void {
    this.all.push(seen);
    if (this.#waiting === undefined) return;
    this.#taken++;
    this.#waiting(seen);
    this.#waiting = undefined;
  }
  next(): Promise<Seen> {
    const seen = this.all[this.#taken];
    if (seen !== undefined) {
      this.#taken++;
      return Promise.resolve(seen);
    }
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}

let directory: string;
let watch: ConfigWatch | undefined;
let log: Log;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-watch-'));
  log = new Log();
});
afterEach(async () => {
  watch?.close();
  watch = undefined;
  await removeDir(directory);
});

async function start(path: string, text: string, more: Partial<WatchOptions> = {}): Promise<void> {
  watch = await ConfigWatch.start({
    path,
    text,
    onText: (now) => log.say({ text: now }),
    onProblem: (problems) => log.say({ problems }),
    // Long, so that what is seen was seen by notification.
    poll: 60_000,
    ...more,
  });
}

describe('ConfigWatch (F-K4, U-09)', () => {
  it('sees a file written in place, after it has settled, within 2 s', async () => {
    const path = join(directory, 'a.json');
    await writeFile(path, '1');
    await start(path, '1');
    const began = performance.now();
    await writeFile(path, '2');
    expect(await log.next()).toEqual({ text: '2' });
    const took = performance.now() - began;
    expect(took).toBeGreaterThan(450);
    expect(took).toBeLessThan(20_000);
  });

  it('sees a file replaced by rename, and again after that', async () => {
    const path = join(directory, 'a.json');
    await writeFile(path, '1');
    await start(path, '1', { settle: 50 });
    for (const text of ['2', '3']) {
      await writeFile(join(directory, 'new'), text);
      await rename(join(directory, 'new'), path);
      expect(await log.next()).toEqual({ text });
    }
  });

  it('sees the links of a mounted ConfigMap swapped', async () => {
    for (const version of ['v1', 'v2', 'v3']) {
      await mkdir(join(directory, version));
      await writeFile(join(directory, version, 'a.json'), version);
    }
    const point = async (version: string) => {
      await symlink(version, join(directory, '..tmp'));
      await rename(join(directory, '..tmp'), join(directory, '..data'));
    };
    await point('v1');
    const path = join(directory, 'a.json');
    await symlink('..data/a.json', path);
    await start(path, 'v1', { settle: 50 });
    for (const version of ['v2', 'v3']) {
      await point(version);
      expect(await log.next()).toEqual({ text: version });
    }
  });

  it('sees a link in the middle of the path swapped, and the file behind it written', async () => {
    for (const version of ['v1', 'v2']) {
      await mkdir(join(directory, 'releases', version), { recursive: true });
      await writeFile(join(directory, 'releases', version, 'a.json'), version);
    }
    const current = join(directory, 'current');
    await symlink('releases/v1', current);
    await start(join(current, 'a.json'), 'v1', { settle: 50 });
    await writeFile(join(directory, 'releases/v1/a.json'), 'v1 changed');
    expect(await log.next()).toEqual({ text: 'v1 changed' });
    await symlink('releases/v2', `${current}.new`);
    await rename(`${current}.new`, current);
    expect(await log.next()).toEqual({ text: 'v2' });
  });

  it('tells a deleted file once, and its return even with the old text', async () => {
    const path = join(directory, 'a.json');
    await writeFile(path, '1');
    await start(path, '1', { settle: 50 });
    await unlink(path);
    expect(await log.next()).toMatchObject({ problems: [{ file: path, message: 'the file does not exist' }] });
    await writeFile(path, '1');
    expect(await log.next()).toEqual({ text: '1' });
  });

  it('finds what changed before it was started', async () => {
    const path = join(directory, 'a.json');
    await writeFile(path, '2');
    await start(path, '1');
    expect(log.all).toEqual([{ text: '2' }]);
  });

  it('says nothing while only neighbours change, and settles in spite of them', async () => {
    const path = join(directory, 'a.json');
    await writeFile(path, '1');
    await start(path, '1', { settle: 200 });
    const neighbour = setInterval(() => void writeFile(join(directory, 'noise.log'), String(Math.random())), 20);
    try {
      await writeFile(path, '2');
      expect(await log.next()).toEqual({ text: '2' });
      expect(log.all).toHaveLength(1);
    } finally {
      clearInterval(neighbour);
    }
  });

  it('looks by itself where notifications do not come', async () => {
    // A directory that does not exist yet cannot be watched below.
    const path = join(directory, 'later', 'deep', 'a.json');
    await start(path, '', { settle: 20, poll: 50 });
    expect(await log.next()).toHaveProperty('problems');
    await mkdir(join(directory, 'later', 'deep'), { recursive: true });
    await writeFile(path, '1');
    expect(await log.next()).toEqual({ text: '1' });
  });

  it('says nothing after it was closed', async () => {
    const path = join(directory, 'a.json');
    await writeFile(path, '1');
    await start(path, '1', { settle: 20 });
    await writeFile(path, '2');
    watch?.close();
    await start(path, '2', { settle: 20 });
    await writeFile(path, '3');
    expect(await log.next()).toEqual({ text: '3' });
    expect(log.all).toHaveLength(1);
  });

  it('as a function: one call per change, one after the other, loss and return included', async () => {
    const path = join(directory, 'a.json');
    await writeFile(path, '2');
    let running = 0;
    const watcher = watchConfig(path, {
      text: '1',
      changed: async () => {
        expect(++running).toBe(1);
        log.say({ text: await readFile(path, 'utf8').catch(() => 'gone') });
        running--;
      },
    });
    try {
      expect(await log.next()).toEqual({ text: '2' });
      await unlink(path);
      expect(await log.next()).toEqual({ text: 'gone' });
      await writeFile(path, '3');
      expect(await log.next()).toEqual({ text: '3' });
    } finally {
      watcher.close();
    }
  });
});
