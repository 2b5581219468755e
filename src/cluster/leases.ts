// Leases of this gateway: taken, renewed, given up one margin before they end (requirements F-R3).
import type { Lease, SharedStore } from '../core/shared.ts';

/** How long a lease lasts after its last renewal, in milliseconds: who dies is replaced within it. */
export const LEASE_TIME = 4_000;
/** Before its end its owner has given it up, in milliseconds. */
export const MARGIN = 2_000;
const RENEW_EVERY = 500;
const RETRY_AFTER = 300;
/** Whoever waits looks this often whether it was given back without a word, in milliseconds. */
const LOOK_EVERY = 1_000;
/** Who has leases already lets others go first, by this many milliseconds for each. */
const COURTESY = 15;

export interface LeasesDeps {
  /** @throws Error while there is none yet */
  store(): SharedStore;
  /** Owns them. */
  instance: string;
  /** One was given back: others need not wait for its end. */
  freed(name: string): void;
}

export class Leases {
  readonly #deps: LeasesDeps;
  readonly #open = new Map<string, LeaseOf>();

  constructor(deps: LeasesDeps) {
    this.#deps = deps;
  }

  /** Another gateway gave it back. */
  look(name: string): void {
    this.#open.get(name)?.look();
  }

  /** A share in a lease of this gateway: it is given back when none of those who asked for it wants it any more. */
  of(name: string): Lease {
    const lease = this.#open.get(name) ?? new LeaseOf(name, this.#deps, () => this.held().length);
    this.#open.set(name, lease);
    return new Share(lease);
  }

  /** Names of those that are ours. */
  held(): string[] {
    return [...this.#open].filter(([, lease]) => lease.held).map(([name]) => name);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((lease) => lease.end()));
  }
}

class Share implements Lease {
  readonly #lease: LeaseOf;

  constructor(lease: LeaseOf) {
    this.#lease = lease;
  }

  get held(): boolean {
    return this.#lease.held;
  }

  get owner(): string | undefined {
    return this.#lease.owner;
  }

  get fence(): number {
    return this.#lease.fence;
  }

  gained(signal: AbortSignal): Promise<void> {
    this.#lease.users.add(this);
    return this.#lease.gained(signal);
  }

  onLost(listener: () => void): () => void {
    return this.#lease.onLost(listener);
  }

  async release(): Promise<void> {
    if (this.#lease.users.delete(this) && this.#lease.users.size === 0) await this.#lease.end();
  }
}

class LeaseOf {
  readonly users = new Set<Lease>();
  readonly #name: string;
  readonly #deps: LeasesDeps;
  readonly #others: () => number;
  #listeners: (() => void)[] = [];
  #waiting: (() => void)[] = [];
  #wanted = false;
  #held = false;
  #fence = 0;
  #owner: string | undefined;
  /** When it has to be given up, on both clocks: one stands still while a machine sleeps, one may be set. */
  #until = { steady: 0, wall: 0 };
  #timer: NodeJS.Timeout | undefined;
  #end: NodeJS.Timeout | undefined;
  #asking: Promise<void> | undefined;

  constructor(name: string, deps: LeasesDeps, others: () => number) {
    this.#name = name;
    this.#deps = deps;
    this.#others = others;
  }

  get held(): boolean {
    if (this.#held && (performance.now() >= this.#until.steady || Date.now() >= this.#until.wall)) this.#lose();
    return this.#held;
  }

  get owner(): string | undefined {
    return this.#owner;
  }

  get fence(): number {
    return this.#fence;
  }

  gained(signal: AbortSignal): Promise<void> {
    if (this.held) return Promise.resolve();
    this.#wanted = true;
    return new Promise((resolve, reject) => {
      const done = () => {
        signal.removeEventListener('abort', given);
        this.#waiting = this.#waiting.filter((other) => other !== done);
        resolve();
      };
      const given = () => {
        this.#waiting = this.#waiting.filter((other) => other !== done);
        reject(new Error('the lease is not wanted any more'));
      };
      if (signal.aborted) return given();
      signal.addEventListener('abort', given, { once: true });
      this.#waiting.push(done);
      this.look();
    });
  }

  onLost(listener: () => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  /** Gives it back and asks no more. */
  async end(): Promise<void> {
    const { store, instance, freed } = this.#deps;
    this.#wanted = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#end);
    await this.#asking;
    clearTimeout(this.#timer);
    clearTimeout(this.#end);
    if (!this.#held) return;
    this.#held = false;
    await store()
      .release(this.#name, instance)
      .then(
        () => freed(this.#name),
        () => undefined,
      );
  }

  /** Asks now. */
  look(): void {
    if (!this.#wanted || this.#asking !== undefined) return;
    clearTimeout(this.#timer);
    this.#asking = this.#ask().then((wait) => {
      this.#asking = undefined;
      if (this.#wanted) this.#timer = setTimeout(() => this.look(), wait).unref();
    });
  }

  /** Milliseconds until it is asked for again. */
  async #ask(): Promise<number> {
    const { store, instance } = this.#deps;
    // From before the question: the store counts from when it got it.
    const asked = { steady: performance.now(), wall: Date.now() };
    try {
      const answer = await store().lease(this.#name, instance, LEASE_TIME, this.held);
      if (answer.held) {
        this.#keep(asked, answer.fence);
        return RENEW_EVERY;
      }
      if (this.#held) this.#lose();
      this.#owner = answer.owner === '' ? undefined : answer.owner;
      return Math.min(answer.left + 20 + COURTESY * this.#others(), LOOK_EVERY);
    } catch {
      return this.held ? RETRY_AFTER : LOOK_EVERY;
    }
  }

  #keep(asked: { steady: number; wall: number }, fence: number): void {
    const mine = LEASE_TIME - MARGIN;
    this.#until = { steady: asked.steady + mine, wall: asked.wall + mine };
    this.#fence = fence;
    this.#owner = undefined;
    clearTimeout(this.#end);
    // A stop of the process that was too long ends it before anything is done with it.
    this.#end = setTimeout(() => void this.held, this.#until.steady - performance.now() + 1).unref();
    const before = this.#held;
    this.#held = true;
    if (!this.held || before) return;
    for (const resolve of [...this.#waiting]) resolve();
  }

  #lose(): void {
    this.#held = false;
    clearTimeout(this.#end);
    for (const listener of this.#listeners) listener();
  }
}
