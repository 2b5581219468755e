// The one policy point below all faces: which tools may be called, and how safe a repeat is.
import { safetyOf, toolAllowed } from './catalog/entries.ts';
import type { UpstreamConfig } from './config/schema.ts';
import type { Upstream, UpstreamLists } from './core/upstream.ts';
import type { ToolPolicy } from './dispatch/dispatch.ts';

/** Parts of an upstream's configuration that say what may be called. */
export type PolicyConfig = Pick<UpstreamConfig, 'tools' | 'trustAnnotations'>;

/** Gives what is known of a tool that may be called, undefined for one that may not. Looked up, not computed, per call. */
export function createPolicy(
  upstreamOf: (name: string) => Upstream | undefined,
  configOf: (name: string) => PolicyConfig | undefined,
): (upstream: string, tool: string) => ToolPolicy | undefined {
  const known = new WeakMap<UpstreamLists, { config: PolicyConfig; policies: Map<unknown, ToolPolicy> }>();
  return (upstream, tool) => {
    const config = configOf(upstream);
    if (config === undefined || !toolAllowed(config.tools, tool)) return undefined;
    const lists = upstreamOf(upstream)?.lists;
    const timeoutOf = (name: string) => config.tools.overrides[name]?.timeout;
    // An upstream that has never said what it offers is asked itself.
    if (lists === undefined || lists.revision === 0) return { safety: 'write', timeout: timeoutOf(tool) };
    let table = known.get(lists);
    if (table?.config !== config) {
      const policies = new Map<unknown, ToolPolicy>();
      for (const definition of lists.tools) {
        const safety = safetyOf(definition, config.trustAnnotations);
        policies.set(definition.name, { safety, timeout: timeoutOf(String(definition.name)) });
      }
      table = { config, policies };
      known.set(lists, table);
    }
    return table.policies.get(tool);
  };
}
