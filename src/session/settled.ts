// Waiting for upstreams that are still on their way, by a call that needs what nobody lists yet (requirements 10.15).
import type { CallContext } from '../core/context.ts';
import type { Upstream } from '../core/upstream.ts';

/** How long such a call waits at most, in milliseconds. */
const LONGEST = 60_000;

/** Whether an upstream may still bring lists that this run has not seen. */
export function isPending({ lists, state }: Upstream): boolean {
  return !lists.confirmed && (state.state === 'starting' || state.state === 'backoff');
}

/** Resolves when `done` says so, when none of the upstreams is pending any more, or when the caller gives up. */
export async function settled(
  upstreams: readonly Upstream[],
  context: CallContext,
  done: () => boolean = () => false,
): Promise<void> {
  if (done() || !upstreams.some(isPending)) return;
  const wait = Math.min(LONGEST, context.deadline - performance.now());
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      context.signal.removeEventListener('abort', end);
      for (const stop of stops) stop();
      resolve();
    };
    // Others who hear of the same change, the catalogue above all, come first.
    const check = () =>
      queueMicrotask(() => {
        if (done() || !upstreams.some(isPending)) end();
      });
    const timer = setTimeout(end, wait);
    const stops = upstreams.map((upstream) => upstream.onChange(check));
    context.signal.addEventListener('abort', end);
  });
}
