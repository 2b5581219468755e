// Finds where a long JSON text ends, 64 bytes at a time: a text of tools is full of escapes, and a search that stops at
// each of them costs a fifth of a call with 1 MB (performance rows 9, 10). Plain bytes of WebAssembly, written below as
// they are run, because only there 16 bytes are compared at once.
import { BACKSLASH, QUOTE } from './json-bytes.ts';

/** What ends in the middle of a text: with a whole character or escape, or between a backslash and what it escapes. */
export const CUT = -1;
export const CUT_ESCAPE = -2;

const BLOCK = 64;
/** Bytes that are copied at once: little at first, since most texts are short. */
const FIRST = 1024;
const WINDOW = 64 * 1024;

type Find = (size: number, escaped: number) => number;
/** What is used of it; the types of Node leave it out. */
declare const WebAssembly: {
  Module: new (program: Uint8Array) => object;
  Instance: new (module: object) => { exports: { memory: { buffer: ArrayBuffer }; find: Find } };
};

/** The program and the memory it works on; made when the first long text comes. */
class LongTexts {
  #isLoaded = false;
  #memory = new Uint8Array();
  #find: Find | undefined;

  end(bytes: Uint8Array, start: number): number {
    let from = start;
    let result = CUT;
    if (!this.#isLoaded) this.#load();
    const [find, memory] = [this.#find, this.#memory];
    for (
      let window = FIRST;
      find !== undefined && bytes.length - from >= BLOCK;
      window = Math.min(2 * window, WINDOW)
    ) {
      const size = Math.min(window, bytes.length - from) & -BLOCK;
      memory.set(bytes.subarray(from, from + size));
      result = find(size, result === CUT_ESCAPE ? 1 : 0);
      if (result >= 0) return from + result + 1;
      from += size;
    }
    if (result === CUT_ESCAPE) from++;
    for (; from < bytes.length; from++) {
      if (bytes[from] === QUOTE) return from + 1;
      if (bytes[from] === BACKSLASH) from++;
    }
    return from > bytes.length ? CUT_ESCAPE : CUT;
  }

  #load(): void {
    this.#isLoaded = true;
    try {
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(program()));
      this.#memory = new Uint8Array(exports.memory.buffer);
      this.#find = exports.find;
    } catch {
      // A Node without it (--jitless), or a processor that cannot: every byte is looked at.
    }
  }
}

/** Nothing of a text stays in it, so that one does for all. */
const SHARED = new LongTexts();

/** The index behind the closing quote; CUT or CUT_ESCAPE where it is not in these bytes. */
export function longTextEnd(bytes: Uint8Array, start: number): number {
  return SHARED.end(bytes, start);
}

// The locals of `find`.
const SIZE = 0;
const ESCAPED = 1;
const AT = 2;
const SLASHES = 3;
const QUOTES = 4;
const CARRY = 5;
const ENDS = 6;
const VECTOR = 7;

const I32 = 0x7f;
const I64 = 0x7e;
const V128 = 0x7b;
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const tee = (local: number): number[] => [0x22, local];
const number32 = (value: number): number[] => [0x41, ...signed(BigInt(value))];
const number64 = (value: bigint): number[] => [0x42, ...signed(value)];
const [OR, AND, XOR, MINUS, LEFT, RIGHT] = [0x84, 0x83, 0x85, 0x7d, 0x86, 0x88];
const NOT = [...number64(-1n), XOR];
const ODD = number64(-0x5555555555555556n);

/** One bit for each byte of a vector that is `byte`, moved to the place of the vector in its block. */
const where = (byte: number, vector: number): number[] => [
  ...[...get(VECTOR + vector), ...number32(byte), 0xfd, 0x0f, 0xfd, 0x23, 0xfd, 0x64, 0xad],
  ...[...number64(BigInt(16 * vector)), LEFT],
];
const allWhere = (byte: number): number[] =>
  [0, 1, 2, 3].flatMap((vector) => [...where(byte, vector), ...(vector === 0 ? [] : [OR])]);

/**
 * `find(size, escaped)`: where the first quote lies that no backslash escapes, in `size` bytes of the memory (a multiple
 * of 64); `escaped` is 1 where the byte before them was a lone backslash. CUT or CUT_ESCAPE where there is none.
 */
const FIND = [
  ...[...get(ESCAPED), 0xad, ...set(CARRY)],
  ...[0x03, 0x40], // loop
  // if (at >= size) return -1 - carry
  ...[...get(AT), ...get(SIZE), 0x4f, 0x04, 0x40, ...number32(-1), ...get(CARRY), 0xa7, 0x6b, 0x0f, 0x0b],
  ...[0, 1, 2, 3].flatMap((vector) => [...get(AT), 0xfd, 0x00, 0, 16 * vector, ...set(VECTOR + vector)]),
  ...[...allWhere(QUOTE), ...set(QUOTES)],
  ...[...allWhere(BACKSLASH), ...tee(SLASHES), ...get(CARRY), OR, 0x50, 0x45, 0x04, 0x40], // if (slashes | carry)
  // A run of backslashes escapes every other byte: adding carries through the runs, odd and even ones apart (simdjson).
  // ends = ((((slashes & ~carry) << 1) | odd) - (slashes & ~carry)) ^ odd
  ...[...get(SLASHES), ...get(CARRY), ...NOT, AND, ...tee(ENDS), ...number64(1n), LEFT, ...ODD, OR],
  ...[...get(ENDS), MINUS, ...ODD, XOR, ...set(ENDS)],
  // quotes &= ~(ends ^ (slashes | carry))
  ...[...get(QUOTES), ...get(ENDS), ...get(SLASHES), ...get(CARRY), OR, XOR, ...NOT, AND, ...set(QUOTES)],
  // carry = (ends & slashes) >> 63
  ...[...get(ENDS), ...get(SLASHES), AND, ...number64(63n), RIGHT, ...set(CARRY)],
  0x0b, // end if
  // if (quotes) return at + first(quotes)
  ...[...get(QUOTES), 0x50, 0x45, 0x04, 0x40, ...get(AT), ...get(QUOTES), 0x7a, 0xa7, 0x6a, 0x0f, 0x0b],
  ...[...get(AT), ...number32(BLOCK), 0x6a, ...set(AT), 0x0c, 0], // at += 64; again
  ...[0x0b, 0x00], // end loop; not reached
];

function program(): Uint8Array<ArrayBuffer> {
  const body = [4, 1, I32, 3, I64, 1, I64, 4, V128, ...FIND, 0x0b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // "\0asm", version 1
    ...section(1, [1, 0x60, 2, I32, I32, 1, I32]), // type of find
    ...section(3, [1, 0]),
    ...section(5, [1, 0, WINDOW / 65_536]), // memory, in pages
    ...section(7, [2, ...named('memory'), 2, 0, ...named('find'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

const section = (id: number, content: number[]): number[] => [id, ...unsigned(content.length), ...content];
const named = (name: string): number[] => [name.length, ...Buffer.from(name)];

/** LEB128, as WebAssembly writes its numbers. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: bigint): number[] {
  const low = Number(BigInt.asUintN(7, value));
  const rest = value >> 7n;
  const isLast = (rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40);
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}
