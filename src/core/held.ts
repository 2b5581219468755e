// Tools and upstreams that wait for somebody's approval: neither listed nor called until then (requirements 10.21).
import { GatewayFault } from './fault.ts';

/**
 * Why something is held back: `new`, it came after the approval and nobody has looked at it; `changed`, it is not what
 * was approved; `flagged`, the scanner found something in it; `rejected`, somebody said no.
 */
export type HeldWhy = 'new' | 'changed' | 'flagged' | 'rejected';

/** Tools of one upstream that are held back, by its own names. */
export type HeldTools = ReadonlyMap<string, HeldWhy>;

export const NO_HELD: HeldTools = new Map();

const TOOL: Record<HeldWhy, string> = {
  new: 'came after its upstream was approved, and nobody has approved it yet',
  changed: 'is not what was approved: its name, description, schemas or annotations have changed',
  flagged: 'was flagged by the scanner, and nobody has approved it yet',
  rejected: 'was rejected by an operator',
};

/** What a caller of such a tool is told, on every face: the same fault as for a tool that is not listed, with the way out. */
export function heldFault(upstream: string, tool: string, why: HeldWhy, correlationId?: string): GatewayFault {
  const text = `${upstream} has a tool ${JSON.stringify(tool)}, but it ${TOOL[why]}; nothing was sent`;
  const hint = `An operator looks at it and decides: holdfast approvals ${upstream}, or the dashboard. Repeating the call changes nothing.`;
  return new GatewayFault('TOOL_UNKNOWN', text, { upstream, correlationId, hint, data: { held: why, hint } });
}
