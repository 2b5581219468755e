// mcphub's mcp_settings.json: servers, groups (our views) and the key its clients send. Users and their password
// hashes are nothing for us and are not kept.
import { isObject } from '../../core/json.ts';
import { freeName } from '../document.ts';
import { isReserved } from '../reserved.ts';
import type { Draft, Source } from './draft.ts';
import { readServers } from './server.ts';

export function readMcphub(draft: Draft, root: Source): void {
  const servers = root.object('mcpServers', true);
  if (servers !== undefined) readServers(draft, servers, { timeout: 'ms' });
  (root.list('groups') ?? []).forEach((group, index) => {
    readGroup(draft, group, [...root.at('groups'), index]);
  });
  readKeys(draft, root);
  root.take('users');
  root.keepRest();
}

function readGroup(draft: Draft, group: unknown, from: (string | number)[]): void {
  if (!isObject(group) || typeof group.name !== 'string' || group.name === '') {
    draft.warn(from, 'a group without a name; ignored');
    return;
  }
  const taken = (name: string) =>
    isReserved(name) || draft.get(['upstreams', name]) !== undefined || draft.get(['views', name]) !== undefined;
  const name = taken(group.name) ? freeName(group.name, taken) : group.name;
  if (name !== group.name) draft.warn(from, 'the name of this group is taken', `the view is called "${name}"`);
  const upstreams: string[] = [];
  const allow: string[] = [];
  for (const member of Array.isArray(group.servers) ? (group.servers as unknown[]) : []) {
    const server = isObject(member) ? member.name : member;
    const id = typeof server === 'string' ? draft.ids.get(server) : undefined;
    if (id === undefined) {
      draft.warn(from, 'this group names a server that is not in the file; ignored');
      continue;
    }
    upstreams.push(id);
    const tools = isObject(member) && Array.isArray(member.tools) ? (member.tools as unknown[]) : ['*'];
    for (const tool of tools) if (typeof tool === 'string') allow.push(`${id}/${tool}`);
  }
  draft.set(['views', name], { upstreams, tools: { allow } }, from);
}

function readKeys(draft: Draft, root: Source): void {
  const system = root.object('systemConfig');
  const routing = system?.object('routing');
  const key = routing?.text('bearerAuthKey');
  if (routing?.flag('enableBearerAuth') === true && key !== undefined && key !== '')
    draft.add(['keys'], { name: 'mcphub', key }, routing.at('bearerAuthKey'));
  for (const [index, entry] of (root.list('bearerKeys') ?? []).entries()) {
    const from = [...root.at('bearerKeys'), index];
    if (!isObject(entry) || typeof entry.token !== 'string' || entry.enabled === false) continue;
    if (entry.accessType !== undefined && entry.accessType !== 'all')
      draft.warn(from, 'keys for single groups are not available yet; this key is left out');
    else {
      const name = typeof entry.name === 'string' ? entry.name : `mcphub-${index + 1}`;
      draft.add(['keys'], { name, key: entry.token }, from);
    }
  }
}
