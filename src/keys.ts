// The keys of a running gateway: those of its configuration and of its command line, less those that were revoked.
import type { Config } from './config/schema.ts';
import { type KeyConfig, scopeOf } from './config/schema-key.ts';
import type { EventStream } from './core/events.ts';
import type { KeyInfo, StateDocuments } from './core/ports.ts';
import { CallerKeys, digestOf, type Key } from './http/keys.ts';

/** Digests that are good for nothing, whatever an old version of the configuration says. */
type Revoked = Record<string, { name: string; at: number; by: string }>;

const REVOKED = 'revoked-keys.json';
/** When each was last used, in milliseconds since 1970. */
const USED = 'used-keys.json';
/** How long after its use that is written down. */
const USED_DELAY = 30_000;

export interface KeysSetup {
  config: Config;
  /** Of the command line. */
  given: readonly Key[];
  adminToken: Key | undefined;
  /** See `CallerKeys`. */
  closed: boolean;
  documents: StateDocuments;
  events: EventStream;
}

export class Keys {
  readonly ring: CallerKeys;
  readonly #given: readonly Key[];
  readonly #documents: StateDocuments;
  readonly #events: EventStream;
  readonly #revoked: Revoked;
  readonly #usedBefore: Readonly<Record<string, number>>;
  #config: Config;
  #listeners: ((gone: readonly string[]) => void)[] = [];

  constructor({ config, given, adminToken, closed, documents, events }: KeysSetup) {
    this.#config = config;
    this.#given = given;
    this.#documents = documents;
    this.#events = events;
    this.#revoked = documents.read<Revoked>(REVOKED) ?? {};
    this.#usedBefore = documents.read<Record<string, number>>(USED) ?? {};
    const used = () => ({ ...this.#usedBefore, ...this.ring.used() });
    this.ring = new CallerKeys(this.#good(config), {
      adminToken,
      closed,
      used: () => documents.save(USED, used, USED_DELAY),
    });
  }

  /** Takes the keys of another configuration, at once. */
  apply(config: Config): void {
    const before = new Map(this.ring.keys.map((key) => [key.name, told(key)]));
    const { closed } = this.ring;
    this.#config = config;
    this.ring.replace(this.#good(config));
    const now = new Map(this.ring.keys.map((key) => [key.name, told(key)]));
    const gone = [...before.keys()].filter((name) => now.get(name) !== before.get(name));
    // Who needed no key until now needs one.
    if (!closed && this.ring.closed) gone.push('local');
    if (gone.length > 0 || now.size !== before.size) for (const listener of this.#listeners) listener(gone);
  }

  /** Told when keys have changed: of those that are gone or may do other things now. */
  onChange(listener: (gone: readonly string[]) => void): void {
    this.#listeners.push(listener);
  }

  list(): KeyInfo[] {
    const infos = this.#config.keys.map((key): KeyInfo => {
      const { name, roles, upstreams, tools, views, rate, expires, previous } = key;
      const revoked = this.#revoked[hashOf(key)];
      return {
        name,
        roles,
        source: 'configuration',
        ...(upstreams !== undefined && { upstreams }),
        ...(tools !== undefined && { tools }),
        ...(views !== undefined && { views }),
        ...(rate !== undefined && { rate }),
        ...(expires !== undefined && { expires, expired: Date.parse(expires) <= Date.now() }),
        ...(previous !== undefined && { previousUntil: previous.until }),
        ...(revoked !== undefined && { revoked: new Date(revoked.at).toISOString() }),
        ...this.#usedAt(name),
      };
    });
    const given = this.#given.map(
      ({ name, roles }): KeyInfo => ({ name, roles: [...roles], source: 'command line', ...this.#usedAt(name) }),
    );
    return [...infos, ...given];
  }

  /** Digests of a key of the configuration: its own, then that before its rotation. */
  hashesOf(name: string): string[] {
    const key = this.#config.keys.find((one) => one.name === name);
    if (key === undefined) return [];
    return [hashOf(key), ...(key.previous === undefined ? [] : [key.previous.hash])];
  }

  /** Writes digests down that shall be good for nothing from now on. */
  revoke(name: string, hashes: readonly string[], by: string): void {
    for (const hash of hashes) this.#revoked[hash] = { name, at: Date.now(), by };
    this.#documents.save(REVOKED, () => this.#revoked, 0);
    this.apply(this.#config);
  }

  #usedAt(name: string): { lastUsed?: string } {
    const at = this.ring?.usedAt(name) ?? this.#usedBefore[name];
    return at === undefined ? {} : { lastUsed: new Date(at).toISOString() };
  }

  #good(config: Config): Key[] {
    const keys = [...configuredKeys(config), ...this.#given];
    return keys.filter(({ name, digest }) => {
      const hash = `sha256:${digest.toString('hex')}`;
      if (this.#revoked[hash] === undefined) return true;
      const text = `the key ${JSON.stringify(name)} was revoked and stays so, though the configuration holds it`;
      this.#events.emit({ type: 'log', level: 'warn', text });
      return false;
    });
  }
}

/** All that makes a key what it is, but for a former digest. */
function told({ digest, roles, scope, rate, expires }: Key): string {
  return JSON.stringify([digest.toString('base64'), roles, scope?.id, rate, expires]);
}

/** The keys of a configuration, as a listener takes them. */
export function configuredKeys(config: Config): Key[] {
  return config.keys.map((key) => ({
    name: key.name,
    digest: bytesOf(hashOf(key)),
    roles: key.roles,
    scope: scopeOf(key, config.views),
    rate: key.rate,
    expires: key.expires === undefined ? undefined : Date.parse(key.expires),
    previous: key.previous && { digest: bytesOf(key.previous.hash), until: Date.parse(key.previous.until) },
  }));
}

/** The digest of a key of the configuration, as the configuration would hold it. */
export function hashOf({ key, hash }: Pick<KeyConfig, 'key' | 'hash'>): string {
  return key === undefined ? (hash as string) : hashOfKey(key);
}

/** As the configuration holds it. */
export function hashOfKey(secret: string): string {
  return `sha256:${digestOf(secret).toString('hex')}`;
}

function bytesOf(hash: string): Buffer {
  return Buffer.from(hash.slice('sha256:'.length), 'hex');
}
