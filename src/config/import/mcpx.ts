// MCPX in both shapes: the list `mcp_servers` of its first generation and the map `mcpServers` of its third (1.2, 1.8).
import { isObject } from '../../core/json.ts';
import type { Draft, Source } from './draft.ts';
import { readServer, readServers, type ServerDialect } from './server.ts';

const DIALECT: ServerDialect = { sseByUrl: 'contains', timeout: 's' };

export function readMcpx(draft: Draft, root: Source): void {
  const list = root.has('mcp_servers') ? root.list('mcp_servers', true) : undefined;
  for (const [index, value] of (list ?? []).entries()) {
    const from = [...root.at('mcp_servers'), index];
    if (!isObject(value)) draft.refuse(from, 'expected an object that describes a server');
    else {
      const { name, ...server } = value;
      if (typeof name !== 'string' || name === '') draft.refuse(from, 'a server needs a name');
      else readServer(draft, name, server, from, DIALECT);
    }
  }
  const servers = root.object('mcpServers', true);
  if (servers !== undefined) readServers(draft, servers, DIALECT);
  readSettings(draft, root);
  readDisabledTools(draft, root);
  root.keepRest();
}

function readSettings(draft: Draft, root: Source): void {
  const flag = (key: string, ...path: string[]) => {
    const value = root.flag(key);
    if (value !== undefined) draft.set(path, value, root.at(key));
  };
  const number = (key: string, least: number, ...path: string[]) => {
    const value = root.number(key);
    if (value === undefined) return;
    if (value >= least) draft.set(path, value, root.at(key));
    else draft.warn(root.at(key), `must be at least ${least}; ignored`);
  };
  flag('health_check_enabled', 'defaults', 'health', 'enabled');
  number('health_check_interval', 0.001, 'defaults', 'health', 'interval');
  number('health_check_timeout', 0.001, 'defaults', 'health', 'timeout');
  number('health_check_failure_threshold', 1, 'defaults', 'health', 'failureThreshold');
  flag('toon_compression_enabled', 'compression', 'toon', 'enabled');
  number('toon_compression_min_size', 0, 'compression', 'toon', 'minSize');
  flag('schema_compression_enabled', 'compression', 'schema', 'enabled');
  number('max_description_len', 0, 'compression', 'schema', 'maxDescription');
  flag('include_structured_content', 'converged', 'structuredContent');
}

/** "server.tool": the longest server id that fits, as both halves may hold dots. */
function readDisabledTools(draft: Draft, root: Source): void {
  const from = root.at('disabled_tools');
  for (const entry of root.texts('disabled_tools') ?? []) {
    const [name] = [...draft.ids.keys()].filter((id) => entry.startsWith(`${id}.`)).sort((a, b) => b.length - a.length);
    if (name === undefined) draft.warn(from, `"${entry}" names no server of this file; ignored`);
    else {
      const id = draft.ids.get(name) as string;
      draft.add(['upstreams', id, 'tools', 'disabled'], entry.slice(name.length + 1), from);
    }
  }
}
