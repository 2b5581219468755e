// Codex writes TOML: `[mcp_servers.<name>]`. Everything else in its file is about the model and stays where it is.
import type { Draft, Source } from './draft.ts';
import { readServers } from './server.ts';

export function readCodex(draft: Draft, root: Source): void {
  const servers = root.object('mcp_servers', true);
  if (servers !== undefined) readServers(draft, servers, { timeout: 's' });
  else draft.refuse(root.path, 'expected the table [mcp_servers]');
}
