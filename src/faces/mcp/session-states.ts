// What little is kept of legacy sessions, and only once they use it: log level, subscriptions, revocation
// (requirements 10.18). Written to the store so that a restart changes nothing.
import type { JsonObject } from '../../core/json.ts';
import type { SessionState } from '../../session/protocol.ts';
import type { ClientSession } from './open-sessions.ts';
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

/** What is kept as the other gateways are told it: fields with texts; undefined for one that is gone. */
export interface SharedSessions {
  fields(): Map<string, string>;
  take(field: string, text: string | undefined): void;
  onChange(listener: (field: string, text: string | undefined) => void): void;
}

/** A session's subscriptions changed at another gateway. */
export type StateListener = (nonce: string, added: readonly string[], removed: readonly string[]) => void;

interface Entry {
  logLevel: string | undefined;
  subscriptions: Set<string>;
  expires: number;
}

export class SessionStates implements SharedSessions {
  readonly #store: SessionStore | undefined;
  readonly #entries = new Map<string, Entry>();
  readonly #revoked = new Map<string, number>();
  /** Sessions of an earlier run that have not come back yet; their upstreams know nothing of them. */
  readonly #restored = new Set<string>();
  readonly capabilities: KeptCapabilities;
  #onChange: (field: string, text: string | undefined) => void = () => undefined;
  #onRemote: StateListener = () => undefined;

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
    this.capabilities = new KeptCapabilities(
      (hash) => {
        this.#save();
        this.#tell(`c:${hash}`);
      },
      Object.entries(kept?.capabilities ?? {}),
    );
  }

  /** Everything that is kept, as the other gateways are told it (requirements F-R1). */
  fields(): Map<string, string> {
    const names = [
      ...[...this.#revoked.keys()].map((nonce) => `r:${nonce}`),
      ...[...this.#entries.keys()].map((nonce) => `s:${nonce}`),
      ...[...this.capabilities.keys()].map((hash) => `c:${hash}`),
    ];
    return new Map(names.map((name) => [name, this.#text(name) as string]));
  }

  /** What another gateway keeps of a session. */
  take(field: string, text: string | undefined): void {
    const key = field.slice(2);
    const now = Date.now() / 1000;
    if (field.startsWith('r:')) {
      const expires = Number(text ?? 0);
      if (expires <= now || this.#revoked.has(key)) return;
      this.#revoked.set(key, expires);
      this.#replace(key, undefined);
    } else if (field.startsWith('c:')) {
      if (text === undefined || this.capabilities.has(key)) return;
      this.capabilities.keep(key, JSON.parse(text) as JsonObject);
    } else {
      const state = text === undefined ? undefined : (JSON.parse(text) as KeptSessions['states'][string]);
      if (this.#revoked.has(key) || (state !== undefined && state.expires <= now)) return;
      this.#replace(key, state && { ...state, logLevel: state.logLevel, subscriptions: new Set(state.subscriptions) });
    }
    this.#save();
  }

  onChange(listener: (field: string, text: string | undefined) => void): void {
    this.#onChange = listener;
  }

  onRemote(listener: StateListener): void {
    this.#onRemote = listener;
  }

  #replace(nonce: string, entry: Entry | undefined): void {
    const before = this.#entries.get(nonce)?.subscriptions ?? NONE;
    if (entry === undefined) this.#entries.delete(nonce);
    else this.#entries.set(nonce, entry);
    const after = entry?.subscriptions ?? NONE;
    const added = [...after].filter((uri) => !before.has(uri));
    if (added.length > 0) this.#restored.add(nonce);
    this.#onRemote(
      nonce,
      added,
      [...before].filter((uri) => !after.has(uri)),
    );
  }

  #tell(field: string): void {
    this.#onChange(field, this.#text(field));
  }

  #text(field: string): string | undefined {
    const key = field.slice(2);
    if (field.startsWith('r:')) return this.#revoked.get(key)?.toString();
    if (field.startsWith('c:')) return JSON.stringify(this.capabilities.get(key));
    const entry = this.#entries.get(key);
    return entry && JSON.stringify({ ...entry, subscriptions: [...entry.subscriptions] });
  }

  /** What is kept, for the status; whose it is stands in the ids, which only the clients have. */
  get sessions(): ClientSession[] {
    return [...this.#entries.values()].map(({ logLevel, subscriptions, expires }) => ({
      kind: 'kept',
      logLevel,
      subscriptions: [...subscriptions],
      expires: new Date(expires * 1000).toISOString(),
    }));
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
    this.#tell(`r:${nonce}`);
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

  readonly #saved = (nonce: string): void => {
    this.#save();
    this.#tell(`s:${nonce}`);
  };

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
  readonly #saved: (hash: string) => void;

  constructor(saved: (hash: string) => void, kept: readonly [string, JsonObject][]) {
    super();
    this.#saved = saved;
    for (const [hash, capabilities] of kept) super.set(hash, capabilities);
  }

  override set(hash: string, capabilities: JsonObject): this {
    if (this.keep(hash, capabilities)) this.#saved(hash);
    return this;
  }

  /** Keeps it without telling anybody; false where it was there, or is too long. */
  keep(hash: string, capabilities: JsonObject): boolean {
    const known = this.delete(hash);
    if (!known && JSON.stringify(capabilities).length > MAX_SIZE) return false;
    super.set(hash, capabilities);
    if (this.size > MAX_KEPT) this.delete(this.keys().next().value as string);
    return !known;
  }
}

const NONE: ReadonlySet<string> = new Set();

/** A look at one session's entry; made for every request, so it holds no closures. */
class StateOf implements SessionState {
  readonly #nonce: string;
  readonly #entries: Map<string, Entry>;
  readonly #saved: (nonce: string) => void;

  constructor(nonce: string, entries: Map<string, Entry>, saved: (nonce: string) => void) {
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
    this.#saved(this.#nonce);
  }
}
