// Keeps endpoints that are lost together from coming back together (reliability F-X8).

/** Losses within this count as one, in milliseconds. */
const TOGETHER = 2_000;
/** One slot, in milliseconds; ten endpoints take ten of them. */
const SLOT = 500;
const SLOTS = 16;

export class Spread {
  #first = Number.NEGATIVE_INFINITY;
  #count = 0;

  /** Extra milliseconds for an endpoint that is lost now: none for one alone. `random` gives [0, 1). */
  next(now: number, random: () => number): number {
    if (now - this.#first > TOGETHER) {
      this.#first = now;
      this.#count = 0;
    }
    const place = this.#count++ % SLOTS;
    return place === 0 ? 0 : (place + random()) * SLOT;
  }
}
