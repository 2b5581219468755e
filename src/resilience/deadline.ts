// Thousands of calls wait at once and nearly all of them answer: one coarse wheel holds their deadlines, so that a
// call costs a set entry and never a timer of its own.

/** One deadline on the wheel; forget it with `cancel`. */
export interface Deadline {
  /** Moves it; `at` is on the clock of `performance.now()`. */
  move(at: number): void;
  cancel(): void;
}

class Entry implements Deadline {
  at: number;
  slot: Set<Entry> | undefined;
  readonly fire: () => void;
  readonly #place: (entry: Entry) => void;

  constructor(at: number, fire: () => void, place: (entry: Entry) => void) {
    this.at = at;
    this.fire = fire;
    this.#place = place;
  }

  move(at: number): void {
    const earlier = at < this.at;
    this.at = at;
    // A later deadline is found out when its old slot comes up; only an earlier one has to change its slot.
    if (this.slot === undefined || !earlier) {
      if (this.slot === undefined) this.#place(this);
      return;
    }
    this.cancel();
    this.#place(this);
  }

  cancel(): void {
    this.slot?.delete(this);
    this.slot = undefined;
  }
}

/** Deadlines with a grain of `tick` milliseconds: never early, late by at most one grain. */
export class DeadlineWheel {
  readonly #tick: number;
  readonly #slots = new Map<number, Set<Entry>>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(tick = 20) {
    this.#tick = tick;
  }

  /** Calls `fire` once `at` (clock of `performance.now()`) has passed; infinite means never. */
  add(at: number, fire: () => void): Deadline {
    const entry = new Entry(at, fire, (moved) => this.#place(moved));
    this.#place(entry);
    return entry;
  }

  /** Forgets every deadline without firing it. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const slot of this.#slots.values()) for (const entry of slot) entry.slot = undefined;
    this.#slots.clear();
  }

  #place(entry: Entry): void {
    if (entry.at === Number.POSITIVE_INFINITY) return;
    const key = Math.ceil(entry.at / this.#tick);
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = new Set();
      this.#slots.set(key, slot);
    }
    slot.add(entry);
    entry.slot = slot;
    this.#timer ??= setInterval(() => this.#turn(), this.#tick);
  }

  #turn(): void {
    const now = performance.now();
    const due: Entry[] = [];
    for (const [key, slot] of this.#slots) {
      if (slot.size === 0) this.#slots.delete(key);
      else if (key * this.#tick <= now) {
        this.#slots.delete(key);
        due.push(...slot);
      }
    }
    for (const entry of due) {
      if (entry.slot === undefined) continue; // cancelled by one that fired before it
      entry.slot = undefined;
      if (entry.at <= now) entry.fire();
      else this.#place(entry);
    }
    if (this.#slots.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}
