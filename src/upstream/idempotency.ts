// How a request says that it repeats another one, so that a server that keeps account of keys runs it once
// (reliability §2).
import type { UpstreamCall } from '../core/upstream.ts';

const ATTEMPT = 'io.github.holdfast/attempt';
const KEY = 'io.github.holdfast/idempotencyKey';

/** The same call with the number of the attempt, from 1, and the key under which its attempts belong together. */
export function withIdempotencyKey(call: UpstreamCall, attempt: number, key: string): UpstreamCall {
  const { _meta } = call.params;
  const meta = typeof _meta === 'object' && _meta !== null ? _meta : {};
  return { ...call, params: { ...call.params, _meta: { ...meta, [ATTEMPT]: attempt, [KEY]: key } } };
}
