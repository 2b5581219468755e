// What an upstream tells one gateway, told to the clients of all (requirements F-R7). Servers that all gateways talk to
// tell each of them; a process tells only its own gateway, so what it says is passed on.
import { createHash } from 'node:crypto';
import type { ListKind } from '../core/catalog.ts';
import type { RpcNotification } from '../core/rpc.ts';
import type { UpstreamLists } from '../core/upstream.ts';
import type { Cluster } from './cluster.ts';

export interface SharedEvents {
  /** Whether an upstream is a process of each gateway's own. */
  local(upstream: string): boolean;
  lists(upstream: string): UpstreamLists | undefined;
  onNotification(listener: (upstream: string, notification: RpcNotification) => void): () => void;
  onListChange(listener: (view: string, kinds: readonly ListKind[]) => void): () => void;
  /** Tells the clients here, as if the upstream had. */
  heard(upstream: string, notification: RpcNotification): void;
  listsChanged(upstream: string, kinds: readonly ListKind[]): void;
}

const UPDATED = 'resource.updated';
const LISTS = 'lists.changed';

export function shareEvents(cluster: Cluster, events: SharedEvents): void {
  /** What came from another gateway is not told it again. */
  let passing = false;
  const pass = (run: () => void): void => {
    passing = true;
    run();
    passing = false;
  };
  events.onNotification((upstream, notification) => {
    if (passing) return;
    if (notification.method === 'notifications/resources/updated' && events.local(upstream))
      cluster.tell(UPDATED, { upstream, notification });
  });
  cluster.on(UPDATED, (body) => {
    const { upstream, notification } = body as { upstream: string; notification: RpcNotification };
    pass(() => events.heard(upstream, notification));
  });
  // Each upstream has a view of its own name.
  events.onListChange((view, kinds) => {
    if (!passing && events.local(view))
      cluster.tell(LISTS, { upstream: view, kinds, hash: hashOf(events.lists(view)) });
  });
  cluster.on(LISTS, (body) => {
    const { upstream, kinds, hash } = body as { upstream: string; kinds: ListKind[]; hash: string };
    // One that has just started lists what ours lists too: nothing has changed for anybody.
    if (hash !== hashOf(events.lists(upstream))) pass(() => events.listsChanged(upstream, kinds));
  });
}

function hashOf(lists: UpstreamLists | undefined): string {
  const { tools, resources, resourceTemplates, prompts } = lists ?? {};
  return createHash('sha256')
    .update(JSON.stringify([tools, resources, resourceTemplates, prompts]))
    .digest('base64url');
}
