// A file of lines that is put aside when it has grown: `name` is the newest, `name.1` the one before, and so on. What
// cannot be written is dropped and said once; calls never wait for a disk (F-D1, F-D5).
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

export interface RotatedFileOptions {
  path: string;
  /** Bytes at which a new file is begun. */
  maxSize: number;
  /** Files put aside that are kept. */
  files: number;
  /** Told when writing fails, once until it works again. */
  warn(text: string): void;
  /** Hears of every failure, and that it works again. */
  state?: { failed(name: string, error: unknown): void; well(name: string): void } | undefined;
}

/** Between two looks whether the path still means the file that is written to, in milliseconds. */
const LOOK = 500;

/** What may wait for a slow disk, in bytes; more is dropped. */
const MOST_WAITING = 8 * 1024 * 1024;

export class RotatedFile {
  readonly #options: RotatedFileOptions;
  #handle: FileHandle | undefined;
  #size = 0;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #failing = false;
  #looked = 0;
  /** Lines that were dropped. */
  dropped = 0;

  constructor(options: RotatedFileOptions) {
    this.#options = options;
  }

  get path(): string {
    return this.#options.path;
  }

  /** Takes whole lines, each with its line end; they are on their way when the promise of `flushed` resolves. */
  write(lines: string | Buffer): void {
    if (this.#waitingBytes > MOST_WAITING) {
      this.dropped++;
      return;
    }
    const bytes = typeof lines === 'string' ? Buffer.from(lines) : lines;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  async flushed(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async close(): Promise<void> {
    await this.flushed();
    await this.#handle?.close().catch(() => undefined);
    this.#handle = undefined;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const bytes = Buffer.concat(this.#waiting);
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        const handle = (await this.#stillThere()) ?? (await this.#open());
        // Whole or an error: a disk that fills in the middle of a line is noticed.
        await handle.writeFile(bytes);
        this.#size += bytes.length;
        if (this.#failing) this.#options.state?.well(basename(this.#options.path));
        this.#failing = false;
        if (this.#size >= this.#options.maxSize) await this.#rotate();
      } catch (error) {
        this.dropped++;
        await this.#handle?.close().catch(() => undefined);
        this.#handle = undefined;
        if (!this.#failing) {
          const code = (error as NodeJS.ErrnoException).code ?? String(error);
          this.#options.warn(`${this.#options.path} cannot be written (${code}); its lines are dropped`);
          this.#options.state?.failed(basename(this.#options.path), error);
        }
        this.#failing = true;
      }
    }
  }

  /** The open file, unless somebody took it away or put it aside (F-D5): then a new one is begun at the path. */
  async #stillThere(): Promise<FileHandle | undefined> {
    const now = performance.now();
    if (this.#handle === undefined || now - this.#looked < LOOK) return this.#handle;
    this.#looked = now;
    const [open, there] = await Promise.all([this.#handle.stat(), stat(this.#options.path).catch(() => undefined)]);
    if (there?.ino === open.ino && there.dev === open.dev) {
      // It may have been emptied in place.
      this.#size = there.size;
      return this.#handle;
    }
    await this.#handle.close();
    this.#handle = undefined;
    return undefined;
  }

  async #open(): Promise<FileHandle> {
    const { path } = this.#options;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const handle = await open(path, 'a+', 0o600);
    this.#handle = handle;
    this.#looked = performance.now();
    this.#size = (await handle.stat()).size;
    if (this.#size > 0) {
      // A gateway that was killed may have left half a line.
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, this.#size - 1);
      if (buffer[0] !== 0x0a) await handle.write('\n');
    }
    return handle;
  }

  async #rotate(): Promise<void> {
    const { path, files } = this.#options;
    await this.#handle?.close();
    this.#handle = undefined;
    if (files === 0) return rm(path, { force: true });
    for (let number = files; number >= 1; number--) {
      const from = number === 1 ? path : `${path}.${number - 1}`;
      await rename(from, `${path}.${number}`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
  }
}
