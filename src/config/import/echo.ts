// mcp_servers.json of the process manager (C-70), and the versions it exports (C-61).
import { isObject } from '../../core/json.ts';
import type { Draft, Source } from './draft.ts';
import { readServers } from './server.ts';

export function readEcho(draft: Draft, root: Source): void {
  const servers = root.object('mcpServers', true);
  if (servers !== undefined) readServers(draft, servers, { timeout: 's' });
  const shared = root.object('environmentVariables');
  for (const [name, value] of shared?.entries() ?? []) {
    const from = shared?.at(name) ?? [];
    if (isObject(value)) {
      draft.add(['defaults', 'inheritEnv'], name, from);
      if (value.required === true) draft.add(['defaults', 'requiredEnv'], name, from);
    } else if (value !== null) draft.set(['defaults', 'env', name], value, from);
  }
  const connection = root.object('connection');
  if (connection !== undefined) {
    const set = (value: number | undefined, ...path: string[]) => {
      if (value !== undefined && value > 0) draft.set(['defaults', ...path], value, connection.path);
    };
    set(connection.number('timeout'), 'timeouts', 'connect');
    const retry = connection.object('retry');
    set(retry?.number('attempts'), 'recovery', 'connect', 'quickAttempts');
    set(retry?.number('delay'), 'recovery', 'connect', 'minInterval');
  }
  root.keepRest();
}

/** `{version, timestamp, servers}`. */
export function readEchoExport(draft: Draft, root: Source): void {
  const servers = root.object('servers', true);
  if (servers !== undefined) readServers(draft, servers, { timeout: 's' });
  root.keepRest();
}
