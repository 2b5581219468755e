// When many upstreams fail together it is the machine or its network, not they: one alarm, and restarts that do not
// all come at the same moment (requirements 10.3, Host problem).

export interface HostWatchOptions {
  /** How many upstreams there are. */
  total(): number;
  /** A host problem has begun; told once per problem. */
  alarm(failed: string[]): void;
  random?: (() => number) | undefined;
  now?: (() => number) | undefined;
}

const WINDOW = 10_000;
const AT_LEAST = 4;
const SPREAD = 2_000;

/** Shared by all upstreams of a gateway. */
export class HostWatch {
  readonly #options: HostWatchOptions;
  readonly #failed = new Map<string, number>();
  #alarmed = false;

  constructor(options: HostWatchOptions) {
    this.#options = options;
  }

  /** Notes a failure; gives how long to wait at least before the next try, in milliseconds. */
  failed(upstream: string): number {
    const { total, alarm, random = Math.random, now = () => performance.now() } = this.#options;
    const at = now();
    this.#failed.set(upstream, at);
    for (const [name, when] of this.#failed) if (when <= at - WINDOW) this.#failed.delete(name);
    const problem = this.#failed.size >= AT_LEAST && this.#failed.size > total() / 2;
    if (problem && !this.#alarmed) alarm([...this.#failed.keys()]);
    this.#alarmed = problem;
    return problem ? SPREAD * random() : 0;
  }
}
