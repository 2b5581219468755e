// The requests of one link that wait for an answer. An id is used once in the life of the process, so a late answer
// meets nobody (F-I17).
import type { CallSignal } from '../core/call-signal.ts';
import type { CallContext } from '../core/context.ts';
import { GatewayFault } from '../core/fault.ts';
import type { Payload } from '../core/payload.ts';
import type { RpcError } from '../core/rpc.ts';
import type { Deadline, DeadlineWheel } from '../resilience/deadline.ts';

/** What an upstream answered on one attempt. */
export type LinkAnswer = { result: Payload } | { error: RpcError };

/** What is asked, as far as waiting for it is concerned. */
export interface PendingRequest {
  method: string;
  /** On the clock of `performance.now()`. */
  deadline: number;
  /** Progress moves the deadline by this many milliseconds, up to the longest life from the start. */
  length: number;
  context?: CallContext | undefined;
  signal?: CallSignal | undefined;
}

/** The link that it was sent on. */
export interface PendingOwner {
  readonly upstream: string;
  readonly wheel: DeadlineWheel;
  /** Called when nobody waits any more although the upstream still works: cancel it there. */
  giveUp(pending: Pending, reason: string): void;
  /** Called once when the request is over, however it ended. */
  done(pending: Pending): void;
}

const LONGEST = 600_000;
const ONCE = { once: true };

/** Progress keeps a call alive for ten minutes or twice its time, whichever is more (reliability §2, Deadline). */
export function longestLife(length: number): number {
  return Math.max(LONGEST, 2 * length);
}

/** One request under way: settles once, by answer, failure, deadline or abort. */
export class Pending {
  readonly id: number;
  readonly method: string;
  readonly context: CallContext | undefined;
  readonly answer: Promise<LinkAnswer>;
  readonly startedAt = performance.now();
  /** Made when somebody asks for it: it costs more than all the rest of a call. */
  #over: AbortController | undefined;
  readonly #owner: PendingOwner;
  readonly #request: PendingRequest;
  readonly #deadline: Deadline;
  readonly #end: number;
  #asking = 0;
  #activeAt = this.startedAt;
  #resolve!: (answer: LinkAnswer) => void;
  #reject!: (fault: GatewayFault) => void;
  #settled = false;

  constructor(id: number, request: PendingRequest, owner: PendingOwner) {
    this.id = id;
    this.method = request.method;
    this.context = request.context;
    this.#owner = owner;
    this.#request = request;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const longest = this.startedAt + longestLife(request.length);
    this.#end = Math.min(longest, request.context?.deadline ?? Number.POSITIVE_INFINITY);
    this.#deadline = owner.wheel.watch(request.deadline, this);
    request.signal?.addEventListener('abort', this.#abort, ONCE);
  }

  /** Aborted when the request is over: questions to the caller end with it. */
  get over(): AbortSignal {
    if (this.#over === undefined) {
      this.#over = new AbortController();
      if (this.#settled) this.#over.abort();
    }
    return this.#over.signal;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** The upstream is at work: the deadline moves on by its own length. */
  progressed(): void {
    if (!this.#settled && this.#asking === 0)
      this.#deadline.move(Math.min(performance.now() + this.#request.length, this.#end));
  }

  /** When the upstream last had something to work on for it; clock of `performance.now()`. */
  get activeAt(): number {
    return this.#activeAt;
  }

  /** Whether its caller has been asked something and has not answered yet. */
  get isAsking(): boolean {
    return this.#asking > 0;
  }

  /** While a person is asked, the upstream's time does not run. */
  asking(): void {
    if (this.#settled) return;
    this.#asking++;
    this.#deadline.move(this.#end);
  }

  asked(): void {
    this.#asking--;
    this.#activeAt = performance.now();
    this.progressed();
  }

  resolve(answer: LinkAnswer): void {
    if (this.#finish()) this.#resolve(answer);
  }

  /** Ends it with an answer of the gateway's own; the upstream is told that nobody waits any more. */
  refuse(answer: LinkAnswer, reason: string): void {
    if (this.#settled) return;
    this.#owner.giveUp(this, reason);
    this.resolve(answer);
  }

  reject(fault: GatewayFault): void {
    if (this.#finish()) this.#reject(fault);
  }

  #finish(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#deadline.cancel();
    this.#request.signal?.removeEventListener('abort', this.#abort);
    this.#over?.abort();
    this.#owner.done(this);
    return true;
  }

  readonly #abort = (): void => {
    if (this.#settled) return;
    this.#owner.giveUp(this, 'the caller cancelled');
    const { upstream } = this.#owner;
    this.reject(
      new GatewayFault('CANCELLED', `the caller cancelled its call to "${upstream}"`, {
        upstream,
        delivery: 'maybe-sent',
      }),
    );
  };

  /** Its deadline has passed; for the wheel. */
  expire(): void {
    if (this.#settled) return;
    this.#owner.giveUp(this, 'the deadline has passed');
    const { upstream } = this.#owner;
    const { context, method } = this;
    const waited = Math.round(performance.now() - this.startedAt);
    const callers = context !== undefined && performance.now() >= context.deadline;
    this.reject(
      new GatewayFault(
        callers ? 'DEADLINE_EXCEEDED' : 'UPSTREAM_TIMEOUT',
        `upstream "${upstream}" did not answer ${method} within ${waited} ms; do not assume that it did not run`,
        { upstream, delivery: 'maybe-sent' },
      ),
    );
  }
}
