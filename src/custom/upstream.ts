// All custom tools as one upstream in this process: always ready, its lists known from the configuration (D-40).

import type { CustomTool } from '../config/schema-custom.ts';
import type { CallContext } from '../core/context.ts';
import type { EventStream } from '../core/events.ts';
import { asFault, GatewayFault } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import { nearest } from '../core/nearest.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import { Payload } from '../core/payload.ts';
import type {
  Upstream,
  UpstreamCall,
  UpstreamFacts,
  UpstreamIdentity,
  UpstreamLists,
  UpstreamState,
} from '../core/upstream.ts';
import { NO_FACTS, NO_LISTS } from '../core/upstream.ts';
import { DeadlineWheel } from '../resilience/deadline.ts';
import { Limiter } from '../resilience/limiter.ts';
import { VERSION } from '../version.ts';
import { ArgumentChecks } from './arguments.ts';
import type { Handler, Log, Run } from './run.ts';

/** Its id; reserved, so that no configured upstream can have it (requirements 10.12). */
export const CUSTOM = 'custom';

export interface ReadyTool {
  tool: CustomTool;
  handle: Handler;
  /** Milliseconds one call may take unless its caller says less; undefined where another upstream decides. */
  timeout: number | undefined;
  /** `light` waits for others, `heavy` is a process or thread, `none` only passes calls on. */
  weight: 'light' | 'heavy' | 'none';
}

/** Requests to others at once, and processes and threads at once. */
const LIGHT = 100;
const HEAVY = 8;
const QUEUE = 200;

/** What handlers get to end after they were told to, in milliseconds. */
const LAST_WAIT = 3_000;

/** Revision under which its lists and results are written. */
const REVISION = '2025-11-25';

export interface CustomUpstreamParts {
  tools: readonly ReadyTool[];
  events: EventStream;
  log: Log;
  /** Closes what handlers share. */
  close(): Promise<void>;
}

export class CustomUpstream implements Upstream {
  readonly name = CUSTOM;
  readonly identity: UpstreamIdentity = {
    era: 'legacy',
    revision: REVISION,
    transport: 'in-process',
    serverInfo: { name: 'holdfast-custom', title: 'Custom tools', version: VERSION },
    capabilities: { tools: {} },
  };
  readonly lists: UpstreamLists;
  readonly #parts: CustomUpstreamParts;
  readonly #tools: ReadonlyMap<string, ReadyTool>;
  readonly #checks: ArgumentChecks;
  readonly #wheel = new DeadlineWheel();
  readonly #limits: Readonly<Record<'light' | 'heavy', Limiter>>;
  readonly #changed = new Set<(what: 'state' | 'lists') => void>();
  readonly #running = new Map<Promise<unknown>, AbortController>();
  #state: UpstreamState = { state: 'ready', since: Date.now() };
  #stopped: Promise<void> | undefined;
  #errors = 0;

  constructor(parts: CustomUpstreamParts) {
    this.#parts = parts;
    this.#tools = new Map(parts.tools.map((ready) => [ready.tool.name, ready]));
    this.#checks = new ArgumentChecks(parts.log);
    const limit = (inFlight: number): Limiter =>
      new Limiter({ inFlight, queue: QUEUE, wheel: this.#wheel, upstream: CUSTOM });
    this.#limits = { light: limit(LIGHT), heavy: limit(HEAVY) };
    this.lists = { ...NO_LISTS, revision: 1, confirmed: true, tools: parts.tools.map(({ tool }) => definition(tool)) };
  }

  get state(): UpstreamState {
    return this.#state;
  }

  facts(): UpstreamFacts {
    const { light, heavy } = this.#limits;
    return {
      ...NO_FACTS,
      inFlight: this.#running.size,
      peak: Math.max(light.peak, heavy.peak),
      queued: light.queued + heavy.queued,
      errorCount: this.#errors,
    };
  }

  async whenUp(): Promise<void> {}

  async call(call: UpstreamCall, context: CallContext): Promise<UpstreamAnswer> {
    const began = performance.now();
    try {
      if (call.method !== 'tools/call') return this.#refuseMethod(call.method, began);
      const answer = await this.#callTool(call, context, began);
      this.#errors = 0;
      return answer;
    } catch (thrown) {
      const fault = asFault(thrown);
      if (fault.fault !== 'CANCELLED') this.#errors++;
      throw fault.with({ upstream: fault.upstream ?? CUSTOM, correlationId: context.id });
    }
  }

  async #callTool(call: UpstreamCall, context: CallContext, began: number): Promise<UpstreamAnswer> {
    const { state } = this.#state;
    if (state !== 'ready') throw new GatewayFault('UPSTREAM_NOT_READY', `upstream "${CUSTOM}" is ${state}`);
    const name = call.subject ?? String(call.params.name);
    const ready = this.#tools.get(name);
    if (ready === undefined) throw this.#unknown(name);
    const { tool, handle, weight } = ready;
    const args = await this.#checks.check(tool, call.params.arguments);
    const timeout = call.timeout ?? ready.timeout ?? Number.POSITIVE_INFINITY;
    const deadline = Math.min(context.deadline, began + timeout);
    const limit = weight === 'none' ? undefined : this.#limits[weight];
    const place = limit?.acquire(deadline, context.signal);
    if (place !== undefined) await place;
    const placed = performance.now();
    const stop = new AbortController();
    const { params, exactArguments } = call;
    const run: Run = {
      tool,
      args,
      params,
      exactArguments,
      context,
      deadline,
      signal: stop.signal,
      delivery: 'not-sent',
      log: this.#parts.log,
    };
    const cancelled = (): void =>
      stop.abort(this.#fault('CANCELLED', run, `the caller cancelled its call to "${name}"`));
    context.signal.addEventListener('abort', cancelled, { once: true });
    if (context.signal.aborted) cancelled();
    const late = this.#wheel.add(deadline, () => stop.abort(this.#late(run, began)));
    const running = (async () => {
      stop.signal.throwIfAborted();
      return await handle(run);
    })();
    this.#running.set(running, stop);
    // The place is free when what it stood for has really ended, which may be after the caller was told.
    const ended = (): void => {
      this.#running.delete(running);
      limit?.release();
    };
    running.then(ended, ended);
    try {
      const given = await unlessAborted(running, stop.signal);
      if (!(given instanceof Payload)) return given;
      const upstream = performance.now() - placed;
      return { era: 'legacy', result: given, timing: { attempts: 1, queue: placed - began, connect: 0, upstream } };
    } finally {
      late.cancel();
      context.signal.removeEventListener('abort', cancelled);
    }
  }

  subscribe(): Promise<UpstreamAnswer | undefined> {
    return Promise.resolve(undefined);
  }

  unsubscribe(): Promise<void> {
    return Promise.resolve();
  }

  /** It has nothing to tell that belongs to no call. */
  onNotification(): () => void {
    return () => undefined;
  }

  onChange(listener: (what: 'state' | 'lists') => void): () => void {
    this.#changed.add(listener);
    return () => this.#changed.delete(listener);
  }

  /** It is ready as soon as it exists. */
  start(): void {}

  /** There is nothing to start again; every call starts fresh. */
  restart(): void {}

  stop({ drain, reason }: { drain: number; reason: 'removed' | 'shutdown' | 'disabled' | 'idle' }): Promise<void> {
    this.#stopped ??= this.#stop(drain, reason);
    return this.#stopped;
  }

  async #stop(drain: number, reason: string): Promise<void> {
    this.#become({ state: 'draining', since: Date.now() });
    if (drain > 0) await this.#settled(drain);
    const text = `upstream "${CUSTOM}" was stopped (${reason})`;
    for (const stop of this.#running.values())
      stop.abort(new GatewayFault('UPSTREAM_NOT_READY', text, { upstream: CUSTOM, delivery: 'maybe-sent' }));
    await this.#settled(LAST_WAIT);
    await this.#parts.close();
    this.#wheel.close();
    this.#become({ state: 'stopped', reason: 'removed', since: Date.now() });
  }

  /** Waits until nothing runs, at most `ms` milliseconds. */
  async #settled(ms: number): Promise<void> {
    if (this.#running.size === 0) return;
    let late: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<void>((resolve) => {
      late = setTimeout(resolve, ms);
    });
    await Promise.race([Promise.allSettled(this.#running.keys()), over]);
    clearTimeout(late);
  }

  #become(next: UpstreamState): void {
    const from = this.#state.state;
    this.#state = next;
    this.#parts.events.emit({ type: 'upstream.state', upstream: CUSTOM, from, to: next.state });
    for (const listener of this.#changed) listener('state');
  }

  #refuseMethod(method: string, began: number): UpstreamAnswer {
    const timing = { attempts: 1, queue: 0, connect: 0, upstream: performance.now() - began };
    return { era: 'legacy', timing, error: { code: -32601, message: `custom tools do not know ${method}` } };
  }

  #unknown(name: string): GatewayFault {
    const near = nearest(name, this.#tools.keys());
    const text = `there is no custom tool ${JSON.stringify(name)}`;
    return new GatewayFault('TOOL_UNKNOWN', text, { data: { near } });
  }

  #late(run: Run, began: number): GatewayFault {
    const waited = Math.round(performance.now() - began);
    const callers = performance.now() >= run.context.deadline;
    const text = `custom tool "${run.tool.name}" did not end within ${waited} ms; do not assume that it did not run`;
    return this.#fault(callers ? 'DEADLINE_EXCEEDED' : 'UPSTREAM_TIMEOUT', run, text);
  }

  #fault(fault: 'CANCELLED' | 'DEADLINE_EXCEEDED' | 'UPSTREAM_TIMEOUT', run: Run, text: string): GatewayFault {
    return new GatewayFault(fault, text, { upstream: CUSTOM, delivery: run.delivery });
  }
}

/** The value, or the reason of the signal as soon as it is aborted, however long the work takes to notice. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
    if (signal.aborted) aborted();
  });
}

/** The tool as clients are shown it; how it is done is nobody's business. */
function definition({ name, title, description, inputSchema, annotations }: CustomTool): JsonObject {
  return {
    name,
    ...(title !== undefined && { title }),
    description,
    inputSchema,
    ...(annotations !== undefined && { annotations }),
  };
}
