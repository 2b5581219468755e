// The one policy point below all faces: which tools may be called, and how safe a repeat is.
import { destructiveOf, safetyOf, toolAllowed } from './catalog/entries.ts';
import type { UpstreamConfig } from './config/schema.ts';
import { heldFault } from './core/held.ts';
import type { Upstream, UpstreamLists } from './core/upstream.ts';
import type { ToolPolicy } from './dispatch/dispatch.ts';
import type { Approvals } from './security/approvals.ts';

/** Parts of an upstream's configuration that say what may be called. */
export type PolicyConfig = Pick<UpstreamConfig, 'tools' | 'trustAnnotations'>;

/** Gives what is known of a tool that may be called, undefined for one that may not. Looked up, not computed, per call. */
export function createPolicy(
  upstreamOf: (name: string) => Upstream | undefined,
  configOf: (name: string) => PolicyConfig | undefined,
  holding?: Pick<Approvals, 'on' | 'version' | 'heldTools'>,
): (upstream: string, tool: string) => ToolPolicy | undefined {
  const known = new WeakMap<
    UpstreamLists,
    { config: PolicyConfig; version: number | undefined; policies: Map<unknown, ToolPolicy> }
  >();

  /** What is asked again when the call is about to be sent: lists that were read meanwhile may hold another tool. */
  function permitFor(upstream: string, tool: string): (() => void) | undefined {
    if (holding?.on !== true) return undefined;
    return () => {
      const lists = upstreamOf(upstream)?.lists;
      const why = lists && holding.heldTools(upstream, lists).get(tool);
      if (why !== undefined) throw heldFault(upstream, tool, why);
    };
  }

  return (upstream, tool) => {
    const config = configOf(upstream);
    if (config === undefined || !toolAllowed(config.tools, tool)) return undefined;
    const lists = upstreamOf(upstream)?.lists;
    const timeoutOf = (name: string) => config.tools.overrides[name]?.timeout;
    // An upstream that has never said what it offers is asked itself.
    if (lists === undefined || lists.revision === 0)
      return { safety: 'write', destructive: 'yes', timeout: timeoutOf(tool), permit: permitFor(upstream, tool) };
    let table = known.get(lists);
    if (table?.config !== config || table.version !== holding?.version) {
      const policies = new Map<unknown, ToolPolicy>();
      const held = holding?.heldTools(upstream, lists);
      for (const definition of lists.tools) {
        const name = String(definition.name);
        if (held?.has(name) === true) continue;
        const safety = safetyOf(definition, config.trustAnnotations);
        const destructive = destructiveOf(definition, config.trustAnnotations);
        const [timeout, permit] = [timeoutOf(name), permitFor(upstream, name)];
        policies.set(definition.name, { safety, destructive, timeout, permit });
      }
      table = { config, version: holding?.version, policies };
      known.set(lists, table);
    }
    return table.policies.get(tool);
  };
}
