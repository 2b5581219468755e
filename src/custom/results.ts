// What handlers give back, as results of tools/call.
import { isObject, type JsonObject } from '../core/json.ts';
import { Payload } from '../core/payload.ts';

export function textResult(text: string): Payload {
  return Payload.of({ content: [{ type: 'text', text }] });
}

/** A failure that the back end told, for the model to read. */
export function failure(text: string): Payload {
  return Payload.of({ content: [{ type: 'text', text }], isError: true });
}

/** A text as it is, anything else as JSON; nothing at all is an empty text. */
export function valueResult(value: unknown): Payload {
  return textResult(asText(value));
}

export function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

/** A value that already is a result of tools/call, which scripts and functions may give. */
export function asToolResult(value: unknown): JsonObject | undefined {
  if (!isObject(value) || !Array.isArray(value.content)) return undefined;
  const blocks = value.content as unknown[];
  return blocks.every((block) => isObject(block) && typeof block.type === 'string') ? value : undefined;
}

/** All text of a result; what is not text is left out. */
export function textOf(result: JsonObject): string {
  const content = Array.isArray(result.content) ? (result.content as unknown[]) : [];
  return content
    .flatMap((block) =>
      isObject(block) && block.type === 'text' && typeof block.text === 'string' ? [block.text] : [],
    )
    .join('\n');
}

/** What a result means: its structured content, else its text, read as JSON where that is what it is. */
export function meaningOf(result: JsonObject): unknown {
  if (result.structuredContent !== undefined) return result.structuredContent;
  const text = textOf(result);
  return parsed(text) ?? text;
}

/** The object or list that a text holds; undefined for any other text. */
export function parsed(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Long texts of others are cut where they only explain. */
export function excerpt(text: string, length = 1000): string {
  const trimmed = text.trim();
  return trimmed.length <= length ? trimmed : `${trimmed.slice(0, length)}…`;
}
