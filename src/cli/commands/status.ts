import type { HealthReport } from '../../operations/health.ts';
import { oneLine } from '../../operations/log.ts';
import { holderOf } from '../../store/data-dir.ts';
import { findRemote, getJson, type RemoteOptions } from '../client.ts';
import { padded, widthOf } from '../columns.ts';
import { startOf } from '../daemon.ts';
import { EXIT } from '../exit.ts';
import { logFileOf } from '../own-log.ts';
import { placeOf } from '../place.ts';

/** The process behind the address, where it runs on this machine. */
function processOf(options: RemoteOptions) {
  const { dataDir } = placeOf(options);
  const holder = holderOf(dataDir);
  if (holder === undefined) return undefined;
  const background = startOf(dataDir)?.pid === holder.pid;
  return { pid: holder.pid, dataDir, background, ...(background && { log: logFileOf(dataDir) }) };
}

/** `holdfast status`: every upstream with its state; exit code 1 when the gateway is unhealthy. */
export async function status(options: RemoteOptions): Promise<number> {
  const remote = findRemote(options);
  const report = (await getJson(remote, '/health')) as unknown as HealthReport;
  const here = options.url === undefined ? processOf(options) : undefined;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ...report, url: remote.url, ...here })}\n`);
  } else {
    process.stdout.write(`${remote.url}  ${report.status}  version ${report.version}, up ${report.uptime} s\n`);
    if (here !== undefined) {
      const { pid, background, log, dataDir } = here;
      process.stdout.write(`  pid ${pid}, ${background ? `in the background, log ${log}` : 'in the foreground'}\n`);
      process.stdout.write(`  state ${dataDir}\n`);
    }
    const names = Object.keys(report.upstreams);
    const width = Math.max(0, ...names.map(widthOf));
    for (const [name, { state, tools, error, nextTryAt, stderr }] of Object.entries(report.upstreams)) {
      const next = nextTryAt === undefined ? '' : `, next try ${nextTryAt}`;
      process.stdout.write(
        `  ${padded(name, width)}  ${state.padEnd(12)} ${String(tools).padStart(4)} tools${error === undefined ? '' : `  ${error}${next}`}\n`,
      );
      for (const line of stderr?.slice(-5) ?? []) process.stdout.write(`  ${' '.repeat(width)}  | ${oneLine(line)}\n`);
    }
    if (report.config.rejected !== undefined) {
      process.stdout.write(
        `configuration refused at ${report.config.rejected.at}:\n${report.config.rejected.problems.map((line) => `  ${line}\n`).join('')}`,
      );
    }
  }
  return report.status === 'unhealthy' ? EXIT.failure : EXIT.ok;
}
