// TOML, for the one client that writes its servers in it. The library is loaded when such a file is seen.
import { isObject, type JsonObject } from '../core/json.ts';
import { lineIndex, type ParsedDocument, type Place } from './document.ts';
import type { Path } from './problem.ts';

/** Reads a TOML text; nothing is thrown. Places are those of the table header or of the key, found by their text. */
export async function parseToml(source: string, file: string): Promise<ParsedDocument> {
  const { parse, TomlError } = await import('smol-toml');
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source;
  let value: unknown;
  try {
    value = parse(text, { unsafeKeyBehaviour: 'throw' });
  } catch (error) {
    if (error instanceof TomlError) {
      // The first line of the message says what is wrong; the rest quotes the file, which may hold secrets.
      const message = (error.message.split('\n')[0] as string).replace(/^Invalid TOML document: /, '');
      return { ok: false, problems: [{ file, line: error.line, column: error.column, path: '', message }] };
    }
    const message = error instanceof RangeError ? 'the file is nested too deeply' : 'this is not TOML';
    return { ok: false, problems: [{ file, line: 1, column: 1, path: '', message }] };
  }
  if (!isObject(value) || text.trim() === '')
    return { ok: false, problems: [{ file, line: 1, column: 1, path: '', message: 'the file is empty' }] };
  const place = (path: Path) => search(text, path);
  return { ok: true, document: { file, value: value as JsonObject, duplicates: [], place, keyPlace: place } };
}

function search(text: string, path: Path): Place {
  const at = lineIndex(text);
  let from = 0;
  for (const part of path) {
    const word = String(part).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const match = new RegExp(`(?<![\\w-])${word}(?![\\w-])`, 'g');
    match.lastIndex = from;
    const found = match.exec(text);
    if (found === null) break;
    from = found.index;
  }
  return at(from);
}
