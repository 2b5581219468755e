import type { HealthReport } from '../../operations/health.ts';
import { oneLine } from '../../operations/log.ts';
import { holderOf } from '../../store/data-dir.ts';
import { callApi, findRemote, getJson, type RemoteOptions } from '../client.ts';
import { padded, widthOf } from '../columns.ts';
import { startOf } from '../daemon.ts';
import { EXIT } from '../exit.ts';
import { logFileOf } from '../own-log.ts';
import { placeOf } from '../place.ts';
import { said, t } from '../words.ts';

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
    const head = t`${remote.url}  ${report.status}  version ${report.version}, up ${report.uptime} s`;
    process.stdout.write(`${head}\n`);
    if (here !== undefined) {
      const { pid, background, log, dataDir } = here;
      process.stdout.write(`  pid ${pid}, ${background ? t`in the background, log ${log}` : t`in the foreground`}\n`);
      process.stdout.write(`  ${t`state ${dataDir}`}\n`);
    }
    const names = Object.keys(report.upstreams);
    const width = Math.max(0, ...names.map(widthOf));
    for (const [name, { state, tools, error, nextTryAt, stderr }] of Object.entries(report.upstreams)) {
      const next = nextTryAt === undefined ? '' : t`, next try ${nextTryAt}`;
      process.stdout.write(
        `  ${padded(name, width)}  ${state.padEnd(12)} ${t`${String(tools).padStart(4)} tools`}${error === undefined ? '' : `  ${said(error)}${next}`}\n`,
      );
      for (const line of stderr?.slice(-5) ?? []) process.stdout.write(`  ${' '.repeat(width)}  | ${oneLine(line)}\n`);
    }
    if (report.config.rejected !== undefined) {
      process.stdout.write(
        `${t`configuration refused at ${report.config.rejected.at}:`}\n${report.config.rejected.problems.map((line) => `  ${line}\n`).join('')}`,
      );
    }
  }
  return report.status === 'unhealthy' ? EXIT.failure : EXIT.ok;
}

interface ClusterReport {
  store: { state: string; since: string; problem?: string };
  instance: string;
  instances: {
    id: string;
    name: string;
    url: string;
    version: string;
    state: string;
    startedAt: number;
    config?: { version: number };
    inFlight?: number;
    leases: string[];
  }[];
}

/** `holdfast status --cluster`: every gateway that shares the store (F-R2); exit code 1 while the store is away. */
export async function clusterStatus(options: RemoteOptions): Promise<number> {
  const report = (await callApi(findRemote(options), 'GET', '/cluster')) as unknown as ClusterReport;
  const { store, instances } = report;
  if (options.json) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
  } else {
    const problem = store.problem === undefined ? '' : `: ${store.problem}`;
    process.stdout.write(`${t`shared store ${store.state} since ${store.since}`}${problem}\n`);
    const width = Math.max(...instances.map(({ name }) => name.length));
    for (const { id, name, url, version, state, config, inFlight, leases } of instances) {
      const here = id === report.instance ? '*' : ' ';
      const holds = leases.length === 0 ? '' : t`, ${leases.length} leases`;
      process.stdout.write(
        `${here} ${name.padEnd(width)}  ${url}  ${state}  ${t`version ${version}, configuration ${config?.version ?? '?'}, ${inFlight ?? 0} calls in flight`}${holds}\n`,
      );
    }
  }
  return store.state === 'ready' ? EXIT.ok : EXIT.failure;
}
