// The port to a store that several gateways share (requirements F-R4 to F-R6). Alone, a gateway has none.

/** `read-only` also stands for a store that refuses writes for want of memory or disk. */
export type SharedState = 'connecting' | 'ready' | 'read-only' | 'down';

/** What a lease is now: ours with its fencing token, which only grows, or whose and for how many more milliseconds. */
export type LeaseAnswer = { held: true; fence: number } | { held: false; owner: string; left: number };

/** A message of one gateway to the others; lost where the store is away. */
export interface SharedMessage {
  topic: string;
  /** Instance that sent it. */
  from: string;
  body: unknown;
}

/** The store did not do it: it is away, late, or refuses. Nothing was queued; repeating is safe. */
export class SharedStoreFailed extends Error {}

/**
 * Each operation is one round trip with a bound of time; none is queued while the store is away, and whether it was
 * done is not known when it was late. @throws SharedStoreFailed
 */
export interface SharedStore {
  readonly state: SharedState;
  /** Milliseconds since 1970 since when it is in this state. */
  readonly since: number;
  /** Why it is not `ready`, without secrets. */
  readonly problem: string | undefined;
  onState(listener: (state: SharedState) => void): () => void;

  get(key: string): Promise<string | undefined>;
  /** `ttl` in milliseconds. */
  set(key: string, value: string, ttl?: number): Promise<void>;
  /** All fields of a hash. */
  fields(key: string): Promise<Map<string, string>>;
  /** False where the field was there and `absent` was asked for. */
  put(key: string, field: string, value: string, absent?: boolean): Promise<boolean>;
  drop(key: string, field: string): Promise<void>;
  /** Says that an instance is there, and gives what all that were heard of within `ttl` milliseconds said. */
  beat(instance: string, says: string, ttl: number): Promise<Map<string, string>>;
  /** An instance goes. */
  leave(instance: string): Promise<void>;
  /**
   * Takes or renews a lease. `held` says that the caller still holds it as far as it knows: only then is a lease given
   * out at once by a store that has lost its memory; others get it one `ttl` later.
   */
  lease(name: string, owner: string, ttl: number, held: boolean): Promise<LeaseAnswer>;
  release(name: string, owner: string): Promise<void>;
  /**
   * Notes how severe something is for `owner` (−1: over). True when the cluster has not told that yet: it is worse
   * than any of `alive` noted before, or over for all of them.
   */
  escalate(key: string, owner: string, level: number, alive: readonly string[]): Promise<boolean>;

  /** Tells the other gateways; nothing is waited for, and nothing is kept where the store is away. */
  publish(topic: string, body: unknown): void;
  subscribe(listener: (message: SharedMessage) => void): () => void;
  close(): Promise<void>;
}

/** Something that one gateway of the cluster may have at a time. */
export interface Lease {
  /** True while it is ours with the margin to spare; asked before anything is done in its name. */
  readonly held: boolean;
  /** Who has it, where it is another instance; for people. */
  readonly owner: string | undefined;
  /** Grows with every change of owner. */
  readonly fence: number;
  /** Resolves once it is ours; asks for it until then. Rejects when the signal is aborted. */
  gained(signal: AbortSignal): Promise<void>;
  /** Called once it is not ours any more, one margin before anybody else can have it. */
  onLost(listener: () => void): () => void;
  /** Gives it to whoever wants it; asks no more. */
  release(): Promise<void>;
}
