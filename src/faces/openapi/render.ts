// The result of a tool as mcpo answers it (U-07): the text itself where it is JSON, a string otherwise, one item
// unwrapped, several as a list; images and audio as they are for a caller that accepts them; resources whole, or, where that is
// wanted, as the sentence that mcpo has for them.
import { isObject, type JsonObject } from '../../core/json.ts';
import type { Payload } from '../../core/payload.ts';
import { isJson } from './is-json.ts';

const LEGACY_RESOURCE = 'Embedded resource not supported yet.';

export type Rendered =
  | { kind: 'body'; type: string; bytes: Buffer }
  /** The tool said that it failed. */
  | { kind: 'failed'; message: string }
  /** The tool asks its user something, and nobody can be asked here. */
  | { kind: 'asks' };

/** `accept` is the header of the request; absent or a wildcard means JSON. */
export function render(result: Payload, accept: string | undefined, legacyResources = false): Rendered {
  const content = result.get('content');
  const items = Array.isArray(content) ? content : [];
  if (result.get('isError') === true) return { kind: 'failed', message: firstText(items) };
  if (items.length === 1 && isObject(items[0]) && items[0].type === 'text') return json(contentJson(items[0]));
  if (result.get('resultType') === 'input_required') return { kind: 'asks' };
  const itemJson = (item: unknown) =>
    legacyResources && isObject(item) && item.type === 'resource' ? JSON.stringify(LEGACY_RESOURCE) : contentJson(item);
  const binary = accept === undefined ? undefined : binaryOf(items, accept);
  if (binary !== undefined) return { kind: 'body', ...binary };
  if (items.length === 0) {
    const structured = result.get('structuredContent');
    return json(structured === undefined ? '[]' : JSON.stringify(structured));
  }
  const parts = items.map(itemJson);
  return json(parts.length === 1 ? (parts[0] as string) : `[${parts.join(',')}]`);
}

function json(text: string): Rendered {
  return { kind: 'body', type: 'application/json', bytes: Buffer.from(text) };
}

function firstText(items: readonly unknown[]): string {
  const [first] = items;
  return isObject(first) && typeof first.text === 'string' ? first.text : 'Unknown tool execution error';
}

/** One content item as JSON text. */
function contentJson(item: unknown): string {
  if (!isObject(item)) return JSON.stringify(item ?? null);
  switch (item.type) {
    case 'text':
      return typeof item.text === 'string' ? textJson(item.text) : JSON.stringify(item);
    case 'image':
    case 'audio':
      return JSON.stringify(`data:${String(item.mimeType)};base64,${String(item.data)}`);
    case 'resource':
      return JSON.stringify(isObject(item.resource) ? item.resource : item);
    default:
      return JSON.stringify(item);
  }
}

/** A text that is JSON stays as it was written, numbers with every digit; any other becomes a string. */
export function textJson(text: string): string {
  return mayBeJson(text) && isJsonText(text) ? text : JSON.stringify(text);
}

/** What JSON can begin with; most texts are ruled out by their first letter. */
function mayBeJson(text: string): boolean {
  return /^[ \n\r\t]*(?:["{[\-\d]|true|false|null)/.test(text);
}

/** Small texts are parsed, which is faster; others are only looked at, which costs no memory. */
function isJsonText(text: string): boolean {
  if (text.length > 4096) return isJson(text);
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i;

/** The first item whose media type the caller named, decoded. A bare wildcard names none. */
function binaryOf(items: readonly unknown[], accept: string): { type: string; bytes: Buffer } | undefined {
  const wanted = accept.split(',').map((range) => (range.split(';', 1)[0] as string).trim().toLowerCase());
  for (const item of items) {
    if (!isObject(item)) continue;
    const { mimeType, data } = dataOf(item);
    if (typeof mimeType !== 'string' || typeof data !== 'string' || !TYPE.test(mimeType)) continue;
    const type = mimeType.toLowerCase();
    if (type === 'application/json') continue;
    const family = `${type.split('/', 1)[0]}/*`;
    if (wanted.includes(type) || wanted.includes(family)) return { type, bytes: Buffer.from(data, 'base64') };
  }
  return undefined;
}

function dataOf(item: JsonObject): { mimeType?: unknown; data?: unknown } {
  if (item.type === 'image' || item.type === 'audio') return { mimeType: item.mimeType, data: item.data };
  if (item.type === 'resource' && isObject(item.resource)) {
    return { mimeType: item.resource.mimeType, data: item.resource.blob };
  }
  return {};
}
