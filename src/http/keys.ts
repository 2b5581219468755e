// The keys that callers may have: kept as digests only, found by digest, changed while the gateway runs.
import { hash, timingSafeEqual } from 'node:crypto';
import type { CallRate, Principal, Role } from '../core/context.ts';
import type { Scope } from '../core/scope.ts';

export interface Key {
  name: string;
  /** SHA-256 of the key. */
  digest: Buffer;
  roles: readonly Role[];
  scope?: Scope | undefined;
  rate?: CallRate | undefined;
  /** Milliseconds since 1970, after which it is good for nothing. */
  expires?: number | undefined;
  /** The key before a rotation, good until then. */
  previous?: { digest: Buffer; until: number } | undefined;
}

export function keyOf(name: string, secret: string, roles: readonly Role[]): Key {
  return { name, digest: digestOf(secret), roles };
}

/** How keys are kept. They are long random texts, so a plain hash is enough: there is nothing to guess. */
export function digestOf(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** One digest that opens: whose, until when. */
interface Entry {
  key: Key;
  digest: Buffer;
  principal: Principal;
  until: number;
}

export type Found = { principal: Principal } | { expired: string };

export class CallerKeys {
  readonly #adminToken: Key | undefined;
  readonly #closed: boolean;
  readonly #now: () => number;
  readonly #tell: (() => void) | undefined;
  /** When each key was last used, in milliseconds since 1970. */
  readonly #used = new Map<string, number>();
  #entries = new Map<string, Entry>();
  #keys: readonly Key[] = [];

  /** `closed`: nobody is served without a key, even where there is none (left). `used` is called at every use. */
  constructor(
    keys: readonly Key[],
    options: { adminToken?: Key | undefined; closed?: boolean; used?: () => void; now?: () => number } = {},
  ) {
    this.#adminToken = options.adminToken;
    this.#closed = options.closed === true;
    this.#now = options.now ?? Date.now;
    this.#tell = options.used;
    this.replace(keys);
  }

  /** Whether callers need a key: also where the last one has expired or was revoked on a wide address. */
  get closed(): boolean {
    return this.#closed || this.#keys.length > 0;
  }

  get keys(): readonly Key[] {
    return this.#keys;
  }

  /** Takes other keys, at once. */
  replace(keys: readonly Key[]): void {
    this.#keys = keys;
    this.#entries = new Map();
    for (const key of this.#adminToken === undefined ? keys : [...keys, this.#adminToken]) {
      const { name: id, roles, scope, rate } = key;
      const principal: Principal = { id, roles, scope, rate };
      const add = (digest: Buffer, until: number) =>
        this.#entries.set(digest.toString('base64'), { key, digest, principal, until });
      const until = key.expires ?? Number.POSITIVE_INFINITY;
      if (key.previous !== undefined) add(key.previous.digest, Math.min(until, key.previous.until));
      add(key.digest, until);
    }
  }

  /** Whose a secret is. Looked up by its digest: what time that takes tells nothing of another key. */
  find(secret: string): Found | undefined {
    const digest = digestOf(secret);
    const entry = this.#entries.get(digest.toString('base64'));
    if (entry === undefined || !timingSafeEqual(entry.digest, digest)) return undefined;
    const now = this.#now();
    if (now >= entry.until) return { expired: entry.key.name };
    this.#used.set(entry.key.name, now);
    this.#tell?.();
    return entry;
  }

  /** When a key was last used, as far as this gateway knows. */
  usedAt(name: string): number | undefined {
    return this.#used.get(name);
  }

  /** All of these, by name. */
  used(): Record<string, number> {
    return Object.fromEntries(this.#used);
  }
}
