// The live catalogue as text inside the tools' descriptions (A-27), cut to a number of tokens: the largest servers lose
// detail first, from descriptions to names to counts. The same catalogue always gives the same bytes.
import type { CatalogView, ToolEntry } from '../core/catalog.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { shorten } from './signature-text.ts';
import { estimateTokens } from './tokens.ts';

export interface CatalogServer {
  name: string;
  instructions: string | undefined;
  tools: readonly ToolEntry[];
}

export type CatalogStyle = 'grouped' | 'dotted';

/** A server told in so much detail, or less. */
type Rung = (server: CatalogServer, style: CatalogStyle) => string;

const RUNGS: Rung[] = [
  (server, style) =>
    told(server, style, { instructions: 300, description: style === 'grouped' ? 80 : 60, parameters: true }),
  (server, style) => told(server, style, { instructions: 120, description: 50, parameters: true }),
  (server, style) => told(server, style, { instructions: 80, description: 40, parameters: false }),
  ({ name, tools }) =>
    `Server: ${name} (${count(tools.length, 'tool')}): ${tools.map((tool) => tool.shown).join(', ')}`,
  ({ name, tools, instructions }) =>
    `Server: ${name} (${count(tools.length, 'tool')})${tail(
      ' - ',
      instructions ??
        tools
          .slice(0, 3)
          .map((tool) => tool.shown)
          .join(', '),
      80,
    )}`,
  ({ name, tools }) => `${name} (${tools.length})`,
];
/** From this rung on servers share one line. */
const COUNTS_ONLY = RUNGS.length - 1;

/** The tools of all servers within `budget` tokens (an estimate); the last resort is their number. */
export function toolsText(servers: readonly CatalogServer[], style: CatalogStyle, budget: number): string {
  const listed = servers.filter(({ tools }) => tools.length > 0);
  if (listed.length === 0) return 'No tools available.';
  const states = listed.map((server) => {
    const texts = RUNGS.map((rung) => rung(server, style));
    const costs = texts.map((text) => estimateTokens(text) + 1);
    return { texts, costs, rung: 0 };
  });
  let sum = states.reduce((total, state) => total + (state.costs[0] as number), 0);
  while (sum > budget) {
    let largest: (typeof states)[number] | undefined;
    for (const state of states) {
      if (state.rung === COUNTS_ONLY) continue;
      if (largest === undefined || (state.costs[state.rung] as number) > (largest.costs[largest.rung] as number))
        largest = state;
    }
    if (largest === undefined) break;
    const before = largest.costs[largest.rung] as number;
    largest.rung++;
    sum += (largest.costs[largest.rung] as number) - before;
  }
  const total = listed.reduce((all, { tools }) => all + tools.length, 0);
  const all = `${count(total, 'tool')} on ${count(listed.length, 'server')}`;
  if (sum > budget) return budget < 12 ? '' : `${all}; find them with a query.`;
  const lines = states.filter(({ rung }) => rung < COUNTS_ONLY).map(({ texts, rung }) => texts[rung] as string);
  const counts = states.filter(({ rung }) => rung === COUNTS_ONLY).map(({ texts, rung }) => texts[rung] as string);
  if (counts.length > 0)
    lines.push(`${lines.length > 0 ? 'More servers' : `${all}. Servers`} (tools): ${counts.join(', ')}`);
  return lines.join('\n');
}

function told(
  { name, tools, instructions }: CatalogServer,
  style: CatalogStyle,
  detail: { instructions: number; description: number; parameters: boolean },
): string {
  const lines = tools.map((tool) => {
    const own = style === 'dotted' ? `${name}.${tool.shown}` : `- ${tool.shown}`;
    const description = typeof tool.definition.description === 'string' ? tool.definition.description : '';
    return `${own}${detail.parameters ? `(${parametersOf(tool.definition)})` : ''}${tail(': ', description, detail.description)}`;
  });
  if (style === 'dotted') return lines.sort().join('\n');
  return [`Server: ${name}${tail(' - ', instructions, detail.instructions)}`, ...lines].join('\n');
}

function tail(before: string, text: string | undefined, most: number): string {
  const short = shorten(text ?? '', most);
  return short === '' ? '' : `${before}${short}`;
}

/** `a, b?`: names of parameters, optional ones marked. */
export function parametersOf(definition: JsonObject): string {
  const schema = isObject(definition.inputSchema) ? definition.inputSchema : {};
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const names = Object.keys(isObject(schema.properties) ? schema.properties : {});
  for (const name of required) if (typeof name === 'string' && !names.includes(name)) names.push(name);
  return names.map((name) => (required.has(name) ? name : `${name}?`)).join(', ');
}

/** The resources of a view within `budget` tokens: each with what is known, or by URI, or their number. */
export function resourcesText(view: CatalogView, budget: number): string {
  const { resources, templates } = view;
  if (resources.size === 0 && templates.length === 0) return 'No resources available.';
  const full = [
    ...[...resources.values()].map(({ uri, definition }) => resourceLine(uri, definition)),
    ...templates.map(({ uriTemplate, definition }) => resourceLine(uriTemplate, definition)),
  ].join('\n');
  if (estimateTokens(full) <= budget) return full;
  const short = [...resources.keys(), ...templates.map(({ uriTemplate }) => uriTemplate)].join('\n');
  if (estimateTokens(short) <= budget) return short;
  const parts = [
    resources.size > 0 && count(resources.size, 'resource'),
    templates.length > 0 && count(templates.length, 'template'),
  ];
  return `${parts.filter((part) => part !== false).join(' and ')}; call without uri for the list.`;
}

function resourceLine(uri: string, { name, mimeType, size, description }: JsonObject): string {
  const named = typeof name === 'string' && name !== '' ? `${shorten(name, 80)} (${uri})` : uri;
  const mime = typeof mimeType === 'string' ? ` [${mimeType}]` : '';
  const bytes = typeof size === 'number' ? ` (${size} bytes)` : '';
  return `${named}${mime}${bytes}${tail(': ', typeof description === 'string' ? description : '', 80)}`;
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}
