// Every configuration that was applied, with who, when and why; texts are kept once, by their hash (C-60 … C-63).
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '../core/json.ts';
import { removeTemporaries, writeDurably } from './durable.ts';

/** What is noted of a version. */
export interface VersionNote {
  /** Who applied it: a principal, `file`, `cli`. */
  by: string;
  /** Why, in the words of whoever did. */
  reason: string;
  /** The file it came from, and how it was read. */
  file?: string | undefined;
  format?: string | undefined;
}

export interface ConfigVersion extends VersionNote {
  /** From 1, never given twice. */
  version: number;
  /** SHA-256 of the text. */
  hash: string;
  /** Milliseconds since 1970. */
  at: number;
}

interface Index {
  format: 1;
  next: number;
  versions: ConfigVersion[];
}

export interface HistoryOptions {
  /** A directory of its own, made where it is missing (0700, its files 0600). */
  directory: string;
  /** Versions kept; older ones go. */
  keep: number;
  now?: () => number;
}

/** Why a history could not be opened: a newer gateway wrote it (F-D2). */
export class NewerHistory extends Error {}

/** Every write is durable before it is told: a version that was given a number survives a crash. */
export class ConfigHistory {
  readonly #options: HistoryOptions;
  #index: Index;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(options: HistoryOptions, index: Index) {
    this.#options = options;
    this.#index = index;
  }

  /**
   * Opens or begins a history. A corrupt index is moved aside, and told by `onNotice`.
   * @throws NewerHistory; the system's error where the directory cannot be used
   */
  static async open(
    options: HistoryOptions,
    onNotice: (text: string) => void = () => undefined,
  ): Promise<ConfigHistory> {
    const { directory } = options;
    await mkdir(join(directory, 'texts'), { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
    for (const place of [directory, join(directory, 'texts')]) await removeTemporaries(place);
    const index = await readIndex(directory, onNotice);
    await removeUnnamed(directory, index);
    return new ConfigHistory(options, index);
  }

  /** All versions, the oldest first. */
  list(): readonly ConfigVersion[] {
    return this.#index.versions;
  }

  get(version: number): ConfigVersion | undefined {
    return this.#index.versions.find((one) => one.version === version);
  }

  /** The text of a version; undefined if it is not kept, or no longer what it was. */
  async read(version: number): Promise<string | undefined> {
    const found = this.get(version);
    if (found === undefined) return undefined;
    try {
      const text = await readFile(this.#textPath(found.hash), 'utf8');
      return hashOf(text) === found.hash ? text : undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /**
   * Keeps a text as the newest version, applied now or `at`. Returns when it is durable.
   * @throws the system's error (disk full …); the history is then as it was
   */
  record(text: string, note: VersionNote & { at?: number }): Promise<ConfigVersion> {
    const result = this.#writing.then(() => this.#record(text, note));
    this.#writing = result.catch(() => undefined);
    return result;
  }

  async #record(text: string, note: VersionNote & { at?: number }): Promise<ConfigVersion> {
    const { keep, now = Date.now, directory } = this.#options;
    const hash = hashOf(text);
    const known = this.#index.versions.some((one) => one.hash === hash);
    // The text first: an index never speaks of a text that is not there.
    if (!known) await writeDurably(this.#textPath(hash), text);
    const added: ConfigVersion = { version: this.#index.next, hash, at: now(), ...note };
    const all = [...this.#index.versions, added];
    const index: Index = { format: 1, next: added.version + 1, versions: all.slice(-keep) };
    await writeDurably(join(directory, 'index.json'), `${JSON.stringify(index, null, 1)}\n`);
    this.#index = index;
    const needed = new Set(index.versions.map((one) => one.hash));
    for (const old of all.slice(0, -keep))
      if (!needed.has(old.hash)) await unlink(this.#textPath(old.hash)).catch(() => undefined);
    return added;
  }

  #textPath(hash: string): string {
    return join(this.#options.directory, 'texts', hash);
  }
}

/**
 * The text of a version, whole, while a gateway may be writing there; undefined if it is not kept. Nothing is changed.
 * @throws the system's error where the directory cannot be read
 */
export async function readVersion(
  directory: string,
  wanted: number | 'newest',
): Promise<{ version: ConfigVersion; text: string } | undefined> {
  const index = await readFile(join(directory, 'index.json'), 'utf8').then(parseIndex, () => undefined);
  const version = wanted === 'newest' ? index?.versions.at(-1) : index?.versions.find((one) => one.version === wanted);
  if (version === undefined) return undefined;
  const text = await readFile(join(directory, 'texts', version.hash), 'utf8').catch(() => undefined);
  return text === undefined || hashOf(text) !== version.hash ? undefined : { version, text };
}

async function readIndex(directory: string, onNotice: (text: string) => void): Promise<Index> {
  const path = join(directory, 'index.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return rebuilt(directory);
    throw error;
  }
  const index = parseIndex(text);
  if (index === undefined) {
    const aside = `${path}.corrupt-${Date.now()}`;
    await rename(path, aside);
    onNotice(`the history of the configuration was corrupt and was moved to ${aside}`);
    return rebuilt(directory);
  }
  if (index.format !== 1)
    throw new NewerHistory(
      `the history in ${directory} was written by another version of the gateway (format ${String(index.format)}) and is left alone`,
    );
  return index;
}

/** Texts that no version names were left by a writer that was killed before or after its index. */
async function removeUnnamed(directory: string, index: Index): Promise<void> {
  const named = new Set(index.versions.map(({ hash }) => hash));
  for (const name of await readdir(join(directory, 'texts')))
    if (!named.has(name)) await unlink(join(directory, 'texts', name)).catch(() => undefined);
}

/** Without an index the kept texts are still there; they get numbers again, in no particular order. */
async function rebuilt(directory: string): Promise<Index> {
  const names = (await readdir(join(directory, 'texts'))).filter((name) => /^[0-9a-f]{64}$/.test(name)).sort();
  const versions = names.map((hash, index) => ({ version: index + 1, hash, at: 0, by: 'unknown', reason: 'found' }));
  return { format: 1, next: versions.length + 1, versions };
}

function parseIndex(text: string): Index | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || typeof value.format !== 'number') return undefined;
  if (value.format !== 1) return value as unknown as Index;
  const { next, versions } = value;
  if (typeof next !== 'number' || !Array.isArray(versions)) return undefined;
  const whole = versions.every(
    (one: unknown) =>
      isObject(one) &&
      typeof one.version === 'number' &&
      typeof one.hash === 'string' &&
      /^[0-9a-f]{64}$/.test(one.hash) &&
      typeof one.at === 'number',
  );
  return whole ? (value as unknown as Index) : undefined;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
