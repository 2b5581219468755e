// Who is connected, and for whom something is kept: what an operator is shown of client sessions (10.18). A session that
// only calls keeps nothing here and is seen in the history of calls.
import type { ClientDescription } from '../../core/context.ts';

export interface ClientSession {
  /**
   * `events`: the GET stream of a legacy session; `subscription`: a modern `subscriptions/listen`; `sse`: revision
   * 2024-11-05; `kept`: a legacy session whose subscriptions or log level are kept.
   */
  kind: 'events' | 'subscription' | 'sse' | 'kept';
  /** Name and version as the client says them; absent before it has introduced itself. */
  client?: string | undefined;
  principal?: string | undefined;
  view?: string | undefined;
  revision?: string | undefined;
  /** ISO time. */
  since?: string | undefined;
  subscriptions?: readonly string[] | undefined;
  logLevel?: string | undefined;
  /** ISO time: when it is forgotten. */
  expires?: string | undefined;
}

interface Connected {
  client: ClientDescription | undefined;
  principal: { id: string };
  surface: { name: string };
}

/** A stream that stands open. `since` in milliseconds since 1970. */
export function openSession(
  kind: ClientSession['kind'],
  { client, principal, surface }: Connected,
  since: number,
): ClientSession {
  const { name = '', version = '' } = client?.info ?? {};
  return {
    kind,
    client: client && `${name} ${version}`.trim(),
    principal: principal.id,
    view: surface.name,
    revision: client?.revision,
    since: new Date(since).toISOString(),
  };
}
