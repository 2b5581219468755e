// What a child and its group use, and whether it is frozen: evidence for memory limits and liveness (C-30, F-P5, F-P23).
import { type ProcessStat, readProcesses, readStat } from './proc.ts';

export interface ProcessUsage {
  /** Resident memory in bytes, of the whole group where a group was asked for. */
  rss: number;
  /** CPU time used since the start, in milliseconds; of two samples the difference is what counts. */
  cpu: number;
  /** Stopped by a signal or a debugger: it will not answer, whatever it is asked. */
  frozen: boolean;
  /** Processes counted. */
  processes: number;
}

function sum(stats: readonly ProcessStat[], leader: ProcessStat): ProcessUsage {
  return {
    rss: stats.reduce((all, stat) => all + stat.rss, 0),
    cpu: stats.reduce((all, stat) => all + stat.cpu, 0),
    frozen: leader.state === 'T' || leader.state === 't',
    processes: stats.length,
  };
}

/** One process by itself; one small file is read. Undefined when it is gone, or there is no /proc. */
export async function processUsage(pid: number): Promise<ProcessUsage | undefined> {
  const stat = await readStat(pid);
  return stat === undefined || stat.state === 'Z' ? undefined : sum([stat], stat);
}

/**
 * The groups of these leaders, from one pass over /proc: what `npx` uses is little, what it started is meant.
 * A leader that is gone has no entry.
 */
export async function groupUsage(leaders: readonly number[]): Promise<Map<number, ProcessUsage>> {
  const groups = new Map<number, ProcessStat[]>(leaders.map((pid) => [pid, []]));
  for (const stat of await readProcesses()) if (stat.state !== 'Z') groups.get(stat.group)?.push(stat);
  const usage = new Map<number, ProcessUsage>();
  for (const [pid, stats] of groups) {
    const leader = stats.find((stat) => stat.pid === pid);
    if (leader !== undefined) usage.set(pid, sum(stats, leader));
  }
  return usage;
}
