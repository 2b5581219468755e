// Sessions cost nothing once they are open (requirements 10.18), so what is limited is how many a key opens.
import type { Principal } from '../../core/context.ts';
import { LOCAL } from '../../http/auth.ts';

const MINUTE = 60_000;

/** Sessions of each key in the current minute; a caller without a key is this machine's own and is not counted. */
export class SessionRate {
  readonly #limit: number;
  #began = Number.NEGATIVE_INFINITY;
  #opened = new Map<string, number>();

  constructor(perMinute: number) {
    this.#limit = perMinute;
  }

  /** Counts one more; gives the milliseconds to wait where there are too many. */
  take(principal: Principal, now = performance.now()): number | undefined {
    if (principal === LOCAL) return undefined;
    if (now - this.#began >= MINUTE) {
      this.#began = now;
      this.#opened = new Map();
    }
    const opened = (this.#opened.get(principal.id) ?? 0) + 1;
    if (opened > this.#limit) return this.#began + MINUTE - now;
    this.#opened.set(principal.id, opened);
    return undefined;
  }
}
