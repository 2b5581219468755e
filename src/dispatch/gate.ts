// What a principal may reach, and how often, before anything else looks at its call: caches, too (X-06; reliability §4).
import { LRUCache } from 'lru-cache';
import type { CallContext, CallRate, Principal, Spent } from '../core/context.ts';
import type { EventStream } from '../core/events.ts';
import { GatewayFault } from '../core/fault.ts';
import type { Operation } from '../core/operation.ts';
import { type Dispatch, didYouMean, reportCall } from './dispatch.ts';

export interface GateDeps {
  /** Ids of all upstreams, for near names. */
  upstreams(): readonly string[];
  nearest(name: string, candidates: readonly string[]): string[];
  events: EventStream;
  now?: (() => number) | undefined;
}

/** Calls that are left to a principal, as of `at`. */
interface Bucket {
  left: number;
  at: number;
}

/** Principals with a rate that are counted at once; one that is forgotten begins anew. */
const COUNTED = 10_000;

export interface Gate {
  /** The path for callers: what is outside of a principal's scope is unknown, what is too often is refused. */
  dispatch: Dispatch;
  /** Calls that principals with a rate have made since this was asked last; bounded as the principals are. */
  spent(): Spent[];
  /** Counts calls made elsewhere; what is too much is paid for with refusals, for a whole period at most. */
  charge(spent: Spent): void;
}

export function createGate(dispatch: Dispatch, deps: GateDeps): Gate {
  const { upstreams, nearest, events, now = () => performance.now() } = deps;
  // Their room is taken with the first that is counted: most gateways count nobody.
  let buckets: LRUCache<string, Bucket> | undefined;
  let spent: LRUCache<string, Spent> | undefined;
  const setBucket = (id: string, bucket: Bucket): void => {
    buckets ??= new LRUCache({ max: COUNTED });
    buckets.set(id, bucket);
  };

  function hidden(operation: Operation, context: CallContext): GatewayFault | undefined {
    const { scope } = context.principal;
    const { upstream } = operation;
    if (scope === undefined) return undefined;
    if (!scope.upstream(upstream)) {
      const near = nearest(upstream, upstreams().filter(scope.upstream));
      const message = `no upstream is called ${JSON.stringify(upstream)}${didYouMean(near)}`;
      return new GatewayFault('UPSTREAM_UNKNOWN', message, { correlationId: context.id, data: { near } });
    }
    if (operation.kind !== 'call-tool' || scope.tool(upstream, operation.name)) return undefined;
    const message = `${upstream} has no tool ${JSON.stringify(operation.name)}`;
    return new GatewayFault('TOOL_UNKNOWN', message, { upstream, correlationId: context.id });
  }

  function leftOf(id: string, rate: CallRate): number {
    const at = now();
    const bucket = buckets?.get(id) ?? { left: rate.calls, at };
    return Math.min(rate.calls, bucket.left + ((at - bucket.at) * rate.calls) / rate.per);
  }

  /** Takes one call from what is left; a bucket that fills steadily, so that a minute's calls are not one burst each minute. */
  function tooMany({ id, rate }: Principal, correlationId: string): GatewayFault | undefined {
    if (rate === undefined) return undefined;
    const left = leftOf(id, rate);
    setBucket(id, { left: left < 1 ? left : left - 1, at: now() });
    if (left >= 1) {
      spent ??= new LRUCache({ max: COUNTED });
      spent.set(id, { principal: id, calls: (spent.get(id)?.calls ?? 0) + 1, rate });
      return undefined;
    }
    const message = `the key ${JSON.stringify(id)} may make ${rate.calls} calls in ${rate.per / 1000} s (keys[].rate)`;
    return new GatewayFault('RATE_LIMITED', message, {
      correlationId,
      retryAfterMs: Math.ceil(((1 - left) * rate.per) / rate.calls),
    });
  }

  return {
    dispatch: (operation, context) => {
      const refused = hidden(operation, context) ?? tooMany(context.principal, context.id);
      if (refused === undefined) return dispatch(operation, context);
      reportCall(events, operation, context, performance.now(), undefined, refused);
      return Promise.reject(refused);
    },
    spent() {
      const all = [...(spent?.values() ?? [])];
      spent?.clear();
      return all;
    },
    charge: ({ principal, calls, rate }) =>
      setBucket(principal, { left: Math.max(-rate.calls, leftOf(principal, rate) - calls), at: now() }),
  };
}
