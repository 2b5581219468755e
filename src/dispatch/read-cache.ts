// Resources of modern upstreams, kept as long and shown to as many as the upstream says (2026-07-28 caching; MP25).
// The key holds the upstream, the URI and, for private results, the caller; a notification empties it.
import { LRUCache } from 'lru-cache';
import type { CallContext } from '../core/context.ts';
import { asFault } from '../core/fault.ts';
import type { FaultName } from '../core/fault-table.ts';
import { isObject } from '../core/json.ts';
import type { Operation } from '../core/operation.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';

type Send = (operation: Operation, context: CallContext) => Promise<UpstreamAnswer>;
type ReadResource = Extract<Operation, { kind: 'read-resource' }>;
type Answered = Extract<UpstreamAnswer, { result: unknown }>;

interface Kept {
  answer: Answered;
  /** Clock of `performance.now()`. */
  until: number;
}

/** Faults of the way to an upstream, in which an old answer is better than none. */
const AWAY: ReadonlySet<FaultName> = new Set([
  'UPSTREAM_NOT_READY',
  'COOLING_DOWN',
  'CIRCUIT_OPEN',
  'UPSTREAM_UNREACHABLE',
  'UPSTREAM_DISCONNECTED',
  'UPSTREAM_EXITED',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_FAILED',
]);
/** `_meta` key of a result that is older than its upstream allows, because the upstream is away. */
const STALE = 'io.github.holdfast/stale';

export class ReadCache {
  readonly #kept = new LRUCache<string, Kept>({
    max: 1000,
    maxSize: 64 * 1024 * 1024,
    sizeCalculation: ({ answer }) => answer.result.size,
  });
  readonly #send: Send;
  readonly #now: () => number;
  readonly #identity: (upstream: string, context: CallContext) => string;

  /** `identity` says in whose name an upstream is asked, where that is the caller's. */
  constructor(
    send: Send,
    now: () => number = () => performance.now(),
    identity: (upstream: string, context: CallContext) => string = () => '',
  ) {
    this.#send = send;
    this.#now = now;
    this.#identity = identity;
  }

  readonly dispatch: Send = (operation, context) => {
    // Questions and their answers are between two, and never kept.
    if (
      operation.kind !== 'read-resource' ||
      'requestState' in operation.params ||
      'inputResponses' in operation.params
    ) {
      return this.#send(operation, context);
    }
    return this.#read(operation, context);
  };

  async #read(operation: ReadResource, context: CallContext): Promise<UpstreamAnswer> {
    const keys = [keyOf(operation, ''), keyOf(operation, this.#scope(operation, context))];
    const kept = keys.map((key) => this.#kept.get(key)).find((one) => one !== undefined);
    if (kept !== undefined && kept.until > this.#now()) return aged(kept.answer, kept.until - this.#now());
    try {
      const answer = await this.#send(operation, context);
      this.#keep(operation, context, answer);
      return answer;
    } catch (thrown) {
      if (kept === undefined || !AWAY.has(asFault(thrown).fault)) throw thrown;
      return stale(kept.answer);
    }
  }

  /** What was kept of an upstream, or of one of its resources, is old. */
  forget(upstream: string, uri?: string | undefined): void {
    const start = JSON.stringify([upstream]).slice(0, -1);
    for (const key of this.#kept.keys()) {
      if (!key.startsWith(start)) continue;
      if (uri === undefined || (JSON.parse(key) as string[])[1] === uri) this.#kept.delete(key);
    }
  }

  /** Who may be told a private result. */
  #scope({ upstream }: Operation, context: CallContext): string {
    const identity = this.#identity(upstream, context);
    return identity === '' ? context.principal.id : `${context.principal.id} ${identity}`;
  }

  #keep(operation: ReadResource, context: CallContext, answer: UpstreamAnswer): void {
    if (answer.era !== 'modern' || !('result' in answer)) return;
    const ttl = answer.result.get('ttlMs');
    const type = answer.result.get('resultType');
    if (typeof ttl !== 'number' || !(ttl > 0) || (type !== undefined && type !== 'complete')) return;
    const scope = answer.result.get('cacheScope') === 'public' ? '' : this.#scope(operation, context);
    this.#kept.set(keyOf(operation, scope), { answer, until: this.#now() + ttl });
  }
}

function keyOf({ upstream, uri }: { upstream: string; uri: string }, scope: string): string {
  return JSON.stringify([upstream, uri, scope]);
}

/** The same result with the time that is left of it. */
function aged(answer: Answered, left: number): UpstreamAnswer {
  return { ...answer, result: answer.result.edit({ set: { ttlMs: Math.max(0, Math.round(left)) } }) };
}

function stale(answer: Answered): UpstreamAnswer {
  const meta = answer.result.get('_meta');
  return {
    ...answer,
    result: answer.result.edit({ set: { ttlMs: 0, _meta: { ...(isObject(meta) && meta), [STALE]: true } } }),
  };
}
