// Keys that sign session ids, request states and calls between gateways: one of this gateway while it is alone, those
// of all gateways where they share a store (requirements F-R1). Every gateway keeps all of them in memory and on disk,
// so that a store that is away or was emptied ends no session.
import { createHash, randomBytes } from 'node:crypto';
import type { StateDocuments } from '../core/ports.ts';
import type { SharedStore } from '../core/shared.ts';

interface Key {
  secret: Buffer;
  /** When it begins to sign, milliseconds since 1970; 0 for one that only verifies. */
  from: number;
}

const HASH = 'keys';
const DOCUMENT = 'cluster-keys.json';
/** Before a new key signs, every gateway has to know it. */
const KNOWN_AFTER = 30_000;
/** A key signs so long … */
const ROTATE_EVERY = 30 * 24 * 3600_000;
/** … and verifies so much longer: as long as a session may live, and a day. */
const VERIFIES = 31 * 24 * 3600_000;

export class KeyRing {
  readonly #keys = new Map<string, Key>();
  readonly #own: string;
  readonly #documents: StateDocuments;
  #all: readonly Buffer[] = [];

  /** `own` is the key of this gateway's data directory. */
  constructor(own: Buffer, documents: StateDocuments) {
    this.#documents = documents;
    this.#own = idOf(own);
    this.#keys.set(this.#own, { secret: own, from: 0 });
    this.#ordered();
  }

  /** The one that signs now. */
  get signing(): Buffer {
    const now = Date.now();
    let best: { id: string; key: Key } | undefined;
    for (const [id, key] of this.#keys) {
      if (key.from > now) continue;
      if (best === undefined || key.from > best.key.from || (key.from === best.key.from && id > best.id))
        best = { id, key };
    }
    return (best as { key: Key }).key.secret;
  }

  /** All that verify; the array is replaced when they change. */
  get all(): readonly Buffer[] {
    return this.#all;
  }

  /** Takes what an earlier run knew: of the cluster, where the store is away, and of former keys of its own. */
  recall(): void {
    const kept = this.#documents.read<Record<string, { secret: string; from: number }>>(DOCUMENT);
    for (const [id, { secret, from }] of Object.entries(kept ?? {}))
      this.#keys.set(id, { secret: Buffer.from(secret, 'base64url'), from });
    this.#ordered();
  }

  /**
   * Takes the keys of the others and gives them ours; what the store has forgotten it is told again. The first gateway
   * brings the key that signs. True where keys were new here or there. @throws SharedStoreFailed
   */
  async sync(store: SharedStore, now = Date.now()): Promise<boolean> {
    const kept = await store.fields(HASH);
    let changed = false;
    for (const [id, text] of kept) {
      const { secret, from } = JSON.parse(text) as { secret: string; from: number };
      const known = this.#keys.get(id);
      if (known !== undefined && known.from >= from) continue;
      this.#keys.set(id, { secret: Buffer.from(secret, 'base64url'), from });
      changed = true;
    }
    if (![...this.#keys.values()].some(({ from }) => from > 0)) {
      (this.#keys.get(this.#own) as Key).from = now;
      changed = true;
    }
    for (const id of this.#outlived(now)) {
      this.#keys.delete(id);
      if (kept.has(id)) await store.drop(HASH, id);
      changed = true;
    }
    for (const [id, key] of this.#keys) {
      const text = JSON.stringify({ secret: key.secret.toString('base64url'), from: key.from });
      const there = kept.get(id);
      if (there !== undefined && (JSON.parse(there) as Key).from >= key.from) continue;
      await store.put(HASH, id, text);
      changed = true;
    }
    if (changed) this.#keep();
    return changed;
  }

  /** Whether the key that signs has done so long enough. */
  due(now = Date.now()): boolean {
    const newest = Math.max(...[...this.#keys.values()].map(({ from }) => from));
    return newest > 0 && now - newest > ROTATE_EVERY;
  }

  /** Makes a new key, which signs once everybody knows it; those before it go on verifying. Follow with `sync`. */
  rotate(now = Date.now(), secret: Buffer = randomBytes(32)): void {
    this.#keys.set(idOf(secret), { secret, from: now + KNOWN_AFTER });
    this.#ordered();
  }

  /** A new key of a gateway that is alone: it signs at once, those before it go on verifying (10.18). */
  rotateAlone(now = Date.now()): void {
    this.rotate(now - KNOWN_AFTER);
    for (const id of this.#outlived(now)) this.#keys.delete(id);
    this.#keep();
  }

  #keep(): void {
    this.#ordered();
    this.#documents.save(DOCUMENT, () =>
      Object.fromEntries(
        [...this.#keys].map(([id, { secret, from }]) => [id, { secret: secret.toString('base64url'), from }]),
      ),
    );
  }

  /** Keys whose successor has signed for longer than anything they signed may live; never the one of this gateway. */
  #outlived(now: number): string[] {
    const starts = [...this.#keys.values()].map(({ from }) => from).filter((from) => from > 0);
    return [...this.#keys].flatMap(([id, { from }]) => {
      const successor = Math.min(...starts.filter((start) => start > from));
      return id !== this.#own && from > 0 && successor + VERIFIES < now ? [id] : [];
    });
  }

  #ordered(): void {
    this.#all = [...this.#keys.values()].sort((a, b) => b.from - a.from).map(({ secret }) => secret);
  }
}

function idOf(secret: Buffer): string {
  return createHash('sha256').update(secret).digest('base64url').slice(0, 16);
}
