// One pass over JSON bytes without building values: what has to be known of a large message is where its parts lie.
import { BACKSLASH, CLOSE_ARRAY, CLOSE_OBJECT, COLON, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './json-bytes.ts';

/** Where one member of an object lies: `[keyStart, valueEnd)` is the member, `[valueStart, valueEnd)` its value. */
export interface Member {
  key: string;
  keyStart: number;
  valueStart: number;
  valueEnd: number;
}

/** Skips JSON white space from `at`. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  for (;;) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at++;
  }
}

/** From the opening quote at `at` to the index behind the closing one; -1 if the string never ends. */
export function skipString(bytes: Buffer, at: number): number {
  let from = at + 1;
  // Short strings end within a few bytes; a call into indexOf would cost more than looking.
  for (const near = Math.min(from + 24, bytes.length); from < near; from++) {
    const byte = bytes[from];
    if (byte === QUOTE) return from + 1;
    if (byte === BACKSLASH) from++;
  }
  for (;;) {
    const quote = bytes.indexOf(QUOTE, from);
    if (quote === -1) return -1;
    let slash = quote - 1;
    while (slash >= from && bytes[slash] === BACKSLASH) slash--;
    if (((quote - slash) & 1) === 1) return quote + 1;
    from = quote + 1;
  }
}

/** From the first byte of a value to the index behind its last; -1 if it is cut, unbalanced or deeper than `maxDepth`. */
export function skipValue(bytes: Buffer, at: number, maxDepth = 512): number {
  const first = bytes[at];
  if (first === QUOTE) return skipString(bytes, at);
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) {
    let end = at;
    for (; end < bytes.length; end++) {
      const byte = bytes[end] as number;
      if (byte <= 0x20 || byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) break;
    }
    return end === at ? -1 : end;
  }
  const open: number[] = [];
  for (let index = at; index < bytes.length; ) {
    const byte = bytes[index] as number;
    if (byte === QUOTE) {
      index = skipString(bytes, index);
      if (index === -1) return -1;
      continue;
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (open.length >= maxDepth) return -1;
      open.push(byte + 2); // both closers lie two above their openers
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (open.pop() !== byte) return -1;
      if (open.length === 0) return index + 1;
    }
    index++;
  }
  return -1;
}

/**
 * The members of the object that starts at `at`, in one pass, or `undefined` when it is not a well-formed object.
 * `end` is the index behind its closing brace.
 */
export function scanObject(bytes: Buffer, at = 0, maxDepth = 512): { members: Member[]; end: number } | undefined {
  let index = skipSpace(bytes, at);
  if (bytes[index] !== OPEN_OBJECT) return undefined;
  const members: Member[] = [];
  index = skipSpace(bytes, index + 1);
  if (bytes[index] === CLOSE_OBJECT) return { members, end: index + 1 };
  for (;;) {
    if (bytes[index] !== QUOTE) return undefined;
    const keyStart = index;
    const keyEnd = skipString(bytes, index);
    if (keyEnd === -1) return undefined;
    index = skipSpace(bytes, keyEnd);
    if (bytes[index] !== COLON) return undefined;
    const valueStart = skipSpace(bytes, index + 1);
    const valueEnd = skipValue(bytes, valueStart, maxDepth);
    if (valueEnd === -1) return undefined;
    const quoted = bytes.toString('utf8', keyStart, keyEnd);
    members.push({
      key: keyOf(quoted),
      keyStart,
      valueStart,
      valueEnd,
    });
    index = skipSpace(bytes, valueEnd);
    if (bytes[index] === CLOSE_OBJECT) return { members, end: index + 1 };
    if (bytes[index] !== COMMA) return undefined;
    index = skipSpace(bytes, index + 1);
  }
}

/** What a key with its quotes says. */
export function keyOf(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted; // not a legal key; it matches no name we look for
  }
}

/** How deep the nesting of a JSON text goes, counted without recursion; stops early once it exceeds `limit`. */
export function depthOf(bytes: Buffer, limit: number): number {
  let depth = 0;
  let deepest = 0;
  for (let index = 0; index < bytes.length; ) {
    const byte = bytes[index] as number;
    if (byte === QUOTE) {
      index = skipString(bytes, index);
      if (index === -1) return deepest;
      continue;
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (++depth > deepest) {
        deepest = depth;
        if (deepest > limit) return deepest;
      }
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
    index++;
  }
  return deepest;
}
