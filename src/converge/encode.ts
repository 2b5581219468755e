// What a model sees of a result's text: JSON is recognised and made small, a table becomes TOON where that is really
// shorter, everything else stays as it came (A-30 … ).
import { isObject, type JsonObject } from '../core/json.ts';
import { readJson } from './json-text.ts';
import { estimateTokens } from './tokens.ts';

export interface EncodeOptions {
  /** Whether TOON may be used at all. */
  toon?: boolean | undefined;
  /** Least number of rows or keys for TOON. */
  minSize?: number | undefined;
  /** Spaces in front of a row: one costs the model less, two is what decoders expect by default. */
  indent?: 1 | 2 | undefined;
}

export interface Encoded {
  text: string;
  format: 'toon' | 'json' | 'text';
  /** True for TOON: the text is no longer the JSON it was. */
  compressed: boolean;
  /** Tokens that the text costs less than what came, an estimate. */
  savedTokens: number;
}

/** How much shorter than compact JSON TOON has to be, by estimate; covers what the estimate can be wrong by. */
const MARGIN = 0.15;
/** Larger texts are minified and never turned into TOON: they become a preview anyway. */
const TOON_LIMIT = 256 * 1024;
/** JSON inside a string inside JSON is unwrapped so often. */
const UNWRAP = 2;

/** Encodes one text of a result. Never throws; without gain the text is returned as it came. */
export async function encodeText(text: string, options: EncodeOptions = {}): Promise<Encoded> {
  const plain: Encoded = { text, format: 'text', compressed: false, savedTokens: 0 };
  let json = looksLikeJson(text) ? readJson(text) : undefined;
  for (let round = 0; round < UNWRAP && typeof json?.value === 'string'; round++) {
    const inner: string = json.value;
    const unwrapped = looksLikeJson(inner) ? readJson(inner) : undefined;
    if (unwrapped === undefined) return plain;
    json = unwrapped;
  }
  if (json === undefined || typeof json.value !== 'object' || json.value === null) return plain;
  const saved = (now: string) => (now === text ? 0 : Math.max(0, estimateTokens(text) - estimateTokens(now)));
  if (options.toon !== false && json.exact && json.text.length <= TOON_LIMIT) {
    const toon = await toToon(json.value, json.text, options);
    if (toon !== undefined) return { text: toon, format: 'toon', compressed: true, savedTokens: saved(toon) };
  }
  return { text: json.text, format: 'json', compressed: false, savedTokens: saved(json.text) };
}

function looksLikeJson(text: string): boolean {
  const first = /\S/.exec(text.slice(0, 100))?.[0];
  return first === '{' || first === '[' || first === '"';
}

/** The value as TOON, if it is a table, TOON is shorter by the margin, and reading it again gives the same value. */
async function toToon(
  value: object,
  json: string,
  { minSize = 1, indent = 1 }: EncodeOptions,
): Promise<string | undefined> {
  if (!isTabular(value, minSize)) return undefined;
  try {
    const { encode, decode } = await import('@toon-format/toon');
    const text = encode(value, { indentSize: indent });
    if (estimateTokens(text) > estimateTokens(json) * (1 - MARGIN)) return undefined;
    return JSON.stringify(decode(text, { indentSize: indent })) === json ? text : undefined;
  } catch {
    return undefined; // what TOON cannot say stays JSON
  }
}

/**
 * Whether a value is the kind of thing TOON is good at: rows with the same plain columns, or an object that is little
 * more than such tables. Mixed shapes, rows that hold lists, and content objects of MCP never are.
 */
function isTabular(value: object, minSize: number): boolean {
  if (Array.isArray(value)) return value.length >= Math.max(minSize, 2) && isTable(value);
  const fields = Object.values(value);
  if (fields.length < minSize || isContent(value as JsonObject)) return false;
  let rows = 0;
  for (const field of fields) {
    if (typeof field !== 'object' || field === null) continue;
    if (Array.isArray(field) && isTable(field)) rows += field.length;
    else if (!isSmallFlat(field)) return false;
  }
  return rows >= 2;
}

function isTable(rows: unknown[]): boolean {
  const first = rows[0];
  if (!isObject(first) || isContent(first)) return false;
  const columns = Object.keys(first);
  if (columns.length === 0) return false;
  return rows.every((row) => {
    if (!isObject(row)) return false;
    const keys = Object.keys(row);
    if (keys.length !== columns.length) return false;
    return keys.every((key, at) => key === columns[at] && (typeof row[key] !== 'object' || row[key] === null));
  });
}

function isSmallFlat(field: object): boolean {
  const inner = Object.values(field);
  return inner.length <= 8 && inner.every((item) => typeof item !== 'object' || item === null);
}

/** An image, audio, link or embedded resource that a server wrote as JSON. */
function isContent(value: JsonObject): boolean {
  const { type } = value;
  if (type === 'image' || type === 'audio') return typeof value.data === 'string' && typeof value.mimeType === 'string';
  return (
    (type === 'resource' && isObject(value.resource)) || (type === 'resource_link' && typeof value.uri === 'string')
  );
}
