// Whether results of a tool may be kept, and how long (requirements 8.1, B-51, X-23): never without its own word or
// the operator's that it only reads.
import { globMatches } from '../core/glob.ts';

/** What the configuration says about one upstream. */
export interface CacheConfig {
  enabled: boolean;
  /** Milliseconds; absent: by the name of the tool. */
  ttl?: number | undefined;
  /** Tools that only read although they do not say so: names or globs. */
  tools: readonly string[];
}

export interface CacheSubject {
  config: CacheConfig;
  /** `tools.overrides.<tool>.cache`. */
  override: boolean | undefined;
  /** The upstream's own name of the tool. */
  name: string;
  /** Whether it declares itself read-only, and is believed. */
  readOnly: boolean;
  /** `cache.ttl` of the gateway, in milliseconds. */
  defaultTtl: number;
}

/** Names of things that are different every time. */
const FLEETING = /time|clock|now|current/i;
const LASTING = /list|info|schema|help/i;
const SOON_STALE = /search|query|fetch/i;

/** How long a result may be kept, in milliseconds; undefined when not at all. */
export function cacheTtl({ config, override, name, readOnly, defaultTtl }: CacheSubject): number | undefined {
  if (!(override ?? config.enabled)) return undefined;
  const named = config.tools.some((glob) => globMatches(glob, name));
  if (!readOnly && !named) return undefined;
  // Who names a tool means it; a glob or a switch for all of them may not.
  if (FLEETING.test(name) && override !== true && !config.tools.includes(name)) return undefined;
  if (config.ttl !== undefined) return config.ttl;
  if (LASTING.test(name)) return 3_600_000;
  return SOON_STALE.test(name) ? 60_000 : defaultTtl;
}
