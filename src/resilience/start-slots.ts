// Starting twenty processes at once starves them all: a few start at a time, gateway-wide (reliability §2).

/** A bounded number of places for processes that are being spawned. */
export class StartSlots {
  readonly #size: number;
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  constructor(size = 4) {
    this.#size = size;
  }

  /** Waits for a place; gives the function that frees it, which may be called more than once. Rejects on abort. */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#taken >= this.#size) {
      await new Promise<void>((resolve, reject) => {
        const abort = (): void => {
          this.#waiting.delete(admit);
          reject(signal.reason);
        };
        const admit = (): void => {
          this.#waiting.delete(admit);
          signal.removeEventListener('abort', abort);
          resolve();
        };
        this.#waiting.add(admit);
        signal.addEventListener('abort', abort, { once: true });
      });
    } else this.#taken++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const [next] = this.#waiting;
      if (next === undefined) this.#taken--;
      else next();
    };
  }
}
