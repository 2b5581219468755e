// mcpo: `mcpServers` and a few settings for all connections (B-60, U-02).
import type { Draft, Source } from './draft.ts';
import { readOAuth } from './oauth.ts';
import { readConnection, readForwarding, readServers } from './server.ts';

export function readMcpo(draft: Draft, root: Source): void {
  const servers = root.object('mcpServers', true);
  if (servers !== undefined) readServers(draft, servers, { timeout: 's' });
  const shared = root.object('global_connection_settings');
  if (shared !== undefined)
    readConnection(shared, (key, value) => draft.set(['defaults', ...key.split('.')], value, shared.path), 'default_');
  readOAuth(root, (key, value) => draft.set(['defaults', 'oauth', key], value, root.at('oauth')));
  readForwarding(root, (key, value) =>
    draft.set(['defaults', 'forwardHeaders', key], value, root.at('client_header_forwarding')),
  );
  root.keepRest();
}
