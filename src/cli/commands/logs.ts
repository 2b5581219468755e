// `holdfast logs` and `holdfast attach`: what the gateway in the background writes, and what a server wrote (D-50).
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { holderOf } from '../../store/data-dir.ts';
import { callApi, findRemote, type RemoteOptions } from '../client.ts';
import { needHolder, startOf } from '../daemon.ts';
import { EXIT } from '../exit.ts';
import { logFileOf } from '../own-log.ts';
import { placeOf } from '../place.ts';
import { Refused } from '../refused.ts';
import { t } from '../words.ts';

const LOOK = 200;
/** Read from the end of a log to find its last lines. */
const TAIL = 4 * 1024 * 1024;

export interface LogsOptions extends RemoteOptions {
  follow?: boolean | undefined;
  lines: string;
}

export async function logs(upstream: string | undefined, options: LogsOptions): Promise<number> {
  const count = Number(options.lines);
  if (!Number.isInteger(count) || count < 0)
    throw new Refused(t`--lines wants a whole number, not ${JSON.stringify(options.lines)}`);
  if (upstream !== undefined) return logsOf(upstream, count, options);
  const { dataDir } = placeOf(options);
  const file = logFileOf(dataDir);
  if (!existsSync(file)) throw new Refused(noLog(dataDir), EXIT.failure);
  const end = printLast(file, count);
  if (options.follow) await follow(file, end, () => true);
  return EXIT.ok;
}

/** Follows the log until the gateway ends; Ctrl-C leaves, and the gateway goes on. */
export async function attach(options: LogsOptions): Promise<number> {
  const { dataDir } = placeOf(options);
  const holder = needHolder(dataDir);
  const file = logFileOf(dataDir);
  if (startOf(dataDir)?.pid !== holder.pid) throw new Refused(noLog(dataDir), EXIT.failure);
  process.stderr.write(
    `holdfast: ${t`attached to ${holder.url ?? t`a gateway that is starting`} (pid ${holder.pid}); Ctrl-C leaves it running`}\n`,
  );
  const end = printLast(file, Number(options.lines));
  await follow(file, end, () => holder.alive());
  if (!holder.alive()) process.stderr.write(`holdfast: ${t`the gateway with pid ${holder.pid} has ended`}\n`);
  return EXIT.ok;
}

function noLog(dataDir: string): string {
  const running = holderOf(dataDir);
  return running === undefined
    ? t`there is no log in ${dataDir}: no gateway was started there with holdfast start`
    : t`the gateway with pid ${running.pid} was not started with holdfast start: it writes to its terminal, or to the journal of its service manager`;
}

/** What a server wrote to its stderr, from the running gateway. */
async function logsOf(upstream: string, count: number, options: LogsOptions): Promise<number> {
  if (options.follow)
    throw new Refused(t`--follow is for the log of the gateway; of one server the last lines are kept`);
  const answer = await callApi(
    findRemote(options),
    'GET',
    `/upstreams/${encodeURIComponent(upstream)}/logs?lines=${count}`,
  );
  const lines = answer.lines as string[];
  process.stdout.write(options.json ? `${JSON.stringify(answer)}\n` : lines.map((line) => `${line}\n`).join(''));
  return EXIT.ok;
}

/** Prints the last lines; gives the offset behind them. */
function printLast(file: string, count: number): number {
  const { size } = statSync(file);
  const text = read(file, Math.max(0, size - TAIL), size);
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  process.stdout.write(
    lines
      .slice(count === 0 ? lines.length : -count)
      .map((line) => `${line}\n`)
      .join(''),
  );
  return size;
}

/** Prints what is added, over the places where the file was cut, while `goesOn` and somebody reads. */
async function follow(file: string, from: number, goesOn: () => boolean): Promise<void> {
  let offset = from;
  const stop = new AbortController();
  const leave = () => stop.abort();
  process.once('SIGINT', leave).once('SIGTERM', leave);
  process.stdout.once('close', leave).once('error', leave);
  const show = () => {
    const size = sizeOf(file);
    if (size < offset) {
      // The file was put aside; what was not shown yet is there.
      process.stdout.write(read(`${file}.1`, offset, sizeOf(`${file}.1`)));
      offset = 0;
    }
    if (size > offset) process.stdout.write(read(file, offset, size));
    offset = size;
  };
  while (!stop.signal.aborted) {
    const last = !goesOn();
    show();
    if (last) break;
    await pause(LOOK, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

function read(file: string, from: number, to: number): string {
  if (to <= from) return '';
  const handle = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(to - from);
    return buffer.subarray(0, readSync(handle, buffer, 0, buffer.length, from)).toString('utf8');
  } finally {
    closeSync(handle);
  }
}
