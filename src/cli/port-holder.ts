// Who listens on a port of this machine, for whoever finds it taken (F-G5). Linux only, and only what /proc lets us see.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface PortHolder {
  pid: number;
  /** Name of the program, as the kernel has it. */
  program: string;
}

const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];
/** Local port and inode of a socket that listens (state 0A). */
const LISTENS = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A (?:\S+\s+){5}(\d+)/gm;

/** The process that listens on `port`; undefined where that cannot be known. */
export function portHolder(port: number): PortHolder | undefined {
  const sockets = new Set(TABLES.flatMap((table) => inodesOf(table, port)).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return undefined;
  for (const name of attempt(() => readdirSync('/proc'), [])) {
    if (!/^\d+$/.test(name)) continue;
    const folder = `/proc/${name}/fd`;
    const holds = (fd: string) => sockets.has(attempt(() => readlinkSync(`${folder}/${fd}`), ''));
    if (!attempt(() => readdirSync(folder), []).some(holds)) continue;
    return { pid: Number(name), program: attempt(() => readFileSync(`/proc/${name}/comm`, 'utf8').trim(), '') };
  }
  return undefined;
}

function inodesOf(table: string, port: number): string[] {
  const text = attempt(() => readFileSync(table, 'latin1'), '');
  return [...text.matchAll(LISTENS)]
    .filter(([, hex]) => Number.parseInt(hex as string, 16) === port)
    .map((row) => row[2] as string);
}

/** Processes come and go, and most belong to others: what cannot be read is not there. */
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
