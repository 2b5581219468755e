// What a client hears without having asked for it: changed lists, updated resources, log messages; over a legacy
// session's GET stream or a modern `subscriptions/listen`.
import type { ListKind } from '../core/catalog.ts';
import type { CallContext } from '../core/context.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { RequestId } from '../core/rpc.ts';
import { writeNotification } from '../wire/envelope.ts';
import { LOG_LEVELS, META } from '../wire/revisions.ts';
import type { SessionState } from './protocol.ts';
import { invalidParams } from './rpc-failure.ts';
import type { Surface } from './surface.ts';

const LIST_CHANGED: Record<ListKind, string> = {
  tools: 'notifications/tools/list_changed',
  prompts: 'notifications/prompts/list_changed',
  resources: 'notifications/resources/list_changed',
  resourceTemplates: 'notifications/resources/list_changed',
};

/** A legacy client that listens: what it asked for, and how it is told. */
export interface LegacyListener {
  readonly state: SessionState;
  send(text: string): void;
}

/**
 * Sends legacy clients what their revisions send unasked. However many listen to a surface, it is asked once: what each
 * stream holds by itself is what a thousand of them cost (performance row 15).
 */
export class LegacyListeners {
  readonly #bySurface = new Map<Surface, { members: Set<LegacyListener>; stop: () => void }>();

  add(surface: Surface, listener: LegacyListener): void {
    const known = this.#bySurface.get(surface);
    if (known !== undefined) {
      known.members.add(listener);
      return;
    }
    const members = new Set([listener]);
    this.#bySurface.set(surface, { members, stop: listenLegacy(surface, members) });
  }

  remove(surface: Surface, listener: LegacyListener): void {
    const known = this.#bySurface.get(surface);
    if (known === undefined || !known.members.delete(listener) || known.members.size > 0) return;
    known.stop();
    this.#bySurface.delete(surface);
  }
}

/** Sends these clients what their revisions send unasked. Returns what ends it. */
export function listenLegacy(surface: Surface, members: Iterable<LegacyListener>): () => void {
  const tell = (text: string, hears: (state: SessionState) => boolean) => {
    for (const member of members) if (hears(member.state)) member.send(text);
  };
  const stopLists = surface.onListChange((kinds) => {
    for (const method of new Set(kinds.map((kind) => LIST_CHANGED[kind]))) tell(writeNotification(method), () => true);
  });
  const stopOthers = surface.onNotification(({ method, params }) => {
    const { uri, level } = params ?? {};
    if (method === 'notifications/resources/updated') {
      if (typeof uri === 'string')
        tell(writeNotification(method, params), ({ subscriptions }) => subscriptions.has(uri));
    } else if (method === 'notifications/message') {
      tell(writeNotification(method, params), ({ logLevel }) => logLevel !== undefined && reaches(level, logLevel));
    }
  });
  return () => {
    stopLists();
    stopOthers();
  };
}

function reaches(level: unknown, wanted: string): boolean {
  return typeof level === 'string' && LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(wanted);
}

/** The filter of a `subscriptions/listen` (2026-07-28 subscriptions, Notification Filter). */
export interface ListenFilter {
  toolsListChanged?: true;
  promptsListChanged?: true;
  resourcesListChanged?: true;
  resourceSubscriptions?: string[];
}

/** @throws RpcFailure −32602 */
export function readFilter(params: JsonObject): ListenFilter {
  const wanted = params.notifications;
  if (!isObject(wanted)) throw invalidParams('params.notifications must be an object');
  const filter: ListenFilter = {};
  for (const key of ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'] as const) {
    if (wanted[key] === true) filter[key] = true;
    else if (wanted[key] !== undefined && wanted[key] !== false)
      throw invalidParams(`params.notifications.${key} must be a boolean`);
  }
  const uris = wanted.resourceSubscriptions;
  if (uris !== undefined) {
    if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string')) {
      throw invalidParams('params.notifications.resourceSubscriptions must be an array of URIs');
    }
    filter.resourceSubscriptions = [...new Set(uris as string[])];
  }
  return filter;
}

/**
 * Serves one modern subscription: acknowledges what it honours, then sends only that, tagged with its id (MP22).
 * Returns what ends it, upstream subscriptions included.
 */
export async function listenModern(
  surface: Surface,
  id: RequestId,
  filter: ListenFilter,
  context: CallContext,
  send: (text: string) => void,
): Promise<() => void> {
  const tagged = (method: string, params: JsonObject = {}) => {
    const meta = isObject(params._meta) ? params._meta : {};
    send(writeNotification(method, { ...params, _meta: { ...meta, [META.subscriptionId]: id } }));
  };
  const capabilities = surface.capabilities(context.client);
  const honoured: ListenFilter = {};
  if (filter.toolsListChanged && capabilities.tools !== undefined) honoured.toolsListChanged = true;
  if (filter.promptsListChanged && capabilities.prompts !== undefined) honoured.promptsListChanged = true;
  if (filter.resourcesListChanged && capabilities.resources !== undefined) honoured.resourcesListChanged = true;
  const uris = new Set<string>();
  const early: (() => void)[] = [];
  let acknowledged = false;
  const deliver = (run: () => void) => (acknowledged ? run() : early.push(run));
  const stop = [
    surface.onListChange((kinds) => {
      for (const kind of new Set(kinds.map((one) => (one === 'resourceTemplates' ? 'resources' : one)))) {
        if (honoured[`${kind}ListChanged`]) deliver(() => tagged(LIST_CHANGED[kind]));
      }
    }),
    surface.onNotification(({ method, params }) => {
      if (method === 'notifications/resources/updated' && typeof params?.uri === 'string' && uris.has(params.uri)) {
        deliver(() => tagged(method, params));
      }
    }),
  ];
  const subscribed = await Promise.all(
    (filter.resourceSubscriptions ?? []).map((uri) =>
      surface.subscribe(uri, context).then(
        () => uri,
        () => undefined,
      ),
    ),
  );
  for (const uri of subscribed) if (uri !== undefined) uris.add(uri);
  if (filter.resourceSubscriptions !== undefined) honoured.resourceSubscriptions = [...uris];
  tagged('notifications/subscriptions/acknowledged', { notifications: honoured });
  acknowledged = true;
  for (const run of early) run();
  return () => {
    for (const end of stop) end();
    for (const uri of uris) void surface.unsubscribe(uri).catch(() => undefined);
  };
}
