// What a face wants done, in the gateway's own terms: upstream and name are a pair, found by table, never by splitting.
import type { JsonObject } from './json.ts';

/** Exact params as the caller sent them, but for the upstream's own name or URI; unknown fields survive (MP8). */
interface Targeted {
  upstream: string;
  params: JsonObject;
  /**
   * The `arguments` as the caller spelled them, when parsing and writing them again would change a number
   * (integers over 2^53, trailing zeros); sent in place of `params.arguments`.
   */
  exactArguments?: string | undefined;
}

export type Operation =
  | ({ kind: 'call-tool'; name: string } & Targeted)
  | ({ kind: 'read-resource'; uri: string } & Targeted)
  | ({ kind: 'get-prompt'; name: string } & Targeted)
  | ({ kind: 'complete' } & Targeted)
  /** Any other method that one upstream shall answer as it is (tasks, extensions). */
  | ({ kind: 'forward'; method: string } & Targeted);
