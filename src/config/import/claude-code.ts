// Claude Code keeps servers for the user and for each project in one large file, next to much that is nobody's
// business: of this file only servers are read, and nothing else is kept.
import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../../core/json.ts';
import type { Draft, Source } from './draft.ts';
import { readServer } from './server.ts';

/** Servers of the user first; a project's server of the same name and content is the same server. */
export function readClaudeCode(draft: Draft, root: Source): void {
  const seen = new Map<string, unknown[]>();
  const read = (servers: Source | undefined) => {
    for (const [name, value] of servers?.entries() ?? []) {
      const equal = seen.get(name) ?? [];
      if (equal.some((other) => isDeepStrictEqual(other, value))) continue;
      seen.set(name, [...equal, value]);
      readServer(draft, name, value, servers?.at(name) ?? [], {});
    }
  };
  read(root.object('mcpServers', true));
  const projects = root.object('projects');
  for (const [project, value] of projects?.entries() ?? []) {
    if (isObject(value)) read(projects?.object(project)?.object('mcpServers', true));
  }
}
