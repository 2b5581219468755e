// The bench's side of the load generator's process.
import { execFileSync, fork } from 'node:child_process';

export class Load {
  #child = fork(new URL('./load-process.mjs', import.meta.url).pathname, { stdio: 'inherit' });
  #waiting = new Map();
  #nextId = 1;
  #gone = false;

  /** `cores`: where it shall run, as taskset writes it. */
  constructor(cores) {
    if (cores !== undefined) execFileSync('taskset', ['-acp', cores, String(this.#child.pid)], { stdio: 'ignore' });
    this.#child.on('message', ({ id, value, error }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    });
    this.#child.on('exit', (code) => {
      this.#gone = true;
      for (const { reject } of this.#waiting.values()) reject(new Error(`the load generator ended (${code})`));
    });
  }

  /**
   * Opens the callers of a target: `{kind: 'http' or 'sse', url, era, tool, args, callers, spread}` or `{kind: 'stdio',
   * command, …}`. They begin at once, or evenly spread over `spread` milliseconds.
   */
  prepare(name, spec) {
    return this.#order('prepare', { name, spec });
  }

  /** Lets them call for `ms`; resolves with {count, rate, p50, p99, max}. Rejects on the first wrong answer. */
  run(name, ms) {
    return this.#order('run', { name, ms });
  }

  closeTarget(name) {
    return this.#order('close', { name });
  }

  stop() {
    if (this.#child.connected) this.#child.disconnect();
  }

  #order(order, rest) {
    return new Promise((resolve, reject) => {
      if (this.#gone) return reject(new Error('the load generator has ended'));
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, order, ...rest });
    });
  }
}
