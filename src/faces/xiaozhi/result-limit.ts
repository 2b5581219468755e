// Makes a tool's result small enough for what is behind an endpoint: a device that speaks it (reliability F-X11).
import { isObject, type JsonObject } from '../../core/json.ts';
import { Payload } from '../../core/payload.ts';
import type { Messages } from './messages.ts';

/**
 * The same result, at most `limit` bytes of JSON: structured content that says the same again goes first, then content
 * that is no text and too large, then the texts are cut, the longest first, each with a note. What is left of a result
 * that is too large even then is one text that says so.
 */
export function withinLimit(result: Payload, limit: number, messages: Messages): Payload {
  if (result.size <= limit) return result;
  const { structuredContent: structured, ...rest } = result.value;
  const given: unknown[] = Array.isArray(rest.content) ? rest.content : [];
  const blocks = given.filter(isObject);
  if (blocks.length === 0 && structured !== undefined) blocks.push({ type: 'text', text: JSON.stringify(structured) });
  const fits = (content: JsonObject[]) => Buffer.byteLength(JSON.stringify({ ...rest, content })) <= limit;
  let content = blocks;
  if (!fits(content)) {
    content = blocks.map((block) =>
      typeof block.text === 'string' || sizeOf(block) <= limit / 4
        ? block
        : { type: 'text', text: messages.leftOut(String(block.type)) },
    );
  }
  if (!fits(content)) content = cutTexts(content, fits, messages);
  if (!fits(content)) {
    const note = { type: 'text', text: messages.cut(0, result.size) };
    return Payload.of({ content: [note], ...(rest.isError === true && { isError: true }) });
  }
  return Payload.of({ ...rest, content });
}

function sizeOf(block: JsonObject): number {
  return Buffer.byteLength(JSON.stringify(block));
}

/** Cuts every text to one common length, the largest with which all fit. */
function cutTexts(content: JsonObject[], fits: (content: JsonObject[]) => boolean, messages: Messages): JsonObject[] {
  const cut = (most: number) =>
    content.map((block) => {
      if (typeof block.text !== 'string') return block;
      const bytes = Buffer.from(block.text);
      if (bytes.length <= most) return block;
      const kept = wholeCharacters(bytes, most);
      return { ...block, text: `${kept.toString('utf8')}${messages.cut(kept.length, bytes.length)}` };
    });
  let [low, high] = [
    0,
    Math.max(0, ...content.map(({ text }) => (typeof text === 'string' ? Buffer.byteLength(text) : 0))),
  ];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(cut(middle))) low = middle;
    else high = middle - 1;
  }
  return cut(low);
}

/** The first `most` bytes, ending with a whole character. */
function wholeCharacters(bytes: Buffer, most: number): Buffer {
  let end = Math.min(most, bytes.length);
  while (end > 0 && end < bytes.length && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
