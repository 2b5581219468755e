// What is looked at from time to time while an upstream runs: whether anybody still needs it, and whether it has grown
// too large (requirements 8.2: stopWhenIdle, supervisor.memoryLimit).
import type { Transport } from './transport.ts';

export interface UpkeepOptions {
  /** Milliseconds without a call after which it is stopped; false = never. */
  stopWhenIdle: number | false;
  /** Bytes of resident memory above which it is restarted between two calls. */
  memoryLimit?: number | undefined;
  busy(): boolean;
  idle(): void;
  tooLarge(rss: number): void;
}

const LOOK_AT_MEMORY = 10_000;

/** Works from `begin` to `end`. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  #used = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #memory: ReturnType<typeof setInterval> | undefined;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** It is ready. `learnt`: it was started for its lists alone, and may rest at once. */
  begin(transport: Transport, learnt: boolean): void {
    this.end();
    const { stopWhenIdle, memoryLimit } = this.#options;
    if (learnt) this.#rest(0);
    else if (stopWhenIdle !== false) {
      this.used();
      this.#rest(stopWhenIdle);
    }
    if (memoryLimit === undefined || transport.usage === undefined) return;
    this.#memory = setInterval(() => void this.#weigh(transport, memoryLimit), LOOK_AT_MEMORY);
  }

  end(): void {
    clearTimeout(this.#idle);
    clearInterval(this.#memory);
  }

  /** Somebody has just called, or had an answer. */
  used(): void {
    this.#used = performance.now();
  }

  #rest(wait: number): void {
    const { stopWhenIdle, busy, idle } = this.#options;
    this.#idle = setTimeout(() => {
      if (busy()) this.used();
      const limit = stopWhenIdle === false ? 0 : stopWhenIdle;
      const left = this.#used + limit - performance.now();
      if (wait === 0 && !busy()) idle();
      else if (stopWhenIdle === false) return;
      else if (left <= 0 && !busy()) idle();
      else this.#rest(Math.max(left, 20));
    }, wait);
  }

  async #weigh(transport: Transport, limit: number): Promise<void> {
    const usage = await transport.usage?.();
    if (usage !== undefined && usage.rss > limit && !this.#options.busy()) this.#options.tooLarge(usage.rss);
  }
}
