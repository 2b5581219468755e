// V8 counts the bytes of messages, which lie outside of its heap, towards the next collection of the whole heap. A heap
// as small as that of a gateway at rest is then collected after every ten messages of a megabyte, which costs more than
// the messages do (performance rows 9, 10). While that goes on it gets more room; an embedding program decides for itself.
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/** So many collections of the whole heap within so many milliseconds are too many. */
const OFTEN = 4;
const WITHIN = 1_000;
/** How long it keeps the room, in milliseconds. */
const KEPT = 60_000;
/** Bytes; a larger heap has room enough, and its garbage would be seen. */
const LARGEST = 100 * 1024 * 1024;
/** By how much the old generation may grow until the next collection, in percent: as V8 does for a busy program. */
const ROOMY = 300;
/** V8 decides. */
const AS_EVER = 0;

export interface HeapRoomOptions {
  grow?: (percent: number) => void;
  heapUsed?: () => number;
}

/** Told of each collection of the whole heap, by the clock of `performance.now()`. */
export class HeapRoom {
  readonly #grow: (percent: number) => void;
  readonly #heapUsed: () => number;
  #recent: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor({
    grow = (percent) => setFlagsFromString(`--heap-growing-percent=${percent}`),
    heapUsed = () => getHeapStatistics().used_heap_size,
  }: HeapRoomOptions = {}) {
    this.#grow = grow;
    this.#heapUsed = heapUsed;
  }

  collected(at: number): void {
    this.#recent = [...this.#recent.slice(1 - OFTEN), at];
    if (this.#timer !== undefined || this.#recent.length < OFTEN) return;
    if (at - (this.#recent[0] as number) > WITHIN || this.#heapUsed() > LARGEST) return;
    this.#grow(ROOMY);
    this.#timer = setTimeout(() => this.close(), KEPT);
    this.#timer.unref();
  }

  /** Everything is as V8 has it. */
  close(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#recent = [];
    this.#grow(AS_EVER);
  }
}

/** Watches the collections of this process. Returns what ends it. */
export function watchHeap(room = new HeapRoom()): () => void {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail, startTime } = entry as PerformanceEntry & { detail: { kind: number } };
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) room.collected(startTime);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => {
    observer.disconnect();
    room.close();
  };
}
