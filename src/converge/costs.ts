// What a view costs a model, per server and per tool, for `holdfast tokens` and the status pages; estimates
// (requirements 10.35).
import type { CatalogView } from '../core/catalog.ts';
import type { JsonObject } from '../core/json.ts';
import { signatureOf } from './schema-signature.ts';
import { estimateTokens } from './tokens.ts';

/** In tokens. */
export interface ToolCost {
  tool: string;
  /** The whole definition, as passthrough lists it. */
  definition: number;
  /** Name, description and signature, as `inspect` tells it. */
  inspected: number;
}

export interface ServerCost {
  server: string;
  definition: number;
  inspected: number;
  /** The most expensive first. */
  tools: ToolCost[];
}

export interface ViewCost {
  /** All definitions of tools/list. */
  passthrough: number;
  /** The definitions of the converged tools, where they are given. */
  converged: number | undefined;
  servers: ServerCost[];
}

/** @param converged what `listTools()` of the converged view gives, to compare with */
export function costOf(view: CatalogView, converged?: readonly JsonObject[]): ViewCost {
  const servers = new Map<string, ServerCost>();
  for (const { upstream, name, definition } of view.tools.values()) {
    const server = servers.get(upstream) ?? { server: upstream, definition: 0, inspected: 0, tools: [] };
    servers.set(upstream, server);
    const { description, inputSchema } = definition;
    const cost: ToolCost = {
      tool: name,
      definition: estimateTokens(JSON.stringify(definition)),
      inspected: estimateTokens(
        `${upstream} ${name} ${typeof description === 'string' ? description : ''} ${signatureOf(inputSchema)}`,
      ),
    };
    server.tools.push(cost);
    server.definition += cost.definition;
    server.inspected += cost.inspected;
  }
  for (const { tools } of servers.values()) tools.sort((a, b) => b.definition - a.definition);
  return {
    passthrough: [...servers.values()].reduce((sum, { definition }) => sum + definition, 0),
    converged: converged === undefined ? undefined : estimateTokens(JSON.stringify(converged)),
    servers: [...servers.values()],
  };
}
