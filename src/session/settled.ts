// Waiting for upstreams by a call that needs what nobody lists: as long as a call to them would wait, and no longer
// (requirements 10.15).
import type { CallContext } from '../core/context.ts';
import { asFault, type GatewayFault } from '../core/fault.ts';
import type { StateName, Upstream } from '../core/upstream.ts';

/** What is listed of an upstream in these states is all it has; one that rests (`stopped`) is not woken by a guess. */
const AT_REST: ReadonlySet<StateName> = new Set<StateName>(['ready', 'degraded', 'stopped']);
/** In these states even confirmed lists are not shown (10.17). */
const NOT_LISTED: ReadonlySet<StateName> = new Set<StateName>(['failed', 'disabled', 'quarantined']);

/** Whether an upstream may have what nobody lists now: this run has not seen its lists, or does not show them. */
export function isPending({ lists, state: { state } }: Upstream): boolean {
  return !AT_REST.has(state) && (!lists.confirmed || NOT_LISTED.has(state));
}

/**
 * Resolves when `done` says so, when each of the upstreams that are pending is up or refuses, or when the caller gives
 * up. Gives the refusals: state, cause and next try of each upstream that is not there.
 */
export async function settled(
  upstreams: readonly Upstream[],
  context: CallContext,
  done: () => boolean = () => false,
): Promise<readonly GatewayFault[]> {
  const pending = upstreams.filter(isPending);
  if (pending.length === 0 || done()) return [];
  const refusals: GatewayFault[] = [];
  const left = new AbortController();
  const leave = (): void => left.abort();
  context.signal.addEventListener('abort', leave);
  if (context.signal.aborted) leave();
  // Others who hear of the same change, the catalogue above all, come first.
  const check = () => queueMicrotask(() => done() && leave());
  const stops = pending.map((upstream) => upstream.onChange(check));
  try {
    await Promise.all(
      pending.map(async (upstream) => {
        try {
          await upstream.whenUp({ ...context, signal: left.signal });
        } catch (thrown) {
          refusals.push(asFault(thrown, { upstream: upstream.name, correlationId: context.id }));
        }
      }),
    );
  } finally {
    context.signal.removeEventListener('abort', leave);
    for (const stop of stops) stop();
  }
  return refusals;
}
