// A file of lines that is put aside when it has grown: `name` is the newest, `name.1` the one before, and so on. What
// cannot be written is dropped and said once; calls never wait for a disk (F-D…: calls go on).
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface RotatedFileOptions {
  path: string;
  /** Bytes at which a new file is begun. */
  maxSize: number;
  /** Files put aside that are kept. */
  files: number;
  /** Told when writing fails, once until it works again. */
  warn(text: string): void;
}

/** What may wait for a slow disk, in bytes; more is dropped. */
const MOST_WAITING = 8 * 1024 * 1024;

export class RotatedFile {
  readonly #options: RotatedFileOptions;
  #handle: FileHandle | undefined;
  #size = 0;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #failing = false;
  /** Lines that were dropped. */
  dropped = 0;

  constructor(options: RotatedFileOptions) {
    this.#options = options;
  }

  get path(): string {
    return this.#options.path;
  }

  /** Takes whole lines, each with its line end; they are on their way when the promise of `flushed` resolves. */
  write(lines: string): void {
    if (this.#waitingBytes > MOST_WAITING) {
      this.dropped++;
      return;
    }
    this.#waiting.push(lines);
    this.#waitingBytes += lines.length;
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
      const text = this.#waiting.join('');
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        const handle = this.#handle ?? (await this.#open());
        const { bytesWritten } = await handle.write(text);
        this.#size += bytesWritten;
        this.#failing = false;
        if (this.#size >= this.#options.maxSize) await this.#rotate();
      } catch (error) {
        this.dropped++;
        await this.#handle?.close().catch(() => undefined);
        this.#handle = undefined;
        if (!this.#failing) {
          const code = (error as NodeJS.ErrnoException).code ?? String(error);
          this.#options.warn(`${this.#options.path} cannot be written (${code}); its lines are dropped`);
        }
        this.#failing = true;
      }
    }
  }

  async #open(): Promise<FileHandle> {
    const { path } = this.#options;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const handle = await open(path, 'a+', 0o600);
    this.#handle = handle;
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
