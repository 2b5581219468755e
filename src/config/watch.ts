// Watches the configuration file however it is changed: written in place, replaced by rename, or behind a symbolic
// link that is swapped (requirements 12.1, U-09, F-K4).
import { type FSWatcher, watch } from 'node:fs';
import { lstat, readlink, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, parse, resolve, sep } from 'node:path';
import { readConfigFile } from './find.ts';
import type { Problem } from './problem.ts';

export interface WatchOptions {
  path: string;
  /** The text last read; the first call comes with a different one. Absent: what the file holds at the start. */
  text?: string | undefined;
  /** A new text, settled. Called again with the old text after a problem, so that its report can be withdrawn. */
  onText(text: string): void;
  /** The file is gone or cannot be read; told once for each that was found there. */
  onProblem(problems: Problem[]): void;
  /** How long the file must be left alone before it is read, in milliseconds. */
  settle?: number;
  /** Between two looks at the file that need no notification, in milliseconds. */
  poll?: number;
}

/** Notifications of one moment lead to one look. */
const GATHER = 20;

export class ConfigWatch {
  readonly #options: WatchOptions;
  readonly #path: string;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  #gather: NodeJS.Timeout | undefined;
  #settle: NodeJS.Timeout | undefined;
  /** Of the last notification, or of the look that needed none (`performance.now`). */
  #moved = 0;
  #signature = '';
  #text: string | undefined;
  #trouble = false;
  #looking = false;
  #again = false;
  #closed = false;

  /** For `watchConfig`, which begins later; others use `start`. */
  constructor(options: WatchOptions) {
    this.#options = options;
    this.#path = resolve(options.path);
    this.#text = options.text;
    // Also where notifications work: file systems that lose them (network, containers on a Mac) do not say so.
    this.#poll = setInterval(() => {
      this.#moved = performance.now();
      this.#look();
    }, options.poll ?? 2000);
    this.#poll.unref();
  }

  /** Resolves when the watch is set: no later change is missed. */
  static async start(options: WatchOptions): Promise<ConfigWatch> {
    const self = new ConfigWatch(options);
    await self.begin();
    return self;
  }

  async begin(): Promise<void> {
    await this.#follow();
    // What happened between the reading of the text and now is found by reading once.
    await this.#read();
  }

  /** What the file holds now, written by whoever watches it: what follows is compared with that. */
  wrote(text: string): void {
    this.#text = text;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#gather);
    clearTimeout(this.#settle);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** Watches exactly the directories in which a change could make the path mean another file. */
  async #follow(): Promise<void> {
    const wanted = await directoriesOf(this.#path);
    if (this.#closed) return;
    for (const [directory, watcher] of this.#watchers) {
      if (wanted.has(directory)) continue;
      watcher.close();
      this.#watchers.delete(directory);
    }
    for (const directory of wanted) {
      if (this.#watchers.has(directory)) continue;
      try {
        const watcher = watch(directory, { persistent: false }, () => this.#notified());
        // A watched directory went, or the system ran out of watches: the poll goes on.
        watcher.on('error', () => this.#drop(directory, watcher));
        this.#watchers.set(directory, watcher);
      } catch {
        // As above.
      }
    }
  }

  #drop(directory: string, watcher: FSWatcher): void {
    watcher.close();
    if (this.#watchers.get(directory) === watcher) this.#watchers.delete(directory);
    this.#notified();
  }

  #notified(): void {
    this.#moved = performance.now();
    if (this.#closed || this.#gather !== undefined) return;
    this.#gather = setTimeout(() => {
      this.#gather = undefined;
      this.#look();
    }, GATHER);
    this.#gather.unref();
  }

  /** Something moved nearby. Only when it was the file itself, its time to settle begins again. */
  #look(): void {
    if (this.#closed) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    void this.#observe().finally(() => {
      this.#looking = false;
      if (!this.#again) return;
      this.#again = false;
      this.#look();
    });
  }

  async #observe(): Promise<void> {
    const signature = await signatureOf(this.#path);
    if (this.#closed || signature === this.#signature) return;
    this.#signature = signature;
    clearTimeout(this.#settle);
    // What was seen now happened before the last notification: the file is left alone since then.
    const left = (this.#options.settle ?? 500) - (performance.now() - this.#moved);
    this.#settle = setTimeout(() => void this.#settled(), Math.max(0, left));
    this.#settle.unref();
  }

  async #settled(): Promise<void> {
    await this.#follow();
    await this.#read();
  }

  async #read(): Promise<void> {
    const before = await signatureOf(this.#path);
    const result = await readConfigFile(this.#path);
    const after = await signatureOf(this.#path);
    if (this.#closed) return;
    if (before !== after) {
      // Written while it was read; wait for it to settle again.
      this.#look();
      return;
    }
    this.#signature = after;
    if (!result.ok) {
      // It is read again only when it is another file: each that cannot be read is told.
      this.#trouble = true;
      this.#options.onProblem(result.problems);
      return;
    }
    this.#text ??= result.text;
    if (result.text === this.#text && !this.#trouble) return;
    this.#text = result.text;
    this.#trouble = false;
    this.#options.onText(result.text);
  }
}

/**
 * Calls `changed` after every settled change of a file, its loss and its return included; one call at a time.
 * With `text`, a change between the reading of that text and now counts too. `changed` must not reject.
 */
export function watchConfig(
  path: string,
  options: { changed(): void | Promise<void>; text?: string | undefined },
): { close(): void } {
  let calls = Promise.resolve();
  const changed = () => {
    calls = calls.then(options.changed);
  };
  const watch = new ConfigWatch({ path, text: options.text, onText: changed, onProblem: changed });
  void watch.begin();
  return watch;
}

/** Changes with every change of the file, whichever file the path means now. */
async function signatureOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}

/** As many links as Linux follows. */
const MOST_LINKS = 40;

/** The directory that holds the file, and those that hold the links on the way to it. */
async function directoriesOf(path: string): Promise<Set<string>> {
  const found = new Set<string>();
  const { root } = parse(path);
  let here = root;
  let rest = path.slice(root.length).split(sep).filter(Boolean);
  let links = 0;
  while (rest.length > 0) {
    const [name, ...behind] = rest as [string, ...string[]];
    const next = join(here, name);
    let link: string | undefined;
    try {
      link = (await lstat(next)).isSymbolicLink() ? await readlink(next) : undefined;
    } catch {
      // It does not exist: whatever will be made, is made here.
      found.add(here);
      return found;
    }
    if (link !== undefined && links++ < MOST_LINKS) {
      found.add(here);
      const target = isAbsolute(link) ? link : resolve(here, link);
      const start = parse(target).root;
      here = start;
      rest = [...target.slice(start.length).split(sep).filter(Boolean), ...behind];
      continue;
    }
    here = next;
    rest = behind;
  }
  found.add(dirname(here));
  return found;
}
