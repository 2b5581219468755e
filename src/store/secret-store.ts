// Secrets that a configuration names as `${secret:NAME}`: one file, each value sealed with AES-256-GCM under its name.
// The key lies in a file of its own, in one named by HOLDFAST_SECRET_KEY_FILE, or in the keyring of the system.
import { spawnSync } from 'node:child_process';
import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from '../core/json.ts';
import { writeDurably } from './data-dir.ts';
import { DocumentRefused, SecretFiles } from './secret-files.ts';

/** Where the key is: beside the secrets, in a file somewhere else, in the keyring. */
export type KeyPlace = 'file' | 'elsewhere' | 'keyring';

interface Sealed {
  /** Which key it was sealed with: the first digits of the key's hash. */
  key: string;
  /** Base64 of nonce, tag and text. */
  sealed: string;
  /** ISO time. */
  changed: string;
}

interface Kept {
  place: KeyPlace;
  secrets: Record<string, Sealed>;
}

/** The secrets cannot be read or written; the message says why, never a value. */
export class SecretsFailed extends Error {
  override readonly name = 'SecretsFailed';
}

const DOCUMENT = 'secrets';
/** File of the secrets in the data directory, for whoever watches it. */
export const SECRETS_FILE = `${DOCUMENT}.json`;
const KEY_FILE = 'secret-key';
const NONCE = 12;
const TAG = 16;
const NAME = /^[\w.@/-]{1,128}$/;

export class SecretStore {
  readonly #directory: string;
  readonly #outside: string | undefined;
  readonly #files: SecretFiles;
  #keys: readonly Buffer[] | undefined;

  /** `warn` hears of a damaged document that was moved aside. */
  constructor(
    directory: string,
    env: Readonly<Record<string, string | undefined>>,
    warn?: ((text: string) => void) | undefined,
  ) {
    this.#directory = directory;
    this.#outside = env.HOLDFAST_SECRET_KEY_FILE || undefined;
    this.#files = new SecretFiles(directory, warn);
  }

  /** Names and when each was set. */
  list(): { name: string; changed: string }[] {
    return Object.entries(this.#read().secrets).map(([name, { changed }]) => ({ name, changed }));
  }

  /** Where the key is. */
  get place(): KeyPlace {
    return this.#read().place;
  }

  /** @throws SecretsFailed where it is there but cannot be opened */
  get(name: string): string | undefined {
    const { place, secrets } = this.#read();
    const found = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
    return found && open(name, found, this.#keysAt(place));
  }

  /** @throws SecretsFailed */
  async set(name: string, value: string): Promise<void> {
    if (!NAME.test(name)) throw new SecretsFailed('a name has letters, digits and . _ @ / - only');
    await this.#change((kept) => {
      const [key] = this.#keysAt(kept.place, isEmpty(kept));
      return { ...kept, secrets: { ...kept.secrets, [name]: seal(name, value, key as Buffer) } };
    });
  }

  /** False where there is none of this name. */
  async remove(name: string): Promise<boolean> {
    let was = false;
    await this.#change((kept) => {
      const { [name]: gone, ...secrets } = kept.secrets;
      was = gone !== undefined;
      return { ...kept, secrets };
    });
    return was;
  }

  /** Seals everything with a new key, kept in `place`. Whenever it is interrupted, one of the two keys opens each. */
  async rotateKey(place?: 'file' | 'keyring'): Promise<number> {
    let count = 0;
    await this.#change((kept) => {
      const to = place ?? kept.place;
      if (to === 'elsewhere' || this.#outside !== undefined)
        throw new SecretsFailed('the key is kept in HOLDFAST_SECRET_KEY_FILE; unset that, or change the file yourself');
      const old = this.#keysAt(kept.place, isEmpty(kept));
      const fresh = randomBytes(32);
      // Both keys are there while both are needed.
      this.#writeKeys(to, [fresh, ...old]);
      const names = Object.keys(kept.secrets);
      count = names.length;
      const secrets = Object.fromEntries(
        names.map((name) => [name, seal(name, open(name, kept.secrets[name] as Sealed, old), fresh)]),
      );
      return { place: to, secrets };
    });
    const { place: now } = this.#read();
    this.#writeKeys(now, this.#keysAt(now).slice(0, 1));
    // One that was moved away does not stay beside what it opened.
    if (now === 'keyring') rmSync(this.#keyFile(), { force: true });
    return count;
  }

  /** @throws SecretsFailed where they are there but cannot be used */
  #read(): Kept {
    const trouble = this.#files.trouble(DOCUMENT);
    if (trouble !== undefined) throw new SecretsFailed(`${join(this.#directory, SECRETS_FILE)} ${trouble}`);
    const kept = this.#files.read<Kept>(DOCUMENT);
    const place = this.#outside === undefined ? (kept?.place ?? 'file') : 'elsewhere';
    return { place, secrets: isObject(kept?.secrets) ? kept.secrets : {} };
  }

  async #change(change: (kept: Kept) => Kept): Promise<void> {
    this.#keys = undefined;
    try {
      await this.#files.update<Kept>(DOCUMENT, () => change(this.#read()));
    } catch (error) {
      if (error instanceof DocumentRefused) throw new SecretsFailed(error.message);
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      throw new SecretsFailed(`the secrets cannot be written (${code}); nothing was changed`);
    } finally {
      this.#keys = undefined;
    }
  }

  /** The keys, the one that seals first. @throws SecretsFailed where there is none */
  #keysAt(place: KeyPlace, make = false): readonly Buffer[] {
    if (this.#keys !== undefined) return this.#keys;
    const texts = this.#keyTexts(place);
    if (texts.length === 0) {
      if (!make || place === 'elsewhere')
        throw new SecretsFailed(`the key of the secrets is missing (${this.#where(place)})`);
      this.#writeKeys(place, [randomBytes(32)]);
      return this.#keysAt(place);
    }
    this.#keys = texts.map((text) => keyOf(text));
    return this.#keys;
  }

  #keyTexts(place: KeyPlace): string[] {
    const text = place === 'keyring' ? keyring.read(this.#directory) : readText(this.#keyFile());
    if (place === 'elsewhere') return text === undefined || text.trim() === '' ? [] : [text.trim()];
    return text?.split(/\s+/).filter(Boolean) ?? [];
  }

  #writeKeys(place: KeyPlace, keys: readonly Buffer[]): void {
    const text = keys.map((key) => key.toString('base64url')).join('\n');
    if (place === 'keyring') keyring.write(this.#directory, text);
    else writeDurably(this.#keyFile(), `${text}\n`);
    this.#keys = undefined;
  }

  #keyFile(): string {
    return this.#outside ?? join(this.#directory, KEY_FILE);
  }

  #where(place: KeyPlace): string {
    return place === 'keyring' ? 'the keyring of the system' : this.#keyFile();
  }
}

/** 32 bytes as they are written; any other text by its hash. */
function keyOf(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === 32 ? bytes : hash('sha256', text, 'buffer');
}

/** Where nothing is sealed yet, a key may be made; else it is only missing. */
function isEmpty({ secrets }: Kept): boolean {
  return Object.keys(secrets).length === 0;
}

function idOf(key: Buffer): string {
  return hash('sha256', key).slice(0, 16);
}

function seal(name: string, value: string, key: Buffer): Sealed {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(name));
  const text = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  const sealed = Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64');
  return { key: idOf(key), sealed, changed: new Date().toISOString() };
}

/** @throws SecretsFailed for another key, or where somebody changed it */
function open(name: string, { key: id, sealed }: Sealed, keys: readonly Buffer[]): string {
  const key = keys.find((one) => idOf(one) === id);
  if (key === undefined) throw new SecretsFailed(`the secret ${JSON.stringify(name)} was sealed with another key`);
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE));
  decipher.setAAD(Buffer.from(name));
  decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]).toString('utf8');
  } catch {
    throw new SecretsFailed(`the secret ${JSON.stringify(name)} was changed by somebody else; set it again`);
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** The keyring by the programs that systems have for it; the key goes over stdin, where they take it there. */
const keyring = {
  read(directory: string): string | undefined {
    const [command, ...args] =
      process.platform === 'darwin'
        ? ['security', 'find-generic-password', '-s', 'holdfast', '-a', directory, '-w']
        : ['secret-tool', 'lookup', 'service', 'holdfast', 'directory', directory];
    const { status, stdout } = spawnSync(command as string, args, { encoding: 'utf8', timeout: 10_000 });
    return status === 0 && stdout.trim() !== '' ? stdout.trim() : undefined;
  },
  write(directory: string, text: string): void {
    const one = text.replaceAll('\n', ' ');
    const [command, ...args] =
      process.platform === 'darwin'
        ? // It takes commands on stdin, so that the key stands on no command line.
          ['security', '-i']
        : ['secret-tool', 'store', '--label=Holdfast secrets', 'service', 'holdfast', 'directory', directory];
    const quoted = directory.replaceAll('"', '\\"');
    const input =
      process.platform === 'darwin' ? `add-generic-password -U -s holdfast -a "${quoted}" -w "${one}"\n` : one;
    const { status, error } = spawnSync(command as string, args, { input, encoding: 'utf8', timeout: 10_000 });
    if (status === 0) return;
    const code = (error as NodeJS.ErrnoException | undefined)?.code;
    const why =
      code === 'ENOENT'
        ? `${command} is not installed (libsecret-tools or libsecret in most distributions)`
        : `${command}: ${code ?? `exit ${status}, is a keyring unlocked in this session?`}`;
    throw new SecretsFailed(
      `the keyring took no key (${why}); nothing was changed. HOLDFAST_SECRET_KEY_FILE keeps the key apart without a keyring`,
    );
  },
};
