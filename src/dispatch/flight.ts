// One execution that several equal calls wait for. It belongs to all of them: it ends early only when nobody waits any
// more, and what concerns one caller alone (it left, its time is over) is no answer to the others.
import { CallAbort } from '../core/call-signal.ts';
import type { CallContext } from '../core/context.ts';
import { GatewayFault } from '../core/fault.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';

export class Flight {
  /** The upstream asked the first caller something: its answer is that caller's alone. */
  asked = false;
  readonly #abort = new CallAbort();
  readonly #leader: CallContext;
  readonly #running: Promise<UpstreamAnswer>;
  #waiting = 0;

  /** Starts at once, on behalf of `leader`. */
  constructor(leader: CallContext, run: (context: CallContext) => Promise<UpstreamAnswer>) {
    this.#leader = leader;
    const { ask } = leader;
    const shared: CallContext = {
      ...leader,
      signal: this.#abort,
      ...(ask !== undefined && {
        ask: (request, signal) => {
          this.asked = true;
          return ask(request, signal);
        },
      }),
    };
    this.#running = run(shared);
    // Whoever waits is told; that nobody does is no error.
    this.#running.catch(() => undefined);
  }

  /** The answer, for the caller it was started for. @throws GatewayFault */
  lead(): Promise<UpstreamAnswer> {
    return this.#wait(this.#leader, Number.POSITIVE_INFINITY) as Promise<UpstreamAnswer>;
  }

  /**
   * The answer, for one more caller; undefined when it should make the call itself, since this one took longer than
   * `most` milliseconds or ended for reasons of its first caller. @throws GatewayFault
   */
  async join(context: CallContext, most: number): Promise<UpstreamAnswer | undefined> {
    try {
      const answer = await this.#wait(context, most);
      return this.asked ? undefined : answer;
    } catch (error) {
      if (context.signal.aborted || !(error instanceof GatewayFault)) throw error;
      if (error.fault === 'CANCELLED' || error.fault === 'DEADLINE_EXCEEDED') {
        return performance.now() < context.deadline ? undefined : Promise.reject(error);
      }
      throw error.with({ correlationId: context.id });
    }
  }

  #wait(context: CallContext, most: number): Promise<UpstreamAnswer | undefined> {
    this.#waiting++;
    return new Promise<UpstreamAnswer | undefined>((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      let over = false;
      const leave = (): boolean => {
        if (over) return false;
        over = true;
        clearTimeout(timer);
        context.signal.removeEventListener('abort', aborted);
        this.#waiting--;
        return true;
      };
      const aborted = () => {
        if (!leave()) return;
        if (this.#waiting > 0) {
          reject(new GatewayFault('CANCELLED', 'the caller went away', { correlationId: context.id }));
          return;
        }
        // Nobody waits any more: the path itself says how far the call came.
        this.#abort.abort(context.signal.reason);
        this.#running.then(resolve, reject);
      };
      const settled = (tell: () => void) => {
        if (leave()) tell();
      };
      if (context.signal.aborted) return aborted();
      context.signal.addEventListener('abort', aborted);
      if (most !== Number.POSITIVE_INFINITY) {
        const patience = Math.max(0, Math.min(most, context.deadline - performance.now()));
        timer = setTimeout(() => settled(() => resolve(undefined)), patience);
      }
      this.#running.then(
        (answer) => settled(() => resolve(answer)),
        (error: unknown) => settled(() => reject(error as Error)),
      );
    });
  }
}
