// Marks what came from upstreams whose words are not to be obeyed (reliability §4 Content), for clients that heed it. Off
// by default.
import type { CallContext } from '../core/context.ts';
import { globMatches } from '../core/glob.ts';
import { isObject } from '../core/json.ts';
import type { Operation } from '../core/operation.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';

type Send = (operation: Operation, context: CallContext) => Promise<UpstreamAnswer>;

/** `_meta` key of such a result; its value is the upstream it came from. */
export const UNTRUSTED = 'io.github.holdfast/untrusted';

/** Marks the results of upstreams whose names one of the globs matches; everything else of them stays as it came. */
export function marking(next: Send, untrusted: () => readonly string[]): Send {
  async function marked(operation: Operation, context: CallContext): Promise<UpstreamAnswer> {
    const answer = await next(operation, context);
    if ('error' in answer) return answer;
    const meta = answer.result.get('_meta');
    const _meta = { ...(isObject(meta) && meta), [UNTRUSTED]: operation.upstream };
    return { ...answer, result: answer.result.edit({ set: { _meta } }) };
  }

  return (operation, context) =>
    untrusted().some((glob) => globMatches(glob, operation.upstream))
      ? marked(operation, context)
      : next(operation, context);
}
