// Starting leaves ten megabytes of garbage that nobody collects while nothing is called. It is collected once, when the
// gateway has come to rest (performance row 13); an embedding program decides for itself.
import { getHeapStatistics } from 'node:v8';
import type { EventStream } from '../core/events.ts';

/** Milliseconds without news of an upstream. */
const REST = 1_500;
/** Bytes; a collection of more than this would be noticed by whoever calls next. */
const LARGEST = 100 * 1024 * 1024;

/** Collects once. `idle` says that nobody waits for an answer. Returns what calls it off. */
export function tidyHeap(
  events: EventStream,
  idle: () => boolean,
  collect: () => unknown = collectGarbage,
): () => void {
  const timer = setTimeout(() => {
    if (!idle()) return void timer.refresh();
    stop();
    if (getHeapStatistics().used_heap_size < LARGEST) void collect();
  }, REST);
  timer.unref();
  const unsubscribe = events.subscribe((event) => {
    if (event.type === 'upstream.state') timer.refresh();
  });
  const stop = (): void => {
    clearTimeout(timer);
    unsubscribe();
  };
  return stop;
}

/** As memory pressure would: unlike `gc()`, this gives the emptied pages back to the system. */
async function collectGarbage(): Promise<void> {
  try {
    const { Session, url } = await import('node:inspector');
    // Whoever debugs the gateway has the inspector to himself.
    if (url() !== undefined) return;
    const session = new Session();
    session.connect();
    session.post('HeapProfiler.collectGarbage', () => setImmediate(() => session.disconnect()));
  } catch {
    // A Node without an inspector keeps its garbage until it needs the room.
  }
}
