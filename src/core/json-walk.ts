// The pass of json-scan.ts over bytes in pieces: where the members of one object lie, found without putting the pieces
// together. What it takes for well formed is what `scanObject` does; a test holds the two together.
import type { ByteList } from './byte-list.ts';
import { BACKSLASH, CLOSE_ARRAY, CLOSE_OBJECT, COLON, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './json-bytes.ts';
import { keyOf, type Member } from './json-scan.ts';
import { CUT, CUT_ESCAPE, longTextEnd } from './text-scan.ts';

/** What the walk waits for. */
const FIRST_KEY = 0;
const KEY = 1;
const IN_KEY = 2;
const AFTER_KEY = 3;
const VALUE = 4;
const IN_TEXT = 5;
const IN_SCALAR = 6;
const INSIDE = 7;
const IN_INNER_TEXT = 8;
const AFTER_VALUE = 9;
const DONE = 10;
const BROKEN = 11;

/** As `scanObject`, for the object whose brace lies at `at`. */
export function walkObject(
  bytes: ByteList,
  at: number,
  maxDepth = 512,
): { members: Member[]; end: number } | undefined {
  const walk = new Walk(maxDepth);
  let start = 0;
  for (const part of bytes.parts) {
    const from = at + 1 - start;
    if (from < part.length) walk.push(part, Math.max(0, from), start);
    start += part.length;
    if (walk.state >= DONE) break;
  }
  if (walk.state !== DONE) return undefined;
  const members = walk.places.map(({ keyStart, keyEnd, valueStart, valueEnd }) => ({
    key: keyOf(bytes.slice(keyStart, keyEnd).toString('utf8')),
    keyStart,
    valueStart,
    valueEnd,
  }));
  return { members, end: walk.end };
}

interface Place {
  keyStart: number;
  keyEnd: number;
  valueStart: number;
  valueEnd: number;
}

class Walk {
  state = FIRST_KEY;
  end = -1;
  readonly places: Place[] = [];
  readonly #maxDepth: number;
  /** The closers that are owed, from the value of the present member inwards. */
  readonly #open: number[] = [];
  #place: Place = { keyStart: 0, keyEnd: 0, valueStart: 0, valueEnd: 0 };
  /** The piece before ended between a backslash and what it escapes. */
  #escaped = false;

  constructor(maxDepth: number) {
    this.#maxDepth = maxDepth;
  }

  /** Goes through a piece from `from` on; `start` is where the piece lies in the whole. */
  push(part: Buffer, from: number, start: number): void {
    for (let at = from; at < part.length && this.state < DONE; ) at = this.#step(part, at, start);
  }

  #step(part: Buffer, at: number, start: number): number {
    switch (this.state) {
      case IN_KEY:
        return this.#text(part, at, start, AFTER_KEY);
      case IN_TEXT:
        return this.#text(part, at, start, AFTER_VALUE);
      case IN_INNER_TEXT:
        return this.#text(part, at, start, INSIDE);
      case INSIDE:
        return this.#inside(part, at, start);
      case IN_SCALAR:
        return this.#scalar(part, at, start);
      default:
        return this.#between(part, at, start);
    }
  }

  /** Between the tokens of the object itself. */
  #between(part: Buffer, at: number, start: number): number {
    const byte = part[at] as number;
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return at + 1;
    switch (this.state) {
      case FIRST_KEY:
      case KEY:
        if (byte === QUOTE) {
          this.#place = { keyStart: start + at, keyEnd: 0, valueStart: 0, valueEnd: 0 };
          this.state = IN_KEY;
        } else this.#close(byte, this.state === FIRST_KEY, start + at);
        return at + 1;
      case AFTER_KEY:
        this.state = byte === COLON ? VALUE : BROKEN;
        return at + 1;
      case AFTER_VALUE:
        if (byte === COMMA) this.state = KEY;
        else this.#close(byte, true, start + at);
        return at + 1;
      default:
        return this.#value(byte, at, start);
    }
  }

  #close(byte: number, may: boolean, at: number): void {
    this.state = may && byte === CLOSE_OBJECT ? DONE : BROKEN;
    this.end = at + 1;
  }

  #value(byte: number, at: number, start: number): number {
    this.#place.valueStart = start + at;
    if (byte === QUOTE) this.state = IN_TEXT;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      this.#open.push(byte + 2); // both closers lie two above their openers
      this.state = this.#open.length > this.#maxDepth ? BROKEN : INSIDE;
    } else if (endsScalar(byte)) this.state = BROKEN;
    else this.state = IN_SCALAR;
    return at + 1;
  }

  #over(end: number): void {
    this.#place.valueEnd = end;
    this.places.push(this.#place);
    this.state = AFTER_VALUE;
  }

  #scalar(part: Buffer, from: number, start: number): number {
    for (let at = from; at < part.length; at++) {
      if (!endsScalar(part[at] as number)) continue;
      this.#over(start + at);
      return at;
    }
    return part.length;
  }

  #inside(part: Buffer, from: number, start: number): number {
    const open = this.#open;
    for (let at = from; at < part.length; at++) {
      const byte = part[at] as number;
      if (byte === QUOTE) {
        this.state = IN_INNER_TEXT;
        return at + 1;
      }
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (open.length >= this.#maxDepth) {
          this.state = BROKEN;
          return at;
        }
        open.push(byte + 2);
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        if (open.pop() !== byte) {
          this.state = BROKEN;
          return at;
        }
        if (open.length === 0) {
          this.#over(start + at + 1);
          return at + 1;
        }
      }
    }
    return part.length;
  }

  /** Inside a text: to behind its closing quote, then on in `next`. */
  #text(part: Buffer, at: number, start: number, next: number): number {
    const from = this.#escaped ? at + 1 : at;
    this.#escaped = false;
    const end = textEnd(part, from);
    if (end < 0) {
      this.#escaped = end === CUT_ESCAPE;
      return part.length;
    }
    if (next === AFTER_KEY) this.#place.keyEnd = start + end;
    if (next === AFTER_VALUE) this.#over(start + end);
    else this.state = next;
    return end;
  }
}

function endsScalar(byte: number): boolean {
  return byte <= 0x20 || byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY;
}

/** Escaped quotes, behind which a text is taken for a long one with many of them. */
const MANY = 4;

/** The index behind the closing quote; CUT where it is not in this piece, CUT_ESCAPE where that ends with a lone backslash. */
function textEnd(part: Buffer, start: number): number {
  let from = start;
  // Short texts end within a few bytes; a call into indexOf would cost more than looking.
  for (const near = Math.min(from + 24, part.length); from < near; from++) {
    const byte = part[from];
    if (byte === QUOTE) return from + 1;
    if (byte === BACKSLASH) from++;
  }
  if (from > part.length) return CUT_ESCAPE;
  for (let quotes = 0; quotes < MANY; quotes++) {
    const quote = part.indexOf(QUOTE, from);
    const stop = quote === -1 ? part.length : quote;
    let slash = stop - 1;
    while (slash >= from && part[slash] === BACKSLASH) slash--;
    const escaped = ((stop - slash) & 1) === 0;
    if (quote === -1) return escaped ? CUT_ESCAPE : CUT;
    if (!escaped) return quote + 1;
    from = quote + 1;
  }
  return longTextEnd(part, from);
}
