// A real program under test or beside it: started, waited for by a line of its stdout, ended with all its children.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describeProcess, processesUnder, stillThere } from './processes.ts';
import { inTime } from './wait.ts';

export interface ProgramOptions {
  args?: readonly string[];
  cwd?: string;
  /** The whole environment; that of the test run if it is left out. */
  env?: NodeJS.ProcessEnv;
  /** Milliseconds until the ready line must have come; 60,000 by default. */
  within?: number;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A running program whose output is kept (bounded) and whose end is always waited for. */
export class Program {
  readonly child: ChildProcess;
  /** Lines of stdout so far; empty where a listener takes them instead. */
  readonly lines: string[] = [];
  readonly exited: Promise<Exit>;
  #stderr = '';
  readonly #watchers = new Set<(line: string) => void>();

  constructor(command: string, { args = [], cwd, env }: ProgramOptions = {}, onLine?: (line: string) => void) {
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(cwd !== undefined && { cwd }),
      ...(env !== undefined && { env }),
    });
    this.child = child;
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.exited.catch(() => {}); // whoever waits for it sees the rejection
    child.stdin?.on('error', () => {}); // a program that is gone; its exit tells
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-1_000_000);
    });
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (onLine === undefined) this.lines.push(line);
        else onLine(line);
        for (const watch of this.#watchers) watch(line);
      });
    }
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the program could not be started');
    return this.child.pid;
  }

  /** Everything on stderr so far, at most the last megabyte. */
  get stderr(): string {
    return this.#stderr;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null && this.child.pid !== undefined;
  }

  /** The first line of stdout, past or to come, that matches. @throws Error when the program ends first, or in time */
  async line(pattern: RegExp, within = 60_000): Promise<RegExpMatchArray> {
    const past = this.lines.map((line) => line.match(pattern)).find((match) => match !== null);
    if (past) return past;
    let watch: ((line: string) => void) | undefined;
    const coming = new Promise<RegExpMatchArray>((resolve, reject) => {
      watch = (line) => {
        const match = line.match(pattern);
        if (match) resolve(match);
      };
      this.#watchers.add(watch);
      this.exited.then(
        ({ code, signal }) => reject(new Error(`ended (${code ?? signal}) before ${pattern}\n${this.#stderr}`)),
        reject,
      );
    });
    try {
      return await inTime(coming, within, () => `${pattern} on stdout\nstderr: ${this.#stderr}`);
    } finally {
      if (watch) this.#watchers.delete(watch);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /**
   * Ends it with `signal` and waits; everything that was under it must be gone `settle` milliseconds later.
   * What is still there is killed, and told as an error: a test that leaks must fail.
   */
  async stop({ signal = 'SIGTERM' as NodeJS.Signals | 'EOF', within = 60_000, settle = 20_000 } = {}): Promise<Exit> {
    const under = this.running ? processesUnder(this.pid) : [];
    if (signal === 'EOF') this.child.stdin?.end();
    else if (this.running) this.child.kill(signal);
    try {
      return await inTime(this.exited, within, () => `the end of ${this.child.spawnfile}\nstderr: ${this.#stderr}`);
    } finally {
      if (this.running) {
        this.child.kill('SIGKILL');
        await once(this.child, 'exit');
      }
      const end = performance.now() + settle;
      while (stillThere(under).length > 0 && performance.now() < end) await new Promise((go) => setTimeout(go, 10));
      const left = stillThere(under);
      for (const { pid } of left) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // gone by itself
        }
      }
      if (left.length > 0) {
        // biome-ignore lint/correctness/noUnsafeFinally: a leaked process outweighs how the stop itself went
        throw new Error(`left behind: ${left.map(describeProcess).join('; ')}`);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
