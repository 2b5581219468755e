// mcpo: `mcpServers` and a few settings for all connections (B-60, U-02).
import type { Draft, Source } from './draft.ts';
import { readConnection, readServers } from './server.ts';

export function readMcpo(draft: Draft, root: Source): void {
  const servers = root.object('mcpServers', true);
  if (servers !== undefined) readServers(draft, servers, { timeout: 's' });
  const shared = root.object('global_connection_settings');
  if (shared !== undefined)
    readConnection(shared, (key, value) => draft.set(['defaults', ...key.split('.')], value, shared.path), 'default_');
  root.keep('oauth', 'OAuth to upstreams is not available yet');
  root.keep('client_header_forwarding', 'forwarding of headers is not available yet');
  root.keepRest();
}
