// xiaozhi.config.json (4.4): servers and per-tool switches now; its endpoints and custom tools are kept until the
// gateway has them.
import { isObject } from '../../core/json.ts';
import type { Draft, Source } from './draft.ts';
import { readServers, readTool } from './server.ts';

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
  root.keep('mcpEndpoint', 'endpoints are not available yet');
  root.keep('connection', 'settings of endpoints are not available yet');
  root.keep('customMCP', 'custom tools are not available yet');
  root.keep('platforms', 'custom tools are not available yet');
  root.keep('toolCallLog', 'the call log has no settings yet');
  root.keepRest();
}

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
