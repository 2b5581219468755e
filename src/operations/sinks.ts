// Where alerts are told: webhooks and commands, each with a short queue of its own, tried again and never waited for.
import { spawn } from 'node:child_process';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SinkConfig } from '../config/schema-monitor.ts';
import type { EventStream } from '../core/events.ts';
import type { AlertInfo } from '../core/ports.ts';
import { hookMessage, refusedIn, type Told, textOf } from './hook-messages.ts';
import { post } from './post.ts';
import { SEVERITY } from './rules.ts';

export interface SinksOptions {
  sinks: readonly SinkConfig[];
  events: EventStream;
  redact(text: string): string;
  /** Waits before the second, third … try, in milliseconds. */
  waits?: readonly number[] | undefined;
}

const WAITS: readonly number[] = [1_000, 5_000, 30_000];
const TIMEOUT = 10_000;
const COMMAND_TIMEOUT = 30_000;
/** Messages that may wait for one sink; older ones go. */
const MOST_WAITING = 50;

interface Queue {
  sink: SinkConfig;
  name: string;
  waiting: Told[];
  sending: Promise<void> | undefined;
  failing: boolean;
}

export class Sinks {
  readonly #options: SinksOptions;
  readonly #over = new AbortController();
  #queues: Queue[];
  /** Messages that no try could deliver. */
  failures = 0;

  constructor(options: SinksOptions) {
    this.#options = options;
    this.#queues = options.sinks.map(queueOf);
  }

  setSinks(sinks: readonly SinkConfig[]): void {
    this.#queues = sinks.map(queueOf);
  }

  /** Hands a message to every sink that wants it. A silenced alert is told to nobody. */
  tell(event: 'raised' | 'changed' | 'resolved', alert: AlertInfo): void {
    if (alert.silenced) return;
    const told: Told = { event, alert, host: hostname() };
    for (const queue of this.#queues) {
      const { sink } = queue;
      if (SEVERITY.indexOf(alert.severity) < SEVERITY.indexOf(sink.severity)) continue;
      if (event === 'resolved' && !sink.resolved) continue;
      queue.waiting.push(told);
      if (queue.waiting.length > MOST_WAITING) {
        queue.waiting.shift();
        this.failures++;
      }
      queue.sending ??= this.#drain(queue).finally(() => {
        queue.sending = undefined;
      });
    }
  }

  /** One try of each sink, now; why it failed, by name. */
  async test(alert: AlertInfo): Promise<Record<string, string | null>> {
    const told: Told = { event: 'test', alert, host: hostname() };
    const results = this.#queues.map(async ({ sink, name }) => {
      try {
        await this.#send(sink, told);
        return [name, null] as const;
      } catch (error) {
        return [name, this.#why(error)] as const;
      }
    });
    return Object.fromEntries(await Promise.all(results));
  }

  /** Gives up what is on its way. */
  async close(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#queues.map(({ sending }) => sending));
  }

  async #drain(queue: Queue): Promise<void> {
    for (let told = queue.waiting.shift(); told !== undefined; told = queue.waiting.shift()) {
      const error = await this.#deliver(queue.sink, told);
      if (this.#over.signal.aborted) return;
      if (error === undefined) {
        queue.failing = false;
        continue;
      }
      this.failures++;
      if (!queue.failing) {
        const text = `the sink ${queue.name} cannot be told of alerts: ${this.#why(error)}`;
        this.#options.events.emit({ type: 'log', level: 'error', text });
      }
      queue.failing = true;
    }
  }

  /** Several tries; gives the last error, or undefined. */
  async #deliver(sink: SinkConfig, told: Told): Promise<unknown> {
    const waits = this.#options.waits ?? WAITS;
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#send(sink, told);
        return undefined;
      } catch (error) {
        const wait = waits[attempt];
        if (wait === undefined || this.#over.signal.aborted) return error;
        await sleep(wait, undefined, { signal: this.#over.signal, ref: false }).catch(() => undefined);
      }
    }
  }

  async #send(sink: SinkConfig, told: Told): Promise<void> {
    switch (sink.type) {
      case 'log': {
        const data = { alert: told.alert };
        this.#options.events.emit({ type: 'log', level: 'info', text: textOf(told), data });
        return;
      }
      case 'command':
        if (sink.command === undefined) throw new Error('the sink has no command');
        return run(sink.command, sink.args, JSON.stringify(told), this.#over.signal);
      case 'webhook': {
        if (sink.url === undefined) throw new Error('the sink has no url');
        const message = hookMessage(sink, sink.url, told, Date.now());
        const answer = await post({ ...message, timeout: TIMEOUT, signal: this.#over.signal });
        const refused = refusedIn(sink.format, answer);
        if (refused !== undefined) throw new Error(refused);
      }
    }
  }

  #why(error: unknown): string {
    const code = (error as NodeJS.ErrnoException).code;
    const text = error instanceof Error ? error.message : String(error);
    return this.#options.redact(code === undefined || text.includes(code) ? text : `${text} (${code})`);
  }
}

function queueOf(sink: SinkConfig, index: number): Queue {
  const name = sink.name ?? `${sink.type === 'webhook' ? sink.format : sink.type} ${index + 1}`;
  return { sink, name, waiting: [], sending: undefined, failing: false };
}

/** Variables a command gets; the alert itself comes on stdin. */
const PASSED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'USER', 'TMPDIR', 'SystemRoot', 'ComSpec'];

/** Runs a program without a shell. @throws Error when it fails or takes too long */
function run(command: string, args: readonly string[], input: string, signal: AbortSignal): Promise<void> {
  const env = Object.fromEntries(
    PASSED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      shell: false,
      stdio: ['pipe', 'ignore', 'ignore'],
      env,
      timeout: COMMAND_TIMEOUT,
      killSignal: 'SIGKILL',
      signal,
      windowsHide: true,
    });
    child.on('error', reject);
    child.stdin.on('error', () => undefined); // a program that does not read; its exit tells
    child.on('exit', (code, ended) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with ${ended ?? `code ${String(code)}`}`));
    });
    child.stdin.end(input);
  });
}
