// What /proc says about processes: the proof that nothing was left behind, and what a process costs.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { waitFor } from './wait.ts';

export interface ProcessInfo {
  pid: number;
  ppid: number;
  /** Process group and session. */
  pgid: number;
  sid: number;
  /** R, S, D, T (stopped), Z (zombie) … */
  state: string;
  /** In clock ticks since boot; with the pid it names one process for ever. */
  startTime: number;
  /** User and system time in milliseconds. */
  cpuMs: number;
  command: string;
}

const TICK_MS = 10; // USER_HZ is 100 on every Linux that Node runs on

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // the process ended between two looks
  }
}

/** One process, or undefined when there is none of that id. A zombie is still a process. */
export function processInfo(pid: number): ProcessInfo | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The command in parentheses may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const number = (index: number): number => Number(fields[index]);
  return {
    pid,
    state: fields[0] ?? '?',
    ppid: number(1),
    pgid: number(2),
    sid: number(3),
    cpuMs: (number(11) + number(12)) * TICK_MS,
    startTime: number(19),
    command: (read(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim(),
  };
}

/** Every process of this machine that can be seen. */
export function allProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processInfo(Number(name)))
    .filter((info) => info !== undefined);
}

/** Children, grandchildren and so on of a process, itself not included. */
export function processesUnder(pid: number): ProcessInfo[] {
  const all = allProcesses();
  const under = new Set([pid]);
  // Parents can have higher ids than their children once ids have wrapped round, so it goes on until nothing is new.
  for (let grown = true; grown; ) {
    grown = false;
    for (const info of all) {
      if (!under.has(info.pid) && under.has(info.ppid)) grown = Boolean(under.add(info.pid));
    }
  }
  under.delete(pid);
  return all.filter((info) => under.has(info.pid));
}

/** Processes that carry `name=value` in their environment, wherever they have gone (F-P17). */
export function processesWithEnvironment(name: string, value: string): ProcessInfo[] {
  const wanted = `${name}=${value}`;
  return allProcesses().filter((info) => read(`/proc/${info.pid}/environ`)?.split('\0').includes(wanted) === true);
}

/** True while this very process lives; a zombie does not, and neither does another one with the same id. */
export function isAlive(process: Pick<ProcessInfo, 'pid' | 'startTime'>): boolean {
  const now = processInfo(process.pid);
  return now !== undefined && now.startTime === process.startTime && now.state !== 'Z';
}

/** Those of `processes` that still exist, zombies included. */
export function stillThere(processes: readonly ProcessInfo[]): ProcessInfo[] {
  return processes.filter(({ pid, startTime }) => processInfo(pid)?.startTime === startTime);
}

/** Waits until all of `processes` are gone, not even zombies. @throws Error naming those that stayed */
export async function waitGone(processes: readonly ProcessInfo[], within = 30_000): Promise<void> {
  await waitFor(() => stillThere(processes).length === 0, {
    within,
    what: () => `the end of ${stillThere(processes).map(describeProcess).join(', ')}`,
  });
}

export function describeProcess(info: ProcessInfo): string {
  return `${info.pid} (${info.state}, parent ${info.ppid}) ${info.command}`;
}

/** Resident memory in bytes; 0 when the process is gone. */
export function residentBytes(pid: number): number {
  const line = read(`/proc/${pid}/status`)?.match(/^VmRSS:\s+(\d+) kB/m);
  return Number(line?.[1] ?? 0) * 1024;
}

/** What the open descriptors of a process lead to, by descriptor. */
export function openDescriptors(pid: number): Map<number, string> {
  const found = new Map<number, string>();
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    try {
      found.set(Number(name), readlinkSync(`/proc/${pid}/fd/${name}`));
    } catch {
      // closed between two looks
    }
  }
  return found;
}
