// Keeps endpoints that are lost together from coming back together (reliability F-X8).

/** Losses within this count as one, in milliseconds; one slot is as long as this. */
const TOGETHER = 2_000;
const SLOT = 500;
/** Ten endpoints take ten of them. */
const SLOTS = 16;

export class Spread {
  #first = Number.NEGATIVE_INFINITY;
  readonly #lost = new Map<string, number>();

  /**
   * Extra milliseconds for an endpoint that is lost now: none for one alone, however often.
   * @param baseDelay its first wait: whoever wants to be back sooner is spread less
   * @param random gives [0, 1)
   */
  next(who: string, now: number, baseDelay: number, random: () => number): number {
    if (now - this.#first > Math.min(TOGETHER, 2 * baseDelay)) {
      this.#first = now;
      this.#lost.clear();
    }
    const place = (this.#lost.get(who) ?? this.#lost.size) % SLOTS;
    this.#lost.set(who, place);
    return place === 0 ? 0 : (place + random()) * Math.min(SLOT, baseDelay / 2);
  }
}
