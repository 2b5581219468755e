// The data directory: whose it is, whether it can be written, and small documents in it (requirements 10.14).
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { VERSION as GATEWAY_VERSION } from '../version.ts';

/** Version of every document; an older one is migrated, a newer one refused. */
const VERSION = 1;

export interface DataDirChoice {
  flag?: string | undefined;
  /** `storage.dir` of the configuration. */
  configured?: string | undefined;
  /** The configuration file, from which the default place is made. */
  configFile?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
}

/** Where state is kept: flag, HOLDFAST_DATA_DIR, storage.dir, else a place of its own per configuration file. */
export function chooseDataDir({ flag, configured, configFile, env }: DataDirChoice): string {
  const given = flag ?? env.HOLDFAST_DATA_DIR ?? configured;
  if (given !== undefined && given !== '') return resolve(given);
  const base = env.XDG_STATE_HOME || join(homedir(), '.local', 'state');
  const name =
    configFile === undefined ? 'default' : createHash('sha256').update(realPath(configFile)).digest('hex').slice(0, 12);
  return join(base, 'holdfast', name);
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return resolve(file);
  }
}

interface Owner {
  pid: number;
  /** Start of the process in clock ticks since boot, so that a reused pid is not taken for it. */
  started: string | undefined;
  url?: string;
}

/**
 * One data directory, held by at most one gateway. Without the lock, or where it cannot be written, everything works
 * from memory and `notes` says so.
 */
export class DataDir {
  readonly path: string;
  readonly notes: string[] = [];
  readonly writable: boolean;
  readonly #pending = new Map<string, { timer: NodeJS.Timeout; read: () => unknown }>();
  readonly #failed = new Set<string>();
  /** Documents of a newer gateway, which are left alone. */
  readonly #refused = new Set<string>();
  readonly #warn: (text: string) => void;

  private constructor(path: string, writable: boolean, notes: string[], warn: (text: string) => void) {
    this.path = path;
    this.writable = writable;
    this.notes = notes;
    this.#warn = warn;
  }

  /** Never throws. `warn` hears of documents that cannot be read or written, once each. */
  static open(path: string, warn: (text: string) => void): DataDir {
    const notes: string[] = [];
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      const owner = takeLock(path);
      if (owner !== undefined) {
        notes.push(`${path} belongs to the gateway with pid ${owner.pid}; this one serves without writing there`);
        return new DataDir(path, false, notes, warn);
      }
      // What a kill left of files that were being written.
      for (const name of readdirSync(path))
        if (/^(?!gateway\.lock).*\.\d+\.tmp$/.test(name)) rmSync(join(path, name), { force: true });
      return new DataDir(path, true, notes, warn);
    } catch (error) {
      notes.push(
        `${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)}); state is kept in memory only`,
      );
      return new DataDir(path, false, notes, warn);
    }
  }

  /** Says in the lock where the gateway can be reached, so that other commands find it. */
  announce(url: string): void {
    if (!this.writable) return;
    try {
      writeDurably(
        join(this.path, 'gateway.lock'),
        JSON.stringify({ pid: process.pid, started: startOf(process.pid), url }),
      );
    } catch (error) {
      this.#tell('gateway.lock', error);
    }
  }

  /** A document, or undefined where there is none that can be used. A corrupt one is moved aside. */
  read<T>(name: string): T | undefined {
    const file = join(this.path, name);
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch {
      return undefined;
    }
    const document = parsed(text);
    if (document === undefined) {
      this.#warn(`${file} is damaged and was moved to ${name}.damaged`);
      if (this.writable) renameSync(file, `${file}.damaged`);
      return undefined;
    }
    const { version, writtenBy, data } = document;
    if (version === VERSION) return data as T;
    const by = writtenBy === undefined ? '' : `, version ${String(writtenBy)}`;
    if (version > VERSION) {
      this.#refused.add(name);
      this.#warn(`${file} was written by a newer gateway${by}; it is neither used nor changed`);
    } else {
      if (this.writable) copyFileSync(file, `${file}.v${version}`);
      this.#warn(`${file} was written by an older gateway${by} and is not used; a copy is kept`);
    }
    return undefined;
  }

  /** Writes a document a moment later, together with what changes until then. */
  save(name: string, read: () => unknown, delay = 100): void {
    if (!this.writable || this.#refused.has(name)) return;
    const pending = this.#pending.get(name);
    if (pending !== undefined) {
      pending.read = read;
      return;
    }
    const timer = setTimeout(() => this.#write(name), delay).unref();
    this.#pending.set(name, { timer, read });
  }

  #write(name: string): void {
    const pending = this.#pending.get(name);
    if (pending === undefined) return;
    clearTimeout(pending.timer);
    this.#pending.delete(name);
    try {
      writeDurably(
        join(this.path, name),
        JSON.stringify({ version: VERSION, writtenBy: GATEWAY_VERSION, data: pending.read() }),
      );
      this.#failed.delete(name);
    } catch (error) {
      this.#tell(name, error);
    }
  }

  #tell(name: string, error: unknown): void {
    if (this.#failed.has(name)) return;
    this.#failed.add(name);
    this.#warn(
      `${join(this.path, name)} cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)}); calls go on`,
    );
  }

  /** A secret of this gateway, made at first use: `bytes` random bytes. In memory only where nothing can be written. */
  secret(name: string, bytes: number): Buffer {
    const file = join(this.path, name);
    try {
      const kept = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64url');
      if (kept.length >= bytes) return kept;
    } catch {
      // not there yet
    }
    const fresh = randomBytes(bytes);
    if (this.writable) {
      try {
        writeDurably(file, `${fresh.toString('base64url')}\n`);
      } catch (error) {
        this.#tell(name, error);
      }
    }
    return fresh;
  }

  /** Writes what is pending and gives the directory up. */
  close(): void {
    for (const name of [...this.#pending.keys()]) this.#write(name);
    if (this.writable) rmSync(join(this.path, 'gateway.lock'), { force: true });
  }
}

/** The gateway that holds a data directory, is alive and listens, if any. */
export function findGateway(path: string): { pid: number; url: string } | undefined {
  const holder = holderOf(path);
  return holder?.url === undefined ? undefined : { pid: holder.pid, url: holder.url };
}

export interface Holder {
  pid: number;
  /** Absent while it does not listen yet. */
  url: string | undefined;
  /** Whether this very process still lives, whoever has its pid by now. */
  alive(): boolean;
}

/** The living process that holds a data directory, also while it starts and while it stops. */
export function holderOf(path: string): Holder | undefined {
  const owner = readOwner(path);
  if (owner === undefined || !alive(owner)) return undefined;
  return { pid: owner.pid, url: owner.url, alive: () => alive(owner) };
}

/** A document as it stands in a file; undefined where it is none. */
function parsed(text: string): { version: number; writtenBy?: unknown; data?: unknown } | undefined {
  try {
    const document = JSON.parse(text) as { version: number } | null;
    return typeof document?.version === 'number' ? document : undefined;
  } catch {
    return undefined;
  }
}

/** Takes the lock, or gives the living gateway that holds it. Of several that try at once one gets it. */
function takeLock(path: string): Owner | undefined {
  const lock = join(path, 'gateway.lock');
  const text = JSON.stringify({ pid: process.pid, started: startOf(process.pid) } satisfies Owner);
  const temp = `${lock}.${process.pid}.tmp`;
  for (let tries = 0; tries < 10; tries++) {
    writeFileSync(temp, text, { mode: 0o600 });
    try {
      linkSync(temp, lock);
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') break; // a file system without links
    } finally {
      rmSync(temp, { force: true });
    }
    const found = readText(lock);
    const owner = ownerOf(found);
    if (owner !== undefined && owner.pid !== process.pid && alive(owner)) return owner;
    removeStale(lock, found);
  }
  writeDurably(lock, text);
  return undefined;
}

/** Takes a lock away that holds what was read of it; one that somebody else took meanwhile is put back. */
export function removeStale(lock: string, found: string | undefined): void {
  const aside = `${lock}.stale.${process.pid}.tmp`;
  try {
    renameSync(lock, aside);
    if (readText(aside) !== found) linkSync(aside, lock);
  } catch {
    // somebody else was faster
  }
  rmSync(aside, { force: true });
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function readOwner(path: string): Owner | undefined {
  return ownerOf(readText(join(path, 'gateway.lock')));
}

function ownerOf(text: string | undefined): Owner | undefined {
  try {
    const owner = JSON.parse(text ?? 'null') as Owner | null;
    return owner !== null && Number.isInteger(owner.pid) && owner.pid > 0 ? owner : undefined;
  } catch {
    return undefined;
  }
}

function alive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return owner.started === undefined || !existsSync('/proc/self/stat') || startOf(owner.pid) === owner.started;
}

/** Field 22 of /proc/<pid>/stat, where there is one. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Temp file, fsync, rename: the file holds the old text or the new one, whatever happens (reliability F-D1). */
export function writeDurably(file: string, text: string | Uint8Array): void {
  const temp = `${file}.${process.pid}.tmp`;
  const handle = openSync(temp, 'w', 0o600);
  try {
    writeFileSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(temp, file);
}
