// What the kernel knows of processes, read from /proc. Empty where there is no /proc.
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';

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

/**
 * Undefined when there is no such process, or no /proc. Synchronous: the kernel answers from memory, in microseconds,
 * and takes none of the locks that make `ps` hang on a stuck process.
 */
export function readStat(pid: number): ProcessStat | undefined {
  try {
    // UTF-8, whatever the name holds: of a file without a size Node reads any other encoding by way of a 64 KB buffer.
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Whether it still runs; a zombie has only not been reaped yet. */
export function runs(stat: ProcessStat | undefined): stat is ProcessStat {
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}

/** How many processes are looked at before other events get their turn. */
const SLICE = 100;

/** All processes that can be seen and run. */
export async function readProcesses(): Promise<ProcessStat[]> {
  const found: ProcessStat[] = [];
  let names: string[];
  try {
    names = await readdir('/proc');
  } catch {
    return found;
  }
  let looked = 0;
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(Number(name));
    if (runs(stat)) found.push(stat);
    if (++looked % SLICE === 0) await turn();
  }
  return found;
}

/** Members of a process group that still run. */
export async function groupMembers(group: number): Promise<ProcessStat[]> {
  return (await readProcesses()).filter((stat) => stat.group === group);
}

/** Whether the environment of a process holds exactly this `NAME=value`. */
export async function hasVariable(pid: number, assignment: string): Promise<boolean> {
  try {
    // Asynchronous: this one may wait for the process.
    const environment = await readFile(`/proc/${pid}/environ`);
    const wanted = Buffer.from(`${assignment}\0`);
    if (environment.subarray(0, wanted.length).equals(wanted)) return true;
    return environment.includes(Buffer.concat([Buffer.from([0]), wanted]));
  } catch {
    return false;
  }
}

/** The value of a variable in the environment of a process; undefined where it has none, or is not ours to read. */
export async function readVariable(pid: number, name: string): Promise<string | undefined> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
    const start = `${name}=`;
    const found = environment.split('\0').find((assignment) => assignment.startsWith(start));
    return found?.slice(start.length);
  } catch {
    return undefined;
  }
}

/** What a scan for a variable may leave out. */
export interface ScanLimits {
  /** Processes that started before this (field 22). */
  since?: number | undefined;
  /** Children of this process, and the groups they lead. */
  notUnder?: number | undefined;
}

/** Every process that runs, other than this one, whose environment holds exactly this `NAME=value`. */
export async function processesWith(assignment: string, limits: ScanLimits = {}): Promise<ProcessStat[]> {
  const { since = 0, notUnder } = limits;
  const all = await readProcesses();
  const spared = new Set(all.filter((stat) => stat.parent === notUnder).map((stat) => stat.pid));
  const found: ProcessStat[] = [];
  for (const stat of all) {
    if (stat.pid === process.pid || stat.start < since || spared.has(stat.pid) || spared.has(stat.group)) continue;
    if (await hasVariable(stat.pid, assignment)) found.push(stat);
  }
  return found;
}
