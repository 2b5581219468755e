// Thousands of calls wait at once and nearly all of them answer: one coarse wheel holds their deadlines, so that a
// call costs a place in a list and never a timer of its own.

/** One deadline on the wheel; forget it with `cancel`. */
export interface Deadline {
  /** Moves it; `at` is on the clock of `performance.now()`. */
  move(at: number): void;
  cancel(): void;
}

/** Who is told; an object instead of a function, so that a call makes none. */
export interface Due {
  expire(): void;
}

/** A slot is a list whose entries know their place: unlike a set it leaves nothing behind (performance row 4). */
class Entry implements Deadline {
  at: number;
  slot: Entry[] | undefined;
  place = 0;
  readonly due: Due;
  readonly #wheel: DeadlineWheel;

  constructor(at: number, due: Due, wheel: DeadlineWheel) {
    this.at = at;
    this.due = due;
    this.#wheel = wheel;
  }

  move(at: number): void {
    const earlier = at < this.at;
    this.at = at;
    // A later deadline is found out when its old slot comes up; only an earlier one has to change its slot.
    if (this.slot === undefined || !earlier) {
      if (this.slot === undefined) this.#wheel.place(this);
      return;
    }
    this.cancel();
    this.#wheel.place(this);
  }

  cancel(): void {
    const { slot, place } = this;
    if (slot === undefined) return;
    this.slot = undefined;
    const last = slot.pop() as Entry;
    if (last === this) return;
    slot[place] = last;
    last.place = place;
  }
}

/** Deadlines with a grain of `tick` milliseconds: never early, late by at most one grain. */
export class DeadlineWheel {
  readonly #tick: number;
  readonly #slots = new Map<number, Entry[]>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(tick = 20) {
    this.#tick = tick;
  }

  /** Calls `fire` once `at` (clock of `performance.now()`) has passed; infinite means never. */
  add(at: number, fire: () => void): Deadline {
    return this.watch(at, { expire: fire });
  }

  /** The same for an object. */
  watch(at: number, due: Due): Deadline {
    const entry = new Entry(at, due, this);
    this.place(entry);
    return entry;
  }

  /** Forgets every deadline without firing it. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const slot of this.#slots.values()) for (const entry of slot) entry.slot = undefined;
    this.#slots.clear();
  }

  /** For entries alone. */
  place(entry: Entry): void {
    if (entry.at === Number.POSITIVE_INFINITY) return;
    const key = Math.ceil(entry.at / this.#tick);
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = [];
      this.#slots.set(key, slot);
    }
    entry.place = slot.push(entry) - 1;
    entry.slot = slot;
    this.#timer ??= setInterval(() => this.#turn(), this.#tick);
  }

  #turn(): void {
    const now = performance.now();
    const due: Entry[] = [];
    for (const [key, slot] of this.#slots) {
      if (slot.length === 0) this.#slots.delete(key);
      else if (key * this.#tick <= now) {
        this.#slots.delete(key);
        due.push(...slot);
      }
    }
    for (const entry of due) {
      if (entry.slot === undefined) continue; // cancelled by one that fired before it
      entry.slot = undefined;
      if (entry.at <= now) entry.due.expire();
      else this.place(entry);
    }
    if (this.#slots.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}
