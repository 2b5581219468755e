// What is kept of client sessions, the same at every gateway (requirements F-R1). Each keeps all of it, so that no
// request waits for the store; changes travel as messages, and what was missed is made up for when the store is back.
import type { Cluster } from './cluster.ts';

/** Fields with texts; the holder drops what has expired. */
export interface SharedFields {
  fields(): Map<string, string>;
  take(field: string, text: string | undefined): void;
  onChange(listener: (field: string, text: string | undefined) => void): void;
}

const HASH = 'sessions';
const TOPIC = 'session';

export function shareSessions(cluster: Cluster, sessions: SharedFields): void {
  /** Changed here, and not known to be in the store; gone ones are undefined. */
  const unsaved = new Map<string, string | undefined>();

  async function save(field: string): Promise<void> {
    const text = unsaved.get(field);
    await (text === undefined ? cluster.store.drop(HASH, field) : cluster.store.put(HASH, field, text));
    if (unsaved.get(field) === text) unsaved.delete(field);
    cluster.tell(TOPIC, [field, text ?? null]);
  }

  async function meet(): Promise<void> {
    for (const field of [...unsaved.keys()]) await save(field);
    const kept = await cluster.store.fields(HASH);
    for (const [field, text] of kept) sessions.take(field, text);
    const now = sessions.fields();
    for (const [field, text] of now) if (!kept.has(field)) await cluster.store.put(HASH, field, text);
    // Refused here because it is over: nobody needs it any more.
    for (const field of kept.keys()) if (!now.has(field)) await cluster.store.drop(HASH, field);
  }

  sessions.onChange((field, text) => {
    unsaved.set(field, text);
    save(field).catch(() => undefined);
  });
  cluster.on(TOPIC, (body) => {
    const [field, text] = body as [string, string | null];
    sessions.take(field, text ?? undefined);
  });
  cluster.onReady(() => void meet().catch(() => undefined));
}
