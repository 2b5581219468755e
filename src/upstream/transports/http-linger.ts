// Answers nobody waits for any more. They get a moment to end by themselves, so that their connection can be used
// again, and are then closed: a server that never ends its stream must not keep a socket (reliability §1.7).
import type { Answer } from './http-answer.ts';

const PATIENCE = 3_000;
const SWEEP = 1_000;

export class Lingering {
  readonly #since = new Map<Answer, number>();
  #timer: NodeJS.Timeout | undefined;

  get size(): number {
    return this.#since.size;
  }

  add(answer: Answer): void {
    this.#since.set(answer, performance.now());
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#sweep(), SWEEP);
    this.#timer.unref();
  }

  /** The answer has ended by itself. */
  delete(answer: Answer): void {
    if (this.#since.delete(answer) && this.#since.size === 0) this.#stop();
  }

  close(): void {
    for (const answer of this.#since.keys()) answer.abort();
    this.#since.clear();
    this.#stop();
  }

  #sweep(): void {
    const limit = performance.now() - PATIENCE;
    for (const [answer, since] of this.#since) {
      if (since > limit) break;
      answer.abort();
      this.#since.delete(answer);
    }
    if (this.#since.size === 0) this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
