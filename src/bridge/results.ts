// What a result of one era needs to be a result of the other (protocol.md MP14, MP18). Everything else stays as it came.
import type { JsonObject } from '../core/json.ts';
import type { Payload } from '../core/payload.ts';
import type { Era, RpcError } from '../core/rpc.ts';

/** Top-level members that only a 2026-07-28 result has. */
const MODERN_ONLY = ['resultType', 'ttlMs', 'cacheScope'] as const;

/** Results that carry caching hints in the modern era (2026-07-28 caching): resources/read is the only one not built by us. */
const CACHEABLE = new Set(['resources/read']);

/** The result of `method`, answered in era `from`, as a client of era `to` and `revision` wants it. */
export function translateResult(method: string, result: Payload, from: Era, to: Era): Payload {
  if (to === 'modern') {
    const set: JsonObject = {};
    if (!result.has('resultType')) set.resultType = 'complete';
    if (CACHEABLE.has(method)) {
      if (!result.has('ttlMs')) set.ttlMs = 0;
      if (!result.has('cacheScope')) set.cacheScope = 'private';
    }
    return Object.keys(set).length === 0 ? result : result.edit({ set });
  }
  if (from === 'legacy') return result;
  // An output that is no object has no place in the older revisions; its text content says the same.
  const output = method === 'tools/call' ? result.kindOf('structuredContent') : undefined;
  const isOdd = output !== undefined && output !== 'object';
  return result.edit({ remove: isOdd ? [...MODERN_ONLY, 'structuredContent'] : MODERN_ONLY });
}

/** Codes that exist only in one era, as the other era says the same (MP17, MP18). */
export function translateError(method: string, error: RpcError, from: Era, to: Era): RpcError {
  if (from === to) return error;
  if (to === 'modern' && error.code === -32002) return { ...error, code: -32602 };
  if (to === 'legacy' && method === 'resources/read' && error.code === -32602) return { ...error, code: -32002 };
  if (to === 'legacy' && error.code >= -32022 && error.code <= -32020) {
    return { ...error, code: -32603, data: { code: error.code, data: error.data } };
  }
  return error;
}
