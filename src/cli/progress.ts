// What a person sees while the upstreams start: each with its state and time, then what to open.
import type { Gateway } from '../gateway.ts';
import { label } from './label.ts';
import type { Source } from './source.ts';
import { said, t } from './words.ts';

const SETTLED: ReadonlySet<string> = new Set([
  'ready',
  'degraded',
  'failed',
  'cooling_down',
  'needs_auth',
  'disabled',
  'backoff',
]);

/** Tells each upstream as it settles, and the summary once all have. Returns what ends it. */
export function showStart(gateway: Gateway, source: Source, say: (text: string) => void): () => void {
  const began = performance.now();
  const told = new Set<string>();
  const names = gateway.fleet.names();
  if (names.length === 0) say(`holdfast: ${t`no upstreams are configured`}`);
  const width = Math.max(0, ...names.map((name) => name.length));
  const stop = gateway.events.subscribe((event) => {
    if (event.type !== 'upstream.state' || told.has(event.upstream) || !SETTLED.has(event.to)) return;
    told.add(event.upstream);
    const upstream = gateway.fleet.get(event.upstream);
    const { tools, resources, prompts } = upstream?.lists ?? { tools: [], resources: [], prompts: [] };
    const seconds = `${((performance.now() - began) / 1000).toFixed(2)} s`;
    const what =
      event.to === 'ready'
        ? listed(tools.length, resources.length, prompts.length)
        : [event.reason && said(event.reason), gateway.logins.status(event.upstream)?.login]
            .filter((part) => part !== undefined)
            .join(': ');
    say(
      `  ${event.to === 'ready' ? '✓' : '✗'} ${event.upstream.padEnd(width)}  ${event.to.padEnd(6)} ${seconds}  ${what}`,
    );
    if (told.size < names.length) return;
    stop();
    summary(gateway, source, say);
  });
  return stop;
}

function listed(tools: number, resources: number, prompts: number): string {
  const parts = [
    tools > 0 && (tools === 1 ? t`1 tool` : t`${tools} tools`),
    resources > 0 && (resources === 1 ? t`1 resource` : t`${resources} resources`),
    prompts > 0 && (prompts === 1 ? t`1 prompt` : t`${prompts} prompts`),
  ];
  return parts.filter((part) => part !== false).join(', ');
}

function summary(gateway: Gateway, source: Source, say: (text: string) => void): void {
  const { url } = gateway;
  say('');
  const row = (what: string, text: string) => say(`  ${label(what)} ${text}`);
  row('MCP', `${url}/mcp            (${gateway.defaultView})`);
  row(
    t`one server`,
    `${url}/mcp/{name}     ${gateway.fleet.names().slice(0, 5).join(', ')}${gateway.fleet.names().length > 5 ? ', …' : ''}`,
  );
  row('OpenAPI', `${url}/docs`);
  row(t`health`, `${url}/health`);
  row(t`state`, source.dataDir);
  if (source.demo)
    say(
      `  ${t`This is the demo. Serve your own: holdfast serve --config <your mcp.json or claude_desktop_config.json>`}`,
    );
}
