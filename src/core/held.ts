// Tools, prompts, resources, instructions and upstreams that wait for somebody's approval: neither listed nor used until
// then (requirements 10.21).
import { GatewayFault } from './fault.ts';
import type { JsonObject } from './json.ts';
import type { UpstreamLists } from './upstream.ts';

/**
 * Why something is held back: `new`, it came after the approval and nobody has looked at it; `changed`, it is not what
 * was approved; `flagged`, the scanner found something in it; `rejected`, somebody said no.
 */
export type HeldWhy = 'new' | 'changed' | 'flagged' | 'rejected';

/** What else than a tool is approved; each stands among the tools of its upstream under a label. */
export type HeldKind = 'tool' | 'prompt' | 'resource' | 'template' | 'server';

/** `prompt:greet`, `resource:file:///a`, `template:file:///{path}`; a tool goes by its name. */
export function labelOf(kind: HeldKind, name: string): string {
  return kind === 'tool' ? name : `${kind}:${name}`;
}

/** What a server says of itself to every model. */
export const INSTRUCTIONS = labelOf('server', 'instructions');

/** The kind and the name behind a label. */
export function readLabel(label: string): { kind: HeldKind; name: string } {
  const [, kind, name] = /^(prompt|resource|template|server):(.*)$/s.exec(label) ?? [];
  return kind === undefined ? { kind: 'tool', name: label } : { kind: kind as HeldKind, name: name as string };
}

/** Something of an upstream that can be held back. */
export interface Subject {
  label: string;
  kind: HeldKind;
  definition: JsonObject;
}

/** Everything an upstream tells models: what it lists, and its instructions. */
export function subjectsOf(lists: UpstreamLists, instructions: string | undefined): Subject[] {
  const all = (kind: HeldKind, key: string, definitions: readonly JsonObject[]): Subject[] =>
    definitions.map((definition) => ({ label: labelOf(kind, String(definition[key])), kind, definition }));
  return [
    ...all('tool', 'name', lists.tools),
    ...all('prompt', 'name', lists.prompts),
    ...all('resource', 'uri', lists.resources),
    ...all('template', 'uriTemplate', lists.resourceTemplates),
    ...(instructions === undefined
      ? []
      : [{ label: INSTRUCTIONS, kind: 'server' as const, definition: { instructions } }]),
  ];
}

/** What of one upstream is held back: tools by its own names, the rest by label. */
export type HeldTools = ReadonlyMap<string, HeldWhy>;

export const NO_HELD: HeldTools = new Map();

const REASON: Record<HeldWhy, string> = {
  new: 'came after its upstream was approved, and nobody has approved it yet',
  changed: 'is not what was approved: its name, description, schemas or annotations have changed',
  flagged: 'was flagged by the scanner, and nobody has approved it yet',
  rejected: 'was rejected by an operator',
};

/**
 * What a caller of such a tool is told, on every face: the same fault as for one that is not listed, with the way out.
 * `label`: see `labelOf`.
 */
export function heldFault(upstream: string, label: string, why: HeldWhy, correlationId?: string): GatewayFault {
  const { kind, name } = readLabel(label);
  const reason = why === 'changed' && kind !== 'tool' ? 'is not what was approved' : REASON[why];
  const text = `${upstream} has a ${kind} ${JSON.stringify(name)}, but it ${reason}; nothing was sent`;
  const hint = `An operator looks at it and decides: holdfast approvals ${upstream}, or the dashboard. Repeating the call changes nothing.`;
  const fault = kind === 'resource' || kind === 'template' ? 'RESOURCE_UNKNOWN' : 'TOOL_UNKNOWN';
  return new GatewayFault(fault, text, { upstream, correlationId, hint, data: { held: why, hint } });
}
