// Calls that take longer than the peer waits: answered in time with a task number, their result kept for later (D-41).
// Only results that missed the time are kept, each for its own call, in one endpoint (X-70).
import { randomInt } from 'node:crypto';
import { isObject, type JsonObject } from '../../core/json.ts';
import type { UpstreamAnswer } from '../../core/outcome.ts';
import { Payload } from '../../core/payload.ts';
import type { Messages } from './messages.ts';

export interface LongCallTimes {
  /** Milliseconds after which the caller is told a task number. */
  after: number;
  /** Milliseconds a late result is kept. */
  keep: number;
}

interface Task {
  id: string;
  key: string;
  tool: string;
  /** Never rejects. */
  done: Promise<Settled>;
  settled: boolean;
  /** Handed over to a repeated call: the next one of the kind runs anew. */
  delivered: boolean;
  abort: AbortController;
  expiry: NodeJS.Timeout | undefined;
}

type Settled = { answer: UpstreamAnswer } | { error: unknown };

/** Tasks of one endpoint at the same time; the oldest settled one goes first. */
const MOST = 100;
/** Digits only: a task number may be spoken. */
const DIGITS = 4;

export class LongCalls {
  #times: LongCallTimes;
  #messages: Messages;
  readonly #tasks = new Map<string, Task>();

  constructor(times: LongCallTimes, messages: Messages) {
    this.#times = times;
    this.#messages = messages;
  }

  /** Takes other settings over; tasks that run keep their times. */
  configure(times: LongCallTimes, messages: Messages): void {
    this.#times = times;
    this.#messages = messages;
  }

  get size(): number {
    return this.#tasks.size;
  }

  /**
   * Runs a call, or gives what an identical earlier one brings (once).
   * @param start runs the call under a signal that outlives the caller once a task number was given, and with a
   *   function that says whether the caller still listens
   * @throws what `start` throws, while the caller waits
   */
  async run(
    tool: string,
    args: unknown,
    fetchTool: string,
    signal: AbortSignal,
    start: (signal: AbortSignal, listening: () => boolean) => Promise<UpstreamAnswer>,
  ): Promise<UpstreamAnswer> {
    const key = `${tool}\0${canonical(args)}`;
    const known = [...this.#tasks.values()].find((task) => task.key === key && !task.delivered);
    if (known !== undefined) return this.#wait(known, fetchTool, signal, true);
    const abort = new AbortController();
    let listening = true;
    const leave = () => abort.abort(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    const done: Promise<Settled> = start(abort.signal, () => listening).then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error }),
    );
    try {
      const early = await within(done, this.#times.after, signal);
      if (early !== undefined) return unwrap(early);
      // The caller went away before it was told anything: the call is cancelled with it.
      if (signal.aborted) return unwrap(await done);
    } finally {
      signal.removeEventListener('abort', leave);
      listening = false;
    }
    const task = this.#keep({
      id: this.#number(),
      key,
      tool,
      done,
      settled: false,
      delivered: false,
      abort,
      expiry: undefined,
    });
    return this.#told(task, fetchTool);
  }

  /** The result of a task, or another word of patience; what the fetch tool does. */
  async fetch(id: string, fetchTool: string, signal: AbortSignal): Promise<UpstreamAnswer> {
    const task = this.#tasks.get(id);
    if (task === undefined) return textAnswer(this.#messages.unknownTask(id), true);
    return this.#wait(task, fetchTool, signal, false);
  }

  /** Cancels what still runs and forgets everything. */
  close(): void {
    for (const task of this.#tasks.values()) {
      clearTimeout(task.expiry);
      task.abort.abort('the endpoint was removed');
    }
    this.#tasks.clear();
  }

  async #wait(task: Task, fetchTool: string, signal: AbortSignal, repeated: boolean): Promise<UpstreamAnswer> {
    const settled = await within(task.done, this.#times.after, signal);
    if (settled === undefined) return this.#told(task, fetchTool);
    // An answer that nobody waits for any more is not delivered.
    if (!signal.aborted) task.delivered = true;
    if (repeated && !signal.aborted) this.#forget(task);
    return unwrap(settled);
  }

  #keep(task: Task): Task {
    this.#tasks.set(task.id, task);
    const oldest = [...this.#tasks.values()].find(({ settled }) => settled);
    if (this.#tasks.size > MOST && oldest !== undefined) this.#forget(oldest);
    const { keep } = this.#times;
    void task.done.then(() => {
      task.settled = true;
      task.expiry = setTimeout(() => this.#tasks.delete(task.id), keep);
      task.expiry.unref();
      if (!this.#tasks.has(task.id)) clearTimeout(task.expiry);
    });
    return task;
  }

  #forget(task: Task): void {
    clearTimeout(task.expiry);
    this.#tasks.delete(task.id);
  }

  #told(task: Task, fetchTool: string): UpstreamAnswer {
    const seconds = Math.round(this.#times.keep / 1000);
    return textAnswer(this.#messages.stillRunning(task.tool, task.id, fetchTool, seconds), false);
  }

  #number(): string {
    for (;;) {
      const id = String(randomInt(10 ** (DIGITS - 1), 10 ** DIGITS));
      if (!this.#tasks.has(id)) return id;
    }
  }
}

/** What a promise gives within a time; undefined after it, or when the signal aborts. */
async function within<T>(promise: Promise<T>, time: number, signal: AbortSignal): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  const late = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    timer = setTimeout(stop, time);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}

function unwrap(settled: Settled): UpstreamAnswer {
  if ('error' in settled && !('answer' in settled)) throw settled.error;
  return (settled as { answer: UpstreamAnswer }).answer;
}

/** An answer of the gateway itself. */
export function textAnswer(text: string, isError: boolean): UpstreamAnswer {
  const result = Payload.of({ content: [{ type: 'text', text }], isError });
  return { result, era: 'legacy', timing: { attempts: 0, queue: 0, connect: 0, upstream: 0 } };
}

/** JSON with its keys in order: equal for equal meaning. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? 'null';
  const object: JsonObject = value;
  return `{${Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(object[key])}`)
    .join()}}`;
}
