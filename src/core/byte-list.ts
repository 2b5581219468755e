// Bytes in the pieces in which they came: a large message is read and handed on without ever being put together, which
// saves a copy and the garbage of its size (performance rows 9, 10).
import { isUtf8 } from 'node:buffer';

/** Bytes a piece should have on average; a list of smaller ones costs more than putting them together. */
const WORTH_KEEPING = 4 * 1024;

export class ByteList {
  readonly parts: readonly Buffer[];
  readonly length: number;
  /** Where each piece begins. */
  readonly #starts: readonly number[];

  private constructor(parts: readonly Buffer[], length: number) {
    this.parts = parts;
    this.length = length;
    let start = 0;
    this.#starts = parts.map((part) => {
      const at = start;
      start += part.length;
      return at;
    });
  }

  /** Of these pieces, in this order; many that are smaller than `piece` on average are put together. */
  static of(parts: readonly Buffer[], length = sizeOf(parts), piece = WORTH_KEEPING): ByteList {
    const small = parts.length > 1 && length < parts.length * piece;
    return new ByteList(small ? [Buffer.concat(parts, length)] : parts, length);
  }

  /** All of them as one. */
  whole(): Buffer {
    return this.parts.length === 1 ? (this.parts[0] as Buffer) : Buffer.concat(this.parts, this.length);
  }

  /** The pieces of `[from, to)`; nothing is copied. */
  between(from: number, to: number): Buffer[] {
    const found: Buffer[] = [];
    for (let at = this.#pieceAt(from); at < this.parts.length; at++) {
      const part = this.parts[at] as Buffer;
      const start = this.#starts[at] as number;
      if (start >= to) break;
      const [first, last] = [Math.max(0, from - start), Math.min(part.length, to - start)];
      if (first < last) found.push(first === 0 && last === part.length ? part : part.subarray(first, last));
    }
    return found;
  }

  /** The piece that holds a place. An answer may have millions of members: it is found by halves. */
  #pieceAt(place: number): number {
    let [low, high] = [0, this.#starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] as number) <= place) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** `[from, to)` as one; copied only where it lies in several pieces. */
  slice(from: number, to: number): Buffer {
    const found = this.between(from, to);
    return found.length === 1 ? (found[0] as Buffer) : Buffer.concat(found);
  }

  /** Whether it is UTF-8; a character may lie in several pieces. */
  isUtf8(): boolean {
    let cut: Buffer | undefined;
    for (const part of this.parts) {
      let from = 0;
      if (cut !== undefined) {
        const needed: number = widthOf(cut[0] as number) - cut.length;
        const char: Buffer = Buffer.concat([cut, part.subarray(0, needed)]);
        from = Math.min(needed, part.length);
        cut = char.length < widthOf(char[0] as number) ? char : undefined;
        if (cut === undefined && !isUtf8(char)) return false;
        if (from === part.length) continue;
      }
      const end = wholeCharacters(part, from);
      if (!isUtf8(part.subarray(from, end))) return false;
      if (end < part.length) cut = part.subarray(end);
    }
    return cut === undefined;
  }
}

function sizeOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** Bytes of the character that begins with this one; what begins none counts as one and is found out when checked. */
function widthOf(lead: number): number {
  return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
}

/** Where the last character begins that is not wholly in the piece; its length where there is none. */
function wholeCharacters(part: Buffer, from: number): number {
  for (let at = part.length - 1; at >= Math.max(from, part.length - 3); at--) {
    const byte = part[at] as number;
    if (byte < 0x80) break;
    if (byte >= 0xc0) return at + widthOf(byte) > part.length ? at : part.length;
  }
  return part.length;
}
