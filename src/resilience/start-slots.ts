// Starting twenty processes at once starves them all: a few start at a time, gateway-wide (reliability §2).

interface Waiter {
  admit(): void;
  wanted(): boolean;
}

/** A bounded number of places for processes that are being spawned. */
export class StartSlots {
  readonly #size: number;
  #taken = 0;
  readonly #waiting = new Set<Waiter>();

  constructor(size = 4) {
    this.#size = size;
  }

  /**
   * Waits for a place; gives the function that frees it, which may be called more than once. One that is `wanted` when
   * a place becomes free, as calls wait for it, goes before those that are not. Rejects on abort.
   */
  async take(signal: AbortSignal, wanted = (): boolean => false): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#taken >= this.#size) {
      await new Promise<void>((resolve, reject) => {
        const abort = (): void => {
          this.#waiting.delete(waiter);
          reject(signal.reason);
        };
        const waiter: Waiter = {
          wanted,
          admit: () => {
            this.#waiting.delete(waiter);
            signal.removeEventListener('abort', abort);
            resolve();
          },
        };
        this.#waiting.add(waiter);
        signal.addEventListener('abort', abort, { once: true });
      });
    } else this.#taken++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = this.#next();
      if (next === undefined) this.#taken--;
      else next.admit();
    };
  }

  #next(): Waiter | undefined {
    for (const waiter of this.#waiting) if (waiter.wanted()) return waiter;
    const [first] = this.#waiting;
    return first;
  }
}
