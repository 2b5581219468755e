// Refuses new work before the heap is full: a call told "overloaded" can be repeated, a gateway that died cannot answer
// anybody (reliability F-G8).
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import { GatewayFault } from '../core/fault.ts';

export interface HeapGuardOptions {
  /** Told when it begins to refuse and when it takes calls again; `used` is a share of the limit. */
  changed?: ((full: boolean, used: number) => void) | undefined;
  /** Share of the heap that is used, 0 to 1; for tests. */
  used?: (() => number) | undefined;
}

/** Milliseconds between two looks; one costs some microseconds. */
const LOOK = 1_000;
/** Calls are refused above the first and taken again below the second: a collection lies between them. */
const FULL = 0.92;
const FREE = 0.8;
const RETRY_AFTER = 2_000;

/** Looks at the heap from its making to `close`; never keeps the process alive. */
export class HeapGuard {
  readonly #options: HeapGuardOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #full = false;

  constructor(options: HeapGuardOptions = {}) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), LOOK);
    this.#timer.unref();
  }

  get full(): boolean {
    return this.#full;
  }

  look(): void {
    const used = (this.#options.used ?? heapUsed)();
    const full = this.#full ? used > FREE : used > FULL;
    if (full === this.#full) return;
    this.#full = full;
    this.#options.changed?.(full, used);
  }

  /** For the way of every call. @throws GatewayFault OVERLOADED while the heap is nearly full */
  admit(): void {
    if (!this.#full) return;
    throw new GatewayFault('OVERLOADED', 'the gateway is short of memory and takes no calls for a moment', {
      retryAfterMs: RETRY_AFTER,
      hint: 'Lower limits.message or limits.gateway, or give the process more memory (NODE_OPTIONS).',
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

/** Half of the young generation, unless Node is told otherwise; the limit of the heap counts three of them. */
const SEMI_SPACE = 16 * 1024 * 1024;
/** Below this a small heap is full, whatever its share: one burst of calls fills it within a look. */
const LEAST_LEFT = 16 * 1024 * 1024;

/**
 * Share of the old generation that is used: V8 ends the process when that is full, however empty the young one is. In a
 * container of half a gigabyte the young one is a sixth of the limit.
 */
function heapUsed(): number {
  const { heap_size_limit: limit, used_heap_size: used } = getHeapStatistics();
  let young = 0;
  for (const { space_name: name, space_used_size: size } of getHeapSpaceStatistics())
    if (name.startsWith('new_')) young += size;
  const old = limit - 3 * semiSpace();
  return (used - young) / Math.min(old, (old - LEAST_LEFT) / FULL);
}

/** `--max-semi-space-size` in bytes. */
function semiSpace(): number {
  const options = `${process.execArgv.join(' ')} ${process.env.NODE_OPTIONS ?? ''}`;
  const given = /--max[-_]semi[-_]space[-_]size[= ](\d+)/.exec(options)?.[1];
  return given === undefined ? SEMI_SPACE : Number(given) * 1024 * 1024;
}
