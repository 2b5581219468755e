// Bounds what one upstream is asked at once and how many may wait for it: a slow upstream fills its own queue and
// nobody else's (reliability §2, Bulkhead).
import type { CallSignal } from '../core/call-signal.ts';
import { GatewayFault } from '../core/fault.ts';
import type { Deadline, DeadlineWheel } from './deadline.ts';

export interface LimiterOptions {
  /** Calls at once. */
  inFlight: number;
  /** Calls that may wait beyond those. */
  queue: number;
  wheel: DeadlineWheel;
  /** Named in the faults. */
  upstream?: string | undefined;
}

interface Waiter {
  admit(): void;
}

export class Limiter {
  readonly #options: LimiterOptions;
  readonly #waiting = new Set<Waiter>();
  #inFlight = 0;
  #peak = 0;

  constructor(options: LimiterOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Calls in flight seen at most. */
  get peak(): number {
    return this.#peak;
  }

  get queued(): number {
    return this.#waiting.size;
  }

  /**
   * Takes a place: at once (`undefined`), or when one becomes free, first come first served. A caller waits for at
   * most half of the time it has left; one that is aborted frees its place in the queue.
   * Every success owes one `release()`.
   * @throws GatewayFault OVERLOADED | CANCELLED
   */
  acquire(deadline: number, signal?: CallSignal): Promise<void> | undefined {
    if (signal?.aborted) return Promise.reject(cancelled(this.#options.upstream));
    if (this.#inFlight < this.#options.inFlight) {
      if (++this.#inFlight > this.#peak) this.#peak = this.#inFlight;
      return undefined;
    }
    if (this.#waiting.size >= this.#options.queue) return Promise.reject(this.#overloaded('its queue is full'));
    return new Promise((resolve, reject) => {
      let late: Deadline | undefined;
      const leave = (): void => {
        this.#waiting.delete(waiter);
        late?.cancel();
        signal?.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        leave();
        reject(cancelled(this.#options.upstream));
      };
      const waiter: Waiter = {
        admit: () => {
          leave();
          resolve();
        },
      };
      this.#waiting.add(waiter);
      signal?.addEventListener('abort', abort, { once: true });
      const now = performance.now();
      late = this.#options.wheel.add(now + (deadline - now) / 2, () => {
        leave();
        reject(this.#overloaded('no place became free in half of the time this call has'));
      });
    });
  }

  /** Gives the place to whoever waits longest, else back. */
  release(): void {
    const [next] = this.#waiting;
    if (next === undefined || this.#inFlight > this.#options.inFlight) this.#inFlight--;
    else next.admit();
  }

  /** The options were changed: whoever fits now is let in; whoever is in stays. */
  resized(): void {
    for (const next of this.#waiting) {
      if (this.#inFlight >= this.#options.inFlight) return;
      if (++this.#inFlight > this.#peak) this.#peak = this.#inFlight;
      next.admit();
    }
  }

  #overloaded(why: string): GatewayFault {
    const { upstream, inFlight } = this.#options;
    return new GatewayFault(
      'OVERLOADED',
      `upstream "${upstream ?? ''}" has ${this.#inFlight} of ${inFlight} calls in flight and ${this.#waiting.size} waiting: ${why}`,
      { upstream, delivery: 'not-sent', retryAfterMs: 1000 },
    );
  }
}

function cancelled(upstream: string | undefined): GatewayFault {
  return new GatewayFault('CANCELLED', 'the caller cancelled the call before it was sent', { upstream });
}
