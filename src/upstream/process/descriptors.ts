// Every child costs three pipes: one too many and the gateway could not even accept a connection any more.
import { readdirSync, readFileSync } from 'node:fs';
import { GatewayFault } from '../../core/fault.ts';

/** So many descriptors stay free for connections and files (reliability §3, Resource limits). */
export const RESERVE = 64;

/** How many more descriptors this process may open; undefined where the system does not tell. */
export function freeDescriptors(): number | undefined {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return limit === undefined ? undefined : Number(limit) - readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}

/** @throws GatewayFault UPSTREAM_START_FAILED, not permanent, when fewer than the reserve would be free */
export function checkDescriptors(upstream: string, free: number | undefined = freeDescriptors()): void {
  if (free === undefined || free >= RESERVE) return;
  throw new GatewayFault(
    'UPSTREAM_START_FAILED',
    `upstream "${upstream}" is not started: EMFILE, ${free} descriptors free`,
    {
      upstream,
      delivery: 'not-sent',
      data: { permanent: false, errno: 'EMFILE', free },
      hint: 'Raise the limit of open files (ulimit -n, LimitNOFILE) or run fewer upstreams; it is tried again by itself.',
    },
  );
}
