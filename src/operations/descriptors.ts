// Descriptors of processes, and which of them are connections (C-50), read from /proc without holding up calls.
import { readlinkSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';

/** Descriptors of one process that are looked at one by one; of more it is only known how many. */
const MOST_LOOKED_AT = 512;
/** Processes of a group that are looked at. */
const MOST_PROCESSES = 16;
/** stdin, stdout and stderr. */
const STANDARD: ReadonlySet<string> = new Set(['0', '1', '2']);
/**
 * A line of the kernel's table: sl, local, remote, state, queues, timer, retransmits, uid, timeout, inode (proc_net_tcp of
 * its documentation). Lines of listening sockets (0A) and of connections that nobody has open any more (06) do not match:
 * of these there may be thousands.
 */
const CONNECTION = /^ *\d+: \S+ \S+ (?!0A|06)\S\S(?: +\S+){5} +(\d+)/gm;

export interface Descriptors {
  files: number;
  /** Inodes of sockets of any kind, but for the pipes to the gateway. */
  sockets: string[];
}

/**
 * What the processes of a group have open; undefined where the system does not tell. The standard streams of its leader
 * are the gateway's pipes, which Node makes of sockets: wherever else in the group they are open, they are no connections.
 */
export async function descriptorsOf(leader: number, pids: readonly number[]): Promise<Descriptors | undefined> {
  const found: Descriptors = { files: 0, sockets: [] };
  const pipes = new Set<string>();
  let told = false;
  for (const pid of pids.slice(0, MOST_PROCESSES)) {
    const folder = `/proc/${pid}/fd`;
    let names: string[];
    try {
      names = await readdir(folder);
    } catch {
      continue;
    }
    told = true;
    found.files += names.length;
    for (const name of names.slice(0, MOST_LOOKED_AT)) {
      // Synchronous: the kernel answers from memory in 2 µs, a turn of the thread pool costs ten times that.
      const inode = socketAt(`${folder}/${name}`);
      if (inode === undefined) continue;
      if (pid === leader && STANDARD.has(name)) pipes.add(inode);
      else found.sockets.push(inode);
    }
  }
  found.sockets = found.sockets.filter((inode) => !pipes.has(inode));
  return told ? found : undefined;
}

function socketAt(path: string): string | undefined {
  try {
    const target = readlinkSync(path);
    return target.startsWith('socket:[') ? target.slice('socket:['.length, -1) : undefined;
  } catch {
    // Closed meanwhile.
    return undefined;
  }
}

/**
 * Which sockets are TCP connections. The kernel writes its table anew for every reader, which costs it milliseconds, so
 * it is only read while there are sockets that are not known.
 */
export class Sockets {
  #known = new Map<string, boolean>();
  /** In no table so far: it may not have been connected yet. */
  #doubtful = new Set<string>();

  /** What is open now, of all processes; what is closed is forgotten. */
  async look(open: Iterable<Descriptors>): Promise<void> {
    const known = new Map<string, boolean>();
    const unknown: string[] = [];
    for (const { sockets } of open)
      for (const inode of sockets) {
        const is = this.#known.get(inode);
        if (is === undefined) unknown.push(inode);
        else known.set(inode, is);
      }
    const doubtful = new Set<string>();
    const connections = unknown.length === 0 ? undefined : await tcpConnections();
    for (const inode of unknown) {
      if (connections?.has(inode)) known.set(inode, true);
      else if (this.#doubtful.has(inode)) known.set(inode, false);
      else doubtful.add(inode);
    }
    this.#known = known;
    this.#doubtful = doubtful;
  }

  connections({ sockets }: Descriptors): number {
    return sockets.filter((inode) => this.#known.get(inode) === true).length;
  }
}

/** Inodes of the TCP connections of this network namespace, listening sockets left out. */
async function tcpConnections(): Promise<ReadonlySet<string>> {
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(table, 'latin1').catch(() => '');
    for (const [, inode] of text.matchAll(CONNECTION)) if (inode !== '0') inodes.add(inode as string);
  }
  return inodes;
}
