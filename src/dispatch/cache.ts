// Keeps results of tools that only read, and lets equal calls that are under way share one execution (requirements
// 8.1, B-51, B-52, X-23). Stands before the path as another path; never keeps a failure, never shares a write.
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { CallContext } from '../core/context.ts';
import type { EventStream } from '../core/events.ts';

import { isObject } from '../core/json.ts';
import type { Operation } from '../core/operation.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import type { Dispatch } from './dispatch.ts';
import { Flight } from './flight.ts';

export interface CacheRule {
  /** How long the result may be kept, in milliseconds. */
  ttl: number;
  /** Identifies the tool as it is listed now. */
  hash: string;
  /** Whoever may see each other's results of this tool. */
  scope: string;
}

export interface CacheOptions {
  maxEntries: number;
  strategy: 'lru' | 'ttl' | 'lru_ttl';
  /** Longest wait for an equal call that is under way, in milliseconds. */
  coalesceWait: number;
}

export interface CacheDeps {
  dispatch: Dispatch;
  options: CacheOptions;
  /**
   * What may be kept: undefined for a call that must be made, or that is none of this caller's. `changes` says that
   * the call may change what the upstream answers to others.
   */
  rule(operation: Operation, context: CallContext): CacheRule | undefined;
  changes(operation: Operation, context: CallContext): boolean;
  events: EventStream;
}

/** In the words of B-40. */
export interface CacheFigures {
  hits: number;
  misses: number;
  total_requests: number;
  /** Percent. */
  hit_rate: number;
  current_size: number;
  max_size: number;
  /** Bytes. */
  memory_usage: number;
  /** Calls that were answered by an equal one under way. */
  shared: number;
}

const MAX_RESULT = 1024 * 1024;
const MAX_BYTES = 64 * 1024 * 1024;
const SWEEP_EVERY = 60_000;

interface Kept {
  upstream: string;
  answer: UpstreamAnswer;
}

export class ResultCache {
  readonly #deps: CacheDeps;
  readonly #kept: LRUCache<string, Kept>;
  readonly #flights = new Map<string, Flight>();
  /** Counts changes of an upstream: what was asked before one is not kept after it. */
  readonly #changes = new Map<string, number>();
  /** Upstreams that calls from here may have changed; for gateways that keep results of the same ones. */
  readonly #untold = new Set<string>();
  #hits = 0;
  #misses = 0;
  #shared = 0;
  #sweep: NodeJS.Timeout | undefined;

  constructor(deps: CacheDeps) {
    this.#deps = deps;
    const { maxEntries } = deps.options;
    this.#kept = new LRUCache({
      max: maxEntries,
      maxSize: MAX_BYTES,
      sizeCalculation: ({ answer }) => bytesOf(answer) + 1,
      perf: { now: () => performance.now() },
    });
  }

  figures(): CacheFigures {
    const total = this.#hits + this.#misses;
    return {
      hits: this.#hits,
      misses: this.#misses,
      total_requests: total,
      hit_rate: total === 0 ? 0 : (100 * this.#hits) / total,
      current_size: this.#kept.size,
      max_size: this.#deps.options.maxEntries,
      memory_usage: this.#kept.calculatedSize,
      shared: this.#shared,
    };
  }

  /** Forgets everything, or what came from one upstream. */
  clear(upstream?: string): void {
    if (upstream === undefined) this.#kept.clear();
    else for (const [key, kept] of this.#kept.entries()) if (kept.upstream === upstream) this.#kept.delete(key);
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#kept.clear();
  }

  /** Upstreams that calls from here may have changed since this was asked last. */
  changed(): string[] {
    const all = [...this.#untold];
    this.#untold.clear();
    return all;
  }

  /** A call at another gateway may have changed what an upstream answers. */
  changedElsewhere(upstream: string): void {
    this.#changes.set(upstream, this.#changesOf(upstream) + 1);
    this.clear(upstream);
  }

  /** The path with the cache before it. */
  readonly dispatch: Dispatch = (operation, context) => {
    const rule = this.#deps.rule(operation, context);
    const key = rule === undefined ? undefined : keyOf(operation, rule);
    if (rule !== undefined && key !== undefined) return this.#read(operation, context, rule, key);
    if (!this.#deps.changes(operation, context)) return this.#deps.dispatch(operation, context);
    return this.#write(operation, context);
  };

  async #write(operation: Operation, context: CallContext): Promise<UpstreamAnswer> {
    // Cleared before and after: what a reader is told in between may be either, and is not kept.
    this.#changed(operation.upstream);
    try {
      return await this.#deps.dispatch(operation, context);
    } finally {
      this.#changed(operation.upstream);
    }
  }

  async #read(operation: Operation, context: CallContext, rule: CacheRule, key: string): Promise<UpstreamAnswer> {
    const started = performance.now();
    // Without LRU, being asked for does not make an entry stay longer.
    const kept = this.#deps.options.strategy === 'ttl' ? this.#fresh(key) : this.#kept.get(key);
    if (kept !== undefined) {
      this.#hits++;
      return this.#told(operation, context, started, kept.answer);
    }
    this.#misses++;
    const running = this.#flights.get(key);
    if (running !== undefined) {
      const answer = await running.join(context, this.#deps.options.coalesceWait);
      if (answer !== undefined) {
        this.#shared++;
        return this.#told(operation, context, started, answer);
      }
      return await this.#deps.dispatch(operation, context);
    }
    const changes = this.#changesOf(operation.upstream);
    const flight = new Flight(context, (shared) => this.#deps.dispatch(operation, shared));
    this.#flights.set(key, flight);
    try {
      const answer = await flight.lead();
      if (!flight.asked && changes === this.#changesOf(operation.upstream))
        this.#keep(key, operation.upstream, rule, answer);
      return answer;
    } finally {
      this.#flights.delete(key);
    }
  }

  #fresh(key: string): Kept | undefined {
    return this.#kept.peek(key, { allowStale: false });
  }

  #keep(key: string, upstream: string, rule: CacheRule, answer: UpstreamAnswer): void {
    if (!('result' in answer) || answer.result.size > MAX_RESULT) return;
    const { result } = answer;
    if (result.get('isError') === true || (result.get('resultType') ?? 'complete') !== 'complete') return;
    const { strategy } = this.#deps.options;
    this.#kept.set(key, { upstream, answer }, strategy === 'lru' ? {} : { ttl: rule.ttl });
    this.#sweep ??= setInterval(() => {
      this.#kept.purgeStale();
      if (this.#kept.size > 0) return;
      clearInterval(this.#sweep);
      this.#sweep = undefined;
    }, SWEEP_EVERY).unref();
  }

  #changed(upstream: string): void {
    this.#untold.add(upstream);
    this.changedElsewhere(upstream);
  }

  #changesOf(upstream: string): number {
    return this.#changes.get(upstream) ?? 0;
  }

  /** A call that took no way to its upstream is told like any other. */
  #told(operation: Operation, context: CallContext, started: number, answer: UpstreamAnswer): UpstreamAnswer {
    const { name } = context.client.info;
    this.#deps.events.emit({
      type: 'call.finished',
      id: context.id,
      face: context.face,
      principal: context.principal.id,
      client: typeof name === 'string' ? name : context.face,
      upstream: operation.upstream,
      method: 'tools/call',
      subject: 'name' in operation ? operation.name : '',
      outcome: 'error' in answer ? 'rpc-error' : answer.result.get('isError') === true ? 'tool-error' : 'result',
      attempts: 0,
      queue: 0,
      upstreamTime: 0,
      total: performance.now() - started,
      bytes: bytesOf(answer),
    });
    return { ...answer, timing: { attempts: 0, queue: 0, connect: 0, upstream: 0 } };
  }
}

function bytesOf(answer: UpstreamAnswer): number {
  return 'result' in answer ? answer.result.size : 0;
}

/** Undefined for a call that is more than its arguments: one that answers a question of the tool. */
function keyOf(operation: Operation, { hash, scope }: CacheRule): string | undefined {
  if (operation.kind !== 'call-tool') return undefined;
  const { params, exactArguments, upstream, name } = operation;
  for (const key of Object.keys(params)) if (key !== 'name' && key !== 'arguments' && key !== '_meta') return undefined;
  const args = exactArguments ?? canonical(params.arguments ?? {});
  return createHash('sha256')
    .update(JSON.stringify([upstream, name, hash, scope, args]))
    .digest('base64');
}

/** The same text for equal values, whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (!isObject(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
