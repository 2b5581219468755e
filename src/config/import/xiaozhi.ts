// xiaozhi.config.json (4.4): endpoints, servers, per-tool switches and custom tools.
import { isObject } from '../../core/json.ts';
import type { Draft, Source } from './draft.ts';
import { readServers, readTool } from './server.ts';
import { readCustomTools } from './xiaozhi-custom.ts';

export function readXiaozhi(draft: Draft, root: Source): void {
  const servers = root.object('mcpServers', true);
  if (servers !== undefined) readServers(draft, servers, { sseByUrl: 'ends', timeout: 'ms', cwd: '.' });
  const config = root.object('mcpServerConfig');
  for (const [server] of config?.entries() ?? []) {
    const tools = config?.object(server)?.object('tools');
    const id = draft.ids.get(server);
    for (const [tool, value] of tools?.entries() ?? [])
      if (id !== undefined && isObject(value)) readTool(draft, id, tool, value, tools?.at(tool) ?? []);
  }
  readModelscope(draft, root);
  const port = root.object('webUI')?.number('port');
  if (port !== undefined) draft.set(['server', 'port'], port, root.at('webUI'));
  readEndpoints(draft, root);
  readCustomTools(draft, root);
  root.keep('toolCallLog', 'the call log has no settings yet');
  root.keepRest();
}

/** An address or a list of them; placeholders stay in, so that they are told (D-05). */
function readEndpoints(draft: Draft, root: Source): void {
  const given = root.take('mcpEndpoint');
  const from = root.at('mcpEndpoint');
  if (given !== undefined && typeof given !== 'string' && !Array.isArray(given))
    draft.refuse(from, 'expected a text or a list of texts');
  else if (given !== undefined) {
    const usable = [given].flat().filter((url, index): url is string => {
      if (typeof url === 'string' && /^\s*(wss?:\/\/.|$)|[<$]/i.test(url)) return true;
      draft.warn([...from, index], 'this is not a URL that starts with ws:// or wss://; ignored');
      return false;
    });
    draft.set(['endpoints'], usable, from);
  }
  const connection = root.object('connection');
  if (connection === undefined) return;
  const set = (key: string, value: unknown, native: string) => {
    if (value !== undefined) draft.set(['endpointDefaults', ...native.split('.')], value, connection.at(key));
  };
  for (const [key, native] of Object.entries(TIMES)) {
    const value = connection.number(key);
    if (value !== undefined && value > 0) set(key, `${value}ms`, native);
  }
  // The heartbeat is what really asks; the historical health check read a flag.
  const check = connection.number('healthCheckInterval');
  if (!connection.has('heartbeatInterval') && check !== undefined && check > 0)
    set('healthCheckInterval', `${check}ms`, 'health.interval');
  const attempts = connection.number('maxReconnectAttempts');
  if (attempts !== undefined) set('maxReconnectAttempts', Math.max(1, Math.round(attempts)), 'reconnect.quickAttempts');
  set('autoReconnect', connection.flag('autoReconnect'), 'reconnect.enabled');
  const strategy = connection.text('loadBalanceStrategy');
  if (strategy !== undefined && STRATEGIES.includes(strategy)) set('loadBalanceStrategy', strategy, 'strategy');
  else if (strategy !== undefined) draft.warn(connection.at('loadBalanceStrategy'), 'unknown strategy; ignored');
  connection.keepRest();
}

/** Milliseconds there. */
const TIMES: Readonly<Record<string, string>> = {
  heartbeatInterval: 'health.interval',
  heartbeatTimeout: 'health.timeout',
  reconnectInterval: 'reconnect.baseDelay',
  connectionTimeout: 'timeouts.dial',
};
const STRATEGIES: readonly string[] = ['round-robin', 'random', 'health-based'];

/** The key of the hosting platform goes to the servers that run there and have no credentials (E-06). */
function readModelscope(draft: Draft, root: Source): void {
  const key = root.object('modelscope')?.text('apiKey');
  if (key === undefined || key === '') return;
  for (const id of draft.ids.values()) {
    const url = draft.get(['upstreams', id, 'url']);
    const headers = draft.get(['upstreams', id, 'headers']);
    if (typeof url !== 'string' || !URL.canParse(url) || !/(^|\.)modelscope\.(net|cn)$/.test(new URL(url).hostname))
      continue;
    if (isObject(headers) && Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')) continue;
    draft.set(['upstreams', id, 'headers', 'Authorization'], `Bearer ${key}`, root.at('modelscope'));
  }
}
