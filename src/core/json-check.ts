// Whether bytes are JSON (RFC 8259), as strictly as JSON.parse and without building values: what is only handed on does
// not have to be built to be checked (performance row 8).
import { BACKSLASH, CLOSE_ARRAY, CLOSE_OBJECT, COLON, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './json-bytes.ts';
import { keyOf, type Member, skipSpace } from './json-scan.ts';
import { holdTexts, textStop } from './text-scan.ts';

/** Bytes of a text that are looked at one by one; a longer one is searched for its end. */
const NEAR = 32;

const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const UNICODE = 0x75;
const LITERALS = new Map(['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)]));
/** What may stand by itself behind a backslash. */
const ESCAPES = Uint8Array.from({ length: 256 }, (_, byte) =>
  '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0,
);
const HEX = Uint8Array.from({ length: 256 }, (_, byte) => (/[0-9a-f]/i.test(String.fromCharCode(byte)) ? 1 : 0));

/** Not JSON, or deeper than is asked for. */
const BROKEN = -1;

interface Check {
  readonly bytes: Buffer;
  readonly maxDepth: number;
  /** How far a text is looked at byte by byte; unknown before the first long one. */
  near: number | undefined;
}

/**
 * The members of the object whose brace lies at `at`, if all of it is JSON; `end` is the index behind its closing brace.
 * The bytes have to be UTF-8, which is not looked at here.
 */
export function checkObject(bytes: Buffer, at: number, maxDepth = 512): { members: Member[]; end: number } | undefined {
  if (bytes[at] !== OPEN_OBJECT) return undefined;
  const members: Member[] = [];
  const end = object({ bytes, maxDepth, near: undefined }, at, 0, members);
  return end === BROKEN ? undefined : { members, end };
}

/** Each of these takes the index of a first byte, and gives the index behind the last one or BROKEN. */
function object(check: Check, start: number, depth: number, members?: Member[]): number {
  const { bytes } = check;
  if (depth > check.maxDepth) return BROKEN;
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === CLOSE_OBJECT) return at + 1;
  for (;;) {
    if (bytes[at] !== QUOTE) return BROKEN;
    const keyStart = at;
    const keyEnd = text(check, at);
    if (keyEnd === BROKEN) return BROKEN;
    at = skipSpace(bytes, keyEnd);
    if (bytes[at] !== COLON) return BROKEN;
    const valueStart = skipSpace(bytes, at + 1);
    const valueEnd = value(check, valueStart, depth);
    if (valueEnd === BROKEN) return BROKEN;
    members?.push({ key: keyOf(bytes.toString('utf8', keyStart, keyEnd)), keyStart, valueStart, valueEnd });
    at = skipSpace(bytes, valueEnd);
    if (bytes[at] === CLOSE_OBJECT) return at + 1;
    if (bytes[at] !== COMMA) return BROKEN;
    at = skipSpace(bytes, at + 1);
  }
}

function array(check: Check, start: number, depth: number): number {
  const { bytes } = check;
  if (depth > check.maxDepth) return BROKEN;
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === CLOSE_ARRAY) return at + 1;
  for (;;) {
    const end = value(check, at, depth);
    if (end === BROKEN) return BROKEN;
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_ARRAY) return at + 1;
    if (bytes[at] !== COMMA) return BROKEN;
    at = skipSpace(bytes, at + 1);
  }
}

/** A value inside of an object or an array that lies `depth` deep. */
function value(check: Check, at: number, depth: number): number {
  const { bytes } = check;
  const byte = bytes[at] as number;
  if (byte === QUOTE) return text(check, at);
  if (byte === OPEN_OBJECT) return object(check, at, depth + 1);
  if (byte === OPEN_ARRAY) return array(check, at, depth + 1);
  if (byte === MINUS || (byte >= ZERO && byte <= NINE)) return number(bytes, at);
  return literal(bytes, at, byte);
}

function literal(bytes: Buffer, at: number, first: number): number {
  const word = LITERALS.get(first);
  if (word === undefined) return BROKEN;
  for (let place = 1; place < word.length; place++) if (bytes[at + place] !== word[place]) return BROKEN;
  return at + word.length;
}

function number(bytes: Buffer, start: number): number {
  let at = bytes[start] === MINUS ? start + 1 : start;
  at = bytes[at] === ZERO ? at + 1 : digits(bytes, at);
  if (at !== BROKEN && bytes[at] === POINT) at = digits(bytes, at + 1);
  // An E in either case; nothing else becomes one by this bit.
  if (at === BROKEN || ((bytes[at] as number) | 0x20) !== 0x65) return at;
  const sign = bytes[at + 1];
  return digits(bytes, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
}

/** One digit or more. */
function digits(bytes: Buffer, start: number): number {
  let at = start;
  while ((bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at++;
  return at === start ? BROKEN : at;
}

function text(check: Check, start: number): number {
  const { bytes } = check;
  let at = start + 1;
  for (let near = at + NEAR; at < bytes.length; ) {
    if (at >= near) {
      check.near ??= holdTexts(bytes) ? NEAR : Number.POSITIVE_INFINITY;
      near = at + check.near;
      if (near !== Number.POSITIVE_INFINITY) at = longStop(bytes, at);
      if (at === bytes.length) return BROKEN;
    }
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) {
      at = escapeEnd(bytes, at + 1);
      if (at === BROKEN) return BROKEN;
    } else if (byte >= 0x20) at++;
    else return BROKEN;
  }
  return BROKEN;
}

/** Where a long text has to be looked at: its quote, the backslash of a long escape, or what may not be in it. */
function longStop(bytes: Buffer, at: number): number {
  const stop = textStop(at);
  if (stop >= bytes.length) return bytes.length;
  const byte = bytes[stop] as number;
  return byte === QUOTE || byte < 0x20 ? stop : stop - 1;
}

/** Behind a backslash. */
function escapeEnd(bytes: Buffer, at: number): number {
  const byte = bytes[at] as number;
  if (ESCAPES[byte] === 1) return at + 1;
  if (byte !== UNICODE) return BROKEN;
  for (let place = 1; place <= 4; place++) if (HEX[bytes[at + place] as number] !== 1) return BROKEN;
  return at + 5;
}
