// Finds servers and tools of a view by the names a model uses; always by table, never by taking names apart.
import type { CatalogView, HeldEntry, ToolEntry, ViewMember } from '../core/catalog.ts';
import { GatewayFault } from '../core/fault.ts';
import { heldFault } from '../core/held.ts';
import { nearest } from '../core/nearest.ts';

export interface Server {
  member: ViewMember;
  /** In the upstream's order, by the names shown beside it. */
  tools: ReadonlyMap<string, ToolEntry>;
  /** Those that wait for approval, by the same names (10.21). */
  held: ReadonlyMap<string, HeldEntry>;
}

/** One snapshot of a view, by server. */
export interface ServerTable {
  servers: ReadonlyMap<string, Server>;
}

/** How many names an error lists. */
const MOST_NAMES = 40;

export function tableOf(view: CatalogView): ServerTable {
  const tools = new Map<string, Map<string, ToolEntry>>();
  for (const entry of view.tools.values()) {
    const own = tools.get(entry.upstream) ?? new Map<string, ToolEntry>();
    own.set(entry.shown, entry);
    tools.set(entry.upstream, own);
  }
  const held = new Map<string, Map<string, HeldEntry>>();
  for (const entry of view.held.values()) {
    const own = held.get(entry.upstream) ?? new Map<string, HeldEntry>();
    held.set(entry.upstream, own.set(entry.shown, entry));
  }
  return {
    servers: new Map(
      view.members.map((member) => [
        member.name,
        { member, tools: tools.get(member.name) ?? new Map(), held: held.get(member.name) ?? new Map() },
      ]),
    ),
  };
}

/** The server of this name, or of this prefix where the configured id is none a model can spell. */
export function findServer({ servers }: ServerTable, name: string): Server | undefined {
  const found = servers.get(name);
  if (found !== undefined) return found;
  for (const server of servers.values()) if (server.member.prefix === name) return server;
  return undefined;
}

/** A tool by the name shown beside its upstream, by the upstream's own, or by the name that other views show. */
export function findTool(server: Server, name: string): ToolEntry | undefined {
  const found = server.tools.get(name);
  if (found !== undefined) return found;
  for (const entry of server.tools.values()) if (entry.exposed === name || entry.name === name) return entry;
  return undefined;
}

/** Servers that a model can use: what is switched off is not there. */
export function usable({ servers }: ServerTable): Server[] {
  return [...servers.values()].filter(
    ({ member }) => member.state.state !== 'disabled' && member.state.state !== 'quarantined',
  );
}

/** @throws GatewayFault UPSTREAM_UNKNOWN with the nearest names first */
export function needServer(table: ServerTable, name: string): Server {
  const server = findServer(table, name);
  if (server !== undefined) return server;
  const names = usable(table).map(({ member }) => member.name);
  const near = nearest(name, names);
  throw new GatewayFault('UPSTREAM_UNKNOWN', `Server '${brief(name)}' not found`, {
    data:
      names.length === 0
        ? {}
        : { ...(near.length > 0 && { did_you_mean: near }), available_servers: nearFirst(near, names) },
    ...(names.length === 0 && { hint: 'No MCP servers are currently connected' }),
  });
}

/** @throws GatewayFault TOOL_UNKNOWN with the nearest names first */
export function needTool(table: ServerTable, server: Server, name: string): ToolEntry {
  const entry = findTool(server, name);
  if (entry !== undefined) return entry;
  const waits = server.held.get(name) ?? [...server.held.values()].find((one) => one.name === name);
  if (waits !== undefined) throw heldFault(waits.upstream, waits.name, waits.why);
  const names = [...server.tools.keys()];
  const near = nearest(name, names);
  const elsewhere =
    near.length > 0
      ? []
      : usable(table)
          .filter((other) => other.tools.has(name))
          .map(({ member }) => member.name);
  throw new GatewayFault('TOOL_UNKNOWN', `Tool '${brief(name)}' not found on server '${server.member.name}'`, {
    upstream: server.member.name,
    data: {
      ...(near.length > 0 && { did_you_mean: near }),
      ...(elsewhere.length > 0 && { found_on_servers: elsewhere }),
      available_tools: nearFirst(near, names),
      ...(names.length > MOST_NAMES && { tools_in_all: names.length }),
    },
  });
}

function nearFirst(near: readonly string[], names: readonly string[]): string[] {
  return [...new Set([...near, ...names])].slice(0, MOST_NAMES);
}

function brief(name: string): string {
  return name.length <= 100 ? name : `${name.slice(0, 97)}...`;
}

/** "server.tool" at the first dot; a server whose own id has dots is found by its whole id. */
export function splitMethod(table: ServerTable, method: string): { server: string; tool: string | undefined } {
  const dot = method.indexOf('.');
  if (dot === -1 || findServer(table, method) !== undefined) return { server: method, tool: undefined };
  const server = method.slice(0, dot);
  if (findServer(table, server) === undefined) {
    const names = [...table.servers.values()].flatMap(({ member }) => [member.name, member.prefix]);
    const whole = names.filter((name) => method.startsWith(`${name}.`)).sort((a, b) => b.length - a.length)[0];
    if (whole !== undefined) return { server: whole, tool: method.slice(whole.length + 1) };
  }
  return { server, tool: method.slice(dot + 1) };
}
