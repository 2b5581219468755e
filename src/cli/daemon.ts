// The gateway in the background: how it was started, who holds its data directory, how it is ended (D-50, E-24).
import { spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { writeDurably } from '../config/durable.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { type Holder, holderOf } from '../store/data-dir.ts';
import { EXIT } from './exit.ts';
import { logFileOf } from './own-log.ts';
import { Refused } from './refused.ts';
import { t } from './words.ts';

/** The port is bound and the ready line written before any server is started, so this is long. */
const READY_WITHIN = 30_000;
/** How often a process that is no child of ours is looked at. */
const LOOK = 25;

/** How a gateway in the background was started, kept for `restart` (0600, as the admin token beside it). */
export interface Start {
  pid: number;
  /** Behind `serve`, as typed. */
  argv: readonly string[];
  /** The same, read. */
  words: readonly string[];
  options: JsonObject;
  cwd: string;
}

const RECORD = 'daemon.json';

export function startOf(dataDir: string): Start | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(join(dataDir, RECORD), 'utf8'));
    return isObject(record) && record.version === 1 ? (record as unknown as Start) : undefined;
  } catch {
    return undefined;
  }
}

export interface Started {
  url: string;
  pid: number;
  log: string;
}

/**
 * Starts `serve` in a session of its own and waits until it listens.
 * @throws Refused with what it wrote, and with its exit code, where it does not come up
 */
export async function startDaemon(dataDir: string, start: Omit<Start, 'pid' | 'cwd'>): Promise<Started> {
  const log = logFileOf(dataDir);
  let output: number;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    output = openSync(log, 'a', 0o600);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Refused(
      `holdfast: ${t`${dataDir} cannot be written (${code}); name another one with --data-dir`}`,
      EXIT.failure,
    );
  }
  const before = fstatSync(output).size;
  const main = process.argv[1] as string;
  const child = spawn(
    process.execPath,
    [...process.execArgv, main, 'serve', '--json', '--log-to', log, ...start.argv],
    { detached: true, stdio: ['ignore', 'pipe', output], windowsHide: true },
  );
  closeSync(output);
  const ready = child.stdout as Readable;
  const lines = createInterface({ input: ready });
  const interrupted = () => child.kill('SIGTERM');
  process.once('SIGINT', interrupted);
  try {
    const { url, pid } = await new Promise<{ url: string; pid: number }>((resolve, reject) => {
      const said = () => readFileSync(log).subarray(before).toString('utf8').trimEnd();
      const fail = (why: string, code: number) => reject(new Refused([said(), why].filter(Boolean).join('\n'), code));
      const timer = setTimeout(() => {
        child.kill('SIGTERM');
        fail(
          `holdfast: ${t`it did not listen within ${READY_WITHIN / 1000} s and was ended; its log is ${log}`}`,
          EXIT.failure,
        );
      }, READY_WITHIN);
      lines.on('line', (line) => {
        clearTimeout(timer);
        resolve(JSON.parse(line) as { url: string; pid: number });
      });
      child.once('error', (error) => {
        clearTimeout(timer);
        fail(`holdfast: ${t`it could not be started: ${error.message}`}`, EXIT.failure);
      });
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        const how =
          signal === null
            ? t`it ended with exit code ${code} before it listened`
            : t`it was ended by ${signal} before it listened`;
        fail(`holdfast: ${how}`, code || EXIT.failure);
      });
    });
    const record = { version: 1, pid, ...start, cwd: process.cwd() };
    await writeDurably(join(dataDir, RECORD), `${JSON.stringify(record)}\n`);
    return { url, pid, log };
  } finally {
    process.off('SIGINT', interrupted);
    lines.close();
    ready.destroy();
    child.unref();
  }
}

/** Waits until the process is gone; false where that takes longer. */
export async function waitForEnd(holder: Holder, within: number): Promise<boolean> {
  const end = performance.now() + within;
  while (holder.alive()) {
    if (performance.now() > end) return false;
    await pause(LOOK);
  }
  return true;
}

/** The gateway on this data directory. @throws Refused (exit code 5) */
export function needHolder(dataDir: string): Holder {
  const holder = holderOf(dataDir);
  if (holder !== undefined) return holder;
  throw new Refused(t`no gateway is running on ${dataDir}; start one with holdfast start`, EXIT.noGateway);
}
