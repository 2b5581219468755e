// The calls of late: a ring of rows that are used again, and lines of JSON on disk. A call costs the assignments of one
// row; lines are written together, a moment later.
import { createHash } from 'node:crypto';
import type { CallLogConfig } from '../config/schema-monitor.ts';
import type { CallFinished } from '../core/events.ts';
import type { CallQuery, CallRow } from '../core/ports.ts';
import { redactValue } from '../core/redact.ts';
import { ID_LENGTH, LineWriter } from './call-lines.ts';
import type { RotatedFile } from './rotated-file.ts';

export interface CallsOptions {
  config: CallLogConfig;
  redact(text: string): string;
  /** Where lines go; undefined: memory only. */
  file: RotatedFile | undefined;
}

/** One call in the ring; times in milliseconds. */
export class KeptCall {
  at = 0;
  /** Empty while it stands in the slab of ids. */
  id = '';
  face = '';
  client = '';
  upstream = '';
  method = '';
  subject = '';
  outcome = '';
  fault: string | undefined;
  attempts = 0;
  queue = 0;
  upstreamTime = 0;
  total = 0;
  bytes = 0;
  saved = 0;
  /** JSON text, or a hash. */
  arguments: string | undefined;
}

/** How long lines wait for others, in milliseconds. */
const TOGETHER = 500;
/** Longer names are cut: they are anybody's text. */
const LONGEST_NAME = 500;
const MOST_NAMES = 2000;
const LONGEST_ARGUMENTS = 2048;
/** Calls that may have ended between a call and what is said of it. */
const LOOK_BACK = 64;
/** Milliseconds. */
const NOTABLY_SLOW = 1000;
/** Notable calls may be so many times more than the ordinary ones. */
const MOST_NOTABLE = 3;

export class Calls {
  readonly #options: CallsOptions;
  readonly #lines: LineWriter;
  readonly #names = new Map<string, string>();
  /** Ids of our own making, letter by letter: as strings they would live long enough to be moved to the old heap. */
  readonly #ids: Buffer;
  #ring: KeptCall[] = [];
  #before: KeptCall | undefined;
  /** Calls so far; the newest stands at `(#count - 1) % length`. */
  #count = 0;
  #written = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CallsOptions) {
    this.#options = options;
    this.#lines = new LineWriter(options.redact);
    this.#ids = options.config.enabled ? Buffer.alloc(options.config.maxRecords * ID_LENGTH) : Buffer.alloc(0);
  }

  get count(): number {
    return this.#count;
  }

  take(event: CallFinished): void {
    const { config, file } = this.#options;
    const at = this.#count % config.maxRecords;
    let row = this.#ring[at];
    if (row === undefined) {
      row = new KeptCall();
      this.#ring[at] = row;
    }
    this.#count++;
    row.at = Date.now();
    if (event.id.length === ID_LENGTH) {
      this.#ids.write(event.id, at * ID_LENGTH, ID_LENGTH, 'latin1');
      row.id = '';
    } else row.id = event.id;
    row.face = event.face;
    const nameless = event.principal === 'local' || event.principal === 'anonymous';
    const before = this.#before;
    this.#before = row;
    const client = nameless ? event.client : event.principal;
    // Most calls are like the one before: comparing is cheaper than looking up.
    row.client = before?.client === client ? before.client : this.#name(client);
    row.upstream = before?.upstream === event.upstream ? before.upstream : this.#name(event.upstream);
    row.method = event.method;
    row.subject = before?.subject === event.subject ? before.subject : this.#name(event.subject);
    row.outcome = event.outcome;
    row.fault = event.fault;
    row.attempts = event.attempts;
    row.queue = event.queue;
    row.upstreamTime = event.upstreamTime;
    row.total = event.total;
    row.bytes = event.bytes;
    row.saved = event.tokensSaved ?? 0;
    row.arguments =
      config.arguments === 'none' || event.params === undefined ? undefined : this.#arguments(event.params);
    if (file !== undefined) this.#timer ??= setTimeout(this.#flush, TOGETHER).unref();
  }

  /** What a view made of the result of a call that was told a moment ago. */
  saved(id: string, tokens: number): void {
    let looked = 0;
    for (const { row, at } of this.#newestFirst()) {
      if (this.#id(row, at) === id) {
        row.saved += tokens;
        return;
      }
      if (++looked >= LOOK_BACK) return;
    }
  }

  /** Rows that fit, the newest first. */
  find(query: CallQuery): CallRow[] {
    const found: CallRow[] = [];
    const words = query.text?.toLowerCase().split(/\s+/).filter(Boolean) ?? [];
    for (const { row, at } of this.#newestFirst()) {
      if (query.since !== undefined && row.at < query.since) break;
      if (!fits(row, query) || (query.id !== undefined && this.#id(row, at) !== query.id)) continue;
      const shown = this.#show(row, at);
      if (words.length > 0) {
        const text = Object.values(shown).join(' ').toLowerCase();
        if (!words.every((word) => text.includes(word))) continue;
      }
      found.push(shown);
      if (found.length >= query.limit) break;
    }
    return found;
  }

  /** Rows since the `after`-th call, the oldest first, at most `limit`. */
  since(after: number, limit: number): CallRow[] {
    const first = Math.max(after, this.#count - Math.min(limit, this.#ring.length));
    const found: CallRow[] = [];
    for (let index = first; index < this.#count; index++) {
      const at = index % this.#options.config.maxRecords;
      found.push(this.#show(this.#ring[at] as KeptCall, at));
    }
    return found;
  }

  /** What was cleaned once may have to be cleaned of other secrets now. */
  secretsChanged(): void {
    this.#lines.forget();
  }

  /** Writes what is left. */
  close(): void {
    clearTimeout(this.#timer);
    if (this.#options.file !== undefined) this.#flush();
  }

  *#newestFirst(): Generator<{ row: KeptCall; at: number }> {
    const { maxRecords } = this.#options.config;
    const kept = Math.min(this.#count, maxRecords);
    for (let back = 1; back <= kept; back++) {
      const at = (this.#count - back) % maxRecords;
      yield { row: this.#ring[at] as KeptCall, at };
    }
  }

  #id(row: KeptCall, at: number): string {
    return row.id === '' ? this.#ids.toString('latin1', at * ID_LENGTH, (at + 1) * ID_LENGTH) : row.id;
  }

  /** The same text as one string: callers and tools are few, and each call brings its own copy of their names. */
  #name(text: string): string {
    if (text.length > LONGEST_NAME) return cut(text);
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    if (this.#names.size >= MOST_NAMES) this.#names.clear();
    this.#names.set(text, text);
    return text;
  }

  #show(row: KeptCall, at: number): CallRow {
    const { redact } = this.#options;
    return {
      id: redact(this.#id(row, at)),
      at: new Date(row.at).toISOString(),
      face: row.face,
      client: redact(row.client),
      upstream: row.upstream,
      method: row.method,
      subject: redact(row.subject),
      outcome: row.outcome,
      ...(row.fault !== undefined && { fault: row.fault }),
      attempts: row.attempts,
      queue: round(row.queue),
      upstreamTime: round(row.upstreamTime),
      total: round(row.total),
      bytes: row.bytes,
      ...(row.saved > 0 && { tokensSaved: row.saved }),
      ...(row.arguments !== undefined && { arguments: shown(row.arguments) }),
    };
  }

  /**
   * Writes what came since the last time. When there is more than may be written, the ordinary calls are thinned out
   * evenly: a line costs ten times what its call costs the counters, and at such rates the file would not reach back
   * a minute anyway.
   */
  readonly #flush = (): void => {
    this.#timer = undefined;
    const { file, config } = this.#options;
    const first = Math.max(this.#written, this.#count - config.maxRecords);
    const budget = Math.max(1, Math.round((config.perSecond * TOGETHER) / 1000));
    const every = Math.ceil((this.#count - first) / budget);
    let left = budget * MOST_NOTABLE;
    let skipped = first - this.#written;
    for (let index = first; index < this.#count; index++) {
      const at = index % config.maxRecords;
      const row = this.#ring[at] as KeptCall;
      if (left > 0 && (every === 1 || index % every === 0 || notable(row))) {
        this.#lines.line(row, this.#ids, at * ID_LENGTH);
        left--;
      } else skipped++;
    }
    this.#written = this.#count;
    if (skipped > 0) this.#lines.text(`{"at":"${new Date().toISOString()}","skipped":${skipped}}\n`);
    const lines = this.#lines.end();
    if (lines.length > 0) file?.write(lines);
  };

  #arguments(params: Record<string, unknown>): string {
    const given = 'arguments' in params ? params.arguments : params;
    if (this.#options.config.arguments === 'hash') {
      const text = JSON.stringify(given) ?? 'null';
      return JSON.stringify(`sha256:${createHash('sha256').update(text).digest('hex')}`);
    }
    const text = JSON.stringify(redactValue(given, this.#options.redact)) ?? 'null';
    return text.length <= LONGEST_ARGUMENTS ? text : JSON.stringify(`${text.slice(0, LONGEST_ARGUMENTS)}…`);
  }
}

/** A copy, so that a small piece does not hold the whole text in memory. */
function cut(text: string): string {
  return Buffer.from(`${text.slice(0, LONGEST_NAME)}…`).toString();
}

/** What somebody will look for later. */
function notable(row: KeptCall): boolean {
  return row.outcome !== 'result' || row.attempts > 1 || row.total > NOTABLY_SLOW;
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function shown(text: string): unknown {
  return JSON.parse(text) as unknown;
}

function fits(row: KeptCall, query: CallQuery): boolean {
  const { upstream, subject, client, face, outcome, fault, until, slowerThan } = query;
  return (
    (upstream === undefined || row.upstream === upstream) &&
    (subject === undefined || row.subject === subject) &&
    (client === undefined || row.client === client) &&
    (face === undefined || row.face === face) &&
    (outcome === undefined || row.outcome === outcome) &&
    (fault === undefined || row.fault === fault) &&
    (until === undefined || row.at <= until) &&
    (slowerThan === undefined || row.total > slowerThan)
  );
}
