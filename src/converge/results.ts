// Keeps results that are too large to be shown whole, so that the model reads on where it needs to (requirements 10.27).
import { randomBytes } from 'node:crypto';
import { GatewayFault } from '../core/fault.ts';

export const RESULT_SCHEME = 'holdfast://result/';

/** What is shown at once of a result that is too large, in bytes. */
export const PREVIEW = 4 * 1024;

export interface ResultStoreLimits {
  /** Milliseconds that a result is kept. */
  ttl?: number | undefined;
  /** Bytes of all results together; the oldest go first. */
  total?: number | undefined;
}

interface Kept {
  principal: string;
  bytes: Buffer;
  expires: number;
}

/** One part of a kept result. */
export interface Page {
  text: string;
  from: number;
  to: number;
  total: number;
  /** Where the next part is; undefined at the end. */
  next: string | undefined;
}

/** The kept results of one gateway. */
export class ResultStore {
  readonly #ttl: number;
  readonly #total: number;
  readonly #kept = new Map<string, Kept>();
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ ttl = 600_000, total = 64 * 1024 * 1024 }: ResultStoreLimits = {}) {
    this.#ttl = ttl;
    this.#total = total;
  }

  /** Keeps a text for this principal and gives its id; undefined for one that is larger than everything may be. */
  keep(text: string, principal: string): { id: string; bytes: Buffer } | undefined {
    const bytes = Buffer.from(text);
    if (bytes.length > this.#total) return undefined;
    const id = randomBytes(12).toString('base64url');
    this.#kept.set(id, { principal, bytes, expires: performance.now() + this.#ttl });
    this.#size += bytes.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= this.#total) break;
      this.#drop(oldest);
    }
    this.#schedule();
    return { id, bytes };
  }

  /**
   * The part of a kept result that a URI asks for, at most `most` bytes, cut between characters.
   * @throws GatewayFault RESOURCE_UNKNOWN: never kept, kept for somebody else, or gone
   */
  read(uri: string, principal: string, most: number): Page {
    const match = /^holdfast:\/\/result\/([\w-]+)(?:\?(.*))?$/.exec(uri);
    const kept = match === null ? undefined : this.#kept.get(match[1] as string);
    if (match === null || kept === undefined || kept.principal !== principal || kept.expires <= performance.now()) {
      throw new GatewayFault(
        'RESOURCE_UNKNOWN',
        `no result is kept under ${uri.slice(0, 200)}; results are kept for ${Math.round(this.#ttl / 60_000)} minutes`,
        {
          hint: 'The result is gone: call the tool again.',
        },
      );
    }
    const query = new URLSearchParams(match[2] ?? '');
    const total = kept.bytes.length;
    const from = boundary(kept.bytes, position(query.get('from'), 0, total));
    const asked = position(query.get('to'), total, total);
    const to = boundary(kept.bytes, Math.max(from, Math.min(asked, from + Math.max(4, most))));
    return {
      text: kept.bytes.toString('utf8', from, to),
      from,
      to,
      total,
      next: to < total ? addressOf(match[1] as string, to, Math.min(total, to + most)) : undefined,
    };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#kept.clear();
    this.#size = 0;
  }

  #drop(id: string): void {
    this.#size -= this.#kept.get(id)?.bytes.length ?? 0;
    this.#kept.delete(id);
  }

  #schedule(): void {
    const [first] = this.#kept.values();
    if (this.#timer !== undefined || first === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        const now = performance.now();
        for (const [id, { expires }] of this.#kept) if (expires <= now) this.#drop(id);
        this.#schedule();
      },
      Math.max(1, first.expires - performance.now() + 1),
    );
    this.#timer.unref();
  }
}

/** The URI of a part of a kept result. */
export function addressOf(id: string, from: number, to: number): string {
  return `${RESULT_SCHEME}${id}?from=${from}&to=${to}`;
}

/** The nearest index at or before `at` where a character begins. */
export function boundary(bytes: Buffer, at: number): number {
  let index = at;
  while (index > 0 && index < bytes.length && ((bytes[index] as number) & 0xc0) === 0x80) index--;
  return index;
}

function position(text: string | null, otherwise: number, total: number): number {
  const value = text === null ? Number.NaN : Number.parseInt(text, 10);
  return Number.isNaN(value) ? otherwise : Math.max(0, Math.min(value, total));
}
