// What a child and its group use, and whether it is frozen: evidence for memory limits and liveness (C-30, F-P5, F-P23).
import { type ProcessStat, readProcesses, readStat, runs } from './proc.ts';

export interface ProcessUsage {
  /** Resident memory in bytes, of the whole group where a group was asked for. */
  rss: number;
  /** CPU time used since the start, in milliseconds; of two samples the difference is what counts. */
  cpu: number;
  /** Stopped by a signal or a debugger, itself or all that it started: it will not answer, whatever it is asked. */
  frozen: boolean;
  /** Processes counted. */
  processes: number;
  pids: readonly number[];
}

const isStopped = ({ state }: ProcessStat): boolean => state === 'T' || state === 't';

function sum(stats: readonly ProcessStat[], leader: ProcessStat): ProcessUsage {
  return {
    rss: stats.reduce((all, stat) => all + stat.rss, 0),
    cpu: stats.reduce((all, stat) => all + stat.cpu, 0),
    frozen: isStopped(leader) || (stats.length > 1 && stats.every((stat) => stat === leader || isStopped(stat))),
    processes: stats.length,
    pids: stats.map(({ pid }) => pid),
  };
}

/** One process by itself; one small file is read. Undefined when it is gone, or there is no /proc. */
export function processUsage(pid: number): ProcessUsage | undefined {
  const stat = readStat(pid);
  return runs(stat) ? sum([stat], stat) : undefined;
}

/**
 * The groups of these leaders, from one pass over /proc: what `npx` uses is little, what it started is meant.
 * A leader that is gone has no entry.
 */
export async function groupUsage(leaders: readonly number[]): Promise<Map<number, ProcessUsage>> {
  const groups = new Map<number, ProcessStat[]>(leaders.map((pid) => [pid, []]));
  for (const stat of await readProcesses()) groups.get(stat.group)?.push(stat);
  const usage = new Map<number, ProcessUsage>();
  for (const [pid, stats] of groups) {
    const leader = stats.find((stat) => stat.pid === pid);
    if (leader !== undefined) usage.set(pid, sum(stats, leader));
  }
  return usage;
}
