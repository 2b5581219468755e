// A change of the configuration from the command line: by the running gateway where there is one, else in the file
// itself, checked the same way and written as durably (requirements 10.16, F-K12).
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { writeDurably } from '../config/durable.ts';
import { editText, etagOf, saveConfigFile } from '../config/edit.ts';
import type { ConfigFormat } from '../config/import/index.ts';
import { parseConfig } from '../config/load.ts';
import { planChange } from '../config/plan.ts';
import { formatProblem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import type { JsonObject } from '../core/json.ts';
import type { ConfigEdits, ConfigPlan } from '../core/ports.ts';
import { editsOf } from '../live-config.ts';
import { OVERLAY, readLive } from '../live-source.ts';
import { callApi, findRemote, type Remote, type RemoteOptions } from './client.ts';
import { EXIT } from './exit.ts';
import { placeOf } from './place.ts';
import { Refused } from './refused.ts';

export interface ChangeOptions extends RemoteOptions {
  configFormat?: string | undefined;
  dryRun?: boolean | undefined;
}

/** Where a change goes, and the configuration as it is now. */
export type Target =
  | { kind: 'gateway'; remote: Remote }
  | { kind: 'file'; file: string; exists: boolean; config: Config; input: JsonObject; made: Made };

type Made = Awaited<ReturnType<typeof readLive>>;

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
    throw new Refused(`${place.by} names ${file}, which does not exist; holdfast init makes a configuration`);
  const source = { file, format: options.configFormat as ConfigFormat | undefined, env: process.env };
  const made: Made = exists
    ? await readLive(source, place.dataDir)
    : {
        result: parseConfig({}, { env: {} }),
        document: '{}\n',
        writes: 'file',
        fileText: undefined,
        files: new Set(),
        notes: [],
      };
  if (!made.result.ok)
    throw new Refused(
      [`${file} has problems; repair them first`, ...made.result.problems.map(formatProblem)].join('\n  '),
    );
  return { kind: 'file', file, exists, config: made.result.config, input: made.result.input, made };
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

/** Where `serve` finds it from every folder (12.2). */
export function userConfig(): string {
  const { XDG_CONFIG_HOME: shared, HOME: home } = process.env;
  return join(shared || join(home ?? homedir(), '.config'), 'holdfast', 'holdfast.json');
}

/** Plans a change, and carries it out unless it is a dry run. @throws Refused where it is not taken; nothing is changed then */
export async function changeConfig(
  target: Target,
  edits: readonly ConfigEdits[],
  reason: string,
  options: ChangeOptions,
): Promise<Change> {
  const dryRun = options.dryRun === true;
  if (target.kind === 'gateway') return changeGateway(target.remote, edits, reason, dryRun);
  const { file, exists, config, made } = target;
  const { dataDir } = placeOf(options);
  const source = { file, format: options.configFormat as ConfigFormat | undefined, env: process.env };
  const document = editText(made.document, await editsOf(edits, made.writes, source, dataDir));
  const next = exists
    ? (await readLive(source, dataDir, { document })).result
    : (await readLive({ input: {}, env: process.env }, dataDir, { document })).result;
  if (!next.ok) throw new Refused(['nothing was changed', ...next.problems.map(formatProblem)].join('\n  '));
  const written = made.writes === 'overlay' ? join(dataDir, OVERLAY) : file;
  if (!dryRun) await write(written, document, made, exists);
  return {
    plan: planOf(config, next.config),
    inFlight: {},
    file: written,
    writes: made.writes,
    version: undefined,
    dryRun,
  };
}

async function write(file: string, document: string, made: Made, exists: boolean): Promise<void> {
  try {
    if (made.writes === 'file' && exists) {
      const { saved } = await saveConfigFile(file, document, etagOf(made.document));
      if (!saved) throw new Refused(`${file} has changed meanwhile; repeat the command`, EXIT.failure);
      return;
    }
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeDurably(file, document);
  } catch (error) {
    if (error instanceof Refused) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Refused(`${file} cannot be written (${code}); nothing was changed`, EXIT.failure);
  }
}

async function changeGateway(
  remote: Remote,
  edits: readonly ConfigEdits[],
  reason: string,
  dryRun: boolean,
): Promise<Change> {
  const { plan } = (await callApi(remote, 'POST', '/config/plan', { edits })) as { plan: ConfigPlan };
  const busy = new Set([...plan.removed, ...plan.restarted]);
  const { upstreams } = await callApi(remote, 'GET', '/upstreams');
  const inFlight = (upstreams as { name: string; inFlight: number }[])
    .filter((one) => busy.has(one.name) && one.inFlight > 0)
    .map((one): [string, number] => [one.name, one.inFlight]);
  const done = dryRun ? undefined : await callApi(remote, 'PUT', '/config', { edits, reason });
  const { writes, file } = (await callApi(remote, 'GET', '/config')) as { writes: Change['writes']; file?: string };
  return {
    plan: (done?.plan as ConfigPlan | undefined) ?? plan,
    inFlight: Object.fromEntries(inFlight),
    file: writes === 'memory' ? undefined : file,
    writes,
    version: done?.version as number | undefined,
    dryRun,
  };
}

/** In the words of the management API. */
function planOf(before: Config, after: Config): ConfigPlan {
  const { steps, settings } = planChange(before, after);
  const of = (action: string) => steps.filter((step) => step.action === action).map(({ upstream }) => upstream);
  return {
    added: of('add'),
    removed: of('remove'),
    restarted: of('restart'),
    updated: of('update'),
    settings: [...new Set(settings.map((key) => key.split('.')[0] as string))],
    needsRestart: [],
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
    inFlight[name] === undefined ? '' : ` (${inFlight[name]} calls in flight are answered first)`;
  const lines = [
    ...plan.added.map((name) => `  + ${name}`),
    ...plan.removed.map((name) => `  - ${name}${calls(name)}`),
    ...plan.restarted.map((name) => `  ~ ${name} restarts${calls(name)}`),
    ...plan.updated.map((name) => `  ~ ${name} goes on with new settings`),
    ...plan.settings.map((key) => `  ~ ${key}`),
    ...plan.needsRestart.map((key) => `  ! ${key} takes effect when the gateway is restarted`),
  ];
  const where =
    writes === 'memory'
      ? 'kept until this gateway ends: it runs without a configuration file'
      : `${dryRun ? 'would be ' : ''}written to ${file}${writes === 'overlay' ? ' (the file of the other program stays as it is)' : ''}${version === undefined ? '' : `, version ${version}`}`;
  const nothing = lines.length === 0 ? ['  nothing differs'] : [];
  process.stdout.write(`${[dryRun ? `would have ${done}:` : done, ...lines, ...nothing, `  ${where}`].join('\n')}\n`);
  return EXIT.ok;
}
