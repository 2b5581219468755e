// What little is kept of legacy sessions, and only once they use it: log level, subscriptions, revocation
// (requirements 10.18). Written to the store so that a restart changes nothing.
import type { JsonObject } from '../../core/json.ts';
import type { SessionState } from '../../session/protocol.ts';
import { SESSION_MAX_AGE } from './session-id.ts';

export interface KeptSessions {
  /** Nonce → when it may be forgotten, seconds since 1970. */
  revoked: Record<string, number>;
  states: Record<string, { logLevel?: string; subscriptions?: string[]; expires: number }>;
  /** Capabilities too long for an id, by hash. */
  capabilities: Record<string, JsonObject>;
}

/** Where they are kept; `save` may write later. */
export interface SessionStore {
  load(): KeptSessions | undefined;
  save(read: () => KeptSessions): void;
}

interface Entry {
  logLevel: string | undefined;
  subscriptions: Set<string>;
  expires: number;
}

export class SessionStates {
  readonly #store: SessionStore | undefined;
  readonly #entries = new Map<string, Entry>();
  readonly #revoked = new Map<string, number>();
  /** Sessions of an earlier run that have not come back yet; their upstreams know nothing of them. */
  readonly #restored = new Set<string>();
  readonly capabilities: Map<string, JsonObject>;

  constructor(store?: SessionStore) {
    this.#store = store;
    const kept = store?.load();
    const now = Date.now() / 1000;
    for (const [nonce, expires] of Object.entries(kept?.revoked ?? {}))
      if (expires > now) this.#revoked.set(nonce, expires);
    for (const [nonce, { logLevel, subscriptions, expires }] of Object.entries(kept?.states ?? {})) {
      if (expires <= now) continue;
      this.#entries.set(nonce, { logLevel, subscriptions: new Set(subscriptions), expires });
      this.#restored.add(nonce);
    }
    this.capabilities = new KeptCapabilities(() => this.#save(), Object.entries(kept?.capabilities ?? {}));
  }

  isRevoked(nonce: string): boolean {
    return this.#revoked.has(nonce);
  }

  /** Ends a session for good; gives back what it was subscribed to. */
  revoke(nonce: string): string[] {
    this.#revoked.set(nonce, Date.now() / 1000 + SESSION_MAX_AGE);
    const subscriptions = [...(this.#entries.get(nonce)?.subscriptions ?? [])];
    this.#entries.delete(nonce);
    this.#save();
    return subscriptions;
  }

  /** What a session was subscribed to before this gateway was started, the first time it is asked; then nothing. */
  restored(nonce: string): readonly string[] {
    if (!this.#restored.delete(nonce)) return [];
    return [...(this.#entries.get(nonce)?.subscriptions ?? [])];
  }

  /** The state of one session; nothing is kept before something is set. */
  of(nonce: string): SessionState {
    return new StateOf(nonce, this.#entries, this.#saved);
  }

  readonly #saved = (): void => this.#save();

  #save(): void {
    this.#store?.save(() => ({
      revoked: Object.fromEntries(this.#revoked),
      states: Object.fromEntries(
        [...this.#entries].map(([nonce, { logLevel, subscriptions, expires }]) => [
          nonce,
          { ...(logLevel !== undefined && { logLevel }), subscriptions: [...subscriptions], expires },
        ]),
      ),
      capabilities: Object.fromEntries(this.capabilities),
    }));
  }
}

/** How many long capabilities are kept, and how long they may be: no client can fill memory or disk with them. */
const MAX_KEPT = 500;
const MAX_SIZE = 32 * 1024;

class KeptCapabilities extends Map<string, JsonObject> {
  readonly #saved: () => void;

  constructor(saved: () => void, kept: readonly [string, JsonObject][]) {
    super();
    this.#saved = saved;
    for (const [hash, capabilities] of kept) super.set(hash, capabilities);
  }

  override set(hash: string, capabilities: JsonObject): this {
    const known = this.delete(hash);
    if (!known && JSON.stringify(capabilities).length > MAX_SIZE) return this;
    super.set(hash, capabilities);
    if (this.size > MAX_KEPT) this.delete(this.keys().next().value as string);
    if (!known) this.#saved();
    return this;
  }
}

const NONE: ReadonlySet<string> = new Set();

/** A look at one session's entry; made for every request, so it holds no closures. */
class StateOf implements SessionState {
  readonly #nonce: string;
  readonly #entries: Map<string, Entry>;
  readonly #saved: () => void;

  constructor(nonce: string, entries: Map<string, Entry>, saved: () => void) {
    this.#nonce = nonce;
    this.#entries = entries;
    this.#saved = saved;
  }

  get logLevel(): string | undefined {
    return this.#entries.get(this.#nonce)?.logLevel;
  }

  get subscriptions(): ReadonlySet<string> {
    return this.#entries.get(this.#nonce)?.subscriptions ?? NONE;
  }

  setLogLevel(level: string): void {
    this.#change((entry) => {
      entry.logLevel = level;
    });
  }

  addSubscription(uri: string): void {
    this.#change((entry) => entry.subscriptions.add(uri));
  }

  removeSubscription(uri: string): void {
    this.#change((entry) => entry.subscriptions.delete(uri));
  }

  #change(edit: (entry: Entry) => void): void {
    const expires = Date.now() / 1000 + SESSION_MAX_AGE;
    const entry = this.#entries.get(this.#nonce) ?? { logLevel: undefined, subscriptions: new Set<string>(), expires };
    edit(entry);
    if (entry.logLevel === undefined && entry.subscriptions.size === 0) this.#entries.delete(this.#nonce);
    else this.#entries.set(this.#nonce, entry);
    this.#saved();
  }
}
