// What the system says about processes, independent of what the gateway says.
import { readdirSync, readFileSync } from 'node:fs';

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // gone between two looks
  }
}

export function processInfo(pid) {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The command in parentheses may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    state: fields[0],
    ppid: Number(fields[1]),
    startTime: fields[19],
    command: (read(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim(),
  };
}

/** Children, grandchildren and so on, the process itself not included. */
export function processesUnder(pid) {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processInfo(Number(name)))
    .filter((info) => info !== undefined);
  const under = new Set([pid]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const info of all) if (!under.has(info.pid) && under.has(info.ppid)) grown = Boolean(under.add(info.pid));
  }
  under.delete(pid);
  return all.filter((info) => under.has(info.pid));
}

/** Those that still exist, zombies included. */
export const stillThere = (processes) =>
  processes.filter(({ pid, startTime }) => processInfo(pid)?.startTime === startTime);

/** Those that still exist and run. */
export const stillAlive = (processes) =>
  processes.filter(({ pid, startTime }) => {
    const now = processInfo(pid);
    return now !== undefined && now.startTime === startTime && now.state !== 'Z';
  });

export const zombiesUnder = (pid) => processesUnder(pid).filter(({ state }) => state === 'Z');

export const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;

export const rssBytes = (pid) => Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0) * 1024;

/** CPU time of a process so far, in milliseconds; its ended threads too. */
export function cpuMs(pid) {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return 0;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
