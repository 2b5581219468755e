// The mark every child carries in its environment, so that what escapes its group or outlives us can be told from
// other people's processes (X-43: never by name).
import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { readStat } from './proc.ts';

export const TAG_VARIABLE = 'HOLDFAST_TAG';

/** Names this gateway process: its pid and when it started, which no other process ever shares. */
export function gatewayInstance(): string {
  return `${process.pid}-${readStat(process.pid)?.start ?? Math.round(performance.timeOrigin)}`;
}

/** One tag for each child: links of one upstream must not take each other's processes for leftovers. */
export function newTag(upstream: string): string {
  return `${gatewayInstance()}:${upstream}:${randomBytes(6).toString('hex')}`;
}
