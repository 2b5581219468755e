// This gateway among those that share a store with it: who is there, what each reports, what they tell each other
// (requirements F-R2). Without the store everything goes on with what was known last.
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { EventStream } from '../core/events.ts';
import type { JsonObject } from '../core/json.ts';
import type { Lease, SharedState, SharedStore } from '../core/shared.ts';
import type { KeyRing } from './key-ring.ts';
import { Leases } from './leases.ts';
import { Peers } from './peers.ts';

/** What a gateway says of itself. */
export interface Instance {
  id: string;
  /** Host name and process id. */
  name: string;
  /** Where the others reach it. */
  url: string;
  version: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  state: 'serving' | 'draining';
  /** Leases it holds: endpoints it dials, upstreams it owns. */
  leases: string[];
  [reported: string]: unknown;
}

export interface ClusterDeps {
  events: EventStream;
  keys: KeyRing;
  version: string;
  /** What is reported beside who it is; small. */
  report(): JsonObject;
}

const BEAT_EVERY = 1_000;
/** After this silence an instance is gone, in milliseconds. */
const GONE_AFTER = 5_000;
const SYNC_KEYS_EVERY = 5_000;
/** A start does not wait longer than this for the store, in milliseconds. */
const START_WAIT = 2_000;
const KEYS = 'keys.changed';
const HERE = 'instance.changed';
const FREED = 'lease.freed';

export class Cluster {
  readonly id = randomBytes(9).toString('base64url');
  readonly keys: KeyRing;
  readonly peers: Peers;
  readonly #deps: ClusterDeps;
  readonly #leases: Leases;
  readonly #startedAt = Date.now();
  readonly #topics = new Map<string, ((body: unknown, from: string) => void)[]>();
  readonly #timers: NodeJS.Timeout[] = [];
  #whenReady: (() => void)[] = [];
  #store: SharedStore | undefined;
  #others = new Map<string, Instance>();
  #url: string | undefined;
  #state: Instance['state'] = 'serving';
  #beating = false;
  #whenBeating: (() => void)[] = [];

  constructor(deps: ClusterDeps) {
    this.#deps = deps;
    this.keys = deps.keys;
    this.peers = new Peers({ keys: deps.keys, urlOf: (id) => this.#others.get(id)?.url });
    this.#leases = new Leases({
      store: () => this.store,
      instance: this.id,
      freed: (name) => this.tell(FREED, name),
    });
    this.on(FREED, (name) => this.#leases.look(String(name)));
  }

  /** The store. @throws Error before `join` */
  get store(): SharedStore {
    if (this.#store === undefined) throw new Error('no store is shared');
    return this.#store;
  }

  /** A share in the lease of this name; it can be gained once the store is there. */
  lease(name: string): Lease {
    return this.#leases.of(name);
  }

  /** Joins those that share the store; waits for it a moment, and goes on without it. */
  async join(store: SharedStore): Promise<void> {
    this.#store = store;
    this.keys.recall();
    store.subscribe(({ topic, from, body }) => {
      for (const listener of this.#topics.get(topic) ?? []) listener(body, from);
    });
    this.on(KEYS, () => void this.#syncKeys());
    this.on(HERE, () => void this.#beat());
    store.onState((state) => this.#stateChanged(state));
    await ready(store, START_WAIT);
    await this.#syncKeys();
    if (store.state !== 'ready') this.#tellState(store.state);
    this.#timers.push(setInterval(() => void this.#syncKeys(), SYNC_KEYS_EVERY).unref());
  }

  /** Says where this gateway is reached, from now on. */
  async announce(url: string): Promise<void> {
    this.#url = url;
    await this.#beat();
    const beat = () => {
      void this.#beat();
      for (const listener of this.#whenBeating) listener();
    };
    this.#timers.push(setInterval(beat, BEAT_EVERY).unref());
    this.tell(HERE, this.id);
  }

  /** All that were heard of lately, this one first. */
  instances(): Instance[] {
    return [this.#self(), ...[...this.#others.values()].sort((a, b) => a.startedAt - b.startedAt)];
  }

  instance(id: string): Instance | undefined {
    return id === this.id ? this.#self() : this.#others.get(id);
  }

  /** For how long the store could not be used, and why; 0 while it can. */
  down(now = Date.now()): { seconds: number; reason: string | undefined } {
    const { state, since, problem } = this.store;
    return { seconds: state === 'ready' ? 0 : (now - since) / 1000, reason: problem };
  }

  /** Whether nobody has told of this alert yet at this level (−1: over); see `SharedStore.escalate`. */
  readonly claim = async (alert: string, level: number, own: boolean): Promise<boolean> => {
    const key = own ? `${alert}@${this.id}` : alert;
    return await this.store.escalate(key, this.id, level, [...this.#others.keys()]);
  };

  status(): JsonObject {
    const { state, since, problem } = this.store;
    return {
      store: { state, since: new Date(since).toISOString(), ...(problem !== undefined && { problem }) },
      instance: this.id,
      instances: this.instances(),
    };
  }

  /** Tells the others; lost where the store is away. */
  tell(topic: string, body: unknown): void {
    this.#store?.publish(topic, body);
  }

  on(topic: string, listener: (body: unknown, from: string) => void): void {
    this.#topics.set(topic, [...(this.#topics.get(topic) ?? []), listener]);
  }

  /** Called once a second while the gateway takes part. */
  onBeat(listener: () => void): void {
    this.#whenBeating = [...this.#whenBeating, listener];
  }

  /** Called each time the store is there again after it was away, and at once where it is. */
  onReady(listener: () => void): void {
    this.#whenReady = [...this.#whenReady, listener];
    if (this.#store?.state === 'ready') listener();
  }

  /** A new signing key for all gateways. @throws SharedStoreFailed */
  async rotateKeys(): Promise<void> {
    this.keys.rotate();
    await this.#syncKeys(true);
  }

  /** The gateway drains: others stop sending to it what they can send elsewhere. */
  draining(): void {
    this.#state = 'draining';
    void this.#beat();
    this.tell(HERE, this.id);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.peers.close();
    if (this.#store === undefined) return;
    await this.#leases.close();
    await this.#store.leave(this.id).catch(() => undefined);
    await this.#store.close();
  }

  #self(): Instance {
    return {
      ...this.#deps.report(),
      id: this.id,
      name: `${hostname()}:${process.pid}`,
      url: this.#url ?? '',
      version: this.#deps.version,
      startedAt: this.#startedAt,
      state: this.#state,
      leases: this.#leases.held(),
    };
  }

  async #beat(): Promise<void> {
    if (this.#url === undefined || this.#beating) return;
    this.#beating = true;
    try {
      const said = await this.store.beat(this.id, JSON.stringify(this.#self()), GONE_AFTER);
      said.delete(this.id);
      this.#others = new Map([...said].map(([id, text]) => [id, JSON.parse(text) as Instance]));
    } catch {
      // The state of the store tells; the others are taken to be where they were.
    } finally {
      this.#beating = false;
    }
  }

  async #syncKeys(must = false): Promise<void> {
    try {
      if (this.keys.due() && (await this.store.lease('rotation', this.id, 60_000, false)).held) this.keys.rotate();
      if (await this.keys.sync(this.store)) this.tell(KEYS, this.id);
    } catch (error) {
      if (must) throw error;
    }
  }

  #stateChanged(state: SharedState): void {
    this.#tellState(state);
    if (state !== 'ready') return;
    void this.#syncKeys();
    void this.#beat();
    for (const listener of this.#whenReady) listener();
  }

  #tellState(state: SharedState): void {
    const { events } = this.#deps;
    const problem = this.store.problem;
    events.emit({ type: 'shared.state', state, ...(problem !== undefined && { reason: problem }) });
  }
}

/** Waits until the store can be used, `within` milliseconds at most. */
function ready(store: SharedStore, within: number): Promise<void> {
  if (store.state === 'ready') return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(done, within);
    const stop = store.onState((state) => {
      if (state === 'ready') done();
    });
  });
}
