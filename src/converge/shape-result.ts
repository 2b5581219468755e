// A tool's result as the converged view shows it: text made small, large text kept aside, everything else untouched
// (A-30 … A-34, requirements 10.20, 10.27).
import { isObject, type JsonObject } from '../core/json.ts';
import { encodeText } from './encode.ts';
import { readJson } from './json-text.ts';
import { addressOf, boundary, PREVIEW, type ResultStore } from './results.ts';
import { estimateTokens } from './tokens.ts';

export interface ResultOptions {
  toon: boolean;
  toonMinSize: number;
  toonIndent: 1 | 2;
  structuredContent: boolean;
  /** Bytes of text that a result shows at most. */
  inline: number;
}

export interface Shaped {
  result: JsonObject;
  /** Tokens that the result costs less than it came, an estimate. */
  savedTokens: number;
}

/**
 * Shapes a finished result. One that is not finished (input required, a task) or has no content is returned as it is.
 * @param keep where large text goes, and whose it is
 */
export async function shapeResult(
  result: JsonObject,
  options: ResultOptions,
  keep: { store: ResultStore; principal: string },
): Promise<Shaped> {
  const isDone = result.resultType === undefined || result.resultType === 'complete';
  if (!isDone || (!Array.isArray(result.content) && result.structuredContent === undefined))
    return { result, savedTokens: 0 };
  const given: unknown[] = Array.isArray(result.content) ? result.content : [];
  // A server that says it only in structured form says it in text here.
  const content =
    given.length === 0 && result.structuredContent !== undefined
      ? [{ type: 'text', text: JSON.stringify(result.structuredContent) }]
      : given;

  let savedTokens = 0;
  const seen: unknown[] = [];
  for (const item of content) {
    if (!isText(item)) {
      seen.push(item);
      continue;
    }
    const encoded = await encodeText(item.text, {
      toon: options.toon,
      minSize: options.toonMinSize,
      indent: options.toonIndent,
    });
    savedTokens += encoded.savedTokens;
    seen.push(encoded.text === item.text ? item : { ...item, text: encoded.text });
  }
  const fitted = withinLimit(seen, options.inline, keep);
  savedTokens += fitted.savedTokens;
  const { structuredContent, ...rest } = result;
  const structured = options.structuredContent ? (structuredContent ?? structuredFrom(given)) : undefined;
  return {
    result: { ...rest, content: fitted.content, ...(structured !== undefined && { structuredContent: structured }) },
    savedTokens,
  };
}

/** `{result: data}` of a single text, as MCPX had it. */
function structuredFrom(content: readonly unknown[]): JsonObject | undefined {
  const [only] = content;
  if (content.length !== 1 || !isText(only)) return undefined;
  return { result: readJson(only.text)?.value ?? only.text };
}

/** Text that fits stays; from the first that does not fit, what is too much goes into the store as one text. */
export function withinLimit(
  content: readonly unknown[],
  inline: number,
  { store, principal }: { store: ResultStore; principal: string },
): { content: unknown[]; savedTokens: number } {
  const sizes = content.map((item) => (isText(item) ? Buffer.byteLength(item.text) : 0));
  if (sizes.reduce((sum, size) => sum + size, 0) <= inline) return { content: [...content], savedTokens: 0 };
  let room = inline;
  const fits = content.map((item, index) => {
    const size = sizes[index] as number;
    if (!isText(item) || size <= room) {
      room -= size;
      return true;
    }
    return false;
  });
  const large = content.filter((_, index) => fits[index] === false) as TextItem[];
  const text = large.map((item) => item.text).join('\n');
  const kept = store.keep(text, principal);
  const shown = preview(text, kept);
  let isFirst = true;
  const left: unknown[] = [];
  for (const [index, item] of content.entries()) {
    if (fits[index] === true) left.push(item);
    else if (isFirst) {
      isFirst = false;
      left.push({ ...(item as TextItem), text: shown });
    }
  }
  return { content: left, savedTokens: Math.max(0, estimateTokens(text) - estimateTokens(shown)) };
}

function preview(text: string, kept: { id: string; bytes: Buffer } | undefined): string {
  const bytes = kept?.bytes ?? Buffer.from(text.slice(0, PREVIEW * 2));
  const total = kept?.bytes.length ?? Buffer.byteLength(text);
  let end = boundary(bytes, Math.min(PREVIEW, bytes.length));
  const line = bytes.lastIndexOf(0x0a, end - 1);
  if (line > PREVIEW / 2) end = line + 1;
  const head = bytes.toString('utf8', 0, end);
  const rest =
    kept === undefined
      ? 'The rest is too large to be kept: ask for less.'
      : `Read on with uri "${addressOf(kept.id, end, Math.min(total, end + 32 * 1024))}" (any from/to in bytes; kept for 10 minutes).`;
  return `${head}\n\n[Shown: ${end} of ${total} bytes. ${rest}]`;
}

interface TextItem extends JsonObject {
  type: 'text';
  text: string;
}

function isText(item: unknown): item is TextItem {
  return isObject(item) && item.type === 'text' && typeof item.text === 'string';
}
