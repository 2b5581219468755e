// Every version that was applied goes to the history; one that could not be written is kept in memory and tried again, so
// that a disk that was full for a while leaves no gap (requirements C-60, reliability F-D1).
import type { ConfigHistory, VersionNote } from './history.ts';

/** Until it is tried again, in milliseconds. */
const RETRY = 5_000;

export interface VersionKeeperOptions {
  /** Undefined where versions are not kept at all. */
  history: ConfigHistory | undefined;
  /** How many versions may wait. */
  most: number;
  /** A version could not be written; those behind it wait too. */
  failed(error: unknown): void;
  /** All of them are written again. */
  well(): void;
}

export class VersionKeeper {
  readonly #options: VersionKeeperOptions;
  #waiting: { text: string; hash: string; note: VersionNote & { at: number } }[] = [];
  #writing: Promise<string | undefined> = Promise.resolve(undefined);
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** The newest where versions are not kept. */
  #unkept = { version: 0, hash: '' };

  constructor(options: VersionKeeperOptions) {
    this.#options = options;
  }

  /**
   * Keeps a text with its hash, unless it is the newest anyway and nothing it stands for has `changed`. Resolves when it
   * is on disk, or waits for that: then with why.
   */
  keep(text: string, hash: string, note: VersionNote, changed = false): Promise<string | undefined> {
    const { history, most } = this.#options;
    const newest = this.#waiting.at(-1)?.hash ?? (history?.list().at(-1) ?? this.#unkept).hash;
    if (newest === hash && !changed) return this.#writing;
    if (history === undefined) {
      this.#unkept = { version: this.#unkept.version + 1, hash };
      return this.#writing;
    }
    this.#waiting = [...this.#waiting, { text, hash, note: { ...note, at: Date.now() } }].slice(-most);
    return this.#write();
  }

  /** Number of the newest version, whether it is on disk or waits. */
  get version(): number {
    return (this.#options.history?.list().at(-1) ?? this.#unkept).version + this.#waiting.length;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #write(): Promise<string | undefined> {
    clearTimeout(this.#timer);
    this.#writing = this.#writing.then(() => this.#writeAll());
    return this.#writing;
  }

  async #writeAll(): Promise<string | undefined> {
    const { history, failed, well } = this.#options;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const { text, note } = first;
      try {
        await history?.record(text, note);
      } catch (error) {
        failed(error);
        if (!this.#closed) this.#timer = setTimeout(() => void this.#write(), RETRY).unref();
        return (error as NodeJS.ErrnoException).code ?? String(error);
      }
      this.#waiting = this.#waiting.filter((one) => one !== first);
    }
    well();
    return undefined;
  }
}
