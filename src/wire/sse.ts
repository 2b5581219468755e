// Server-sent events, read and written (WHATWG HTML §9.2). The reader is incremental over bytes: however a stream is
// cut into chunks, the same events come out, and the data of an event is copied at most once.

export interface SseEvent {
  /** Absent for the default type `message`. */
  event: string | undefined;
  /** The data as it came; several data lines are joined by a line feed. */
  data: Buffer;
}

/** An event grew over the limit the reader was given; the stream cannot be read on. */
export class SseTooLarge extends Error {
  override readonly name = 'SseTooLarge';
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const NEW_LINE = Buffer.from('\n');
const MANY_LINES = 2048;

/** Called for an event over the limit with its first and last bytes; it is skipped and the stream read on. */
export type SkippedEvent = (head: Buffer, tail: Buffer) => void;

/** How much of a skipped event is shown. */
const SAMPLE = 256;

/**
 * Reads one stream. `limit` is the size in bytes that a single event, or a single line, may have; over it `push` throws,
 * unless there is somebody to be told about skipped events. One that goes on beyond `endless` bytes is never skipped to
 * its end: nothing else would ever come behind it (F-I6).
 */
export class SseReader {
  /** The id a reconnection has to name; '' = none. */
  lastEventId = '';
  /** The reconnection time the server last asked for, in milliseconds. */
  retry: number | undefined;

  readonly #limit: number;
  readonly #onEvent: (event: SseEvent) => void;
  /** The beginning of a line whose end has not come yet. */
  #line: Buffer[] = [];
  #lineSize = 0;
  #atStart = true;
  /** The last byte was a carriage return: a line feed that follows belongs to it. */
  #afterCr = false;
  #data: Buffer[] = [];
  /** Many short data lines, put together so that they do not cost more than their bytes. */
  #blocks: Buffer[] = [];
  #dataSize = 0;
  #hasData = false;
  #event: string | undefined;
  #id = '';
  readonly #onSkipped: SkippedEvent | undefined;
  /** Set while an event over the limit goes by. */
  #skipped: { head: Buffer; tail: Buffer; size: number } | undefined;
  readonly #endless: number;

  constructor(
    limit: number,
    onEvent: (event: SseEvent) => void,
    onSkipped?: SkippedEvent,
    endless = Math.max(4 * limit, 256 * 1024 * 1024),
  ) {
    this.#limit = limit;
    this.#endless = endless;
    this.#onEvent = onEvent;
    this.#onSkipped = onSkipped;
  }

  /** Takes the next bytes; calls `onEvent` for every event that they complete. @throws SseTooLarge */
  push(chunk: Buffer): void {
    let from = 0;
    if (this.#afterCr && chunk.length > 0) {
      this.#afterCr = false;
      if (chunk[0] === LF) from = 1;
    }
    let lf = chunk.indexOf(LF, from);
    let cr = chunk.indexOf(CR, from);
    while (lf !== -1 || cr !== -1) {
      const end = cr !== -1 && (lf === -1 || cr < lf) ? cr : lf;
      this.#endLine(chunk.subarray(from, end));
      from = end + 1;
      if (end === cr) {
        if (from === chunk.length) this.#afterCr = true;
        else if (chunk[from] === LF) from++;
        cr = chunk.indexOf(CR, from);
      }
      if (lf !== -1 && lf < from) lf = chunk.indexOf(LF, from);
    }
    if (from < chunk.length) this.#keep(from === 0 ? chunk : chunk.subarray(from));
  }

  /** Takes a piece of a line. */
  #keep(piece: Buffer): void {
    this.#lineSize += piece.length;
    if (this.#skipped !== undefined) {
      const { tail } = this.#skipped;
      this.#skipped.size += piece.length;
      if (this.#skipped.size > this.#endless)
        throw new SseTooLarge(`an event goes on beyond ${this.#endless} bytes; ${this.#limit} are allowed`);
      const last = piece.subarray(Math.max(0, piece.length - SAMPLE));
      this.#skipped.tail = last.length === SAMPLE ? Buffer.from(last) : Buffer.concat([tail, last]).subarray(-SAMPLE);
      return;
    }
    this.#line.push(piece);
    if (this.#lineSize + this.#dataSize <= this.#limit) return;
    if (this.#onSkipped === undefined) throw new SseTooLarge(`an event is larger than ${this.#limit} bytes`);
    const pieces = [...this.#blocks, ...this.#data, ...this.#line];
    this.#skipped = {
      head: Buffer.concat(pieces.slice(0, SAMPLE).map((part) => part.subarray(0, SAMPLE))).subarray(0, SAMPLE),
      tail: Buffer.concat(pieces.slice(-SAMPLE).map((part) => part.subarray(-SAMPLE))).subarray(-SAMPLE),
      size: this.#lineSize + this.#dataSize,
    };
    this.#line = [];
    this.#clear();
  }

  #clear(): void {
    this.#hasData = false;
    this.#data = [];
    this.#blocks = [];
    this.#dataSize = 0;
  }

  #endLine(end: Buffer): void {
    let line = end;
    const inOne = this.#lineSize === 0 && end.length + this.#dataSize <= this.#limit && this.#skipped === undefined;
    if (!inOne) this.#keep(end);
    if (this.#skipped !== undefined) {
      const { head, tail } = this.#skipped;
      const blank = this.#lineSize === 0;
      this.#lineSize = 0;
      if (!blank) return;
      this.#skipped = undefined;
      this.#event = undefined;
      this.lastEventId = this.#id;
      this.#onSkipped?.(head, tail);
      return;
    }
    if (this.#line.length > 0) {
      line = Buffer.concat(this.#line, this.#lineSize);
      this.#line = [];
    }
    this.#lineSize = 0;
    if (this.#atStart) {
      this.#atStart = false;
      if (line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf) line = line.subarray(3);
    }
    if (line.length === 0) this.#dispatch();
    else if (line[0] !== COLON) this.#field(line);
  }

  #field(line: Buffer): void {
    const colon = line.indexOf(COLON);
    const name = line.toString('latin1', 0, colon === -1 ? line.length : colon);
    const start = colon === -1 ? line.length : line[colon + 1] === SPACE ? colon + 2 : colon + 1;
    if (name === 'data') {
      if (this.#hasData) this.#data.push(NEW_LINE);
      this.#hasData = true;
      this.#data.push(line.subarray(start));
      if (this.#data.length > MANY_LINES) {
        this.#blocks.push(Buffer.concat(this.#data));
        this.#data = [];
      }
      this.#dataSize += line.length - start + 1;
    } else if (name === 'event') {
      this.#event = line.toString('utf8', start);
    } else if (name === 'id') {
      if (line.indexOf(0, start) === -1) this.#id = line.toString('utf8', start);
    } else if (name === 'retry') {
      const digits = line.toString('latin1', start);
      if (/^\d{1,12}$/.test(digits)) this.retry = Number(digits);
    }
  }

  #dispatch(): void {
    this.lastEventId = this.#id;
    const event = this.#event === '' ? undefined : this.#event;
    this.#event = undefined;
    if (!this.#hasData) return;
    const pieces = this.#blocks.length === 0 ? this.#data : [...this.#blocks, ...this.#data];
    const data = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    this.#clear();
    this.#onEvent({ event, data });
  }
}

export interface SseFields {
  id?: string | undefined;
  event?: string | undefined;
  /** Milliseconds after which the client should reconnect. */
  retry?: number | undefined;
}

/** One event as bytes. Line breaks in the data make several data lines; `id` and `event` lose theirs. */
export function writeEvent(data: string | Buffer, fields: SseFields = {}): Buffer {
  let head = '';
  if (fields.event !== undefined) head += `event: ${oneLine(fields.event)}\n`;
  if (fields.id !== undefined) head += `id: ${oneLine(fields.id)}\n`;
  if (fields.retry !== undefined) head += `retry: ${Math.max(0, Math.round(fields.retry))}\n`;
  if (typeof data === 'string') {
    const text = /[\r\n]/.test(data) ? data.replace(/\r\n|\r|\n/g, '\ndata: ') : data;
    return Buffer.from(`${head}data: ${text}\n\n`);
  }
  if (data.indexOf(LF) !== -1 || data.indexOf(CR) !== -1) return writeEvent(data.toString('utf8'), fields);
  return Buffer.concat([Buffer.from(`${head}data: `), data, Buffer.from('\n\n')]);
}

/** A comment: keeps a stream alive and is no event. */
export function writeComment(text = ''): Buffer {
  return Buffer.from(`: ${oneLine(text)}\n\n`);
}

function oneLine(text: string): string {
  return text.replace(/[\r\n\0]/g, '');
}
