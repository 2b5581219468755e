// Runs synchronous code that may never end, and ends it. Node can stop JavaScript in the middle, regular expressions
// too, only where it runs as a script of its own.
import vm from 'node:vm';

const SCRIPT = 'run()';
/** Who had this share of the limit to work did not finish because there was too much to do. */
const WORKED = 0.7;

/** One place to run code under a limit of time; a run costs about 0.1 ms. */
export class TimeLimit {
  readonly #sandbox: { run: () => unknown } = { run: () => undefined };
  #context: vm.Context | undefined;
  #script: vm.Script | undefined;

  /**
   * The limit is one of work: on a busy machine, where the process stood still while the clock went on, the code gets
   * another chance of twice the time, and one of four times.
   * @param limit milliseconds
   * @throws Error (isTimeout) when it took longer
   */
  run<T>(work: () => T, limit: number): T {
    for (let spent = 0, chance = 1; ; chance *= 2) {
      const before = process.cpuUsage();
      try {
        return this.#once(work, limit * chance);
      } catch (error) {
        if (!isTimeout(error) || chance >= 4) throw error;
        const { user, system } = process.cpuUsage(before);
        spent += (user + system) / 1000;
        if (spent >= WORKED * limit) throw error;
      }
    }
  }

  #once<T>(work: () => T, timeout: number): T {
    this.#context ??= vm.createContext(this.#sandbox);
    this.#script ??= new vm.Script(SCRIPT);
    this.#sandbox.run = work;
    try {
      return this.#script.runInContext(this.#context, { timeout }) as T;
    } finally {
      this.#sandbox.run = () => undefined;
    }
  }
}

/** Whether code was ended because it took too long. */
export function isTimeout(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}
