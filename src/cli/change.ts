// A change of the configuration from the command line: by the running gateway where there is one, else in the file
// itself, checked the same way and written as durably (requirements 10.16, F-K12).
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigFormat } from '../config/import/formats.ts';
import { parseConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { JsonObject } from '../core/json.ts';
import type { ConfigEdits, ConfigPlan } from '../core/ports.ts';
import { OVERLAY, readLive } from '../live-source.ts';
import { openAtRest, userConfig } from './at-rest.ts';
import { callApi, findRemote, type Remote, type RemoteOptions, toldProblem } from './client.ts';
import { EXIT } from './exit.ts';
import { placeOf } from './place.ts';
import { saidProblem } from './problems.ts';
import { Refused } from './refused.ts';
import { t } from './words.ts';

export interface ChangeOptions extends RemoteOptions {
  configFormat?: string | undefined;
  dryRun?: boolean | undefined;
}

/** Single changes, or a whole text. */
export type Wanted = readonly ConfigEdits[] | { text: string };

/** Where a change goes, and the configuration as it is now. */
export type Target =
  | { kind: 'gateway'; remote: Remote }
  | { kind: 'file'; file: string; exists: boolean; config: Config; input: JsonObject };

export interface Change {
  plan: ConfigPlan;
  /** Calls in flight of the upstreams that would end or restart, by upstream; known of a running gateway only. */
  inFlight: Record<string, number>;
  /** The file that was written; absent where nothing is kept, or at a dry run of the demo. */
  file: string | undefined;
  writes: 'file' | 'overlay' | 'memory';
  /** Told by the running gateway only. */
  version: number | undefined;
  dryRun: boolean;
}

/** @throws Refused with all problems of the file (2), or with 5 where `--url` names a gateway that does not answer */
export async function targetOf(options: ChangeOptions): Promise<Target> {
  const remote = runningGateway(options);
  if (remote !== undefined) return { kind: 'gateway', remote };
  const place = placeOf(options);
  const file = place.file ?? userConfig();
  const exists = existsSync(file);
  if (!exists && place.file !== undefined && place.by !== 'search')
    throw new Refused(t`${place.by} names ${file}, which does not exist; holdfast init makes a configuration`);
  const source = { file, format: options.configFormat as ConfigFormat | undefined, env: process.env };
  const result = exists ? (await readLive(source, place.dataDir)).result : parseConfig({}, { env: {} });
  if (!result.ok)
    throw new Refused([t`${file} has problems; repair them first`, ...result.problems.map(saidProblem)].join('\n  '));
  return { kind: 'file', file, exists, config: result.config, input: result.input };
}

/** The gateway that runs on this configuration; undefined where none does and none was named. */
export function runningGateway(options: RemoteOptions): Remote | undefined {
  try {
    return findRemote(options);
  } catch (error) {
    if (options.url === undefined && error instanceof Refused && error.code === EXIT.noGateway) return undefined;
    throw error;
  }
}

/** Plans a change, and carries it out unless it is a dry run. @throws Refused where it is not taken; nothing is changed then */
export async function changeConfig(
  target: Target,
  wanted: Wanted,
  reason: string,
  options: ChangeOptions,
): Promise<Change> {
  const dryRun = options.dryRun === true;
  const change = 'text' in wanted ? wanted : { edits: wanted };
  if (target.kind === 'gateway') return changeGateway(target.remote, change, reason, dryRun);
  const { config, configFormat, dataDir } = options;
  const rest = await openAtRest({ config, configFormat, dataDir }, { create: true, readOnly: dryRun });
  try {
    const outcome = dryRun
      ? await rest.config.plan(change)
      : await rest.config.apply(change, { by: 'command line', reason });
    if (!outcome.ok) {
      const code = outcome.reason === 'invalid' ? EXIT.usage : EXIT.failure;
      throw new Refused([t`nothing was changed`, ...outcome.problems.map(toldProblem)].join('\n  '), code);
    }
    const { file, writes, version } = await rest.config.current();
    return {
      plan: outcome.plan,
      inFlight: {},
      file: writes === 'overlay' ? join(rest.dataDir, OVERLAY) : file,
      writes,
      version: dryRun ? undefined : version,
      dryRun,
    };
  } finally {
    rest.close();
  }
}

async function changeGateway(
  remote: Remote,
  change: { text: string } | { edits: readonly ConfigEdits[] },
  reason: string,
  dryRun: boolean,
): Promise<Change> {
  const { plan } = (await callApi(remote, 'POST', '/config/plan', change)) as { plan: ConfigPlan };
  const busy = new Set([...plan.removed, ...plan.restarted]);
  const { upstreams } = await callApi(remote, 'GET', '/upstreams');
  const inFlight = (upstreams as { name: string; inFlight: number }[])
    .filter((one) => busy.has(one.name) && one.inFlight > 0)
    .map((one): [string, number] => [one.name, one.inFlight]);
  const done = dryRun ? undefined : await callApi(remote, 'PUT', '/config', { ...change, reason });
  const now = await callApi(remote, 'GET', '/config');
  const { writes, writesTo } = now as { writes: Change['writes']; writesTo?: string };
  return {
    plan: (done?.plan as ConfigPlan | undefined) ?? plan,
    inFlight: Object.fromEntries(inFlight),
    file: writes === 'memory' ? undefined : writesTo,
    writes,
    version: done?.version as number | undefined,
    dryRun,
  };
}

/** Says what a change does, or would do. */
export function tellChange(change: Change, { json }: RemoteOptions, done: string): number {
  if (json) {
    process.stdout.write(`${JSON.stringify(change)}\n`);
    return EXIT.ok;
  }
  const { plan, inFlight, file, writes, version, dryRun } = change;
  const calls = (name: string) =>
    inFlight[name] === undefined ? '' : t` (${inFlight[name]} calls in flight are answered first)`;
  const lines = [
    ...plan.added.map((name) => `  + ${name}`),
    ...plan.removed.map((name) => `  - ${name}${calls(name)}`),
    ...plan.restarted.map((name) => `  ~ ${t`${name} restarts`}${calls(name)}`),
    ...plan.updated.map((name) => `  ~ ${t`${name} goes on with new settings`}`),
    ...plan.settings.map((key) => `  ~ ${key}`),
    ...(plan.waits ?? []).map(
      (name) => `  ? ${t`${name} is not started until it is approved: holdfast approvals ${name}`}`,
    ),
    ...plan.needsRestart.map((key) => `  ! ${t`${key} takes effect when the gateway is restarted`}`),
  ];
  const where =
    writes === 'memory'
      ? t`kept until this gateway ends: it runs without a configuration file`
      : (dryRun ? t`would be written to ${file}` : t`written to ${file}`) +
        (writes === 'overlay' ? t` (the file of the other program stays as it is)` : '') +
        (version === undefined ? '' : t`, version ${version}`);
  const nothing = lines.length === 0 ? [`  ${t`nothing differs`}`] : [];
  process.stdout.write(`${[dryRun ? t`would have ${done}:` : done, ...lines, ...nothing, `  ${where}`].join('\n')}\n`);
  return EXIT.ok;
}
