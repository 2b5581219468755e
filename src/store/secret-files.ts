// Documents that hold secrets: one file each, readable by their owner only, changed by one program at a time (10.9).
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject } from '../core/json.ts';
import { VERSION as GATEWAY_VERSION } from '../version.ts';
import { removeStale, writeDurably } from './data-dir.ts';

const VERSION = 1;
/** A lock is held for one exchange with an authorization server; an older one was left behind by a kill. */
const STALE = 30_000;
const LOOK = 25;

/** A document that must not be written over: a newer gateway wrote it, or it cannot be read (F-D2). */
export class DocumentRefused extends Error {}

/** Without a folder, or where it cannot be written, they live as long as the program. */
export class SecretFiles {
  readonly #folder: string;
  readonly #memory = new Map<string, unknown>();
  readonly #queues = new Map<string, Promise<unknown>>();
  /** What was told of a document that cannot be used. */
  readonly #told = new Map<string, string>();
  readonly #warn: (text: string) => void;
  /** Unknown before the first change: a gateway without logins makes no folder. */
  #writable: boolean | undefined;

  /** `warn` hears it where nothing can be written. */
  constructor(folder?: string, warn: (text: string) => void = () => undefined) {
    this.#folder = folder ?? '';
    this.#warn = warn;
    if (folder === undefined) this.#writable = false;
  }

  /** Undefined where there is none, or none that can be used; what is wrong with it is told once. */
  read<T>(name: string): T | undefined {
    if (this.#writable === false) return this.#memory.get(name) as T | undefined;
    const found = this.#look<T>(name);
    const { trouble } = found;
    if (trouble !== undefined && this.#told.get(name) !== trouble)
      this.#warn(`${this.#file(name)} ${trouble}; it is not used`);
    if (trouble === undefined) this.#told.delete(name);
    else this.#told.set(name, trouble);
    return found.data;
  }

  /** Why a document that is there cannot be used; undefined where it can, or where there is none. */
  trouble(name: string): string | undefined {
    return this.#writable === false ? undefined : this.#look(name).trouble;
  }

  #look<T>(name: string): { data?: T | undefined; trouble?: string; damaged?: true } {
    let text: string;
    try {
      text = readFileSync(this.#file(name), 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' || code === 'ENOTDIR' ? {} : { trouble: `cannot be read (${code ?? String(error)})` };
    }
    let document: unknown;
    try {
      document = JSON.parse(text);
    } catch {
      document = undefined;
    }
    if (!isObject(document) || typeof document.version !== 'number') return { trouble: 'is damaged', damaged: true };
    if (document.version === VERSION) return { data: document.data as T | undefined };
    const who = document.version > VERSION ? 'a newer' : 'an older';
    return { trouble: `was written by ${who} gateway, version ${String(document.writtenBy ?? 'unknown')}` };
  }

  /** Nothing that somebody may still want is written over: a damaged document goes aside. @throws DocumentRefused */
  #makeWay(name: string): void {
    const { trouble, damaged } = this.#look(name);
    const file = this.#file(name);
    if (damaged) {
      renameSync(file, `${file}.damaged`);
      this.#warn(`${file} is damaged and was moved to ${name}.json.damaged`);
    } else if (trouble !== undefined) throw new DocumentRefused(`${file} ${trouble}; nothing was changed`);
  }

  /** One change at a time, over all programs; see `SecretDocuments`. @throws DocumentRefused */
  update<T>(
    name: string,
    change: (now: T | undefined) => T | undefined | Promise<T | undefined>,
  ): Promise<T | undefined> {
    const before = this.#queues.get(name) ?? Promise.resolve();
    const running = before.then(() => this.#update(name, change));
    const settled = running.then(
      () => undefined,
      () => undefined,
    );
    this.#queues.set(name, settled);
    void settled.then(() => this.#queues.get(name) === settled && this.#queues.delete(name));
    return running;
  }

  async #update<T>(
    name: string,
    change: (now: T | undefined) => T | undefined | Promise<T | undefined>,
  ): Promise<T | undefined> {
    this.#writable ??= makeFolder(this.#folder, this.#warn);
    if (!this.#writable) {
      const next = await change(this.read<T>(name));
      if (next === undefined) this.#memory.delete(name);
      else this.#memory.set(name, next);
      return next;
    }
    const unlock = await this.#lock(name);
    try {
      this.#makeWay(name);
      const now = this.read<T>(name);
      const next = await change(now);
      if (next === undefined) rmSync(this.#file(name), { force: true });
      else if (next !== now) {
        const document = { version: VERSION, writtenBy: GATEWAY_VERSION, data: next };
        writeDurably(this.#file(name), JSON.stringify(document));
      }
      return next;
    } finally {
      unlock();
    }
  }

  /** A lock file that only one program can make. */
  async #lock(name: string): Promise<() => void> {
    const lock = join(this.#folder, `${name}.lock`);
    for (;;) {
      try {
        const handle = openSync(lock, 'wx', 0o600);
        writeSync(handle, String(process.pid));
        closeSync(handle);
        return () => rmSync(lock, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const left = staleText(lock);
        if (left === undefined) await sleep(LOOK);
        else removeStale(lock, left);
      }
    }
  }

  #file(name: string): string {
    return join(this.#folder, `${name}.json`);
  }
}

function makeFolder(folder: string, warn: (text: string) => void): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const probe = join(folder, `.${process.pid}.tmp`);
    closeSync(openSync(probe, 'w', 0o600));
    rmSync(probe, { force: true });
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    warn(`${folder} cannot be written (${code}); logins are kept in memory only`);
    return false;
  }
}

/** What stands in a lock that was left behind: its program is gone, or it is older than any exchange takes. */
function staleText(lock: string): string | undefined {
  try {
    const text = readFileSync(lock, 'utf8');
    if (Date.now() - statSync(lock).mtimeMs > STALE) return text;
    const pid = Number(text);
    if (Number.isInteger(pid) && pid > 0 && !isAlive(pid)) return text;
  } catch {
    // it is gone already
  }
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
