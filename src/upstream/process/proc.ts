// What the kernel knows of processes, read from /proc without blocking the event loop. Empty where there is no /proc.
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { endianness } from 'node:os';

export interface ProcessStat {
  pid: number;
  /** R running, S sleeping, D waiting for a device, T stopped, t traced, Z zombie. */
  state: string;
  parent: number;
  group: number;
  /** CPU time used so far, in milliseconds. */
  cpu: number;
  /** Ticks since boot at which it started: with the pid this names a process for good (field 22). */
  start: number;
  /** Resident memory in bytes. */
  rss: number;
}

/** Clock ticks a second and bytes a page, as the kernel tells every program at its start. */
function auxiliary(): { ticks: number; page: number } {
  const known = { ticks: 100, page: 4096 };
  const word = process.arch.endsWith('64') ? 8 : 4;
  try {
    const bytes = readFileSync('/proc/self/auxv');
    const read = (at: number): number =>
      endianness() === 'LE'
        ? bytes.readUIntLE(at, Math.min(word, 6))
        : bytes.readUIntBE(at + Math.max(0, word - 6), Math.min(word, 6));
    for (let at = 0; at + 2 * word <= bytes.length; at += 2 * word) {
      const key = read(at);
      if (key === 6) known.page = read(at + word);
      if (key === 17) known.ticks = read(at + word);
    }
  } catch {
    // No /proc: nobody asks for these numbers then.
  }
  return known;
}
const { ticks: TICKS, page: PAGE } = auxiliary();

export function parseStat(text: string): ProcessStat | undefined {
  // The name may hold blanks and brackets of its own; the last bracket ends it.
  const close = text.lastIndexOf(')');
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(close + 2).split(' ');
  const number = (field: number): number => Number(fields[field - 3]);
  const state = fields[0];
  if (close < 0 || state === undefined || !Number.isSafeInteger(pid) || fields.length < 22) return undefined;
  return {
    pid,
    state,
    parent: number(4),
    group: number(5),
    cpu: ((number(14) + number(15)) * 1000) / TICKS,
    start: number(22),
    rss: number(24) * PAGE,
  };
}

/** Undefined when there is no such process, or no /proc. */
export async function readStat(pid: number): Promise<ProcessStat | undefined> {
  try {
    return parseStat(await readFile(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Our own start, for the name of this gateway; synchronous because it is asked once, before anything runs. */
export function ownStart(): number | undefined {
  try {
    return parseStat(readFileSync('/proc/self/stat', 'latin1'))?.start;
  } catch {
    return undefined;
  }
}

async function pids(): Promise<number[]> {
  try {
    return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  } catch {
    return [];
  }
}

/** Asks `one` about every process, a few at a time, so that a scan never fills the pool of file threads. */
async function everyProcess<T>(one: (pid: number) => Promise<T | undefined>): Promise<T[]> {
  const found: T[] = [];
  const all = await pids();
  for (let at = 0; at < all.length; at += 16) {
    const some = await Promise.all(all.slice(at, at + 16).map(one));
    for (const value of some) if (value !== undefined) found.push(value);
  }
  return found;
}

/** All processes that can be seen. */
export function readProcesses(): Promise<ProcessStat[]> {
  return everyProcess(readStat);
}

/** Members of a process group that still run (zombies do not). */
export async function groupMembers(group: number): Promise<ProcessStat[]> {
  return (await readProcesses()).filter((stat) => stat.group === group && stat.state !== 'Z' && stat.state !== 'X');
}

/** Whether the environment of a process holds exactly this `NAME=value`. */
export async function hasVariable(pid: number, assignment: string): Promise<boolean> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`);
    const wanted = Buffer.from(`${assignment}\0`);
    const at = environment.indexOf(wanted);
    if (at === 0) return true;
    return environment.indexOf(Buffer.concat([Buffer.from([0]), wanted])) >= 0;
  } catch {
    return false;
  }
}

/** Every other process whose environment holds exactly this `NAME=value`. */
export async function processesWith(assignment: string): Promise<ProcessStat[]> {
  return everyProcess(async (pid) => {
    if (pid === process.pid || !(await hasVariable(pid, assignment))) return undefined;
    const stat = await readStat(pid);
    return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X' ? stat : undefined;
  });
}
