// Ends a child and everything it started, in the order of the specification, and proves that it is gone
// (requirements 10.31, C-31; reliability §3, Stop).
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { groupMembers, processesWith, readStat, runs } from './proc.ts';
import { TAG_VARIABLE } from './tag.ts';

/** A child of ours as far as its end is concerned. */
export interface Doomed {
  readonly pid: number;
  readonly tag: string;
  /** When it started (field 22 of its stat), where that is known. */
  readonly start: number | undefined;
  /** It really leads a process group of its own; only then may the group be signalled. */
  readonly leads: boolean;
  /** Settled once the direct child has exited and was reaped. */
  readonly exited: Promise<unknown>;
  readonly hasExited: boolean;
  endInput(): void;
}

/** How long each step may take, in milliseconds. */
export interface Graces {
  input: number;
  term: number;
  kill: number;
}

export interface EndReport {
  /** Processes found outside the group by their tag, and ended (F-P17). */
  escaped: number[];
  /** Those that live on in spite of SIGKILL, or (no /proc) cannot be known to be gone. */
  surviving: number[];
}

/** Splits a whole grace as 10.31 does its 8 s: 3 for the end of stdin, 3 for SIGTERM, 2 for SIGKILL. */
export function graces(total = 8000): Graces {
  return { input: (total * 3) / 8, term: (total * 3) / 8, kill: total / 4 };
}

/** What members of the group still get after their leader has gone, in milliseconds. */
const ORPHAN_GRACE = 500;

/** Ends the whole group, each step only as long as somebody is left; never throws. */
export async function terminate(doomed: Doomed, times: Graces): Promise<EndReport> {
  doomed.endInput();
  // A stopped process sees neither end of input nor SIGTERM (F-P5).
  const frozen = !doomed.hasExited && readStat(doomed.pid)?.state === 'T';
  let gone = frozen ? false : await groupGone(doomed, times.input);
  if (!gone && !frozen) {
    signalGroup(doomed, 'SIGTERM');
    gone = await groupGone(doomed, times.term);
  }
  if (!gone) {
    signalGroup(doomed, 'SIGKILL');
    gone = await groupGone(doomed, times.kill);
  }
  const report = await endEscaped(doomed.tag, doomed.start);
  if (!gone) report.surviving.push(...(await groupMembers(doomed.pid)).map((member) => member.pid));
  return report;
}

/** True when the leader was reaped and nothing of the group runs; false when `time` is over first. */
async function groupGone(doomed: Doomed, time: number): Promise<boolean> {
  const end = performance.now() + time;
  if (!doomed.hasExited && !(await settledWithin(doomed.exited, time))) return false;
  if (!doomed.leads) return true;
  const orphansEnd = Math.min(end, performance.now() + ORPHAN_GRACE);
  for (let pause = 5; ; pause = Math.min(80, pause * 2)) {
    if (!groupExists(doomed.pid)) return true;
    // Zombies that nobody reaps keep the group's number alive for ever; they are not processes any more.
    if (process.platform === 'linux' && (await groupMembers(doomed.pid)).length === 0) return true;
    const left = orphansEnd - performance.now();
    if (left <= 0) return false;
    await sleep(Math.min(pause, left));
  }
}

async function settledWithin(promise: Promise<unknown>, time: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(time, false, { signal: timer.signal }).catch(() => false);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    timer.abort();
  }
}

export function groupExists(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function signalGroup(doomed: Doomed, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (process.platform === 'win32') {
    // The only way to end a tree there; its failure shows in the exit that does not come.
    execFile('taskkill', ['/T', '/F', '/PID', String(doomed.pid)], () => undefined);
    return;
  }
  if (!doomed.leads && doomed.hasExited) return;
  sendSignal(doomed.leads ? -doomed.pid : doomed.pid, signal);
}

function sendSignal(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch {
    // Gone in between, which is what was wanted.
  }
}

/** Ends processes that carry the tag although they left the group: asked first, then killed. */
async function endEscaped(tag: string, since: number | undefined): Promise<EndReport> {
  const assignment = `${TAG_VARIABLE}=${tag}`;
  // Our other children are not looked into: on the way down fifty of them would each look into fifty.
  // As process 1 we are given everybody's orphans, so being our child says nothing there.
  const limits = { since, notUnder: process.pid === 1 ? undefined : process.pid };
  const escaped = new Set<number>();
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGKILL'] as const) {
    const found = await processesWith(assignment, limits);
    if (found.length === 0) return { escaped: [...escaped], surviving: [] };
    for (const { pid, state } of found) {
      escaped.add(pid);
      sendSignal(pid, state === 'T' ? 'SIGKILL' : signal);
    }
    await allGone(found, 500);
  }
  return { escaped: [...escaped], surviving: (await processesWith(assignment, limits)).map(({ pid }) => pid) };
}

/** Waits until none of these processes (known by pid and start) runs, at most `time` milliseconds. */
export async function allGone(processes: readonly { pid: number; start: number }[], time: number): Promise<boolean> {
  const end = performance.now() + time;
  for (let pause = 5; ; pause = Math.min(80, pause * 2)) {
    const stats = processes.map(({ pid }) => readStat(pid));
    const running = stats.some((stat, at) => runs(stat) && stat.start === processes[at]?.start);
    if (!running) return true;
    const left = end - performance.now();
    if (left <= 0) return false;
    await sleep(Math.min(pause, left));
  }
}
