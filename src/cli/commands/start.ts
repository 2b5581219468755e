// `holdfast start`, `stop` and `restart`: the gateway in the background (D-50, E-24).
import type { JsonObject } from '../../core/json.ts';
import { holderOf } from '../../store/data-dir.ts';
import { type Start, startDaemon, startOf, waitForEnd } from '../daemon.ts';
import { EXIT } from '../exit.ts';
import { type PlaceOptions, placeOf } from '../place.ts';
import { Refused } from '../refused.ts';
import { readSource, type SourceOptions } from '../source.ts';
import { tell } from '../tell.ts';
import { t } from '../words.ts';

interface Shown {
  json?: boolean | undefined;
}

/** What `start` was given, without what belongs to this very run of it. */
export type StartRequest = Pick<Start, 'argv' | 'words' | 'options'>;

/** @throws Refused with all problems of the configuration (2), or with what the gateway wrote before it ended */
export async function start(request: StartRequest): Promise<number> {
  const options = request.options as SourceOptions & Shown;
  const { dataDir } = await readSource(request.words, options);
  const running = holderOf(dataDir);
  if (running !== undefined) {
    const facts = { event: 'running', url: running.url ?? null, pid: running.pid, dataDir };
    return tell(
      options,
      facts,
      running.url === undefined
        ? t`holdfast is starting (pid ${running.pid})`
        : t`holdfast runs already at ${running.url} (pid ${running.pid})`,
    );
  }
  const { url, pid, log } = await startDaemon(dataDir, request);
  const text = `${t`holdfast started ${url} (pid ${pid})`}\n  ${t`log    ${log}`}\n  ${t`state  ${dataDir}`}`;
  return tell(options, { event: 'started', url, pid, log, dataDir }, text);
}

export interface StopOptions extends PlaceOptions, Shown {
  timeout: string;
  force?: boolean | undefined;
}

/** Ends the gateway on this data directory, also one in the foreground. @throws Refused with 5 where none runs */
export async function stop(options: StopOptions): Promise<number> {
  const { dataDir } = placeOf(options);
  secondsOf(options);
  const pid = await end(dataDir, options);
  if (pid === undefined)
    throw new Refused(t`no gateway is running on ${dataDir}; there is nothing to stop`, EXIT.noGateway);
  return tell(
    options,
    { event: 'stopped', pid, dataDir },
    t`holdfast stopped (pid ${pid}); every accepted call was answered`,
  );
}

/** The same gateway again: same arguments, same folder, same address. A configuration that is broken stops nothing. */
export async function restart(options: StopOptions): Promise<number> {
  const { dataDir } = placeOf(options);
  const last = startOf(dataDir);
  const running = holderOf(dataDir);
  if (running !== undefined && running.pid !== last?.pid)
    throw new Refused(
      t`the gateway with pid ${running.pid} was not started by holdfast start: restart it where it was started (a terminal, a service manager), or end it with holdfast stop and use holdfast start`,
      EXIT.failure,
    );
  if (last === undefined)
    throw new Refused(t`no gateway was started on ${dataDir} yet; start one with holdfast start`, EXIT.noGateway);
  try {
    process.chdir(last.cwd);
  } catch {
    throw new Refused(
      t`the folder ${last.cwd}, in which it was started, is gone; use holdfast stop and holdfast start`,
      EXIT.failure,
    );
  }
  const given = last.options as SourceOptions & { port?: string };
  await readSource(last.words, given);
  const before = running?.url;
  await end(dataDir, options);
  // `--port 0` took any free port; whoever was told its address finds it there again.
  const pinned = given.port === '0' && before !== undefined ? new URL(before).port : undefined;
  const argv = pinned === undefined ? last.argv : ['--port', pinned, ...withoutPort(last.argv)];
  const { url, pid, log } = await startDaemon(dataDir, { ...last, argv });
  const facts: JsonObject = { event: 'restarted', url, pid, log, dataDir, was: running?.pid ?? null };
  return tell(
    options,
    facts,
    running === undefined ? t`holdfast started ${url} (pid ${pid})` : t`holdfast restarted ${url} (pid ${pid})`,
  );
}

/** SIGTERM, and with `force` a second one when time is over; gives the pid that ended. @throws Refused */
async function end(dataDir: string, { timeout, force }: StopOptions): Promise<number | undefined> {
  const holder = holderOf(dataDir);
  if (holder === undefined) return undefined;
  const seconds = secondsOf({ timeout });
  signal(holder.pid);
  if (await waitForEnd(holder, seconds * 1000)) return holder.pid;
  if (force === true) {
    signal(holder.pid);
    if (await waitForEnd(holder, 5_000)) return holder.pid;
  }
  const next = force ? t`kill it by hand` : t`wait, or use --force`;
  throw new Refused(
    t`the gateway with pid ${holder.pid} is still answering calls after ${timeout} s; ${next}`,
    EXIT.failure,
  );
}

function secondsOf({ timeout }: Pick<StopOptions, 'timeout'>): number {
  const seconds = Number(timeout);
  if (!(seconds >= 0)) throw new Refused(t`--timeout wants a number of seconds, not ${JSON.stringify(timeout)}`);
  return seconds;
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPERM') throw new Refused(t`the gateway with pid ${pid} belongs to another user`, EXIT.failure);
    if (code !== 'ESRCH') throw error;
  }
}

function withoutPort(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  const kept = own.filter((word, index) => !/^(--port=|-p\d)/.test(word) && !isPort(word) && !isPort(own[index - 1]));
  return [...kept, ...argv.slice(own.length)];
}

function isPort(word: string | undefined): boolean {
  return word === '--port' || word === '-p';
}
