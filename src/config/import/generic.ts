// `mcpServers` as Claude Desktop, Cursor, Windsurf, Gemini, the reference bridge and many others write it; a bare map
// of servers; and VS Code's `servers`.
import type { Draft, Source } from './draft.ts';
import { readServers, type ServerDialect } from './server.ts';

/** A file with its servers under one key. */
export function readGeneric(draft: Draft, root: Source, key = 'mcpServers', dialect: ServerDialect = {}): void {
  const servers = root.object(key, true);
  if (servers !== undefined) readServers(draft, servers, dialect);
  else if (!root.has(key)) draft.refuse(root.path, `expected the key "${key}"`);
  root.keepRest();
}

/** The inner map alone, as people cut it out of a larger file. */
export function readBareMap(draft: Draft, root: Source): void {
  readServers(draft, root);
}

/** VS Code: `servers` in mcp.json, or under `mcp` in settings.json; `inputs` are secrets to be asked for. */
export function readVscode(draft: Draft, root: Source): void {
  const holder = root.has('servers') ? root : (root.object('mcp') ?? root);
  const servers = holder.object('servers', true);
  if (servers !== undefined) readServers(draft, servers);
  else draft.refuse(root.path, 'expected the key "servers"');
  holder.keep('inputs');
  if (holder === root) root.keepRest();
}
