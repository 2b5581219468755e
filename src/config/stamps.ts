// Files that a configuration refers to (`${file:…}`, stored secrets): told when one of them has changed and settled.
// They are looked at, not listened to: they may be anywhere, and a change may take a second.
import { stat } from 'node:fs/promises';

export class WatchedFiles {
  readonly #changed: () => void;
  readonly #timer: NodeJS.Timeout;
  /** By path: the stamp that is known, and one that was seen once. */
  #stamps = new Map<string, { known: string; seen: string }>();
  #looking = false;

  constructor(changed: () => void, every = 1000) {
    this.#changed = changed;
    this.#timer = setInterval(() => void this.#look(), every).unref();
  }

  /** Follows exactly these, as they are now. */
  async follow(paths: Iterable<string>): Promise<void> {
    const stamps = new Map<string, { known: string; seen: string }>();
    for (const path of paths) {
      const now = this.#stamps.get(path)?.known ?? (await stampOf(path));
      stamps.set(path, { known: now, seen: now });
    }
    this.#stamps = stamps;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stamps.clear();
  }

  async #look(): Promise<void> {
    if (this.#looking || this.#stamps.size === 0) return;
    this.#looking = true;
    let changed = false;
    for (const [path, stamp] of this.#stamps) {
      const now = await stampOf(path);
      // A change counts once it looks the same twice: nobody writes there any more.
      if (now !== stamp.known && now === stamp.seen) {
        stamp.known = now;
        changed = true;
      }
      stamp.seen = now;
    }
    this.#looking = false;
    if (changed) this.#changed();
  }
}

async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}`;
  } catch {
    return 'none';
  }
}
