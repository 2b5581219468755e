import type { HealthReport } from '../../operations/health.ts';
import { oneLine } from '../../operations/log.ts';
import { findRemote, getJson, type RemoteOptions } from '../client.ts';
import { padded, widthOf } from '../columns.ts';
import { EXIT } from '../exit.ts';

/** `holdfast status`: every upstream with its state; exit code 1 when the gateway is unhealthy. */
export async function status(options: RemoteOptions): Promise<number> {
  const remote = findRemote(options);
  const report = (await getJson(remote, '/health')) as unknown as HealthReport;
  if (options.json) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
  } else {
    process.stdout.write(`${remote.url}  ${report.status}  version ${report.version}, up ${report.uptime} s\n`);
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
