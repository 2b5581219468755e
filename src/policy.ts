// The one policy point below all faces: which tools may be called, and how safe a repeat is.
import { destructiveOf, safetyOf, toolAllowed } from './catalog/entries.ts';
import { matchTemplate } from './catalog/template.ts';
import type { UpstreamConfig } from './config/schema.ts';
import type { CallContext } from './core/context.ts';
import { heldFault, labelOf } from './core/held.ts';
import { isObject } from './core/json.ts';
import type { Operation } from './core/operation.ts';
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

/**
 * What is asked before a prompt, a resource or a completion is sent for, now and when it is about to be sent: whether it
 * waits for approval. Undefined where nothing ever does. @throws GatewayFault
 */
export function createReadPermit(
  upstreamOf: (name: string) => Upstream | undefined,
  holding: Pick<Approvals, 'on' | 'heldTools'>,
): (operation: Operation, context: CallContext) => (() => void) | undefined {
  return (operation, { id }) => {
    if (!holding.on) return undefined;
    const permit = (): void => {
      const lists = upstreamOf(operation.upstream)?.lists;
      if (lists === undefined) return;
      const label = readLabelOf(operation, lists) ?? '';
      const why = holding.heldTools(operation.upstream, lists).get(label);
      if (why !== undefined) throw heldFault(operation.upstream, label, why, id);
    };
    permit();
    return permit;
  };
}

function readLabelOf(operation: Operation, lists: UpstreamLists): string | undefined {
  if (operation.kind === 'get-prompt') return labelOf('prompt', operation.name);
  if (operation.kind === 'read-resource') return resourceLabel(operation.uri, lists);
  const { ref } = operation.params;
  if (operation.kind !== 'complete' || !isObject(ref)) return undefined;
  return ref.type === 'ref/prompt' ? labelOf('prompt', String(ref.name)) : resourceLabel(String(ref.uri), lists);
}

/** The entry that a URI stands for: the resource itself, the template as it is written, else the one it fits best. */
function resourceLabel(uri: string, { resources, resourceTemplates }: UpstreamLists): string | undefined {
  if (resources.some((one) => one.uri === uri)) return labelOf('resource', uri);
  const written = resourceTemplates.map(({ uriTemplate }) => String(uriTemplate));
  if (written.includes(uri)) return labelOf('template', uri);
  const [best] = written
    .map((template) => ({ template, fits: matchTemplate(template, uri) }))
    .filter(({ fits }) => fits >= 0)
    .sort((a, b) => b.fits - a.fits);
  return best && labelOf('template', best.template);
}
