// The two searches of text-scan.ts as a program of WebAssembly, in the bytes that are run.
import { BACKSLASH, QUOTE } from './json-bytes.ts';

/** Bytes of a text that are looked at together. */
export const BLOCK = 64;
/** Bytes of JSON that the memory takes; a block more may be written behind them. */
export const WINDOW = 64 * 1024;

const PAGE = 64 * 1024;

// The locals of both.
const AT = 0;
const SIZE = 1;
const ESCAPED = 2;
const SLASHES = 3;
const QUOTES = 4;
const CARRY = 5;
const ENDS = 6;
const STOPS = 7;
const VECTOR = 8;

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

/** What is true of a byte, for the 16 of a vector. */
type Test = (vector: number[]) => number[];

const every = (byte: number): number[] => [...number32(byte), 0xfd, 0x0f];
const is =
  (byte: number): Test =>
  (vector) => [...vector, ...every(byte), 0xfd, 0x23];
const isBelow =
  (byte: number): Test =>
  (vector) => [...vector, ...every(byte), 0xfd, 0x26];

/**
 * Whether a byte may stand alone behind a backslash. Its halves are looked up, and only such a byte has a bit in common:
 * one for each upper half, 2 (`"/`), 5 (`\\`), 6 (`bfn`) and 7 (`rt`).
 */
const mayBeEscaped: Test = (vector) => [
  ...[...table({ 2: 0b1101, 4: 0b1000, 6: 0b0100, 12: 0b0010, 14: 0b0100, 15: 0b0001 })],
  ...[...vector, ...every(0x0f), 0xfd, 0x4e, 0xfd, 0x0e], // [byte & 15]
  ...[...table({ 2: 0b0001, 5: 0b0010, 6: 0b0100, 7: 0b1000 })],
  ...[...vector, ...number32(4), 0xfd, 0x6d, 0xfd, 0x0e], // [byte >> 4]
  ...[0xfd, 0x4e, ...every(0), 0xfd, 0x24], // (one & other) != 0
];
const table = (entries: Record<number, number>): number[] => [
  ...[0xfd, 0x0c],
  ...Array.from({ length: 16 }, (_, index) => entries[index] ?? 0),
];

/** One bit for each byte of a block for which it is true. */
const where = (test: Test): number[] =>
  [0, 1, 2, 3].flatMap((vector) => [
    ...[...test(get(VECTOR + vector)), 0xfd, 0x64, 0xad],
    ...[...number64(BigInt(16 * vector)), LEFT, ...(vector === 0 ? [] : [OR])],
  ]);

/**
 * `(at, size, escaped)`: where from `at` on, in `size` bytes of the memory, the first quote lies that no backslash
 * escapes; both are multiples of 64 apart. `escaped` is 1 where the byte before them was a lone backslash. CUT or
 * CUT_ESCAPE where there is none. `strict`: or where the first byte lies that may not stand in a text, or not by itself
 * behind a backslash, as the `u` of four digits.
 */
function search(strict: boolean): number[] {
  return [
    ...[...get(ESCAPED), 0xad, ...set(CARRY)],
    ...[0x03, 0x40], // loop
    // if (at >= size) return -1 - carry
    ...[...get(AT), ...get(SIZE), 0x4f, 0x04, 0x40, ...number32(-1), ...get(CARRY), 0xa7, 0x6b, 0x0f, 0x0b],
    ...[0, 1, 2, 3].flatMap((vector) => [...get(AT), 0xfd, 0x00, 0, 16 * vector, ...set(VECTOR + vector)]),
    ...[...where(is(QUOTE)), ...set(QUOTES)],
    ...(strict ? [...where(isBelow(0x20)), ...set(STOPS)] : []),
    ...[...where(is(BACKSLASH)), ...tee(SLASHES), ...get(CARRY), OR, 0x50, 0x45, 0x04, 0x40], // if (slashes | carry)
    // A run of backslashes escapes every other byte: adding carries through the runs, odd and even ones apart (simdjson).
    // ends = ((((slashes & ~carry) << 1) | odd) - (slashes & ~carry)) ^ odd
    ...[...get(SLASHES), ...get(CARRY), ...NOT, AND, ...tee(ENDS), ...number64(1n), LEFT, ...ODD, OR],
    ...[...get(ENDS), MINUS, ...ODD, XOR, ...set(ENDS)],
    // quotes &= ~(ends ^ (slashes | carry))
    ...[...get(QUOTES), ...escaped, ...NOT, AND, ...set(QUOTES)],
    ...(strict ? [...get(STOPS), ...escaped, ...where(mayBeEscaped), ...NOT, AND, OR, ...set(STOPS)] : []),
    // carry = (ends & slashes) >> 63
    ...[...get(ENDS), ...get(SLASHES), AND, ...number64(63n), RIGHT, ...set(CARRY)],
    0x0b, // end if
    // if (quotes | stops) return at + first(quotes | stops)
    ...[...get(QUOTES), ...get(STOPS), OR, ...tee(QUOTES), 0x50, 0x45, 0x04, 0x40],
    ...[...get(AT), ...get(QUOTES), 0x7a, 0xa7, 0x6a, 0x0f, 0x0b],
    ...[...get(AT), ...number32(BLOCK), 0x6a, ...set(AT), 0x0c, 0], // at += 64; again
    ...[0x0b, 0x00], // end loop; not reached
  ];
}
const escaped = [...get(ENDS), ...get(SLASHES), ...get(CARRY), OR, XOR];

/** `memory`, `find` and the strict `check`. */
export function textProgram(): Uint8Array<ArrayBuffer> {
  const bodies = [search(false), search(true)].map((code) => [2, 5, I64, 4, V128, ...code, 0x0b]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // "\0asm", version 1
    ...section(1, [1, 0x60, 3, I32, I32, I32, 1, I32]), // type of both
    ...section(3, [2, 0, 0]),
    ...section(5, [1, 0, WINDOW / PAGE + 1]), // memory, in pages
    ...section(7, [3, ...named('memory'), 2, 0, ...named('find'), 0, 0, ...named('check'), 0, 1]),
    ...section(10, [2, ...bodies.flatMap((body) => [...unsigned(body.length), ...body])]),
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
