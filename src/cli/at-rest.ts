// The configuration where no gateway runs: changed and looked at by the same code, with nothing to apply it to.
import { type PlanAction, planChange } from '../config/plan.ts';
import type { Config } from '../config/schema.ts';
import { EventStream } from '../core/events.ts';
import { Keys } from '../keys.ts';
import { LiveConfig } from '../live-config.ts';
import { DataDir } from '../store/data-dir.ts';
import { Refused } from './refused.ts';
import { readSource, type SourceOptions } from './source.ts';

export interface AtRest {
  config: LiveConfig;
  keys: Keys;
  close(): void;
}

/** @throws Refused where there is no file, or it cannot be read */
export async function openAtRest(options: SourceOptions): Promise<AtRest> {
  const source = await readSource([], options);
  if (source.demo) throw new Refused('there is no configuration file to change; make one with holdfast init');
  const events = new EventStream();
  events.subscribe((event) => {
    if (event.type === 'log' && event.level !== 'info') process.stderr.write(`holdfast: ${event.text}\n`);
  });
  const dataDir = DataDir.open(source.dataDir, (text) => events.emit({ type: 'log', level: 'warn', text }));
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
  );
  return { config, keys, close: () => dataDir.close() };
}

function planned(now: Config, next: Config) {
  const { steps } = planChange(now, next);
  const names = (wanted: PlanAction) => steps.flatMap(({ upstream, action }) => (action === wanted ? [upstream] : []));
  return { added: names('add'), removed: names('remove'), restarted: names('restart'), updated: names('update') };
}
