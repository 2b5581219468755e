// What the operator may switch on between faces and upstreams: confirmation of destructive tools, marks on results.
import type { Config } from './config/schema.ts';
import type { EventStream } from './core/events.ts';
import { part } from './core/part.ts';
import { type Dispatch, reportCall, type ToolPolicy } from './dispatch/dispatch.ts';
import { translator } from './language/translate.ts';
import { confirming } from './security/confirm.ts';
import { marking } from './security/untrusted.ts';

export interface GuardedDeps {
  config(): Config;
  policy(upstream: string, tool: string): ToolPolicy | undefined;
  events: EventStream;
}

/** The way to the upstreams, behind what `security` of the configuration asks of it now. */
export function guarded(next: Dispatch, { config, policy, events }: GuardedDeps): Dispatch {
  const readChinese = part('Chinese', async () => translator((await import('./language/said-zh.ts')).SAID));
  const confirm = confirming(next, {
    mode: () => config().security.confirm,
    destructive: (upstream, tool) => {
      const known = policy(upstream, tool);
      return known && (known.destructive ?? 'unsaid');
    },
    say: async (text) => (config().locale === 'zh' ? (await readChinese())(text) : text),
    refused: (operation, context, started, fault) => reportCall(events, operation, context, started, undefined, fault),
  });
  return marking(confirm, () => config().security.untrusted);
}
