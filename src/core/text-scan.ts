// Finds where a long JSON text ends, 64 bytes at a time: a text of tools is full of escapes, and a search that stops at
// each of them costs a fifth of a call with 1 MB (performance rows 9, 10). In WebAssembly, because only there 16 bytes
// are compared at once.
import { BACKSLASH, QUOTE } from './json-bytes.ts';
import { BLOCK, textProgram, WINDOW } from './text-program.ts';

/** What ends in the middle of a text: with a whole character or escape, or between a backslash and what it escapes. */
export const CUT = -1;
export const CUT_ESCAPE = -2;

/** Bytes that are copied at once: little at first, since most texts are short. */
const FIRST = 1024;

type Search = (at: number, size: number, escaped: number) => number;
/** What is used of it; the types of Node leave it out. */
declare const WebAssembly: {
  Module: new (program: Uint8Array) => object;
  Instance: new (module: object) => { exports: { memory: { buffer: ArrayBuffer }; find: Search; check: Search } };
};

/** The program and the memory it works on; made when the first long text comes. */
class LongTexts {
  #isLoaded = false;
  #memory = new Uint8Array();
  #find: Search | undefined;
  #check: Search | undefined;
  #size = 0;

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
      result = find(0, size, result === CUT_ESCAPE ? 1 : 0);
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

  hold(bytes: Uint8Array): boolean {
    if (!this.#isLoaded) this.#load();
    if (this.#check === undefined || bytes.length > WINDOW) return false;
    this.#memory.set(bytes);
    this.#memory.fill(0, bytes.length, bytes.length + BLOCK);
    this.#size = bytes.length + BLOCK;
    return true;
  }

  stop(at: number): number {
    return this.#check?.(at, this.#size, 0) ?? CUT;
  }

  #load(): void {
    this.#isLoaded = true;
    try {
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(textProgram()));
      this.#memory = new Uint8Array(exports.memory.buffer);
      this.#find = exports.find;
      this.#check = exports.check;
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

/** Takes the bytes of a message for `textStop`, until others are taken; false where they are too many, or it cannot. */
export function holdTexts(bytes: Uint8Array): boolean {
  return SHARED.hold(bytes);
}

/**
 * Inside a text of the bytes that are held: where from `at` on its closing quote lies, or before it a byte that may not
 * stand in a text, or one behind a backslash that is no escape by itself (the `u` of `\u00e9` too). The end of the bytes
 * counts as such a byte.
 */
export function textStop(at: number): number {
  return SHARED.stop(at);
}
