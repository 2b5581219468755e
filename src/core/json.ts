// JSON objects, and the text of JSON bytes.
import { isAscii } from 'node:buffer';

/** Any JSON object; what a key holds is looked at before it is used. */
export type JsonObject = { [key: string]: unknown };

/** True for a JSON object: neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON with its keys in order, what is undefined left out: equal for equal meaning. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? 'undefined';
  const entries = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
  return `{${entries.join(',')}}`;
}

/** Below this Node decodes as fast as it looks. */
const SHORT = 1024;

/** The text of UTF-8 bytes. Most JSON of any size is ASCII, for which this costs a tenth (performance row 8). */
export function textOf(bytes: Buffer): string {
  return bytes.toString(bytes.length > SHORT && isAscii(bytes) ? 'latin1' : 'utf8');
}
