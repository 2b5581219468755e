// Finds a server that is there and answers nobody, and never takes a busy one for it (reliability §3, Liveness).
import type { Link } from './link.ts';
import { ping } from './ping.ts';

export interface LivenessOptions {
  /** Silence after which it is asked, how long it has to answer (ms), and how many misses in a row end it. */
  interval: number;
  timeout: number;
  failureThreshold: number;
  /** The server does not answer any more: replace it. */
  dead(link: Link, why: string): void;
}

/** A process that uses this share of a core since it was last looked at is at work. */
const BUSY_SHARE = 0.2;
/** Being at work excuses silence for this long, in milliseconds. */
const BUSY_LIMIT = 60_000;
/** After this share of the time it has to answer, a silent server is looked at: one look reads all of /proc. */
const SILENT_SHARE = 0.25;

/** What a process had used at a moment of `performance.now()`. */
interface Seen {
  cpu: number;
  frozen: boolean;
  at: number;
}

async function look({ transport }: Link): Promise<Seen | undefined> {
  const usage = await transport.usage?.();
  return usage && { cpu: usage.cpu, frozen: usage.frozen, at: performance.now() };
}

/** Watches one link from `watch` to `stop`. */
export class Liveness {
  readonly #options: LivenessOptions;
  #link: Link | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking: AbortController | undefined;
  #checked: number | undefined;

  constructor(options: LivenessOptions) {
    this.#options = options;
  }

  /** When it was last asked, in milliseconds of the wall clock. */
  get lastCheck(): number | undefined {
    return this.#checked;
  }

  watch(link: Link): void {
    this.stop();
    this.#link = link;
    this.#arm(this.#options.interval);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = undefined;
    this.#link = undefined;
  }

  /** A call has timed out and not a byte has come since `sentAt`: asked at once. */
  suspect(link: Link, sentAt: number): void {
    if (this.#link !== link || this.#asking !== undefined || link.transport.lastByteAt > sentAt) return;
    clearTimeout(this.#timer);
    void this.#ask(link, true);
  }

  #arm(wait: number): void {
    this.#timer = setTimeout(() => {
      const link = this.#link;
      if (link === undefined) return;
      const silent = performance.now() - link.transport.lastByteAt;
      if (silent < this.#options.interval) this.#arm(this.#options.interval - silent + 1);
      else void this.#ask(link, false);
    }, wait);
  }

  /** `whole`: its silence has outlasted the deadline of a call, so that calls still waiting are no excuse. */
  async #ask(link: Link, whole: boolean): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    const { timeout, failureThreshold, dead } = this.#options;
    const began = performance.now();
    let seen: Seen | undefined;
    for (let misses = 0; !asking.signal.aborted; ) {
      this.#checked = Date.now();
      const asked = performance.now();
      // Nearly every server answers at once; what it uses is looked at once it has been silent for a while.
      const silent = setTimeout(async () => {
        const first = await look(link);
        seen ??= first;
      }, timeout * SILENT_SHARE);
      const result = await ping(link, timeout, asking.signal).finally(() => clearTimeout(silent));
      if (asking.signal.aborted || link.ended !== undefined) return;
      // Any byte is a sign of life, and any refusal is an answer.
      if (typeof result === 'string' || link.transport.lastByteAt > asked) break;
      misses++;
      const now = await look(link);
      if (asking.signal.aborted) return;
      if (now?.frozen) return dead(link, 'its process is stopped');
      const busy = now !== undefined && seen !== undefined && now.cpu - seen.cpu > (now.at - seen.at) * BUSY_SHARE;
      seen = now;
      if (misses < failureThreshold) continue;
      if (busy && performance.now() - began < BUSY_LIMIT) continue;
      if (link.inFlight > 0 && !whole) break;
      return dead(link, `it left ${misses} questions in a row unanswered`);
    }
    if (this.#asking === asking) this.#asking = undefined;
    if (this.#link === link) this.#arm(this.#options.interval);
  }
}
