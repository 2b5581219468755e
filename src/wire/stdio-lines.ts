// Splits what a stdio server writes into lines, without decoding (a character split over two reads is whole again in
// its line) and without ever holding more of one line than its limit (MP12; F-I5 … F-I7).
import { ByteList } from '../core/byte-list.ts';
import { PIECES_FROM } from '../core/fast-paths.ts';
import { PAGED_FROM, pages } from '../core/pages.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** As much of both ends of an over-long line as shows whose answer it was. */
const EVIDENCE = 1024;
/** A line that comes in several reads is kept in blocks: the first ones, and those of what turns out to be long. */
const FIRST_BLOCK = 16 * 1024;
const BLOCK = 64 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

/** A line longer than the limit, of which only the ends are known. */
export interface LongLine {
  head: Buffer;
  /** The last bytes; empty while the line still goes on. */
  tail: Buffer;
  /** Bytes seen of it so far. */
  size: number;
  ended: boolean;
}

export interface LineSink {
  /** One line without its line end; never empty. The bytes are the receiver's to keep. */
  line(bytes: Buffer): void;
  /** A large line in the pieces in which it came; without this it is put together for `line`. */
  pieces?(line: ByteList): void;
  /** Called twice for each over-long line: when it passes the limit, and when it ends. */
  long(line: LongLine): void;
  /** A line went on beyond `endless` bytes; nothing more is read. */
  endless(size: number): void;
}

/** One for each stream. `limit` and `endless` in bytes. */
export class LineSplitter {
  readonly #limit: number;
  readonly #endless: number;
  readonly #sink: LineSink;
  /** The line so far: pieces are copied together, as one that comes byte by byte must not cost a hundred times its size. */
  #parts: Buffer[] = [];
  #size = 0;
  /** The last block, and how much of it is in use. */
  #block = NOTHING;
  #used = 0;
  /** The head of an over-long line; undefined outside of one. */
  #head: Buffer | undefined;
  #tail: Buffer = NOTHING;
  #over = false;

  constructor(limit: number, sink: LineSink, endless = Math.max(4 * limit, 256 * 1024 * 1024)) {
    this.#limit = limit;
    this.#sink = sink;
    this.#endless = endless;
  }

  /** What `chunk` holds is copied, so whoever reads may use it again. */
  push(chunk: Buffer): void {
    for (let start = 0; start < chunk.length && !this.#over; ) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) {
        this.#keep(start === 0 ? chunk : chunk.subarray(start));
        return;
      }
      if (this.#size === 0 && this.#head === undefined && end - start <= this.#limit) {
        if (end > start) this.#emit(Buffer.from(chunk.subarray(start, end)));
      } else {
        this.#keep(chunk.subarray(start, end));
        if (!this.#over) this.#finish();
      }
      start = end + 1;
    }
  }

  /** The stream is over: what it wrote without a line end counts as a line. */
  end(): void {
    if (!this.#over && (this.#size > 0 || this.#head !== undefined)) this.#finish();
    this.#over = true;
  }

  #keep(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#size += piece.length;
    if (this.#head !== undefined) {
      this.#skip(piece);
    } else if (this.#size <= this.#limit) {
      this.#hold(piece);
    } else {
      const parts = this.#collected();
      this.#head = firstBytes([...parts, piece]);
      this.#tail = lastBytes(parts);
      this.#sink.long({ head: this.#head, tail: NOTHING, size: this.#size, ended: false });
      this.#skip(piece);
    }
  }

  #skip(piece: Buffer): void {
    const last = piece.length >= EVIDENCE ? piece : Buffer.concat([this.#tail, piece]);
    this.#tail = Buffer.from(last.subarray(Math.max(0, last.length - EVIDENCE)));
    if (this.#size <= this.#endless) return;
    this.#over = true;
    this.#sink.endless(this.#size);
  }

  #hold(piece: Buffer): void {
    for (let at = 0; at < piece.length; ) {
      if (this.#used === this.#block.length) this.#nextBlock();
      const copied = piece.copy(this.#block, this.#used, at);
      this.#used += copied;
      at += copied;
    }
  }

  #nextBlock(): void {
    if (this.#used > 0) this.#parts.push(this.#block);
    if (this.#size >= PAGED_FROM) this.#block = pages();
    else this.#block = Buffer.allocUnsafeSlow(this.#size <= FIRST_BLOCK ? FIRST_BLOCK : BLOCK);
    this.#used = 0;
  }

  #collected(): Buffer[] {
    const parts = this.#parts;
    if (this.#used > 0) parts.push(this.#block.subarray(0, this.#used));
    this.#parts = [];
    this.#block = NOTHING;
    this.#used = 0;
    return parts;
  }

  #finish(): void {
    const size = this.#size;
    this.#size = 0;
    if (this.#head !== undefined) {
      const line = { head: this.#head, tail: this.#tail, size, ended: true };
      this.#head = undefined;
      this.#tail = NOTHING;
      this.#sink.long(line);
      return;
    }
    const parts = this.#collected();
    if (parts.length === 1) this.#emit(parts[0] as Buffer);
    else if (this.#sink.pieces === undefined || size < PIECES_FROM) this.#emit(Buffer.concat(parts, size));
    else {
      const line = ByteList.of(parts, size);
      const ends = line.slice(size - 1, size)[0] === RETURN;
      this.#sink.pieces(ends ? ByteList.of(line.between(0, size - 1), size - 1) : line);
    }
  }

  #emit(line: Buffer): void {
    const length = line[line.length - 1] === RETURN ? line.length - 1 : line.length;
    if (length > 0) this.#sink.line(length === line.length ? line : line.subarray(0, length));
  }
}

function lastBytes(parts: readonly Buffer[]): Buffer {
  let last: Buffer = NOTHING;
  for (let at = parts.length - 1; at >= 0 && last.length < EVIDENCE; at--)
    last = Buffer.concat([(parts[at] as Buffer).subarray(-(EVIDENCE - last.length)), last]);
  return last;
}

/** A copy, so that the rest of the line is free. */
function firstBytes(parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(EVIDENCE);
  let length = 0;
  for (const part of parts) {
    length += part.copy(head, length);
    if (length === EVIDENCE) break;
  }
  return head.subarray(0, length);
}

const ID_FIRST =
  /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,15})\s*,\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"(?:result|error)"/;
const ANSWER_FIRST = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"(?:result|error)"/;
const ID_LAST =
  /\}\s*,\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,15})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/;

/**
 * Whose answer a message was that cannot be read as a whole (too long, too deep, cut off), as its two ends show it.
 * Only what can be nothing but an answer counts: a server's own requests have ids of their own. `tail` is given only
 * where the message is known to be whole: what was cut off ends somewhere in its content.
 */
export function answerId(head: Buffer, tail: Buffer = NOTHING): number | undefined {
  const start = head.toString('latin1', 0, EVIDENCE);
  const first = ID_FIRST.exec(start);
  if (first !== null) return Number(first[1]);
  if (!ANSWER_FIRST.test(start)) return undefined;
  const last = ID_LAST.exec(tail.toString('latin1', Math.max(0, tail.length - EVIDENCE)));
  return last === null ? undefined : Number(last[1]);
}
