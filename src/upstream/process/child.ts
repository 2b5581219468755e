// One running child of an upstream: its streams always drained, its end always known, its group ended with it.
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeRun } from './container.ts';
import type { ChildRecords } from './leftovers.ts';
import { outputPair } from './output.ts';
import { readStat } from './proc.ts';
import { ByteRing } from './ring.ts';
import { type Log, launch, type ProcessConfig, planSpawn, type SpawnPlan } from './spawn.ts';
import { newTag } from './tag.ts';
import { type EndReport, type Graces, graces, groupExists, terminate } from './terminate.ts';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  upstream: string;
  config: ProcessConfig;
  log: Log;
  /** Where it is written down, for the next gateway should this one be killed. */
  records?: ChildRecords | undefined;
  /** Bytes of stdout as they come, to be copied before it returns; without it they are read and dropped. */
  output?: ((chunk: Buffer) => void) | undefined;
}

/** Nothing came for this long after the exit: whoever still holds the pipes has nothing to say. Milliseconds. */
const QUIET = 50;
/** However much they still say, it ends here. */
const DRAIN_LIMIT = 1000;

/** Process and link are one object: whoever starts one of these owns it and calls `end`. */
export class UpstreamChild {
  readonly pid: number;
  readonly tag: string;
  readonly start: number | undefined;
  /** Proven, not assumed: only then is the group ever signalled. */
  readonly leads: boolean;
  readonly exited: Promise<Exit>;
  readonly stderr = new ByteRing();
  /** When the last byte of stdout came; 0 before the first. Clock of `performance.now()`. */
  lastByteAt = 0;
  #exit: Exit | undefined;
  #child: ChildProcess;
  #stdout: Readable | null;
  #options: ChildOptions;
  #plan: SpawnPlan;
  #ending: Promise<EndReport> | undefined;
  #openStreams = 2;
  #streamsEnded: () => void = () => undefined;

  private constructor(
    child: ChildProcess,
    output: Readable | undefined,
    tag: string,
    plan: SpawnPlan,
    options: ChildOptions,
  ) {
    const pid = child.pid as number;
    this.#child = child;
    this.#stdout = output ?? child.stdout;
    this.#options = options;
    this.#plan = plan;
    this.pid = pid;
    this.tag = tag;
    this.start = readStat(pid)?.start;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
    this.leads = process.platform !== 'win32' && groupExists(pid);
    this.#drain();
  }

  /** @throws GatewayFault UPSTREAM_START_FAILED */
  static async start(options: ChildOptions): Promise<UpstreamChild> {
    const tag = newTag(options.upstream);
    const plan = await planSpawn(options.upstream, options.config, tag, options.log);
    let child: UpstreamChild;
    // Nothing comes before there is a child.
    const pair = options.output === undefined ? undefined : await outputPair((bytes) => child.#read(bytes));
    try {
      child = new UpstreamChild(await launch(plan, options.log, pair?.theirs), pair?.ours, tag, plan, options);
    } catch (error) {
      pair?.ours.destroy();
      throw error;
    }
    options.log('debug', 'child started', { upstream: options.upstream, pid: child.pid });
    const { pid, start } = child;
    if (start !== undefined)
      options.records?.add({ pid, start, tag, upstream: options.upstream, container: plan.container?.host });
    return child;
  }

  get exit(): Exit | undefined {
    return this.#exit;
  }

  get hasExited(): boolean {
    return this.#exit !== undefined;
  }

  get stdin(): NodeJS.WritableStream | null {
    return this.#child.stdin;
  }

  #drain(): void {
    const { stdin, stderr } = this.#child;
    // EPIPE: the reader is gone; its exit tells the rest.
    stdin?.on('error', () => undefined);
    this.#stdout?.on('data', (chunk: Buffer) => this.#read(chunk));
    stderr?.on('data', (chunk: Buffer) => this.stderr.push(chunk));
    for (const stream of [this.#stdout, stderr]) {
      stream?.on('error', () => undefined);
      stream?.once('close', () => {
        this.#openStreams--;
        if (this.#openStreams === 0) this.#streamsEnded();
      });
    }
  }

  #read(bytes: Buffer): void {
    this.lastByteAt = performance.now();
    this.#options.output?.(bytes);
  }

  /** Called once when stdout has reached its end. */
  onOutputEnd(listener: () => void): void {
    this.#stdout?.once('end', listener);
  }

  onInputError(listener: (error: Error) => void): void {
    this.#child.stdin?.once('error', listener);
  }

  /**
   * After the exit: resolves when everything that was written before it has been read. A grandchild may hold the
   * pipes open for ever, so silence counts as the end too.
   */
  async drained(): Promise<void> {
    if (this.#openStreams === 0) return;
    const ended = new Promise<'ended'>((resolve) => {
      this.#streamsEnded = () => resolve('ended');
    });
    const limit = performance.now() + DRAIN_LIMIT;
    for (let before = -1; performance.now() < limit; ) {
      const read = this.lastByteAt + this.stderr.total;
      if (read === before) return;
      before = read;
      const pause = new AbortController();
      const won = await Promise.race([ended, sleep(QUIET, 'quiet', { signal: pause.signal }).catch(() => 'quiet')]);
      pause.abort();
      if (won === 'ended') return;
    }
  }

  endInput(): void {
    const { stdin } = this.#child;
    if (stdin !== null && !stdin.destroyed) stdin.end();
  }

  /**
   * Ends the whole group within `grace` milliseconds (8 s unless told) and closes the pipes. Callers share one end;
   * the first one's times hold. Never throws.
   */
  end(grace?: number): Promise<EndReport> {
    this.#ending ??= this.#end(graces(grace));
    return this.#ending;
  }

  /** The direct child has gone by itself: whatever it left in its group follows. */
  clear(): Promise<EndReport> {
    this.#ending ??= this.#end({ ...graces(), input: 2 * QUIET });
    return this.#ending;
  }

  async #end(times: Graces): Promise<EndReport> {
    const { upstream, log, records } = this.#options;
    const report = await terminate(this, times);
    for (const stream of [this.#child.stdin, this.#stdout, this.#child.stderr]) stream?.destroy();
    if (report.escaped.length > 0)
      log('warn', 'processes had left the group of their server and were ended by their tag', { upstream, ...report });
    if (report.surviving.length > 0) {
      log('error', 'processes survived SIGKILL', { upstream, ...report });
      records?.survived(upstream, report.surviving);
    }
    const cleared = await this.#removeContainer();
    if (cleared && report.surviving.length === 0) records?.remove(this.pid);
    return report;
  }

  /** False when it is not known to be gone; the record then stays for the next gateway. */
  async #removeContainer(): Promise<boolean> {
    const { container, env } = this.#plan;
    const { upstream, log } = this.#options;
    if (container === undefined) return true;
    try {
      const removed = await removeRun(container, this.tag, env);
      if (removed.length > 0) log('info', 'container removed', { upstream, containers: removed });
      return true;
    } catch (error) {
      log('error', 'the container may still run: it could not be removed', {
        upstream,
        error: (error as Error).message,
      });
      return false;
    }
  }
}
