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
import { join, resolve } from 'node:path';
import { homeFolder } from '../core/home.ts';
import { VERSION as GATEWAY_VERSION } from '../version.ts';

/** Version of every document; an older one is migrated, a newer one refused. */
const VERSION = 1;
/** Until a document that could not be written is tried again, in milliseconds. */
const RETRY = 5_000;

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
  const base = env.XDG_STATE_HOME || join(homeFolder(), '.local', 'state');
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
  /** What cannot be written now: since when (`performance.now`), and why. */
  readonly #failing = new Map<string, { since: number; reason: string }>();
  /** Documents of a newer gateway, which are left alone. */
  readonly #refused = new Set<string>();
  readonly #warn: (text: string) => void;
  #closed = false;

  private constructor(path: string, writable: boolean, notes: string[], warn: (text: string) => void) {
    this.path = path;
    this.writable = writable;
    this.notes = notes;
    this.#warn = warn;
  }

  /** Looked at only: nothing is written, and the lock stays with whoever has it. */
  static unused(path: string): DataDir {
    return new DataDir(path, false, [], () => undefined);
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
      notes.push(`${path} cannot be written (${codeOf(error)}); state is kept in memory only`);
      return new DataDir(path, false, notes, warn);
    }
  }

  /** Says in the lock where the gateway can be reached, so that other commands find it. */
  announce(url: string): void {
    if (!this.writable) return;
    this.#keep('gateway.lock', JSON.stringify({ pid: process.pid, started: startOf(process.pid), url }));
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

  /** Writes now what is pending of a document; false where it could not be written, or may not. */
  flush(name: string): boolean {
    this.#write(name);
    return this.writable && !this.#refused.has(name) && !this.#failing.has(name);
  }

  #write(name: string): void {
    const pending = this.#pending.get(name);
    if (pending === undefined) return;
    clearTimeout(pending.timer);
    this.#pending.delete(name);
    const { read } = pending;
    try {
      writeDurably(
        join(this.path, name),
        JSON.stringify({ version: VERSION, writtenBy: GATEWAY_VERSION, data: read() }),
      );
      this.well(name);
    } catch (error) {
      this.#tell(name, error);
      // Space may return; what stands there then is written without anybody having to change it again.
      if (!this.#closed) this.#pending.set(name, { timer: setTimeout(() => this.#write(name), RETRY).unref(), read });
    }
  }

  /** Writes a file now, or as soon as that is possible. */
  #keep(name: string, text: string): void {
    if (this.#closed) return;
    try {
      writeDurably(join(this.path, name), text);
      this.well(name);
    } catch (error) {
      this.#tell(name, error);
      setTimeout(() => this.#keep(name, text), RETRY).unref();
    }
  }

  #tell(name: string, error: unknown): void {
    if (this.failed(name, error))
      this.#warn(`${join(this.path, name)} cannot be written (${codeOf(error)}); calls go on`);
  }

  /** Something of this gateway's state cannot be written (F-D1). True the first time, until it is `well` again. */
  failed(name: string, error: unknown): boolean {
    if (this.#failing.has(name)) return false;
    this.#failing.set(name, { since: performance.now(), reason: `${name}: ${codeOf(error)}` });
    return true;
  }

  well(name: string): void {
    this.#failing.delete(name);
  }

  /** For how long some of the state could not be written, and which; undefined while all is well. */
  trouble(): { seconds: number; reason: string } | undefined {
    if (this.#failing.size === 0) return undefined;
    const all = [...this.#failing.values()];
    const since = Math.min(...all.map((one) => one.since));
    return { seconds: (performance.now() - since) / 1000, reason: all.map(({ reason }) => reason).join(', ') };
  }

  /** A secret of this gateway, made at first use: `bytes` random bytes. In memory only where nothing can be written. */
  secret(name: string, bytes: number): Buffer {
    const file = join(this.path, name);
    try {
      const kept = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64url');
      if (kept.length >= bytes) return kept;
      this.#warn(`${file} is damaged; a new one is made`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#warn(`${file} cannot be read (${codeOf(error)}); a new one is made`);
    }
    const fresh = randomBytes(bytes);
    if (this.writable) this.#keep(name, `${fresh.toString('base64url')}\n`);
    return fresh;
  }

  /** Writes what is pending and gives the directory up. */
  close(): void {
    this.#closed = true;
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
  try {
    const handle = openSync(temp, 'w', 0o600);
    try {
      writeFileSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temp, file);
  } catch (error) {
    // Half a copy on a full disk would only make it fuller.
    rmSync(temp, { force: true });
    throw error;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
