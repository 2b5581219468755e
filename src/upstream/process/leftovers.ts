// What to do when the gateway itself was killed: its children are written down while they live, and the next gateway
// ends those that are still there, if pid, start time and tag all match (X-43; reliability §3, Gateway death).
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isObject } from '../../core/json.ts';
import { type ContainerHost, removeContainers } from './container.ts';
import { childEnvironment } from './environment.ts';
import { type ProcessStat, readProcesses, readStat, readVariable, runs } from './proc.ts';
import type { Log } from './spawn.ts';
import { TAG_VARIABLE } from './tag.ts';
import { allGone } from './terminate.ts';

export interface ChildRecord {
  pid: number;
  /** Field 22 of /proc/<pid>/stat. */
  start: number;
  tag: string;
  upstream: string;
  /** Where its container is to be looked for. */
  container?: ContainerHost | undefined;
}

interface RecordFile {
  version: 1;
  gateway: { pid: number; start: number };
  children: ChildRecord[];
}

/** The living children of one gateway, kept in one small file; every change is written at once, whole. */
export class ChildRecords {
  readonly #file: string | undefined;
  readonly #log: Log;
  #children = new Map<number, ChildRecord>();
  readonly #survivors = new Map<number, { upstream: string; start: number | undefined }>();
  #writing: Promise<void> | undefined;
  #dirty = false;

  /** Without a file nothing is written: the next gateway cannot know. */
  constructor(file: string | undefined, log: Log) {
    this.#file = file;
    this.#log = log;
  }

  add(child: ChildRecord): void {
    this.#children.set(child.pid, child);
    this.#write();
  }

  remove(pid: number): void {
    if (this.#children.delete(pid)) this.#write();
  }

  /** These processes of an upstream live on in spite of SIGKILL. */
  survived(upstream: string, pids: readonly number[]): void {
    for (const pid of pids) this.#survivors.set(pid, { upstream, start: readStat(pid)?.start });
  }

  /** Those that still do (C-33). */
  survivors(): { upstream: string; pid: number }[] {
    for (const [pid, { start }] of this.#survivors) {
      const stat = readStat(pid);
      const gone = start === undefined ? !exists(pid) : !runs(stat) || stat.start !== start;
      if (gone) this.#survivors.delete(pid);
    }
    return [...this.#survivors].map(([pid, { upstream }]) => ({ upstream, pid }));
  }

  /** Resolves when the file says what is known now. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  #write(): void {
    if (this.#file === undefined) return;
    this.#dirty = true;
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    while (this.#dirty) {
      this.#dirty = false;
      try {
        await this.#writeOnce(this.#file as string);
      } catch (error) {
        // Calls go on; only a killed gateway would have needed it (F-D1).
        this.#log('warn', 'the record of child processes cannot be written', { error: (error as Error).message });
      }
    }
    this.#writing = undefined;
  }

  async #writeOnce(file: string): Promise<void> {
    if (this.#children.size === 0) return rm(file, { force: true });
    const content: RecordFile = {
      version: 1,
      gateway: { pid: process.pid, start: readStat(process.pid)?.start ?? 0 },
      children: [...this.#children.values()],
    };
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    const draft = `${file}.${randomBytes(4).toString('hex')}.tmp`;
    // No fsync: after a crash of the machine there are no children left to be found either.
    await writeFile(draft, JSON.stringify(content), { mode: 0o600 });
    await rename(draft, file);
  }
}

/** Where there is no /proc to tell more. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export interface ReapReport {
  /** Processes that were ended. */
  ended: number[];
  /** Processes that could not be ended. */
  surviving: number[];
}

/**
 * Ends what a killed gateway left behind: the recorded children that are provably the same processes, what they started
 * and carries the same tag, and their containers. Nothing is touched while the gateway that wrote the file still
 * runs. The records are taken over before this returns its promise, so a new `ChildRecords` may use the file at once;
 * what cannot be ended now is kept for the next start. Never throws.
 */
export function reapLeftovers(file: string, log: Log, grace = 3000): Promise<ReapReport> {
  const taken = `${file}.reaping`;
  const children = process.platform === 'linux' ? takeOver(file, taken, log) : [];
  return children.length === 0 ? Promise.resolve({ ended: [], surviving: [] }) : reap(children, taken, log, grace);
}

/** Moves the records of a gateway that is gone to `taken`, beside those that could not be settled the last time. */
function takeOver(file: string, taken: string, log: Log): ChildRecord[] {
  const unsettled = readRecords(taken)?.children ?? [];
  const content = readRecords(file);
  if (content === undefined || readStat(content.gateway.pid)?.start === content.gateway.start) return unsettled;
  const children = [...unsettled, ...content.children];
  try {
    writeFileSync(taken, JSON.stringify({ ...content, children }), { mode: 0o600 });
    rmSync(file, { force: true });
  } catch (error) {
    log('warn', 'the record of an earlier gateway cannot be moved', { error: (error as Error).message });
  }
  return children;
}

async function reap(children: readonly ChildRecord[], taken: string, log: Log, grace: number): Promise<ReapReport> {
  const found = await leftOf(children);
  if (found.length > 0) {
    log('warn', 'ending processes that an earlier gateway left behind', { pids: found.map(({ pid }) => pid) });
    signalSame(found, 'SIGTERM');
    if (!(await allGone(found, grace))) {
      signalSame(found, 'SIGKILL');
      await allGone(found, 2000);
    }
  }
  const surviving = stillThere(found).map(({ pid }) => pid);
  const containersGone = await endContainers(children, log);
  if (surviving.length === 0 && containersGone) await rm(taken, { force: true }).catch(() => undefined);
  return { ended: found.map(({ pid }) => pid).filter((pid) => !surviving.includes(pid)), surviving };
}

/** What finds a daemon that is not at its usual place. */
const DAEMON_VARIABLES = [
  ...['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH'],
  ...['CONTAINER_HOST', 'CONTAINER_CONNECTION', 'XDG_RUNTIME_DIR'],
];

/** False when one of the daemons did not answer: it is asked again at the next start. */
async function endContainers(children: readonly ChildRecord[], log: Log): Promise<boolean> {
  const { env } = childEnvironment('', { inheritEnv: DAEMON_VARIABLES });
  let answered = true;
  for (const { container, tag, upstream } of children) {
    if (container === undefined) continue;
    try {
      const removed = await removeContainers(container, tag, env);
      if (removed.length > 0) log('warn', 'container of an earlier gateway removed', { upstream, containers: removed });
    } catch (error) {
      answered = false;
      log('error', 'a container of an earlier gateway may still run', { upstream, error: (error as Error).message });
    }
  }
  return answered;
}

function readRecords(file: string): RecordFile | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!isObject(value) || value.version !== 1 || !isObject(value.gateway) || !Array.isArray(value.children))
      return undefined;
    const { pid, start } = value.gateway;
    if (typeof pid !== 'number' || typeof start !== 'number') return undefined;
    return { version: 1, gateway: { pid, start }, children: value.children.filter(isRecord) };
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is ChildRecord {
  return (
    isObject(value) &&
    Number.isSafeInteger(value.pid) &&
    (value.pid as number) > 1 &&
    typeof value.start === 'number' &&
    typeof value.tag === 'string' &&
    value.tag !== '' &&
    (value.container === undefined || isHost(value.container))
  );
}

function isHost(value: unknown): value is ContainerHost {
  return (
    isObject(value) &&
    typeof value.file === 'string' &&
    Array.isArray(value.options) &&
    value.options.every((option) => typeof option === 'string')
  );
}

/**
 * The recorded children and whatever they started, in their group or out of it (F-P17): all carry the tag, which no
 * other process ever has. One that has the number of a child and is not that child is left alone all the same.
 */
async function leftOf(children: readonly ChildRecord[]): Promise<ProcessStat[]> {
  const byTag = new Map<string, ChildRecord[]>();
  for (const child of children) byTag.set(child.tag, [...(byTag.get(child.tag) ?? []), child]);
  const found: ProcessStat[] = [];
  for (const stat of await readProcesses()) {
    const tag = await readVariable(stat.pid, TAG_VARIABLE);
    const owners = tag === undefined ? undefined : byTag.get(tag);
    if (owners === undefined || stat.pid === process.pid) continue;
    const another = owners.some(({ pid, start }) => pid === stat.pid && start !== stat.start);
    if (!another && owners.some(({ start }) => start <= stat.start)) found.push(stat);
  }
  return found;
}

function stillThere(processes: readonly ProcessStat[]): ProcessStat[] {
  return processes.filter((was) => {
    const now = readStat(was.pid);
    return runs(now) && now.start === was.start;
  });
}

function signalSame(processes: readonly ProcessStat[], signal: NodeJS.Signals): void {
  for (const { pid, state } of stillThere(processes)) {
    try {
      process.kill(pid, state === 'T' ? 'SIGKILL' : signal);
    } catch {
      // Gone in between.
    }
  }
}
