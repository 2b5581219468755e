// What every gateway counts and changes for itself, told to the others once a second, so that no call waits for it: how
// often keys were used (`keys[].rate`), and which upstreams answer something else since a call (result cache).
import type { Spent } from '../core/context.ts';
import type { Cluster } from './cluster.ts';

export interface SharedCounts {
  /** Calls made here since this was asked last. */
  spent(): Spent[];
  /** Calls made at another gateway. */
  charge(spent: Spent): void;
  /** Upstreams that calls from here may have changed since this was asked last. */
  changed(): string[];
  /** What is kept of an upstream's results is old. */
  forget(upstream: string): void;
}

const COUNTS = 'counts';

export function shareCounts(cluster: Cluster, counts: SharedCounts): void {
  cluster.onBeat(() => {
    const spent = counts.spent();
    const changed = counts.changed();
    if (spent.length > 0 || changed.length > 0) cluster.tell(COUNTS, { spent, changed });
  });
  cluster.on(COUNTS, (body) => {
    const { spent, changed } = body as { spent: Spent[]; changed: string[] };
    for (const one of spent) counts.charge(one);
    for (const upstream of changed) counts.forget(upstream);
  });
}
