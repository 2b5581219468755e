// What the 2026-07-28 revision puts into HTTP headers: values that must survive any header rules, and the arguments
// that a tool wants mirrored there (x-mcp-header).
import { isObject, type JsonObject } from '../core/json.ts';

const SENTINEL_START = '=?base64?';
const SENTINEL_END = '?=';
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VISIBLE = /^[\x20-\x7e]*$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** `1*tchar` of RFC 9110 §5.6.2: what a header may be called. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether a text may stand in a header as it is: no line break, no control character, nothing beyond Latin-1. */
export function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}

/**
 * A value as it may stand in `Mcp-Name` and `Mcp-Param-*`: as it is where that is safe, else as `=?base64?…?=` of its
 * UTF-8 (2026-07-28/basic/transports/streamable-http, Value Encoding). A line break can thus never end a header (F-C12).
 */
export function encodeHeaderValue(value: string): string {
  const plain =
    value !== '' &&
    VISIBLE.test(value) &&
    !value.startsWith(' ') &&
    !value.endsWith(' ') &&
    !(value.startsWith(SENTINEL_START) && value.endsWith(SENTINEL_END));
  return plain ? value : SENTINEL_START + Buffer.from(value, 'utf8').toString('base64') + SENTINEL_END;
}

/** What `encodeHeaderValue` was given; undefined where the sentinel holds no Base64 or no UTF-8. */
export function decodeHeaderValue(text: string): string | undefined {
  const isEncoded =
    text.startsWith(SENTINEL_START) &&
    text.endsWith(SENTINEL_END) &&
    text.length >= SENTINEL_START.length + SENTINEL_END.length;
  if (!isEncoded) return text;
  const inner = text.slice(SENTINEL_START.length, -SENTINEL_END.length);
  if (!BASE64.test(inner)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(inner, 'base64'));
  } catch {
    return undefined;
  }
}

/** Header name behind `Mcp-Param-` → path of the argument it mirrors. */
export type ParamHeaders = ReadonlyMap<string, readonly string[]>;

const NO_HEADERS: ParamHeaders = new Map();
const ANNOTATION = 'x-mcp-header';
const MIRRORED = new Set(['string', 'integer', 'boolean']);
/** Deeper than any schema that means something; what lies below is not looked at, and not reachable either. */
const MAX_DEPTH = 64;

/**
 * The arguments that a tool wants in headers. With a `problem` the whole tool is invalid and must not be offered
 * (2026-07-28/server/tools, x-mcp-header; F-L14): an annotation has to be a token, unique whatever its case, on a
 * property of type string, integer or boolean that is reached through `properties` alone.
 */
export function readParamHeaders(inputSchema: unknown): { map: ParamHeaders; problem?: string } {
  const map = new Map<string, readonly string[]>();
  const seen = new Set<string>();
  const look = (node: unknown, path: readonly string[], reachable: boolean, depth: number): string | undefined => {
    if (typeof node !== 'object' || node === null || depth > MAX_DEPTH) return undefined;
    if (Array.isArray(node)) return first(node, (entry) => look(entry, path, false, depth + 1));
    const schema = node as JsonObject;
    if (Object.hasOwn(schema, ANNOTATION)) {
      const name = schema[ANNOTATION];
      const where = path.length === 0 ? 'the schema itself' : `"${path.join('.')}"`;
      if (!reachable || path.length === 0)
        return `${ANNOTATION} at ${where} is not on a property reached by properties alone`;
      if (typeof name !== 'string' || !isToken(name)) return `${ANNOTATION} at ${where} is not a header name`;
      if (typeof schema.type !== 'string' || !MIRRORED.has(schema.type))
        return `${ANNOTATION} at ${where} needs the type string, integer or boolean`;
      if (seen.has(name.toLowerCase())) return `${ANNOTATION} "${name}" stands twice`;
      seen.add(name.toLowerCase());
      map.set(name, path);
    }
    return first(Object.entries(schema), ([key, value]) => {
      if (DATA.has(key)) return undefined;
      if (!SCHEMA_MAPS.has(key)) return look(value, [...path, key], false, depth + 1);
      if (!isObject(value)) return undefined;
      const below = reachable && key === 'properties';
      return first(Object.entries(value), ([name, child]) => look(child, [...path, name], below, depth + 1));
    });
  };
  const problem = look(inputSchema, [], true, 0);
  if (problem !== undefined) return { map: NO_HEADERS, problem };
  return { map: map.size === 0 ? NO_HEADERS : map };
}

/** Keywords whose members are schemas by name, so that a member called like a keyword is none. */
const SCHEMA_MAPS = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions']);
/** Keywords that hold values, not schemas. */
const DATA = new Set([ANNOTATION, 'default', 'const', 'enum', 'examples']);

function first<T>(entries: readonly T[], look: (entry: T) => string | undefined): string | undefined {
  for (const entry of entries) {
    const problem = look(entry);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/**
 * The `Mcp-Param-*` headers of one call, values encoded. An argument that is absent, null, of another type or an
 * integer that JSON readers would not agree on has no header.
 */
export function paramHeaders(map: ParamHeaders, args: JsonObject | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, path] of map) {
    let value: unknown = args;
    for (const key of path) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    const text = headerText(value);
    if (text !== undefined) headers[`Mcp-Param-${name}`] = encodeHeaderValue(text);
  }
  return headers;
}

function headerText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  return Number.isSafeInteger(value) ? String(value) : undefined;
}
