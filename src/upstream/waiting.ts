// Calls that wait for an upstream to come up: to their own deadline while it starts, `timeouts.ready` while it is away
// (requirements 10.15).
import type { CallSignal } from '../core/call-signal.ts';
import { GatewayFault } from '../core/fault.ts';
import type { Deadline, DeadlineWheel } from '../resilience/deadline.ts';
import type { Link } from './link.ts';

interface Waiter {
  admit(link: Link): void;
  refuse(fault: GatewayFault): void;
  limit(at: number): void;
}

/** The calls that wait for one upstream. */
export class WaitingCalls {
  readonly #wheel: DeadlineWheel;
  readonly #waiters = new Set<Waiter>();
  #since: number | undefined;

  constructor(wheel: DeadlineWheel) {
    this.#wheel = wheel;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Since when somebody has been waiting without a gap, on the clock of `performance.now()`. */
  get since(): number | undefined {
    return this.#since;
  }

  /** Waits for the next link. `late` makes the fault for a wait that took too long. @throws GatewayFault */
  wait(until: number, signal: CallSignal | undefined, late: () => GatewayFault): Promise<Link> {
    return new Promise((resolve, reject) => {
      let deadline: Deadline | undefined;
      const leave = (): void => {
        this.#waiters.delete(waiter);
        if (this.#waiters.size === 0) this.#since = undefined;
        deadline?.cancel();
        signal?.removeEventListener('abort', abort);
      };
      const refuse = (fault: GatewayFault): void => {
        leave();
        reject(fault);
      };
      const abort = (): void => refuse(new GatewayFault('CANCELLED', 'the caller cancelled before anything was sent'));
      let end = until;
      const waiter: Waiter = {
        admit: (link) => {
          leave();
          resolve(link);
        },
        refuse,
        limit: (at) => {
          if (at >= end) return;
          end = at;
          deadline?.move(at);
        },
      };
      this.#since ??= performance.now();
      this.#waiters.add(waiter);
      deadline = this.#wheel.add(until, () => refuse(late()));
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted) abort();
    });
  }

  admit(link: Link): void {
    for (const waiter of [...this.#waiters]) waiter.admit(link);
  }

  refuse(fault: GatewayFault): void {
    for (const waiter of [...this.#waiters]) waiter.refuse(fault);
  }

  /** Nobody waits beyond `at` any more. */
  limit(at: number): void {
    for (const waiter of this.#waiters) waiter.limit(at);
  }
}
