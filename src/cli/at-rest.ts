// The configuration where no gateway runs: changed and looked at by the same code, with nothing to apply it to.
import { join } from 'node:path';
import { parseConfig } from '../config/load.ts';
import { type PlanAction, planChange } from '../config/plan.ts';
import type { Config } from '../config/schema.ts';
import { EventStream } from '../core/events.ts';
import { homeFolder } from '../core/home.ts';
import { Keys } from '../keys.ts';
import { LiveConfig } from '../live-config.ts';
import { chooseDataDir, DataDir } from '../store/data-dir.ts';
import { type PlaceOptions, placeOf } from './place.ts';
import { Refused } from './refused.ts';
import { readSource, type Source, type SourceOptions } from './source.ts';
import { t } from './words.ts';

export interface AtRest {
  config: LiveConfig;
  keys: Keys;
  dataDir: string;
  close(): void;
}

export interface AtRestOptions {
  /** Where there is no file yet, a change makes the one of the user. */
  create?: boolean;
  /** Nothing is written, and no lock is taken. */
  readOnly?: boolean;
}

/** @throws Refused where there is no file and none may be made, or it cannot be read */
export async function openAtRest(
  options: SourceOptions,
  { create = false, readOnly = false }: AtRestOptions = {},
): Promise<AtRest> {
  const source = create && placeOf(options).file === undefined ? emptySource(options) : await readSource([], options);
  if (source.demo) throw new Refused(t`there is no configuration file to change; make one with holdfast init`);
  const events = new EventStream();
  events.subscribe((event) => {
    if (event.type === 'log' && event.level !== 'info') process.stderr.write(`holdfast: ${event.text}\n`);
  });
  const dataDir = readOnly
    ? DataDir.unused(source.dataDir)
    : DataDir.open(source.dataDir, (text) => events.emit({ type: 'log', level: 'warn', text }));
  let running: Config = source.config;
  const keys = new Keys({
    config: running,
    given: [],
    adminToken: undefined,
    closed: false,
    documents: dataDir,
    events,
  });
  const config = await LiveConfig.open(
    {
      get config() {
        return running;
      },
      events,
      dataDir,
      fleet: { plan: (next) => planned(running, next) },
      apply: (next) => {
        running = next;
        keys.apply(next);
      },
      reject: () => undefined,
    },
    source.live,
    { atRest: true },
  );
  const close = () => {
    config.close();
    dataDir.close();
  };
  return { config, keys, dataDir: source.dataDir, close };
}

/** The file of the user, which does not exist yet. */
function emptySource({ dataDir: flag }: SourceOptions): Pick<Source, 'config' | 'dataDir' | 'demo' | 'live'> {
  const { env } = process;
  const file = userConfig();
  const empty = parseConfig({}, { env });
  if (!empty.ok) throw new Refused(empty.problems.map(({ message }) => message).join('\n'));
  return {
    config: empty.config,
    dataDir: dataDirAtRest({ dataDir: flag }),
    demo: false,
    live: { file, create: true, env },
  };
}

/** Where the state of a gateway lies that does not run yet, on a file that may not be there yet. */
export function dataDirAtRest(options: PlaceOptions): string {
  const { file, dataDir } = placeOf(options);
  return file === undefined
    ? chooseDataDir({ flag: options.dataDir, configFile: userConfig(), env: process.env })
    : dataDir;
}

/** Where `serve` finds it from every folder (12.2). */
export function userConfig(): string {
  const { XDG_CONFIG_HOME: shared, HOME: home } = process.env;
  return join(shared || join(homeFolder(home), '.config'), 'holdfast', 'holdfast.json');
}

function planned(now: Config, next: Config) {
  const { steps } = planChange(now, next);
  const names = (wanted: PlanAction) => steps.flatMap(({ upstream, action }) => (action === wanted ? [upstream] : []));
  return { added: names('add'), removed: names('remove'), restarted: names('restart'), updated: names('update') };
}
