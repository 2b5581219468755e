// Runs synchronous code that may never end, and ends it. Node can stop JavaScript in the middle, regular expressions
// too, only where it runs as a script of its own.
import vm from 'node:vm';

const SCRIPT = 'run()';

/** One place to run code under a limit of time; a run costs about 0.1 ms. */
export class TimeLimit {
  readonly #sandbox: { run: () => unknown } = { run: () => undefined };
  #context: vm.Context | undefined;
  #script: vm.Script | undefined;

  /** @throws Error (code ERR_SCRIPT_EXECUTION_TIMEOUT) when it took longer than `limit` milliseconds */
  run<T>(work: () => T, limit: number): T {
    this.#context ??= vm.createContext(this.#sandbox);
    this.#script ??= new vm.Script(SCRIPT);
    this.#sandbox.run = work;
    try {
      return this.#script.runInContext(this.#context, { timeout: limit }) as T;
    } finally {
      this.#sandbox.run = () => undefined;
    }
  }
}
