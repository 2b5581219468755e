// Changes to a native file by API, UI or command line: comments, order and layout stay as the person left them, and
// nobody else's change is overwritten (requirements 10.16, E-05, F-K12).
import { createHash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { applyEdits, createScanner, type FormattingOptions, modify, type Node, parseTree } from 'jsonc-parser';
import { writeDurably } from './durable.ts';
import { decodeText } from './find.ts';
import type { Path } from './problem.ts';

export interface ConfigEdit {
  path: Path;
  /** What shall stand there; undefined takes the key away. */
  value: unknown;
}

/** The text with the edits made, one after the other. The text must be JSON with comments; an empty one counts as `{}`. */
export function editText(text: string, edits: readonly ConfigEdit[]): string {
  const bom = text.startsWith('\uFEFF') ? '\uFEFF' : '';
  let result = text.slice(bom.length);
  if (result.trim() === '') result = '{}\n';
  const formattingOptions = layoutOf(result);
  for (const { path, value } of edits) {
    result =
      value === undefined
        ? remove(result, path)
        : applyEdits(result, modify(result, [...path], value, { formattingOptions }));
  }
  return bom + result;
}

/** Takes a value away with the comma that parted it, where it exists (the library stumbles over trailing commas). */
function remove(text: string, path: Path): string {
  let node = parseTree(text, [], { allowTrailingComma: true });
  let entry: Node | undefined;
  let siblings: Node[] = [];
  for (const part of path) {
    siblings = node?.children ?? [];
    entry =
      typeof part === 'number' ? siblings[part] : siblings.find((property) => property.children?.[0]?.value === part);
    node = typeof part === 'number' ? entry : entry?.children?.[1];
    if (entry === undefined || node === undefined) return text;
  }
  if (entry === undefined) return text;
  const behind = commaAfter(text, entry);
  if (behind !== undefined) return cut(text, entry.offset, behind + 1);
  // The last one without a trailing comma: the comma before it goes.
  const before = siblings[siblings.indexOf(entry) - 1];
  const comma = before === undefined ? undefined : commaAfter(text, before);
  const rest = cut(text, entry.offset, entry.offset + entry.length);
  return comma === undefined ? rest : rest.slice(0, comma) + rest.slice(comma + 1);
}

/** Offset of the comma behind an entry, over white space and comments. */
function commaAfter(text: string, { offset, length }: Node): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset + length);
  scanner.scan();
  return text[scanner.getTokenOffset()] === ',' ? scanner.getTokenOffset() : undefined;
}

/** Takes a range away, and the whole line where nothing else stands in it. */
function cut(text: string, from: number, to: number): string {
  const [before] = /[ \t]*$/.exec(text.slice(0, from)) ?? [''];
  const [after] = /^[ \t]*\r?\n/.exec(text.slice(to)) ?? [undefined];
  const start = from - before.length;
  const wholeLine = after !== undefined && (start === 0 || text[start - 1] === '\n');
  return wholeLine ? text.slice(0, start) + text.slice(to + after.length) : text.slice(0, from) + text.slice(to);
}

/** Indentation and line ends as the file has them. */
function layoutOf(text: string): FormattingOptions {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1];
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  if (indent?.startsWith('\t') === true) return { insertSpaces: false, tabSize: 4, eol };
  return { insertSpaces: true, tabSize: indent === undefined ? 2 : Math.min(indent.length, 8), eol };
}

/** Identity of a text, for If-Match and for "has it changed since I read it". */
export function etagOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export type SaveResult = { saved: true; etag: string } | { saved: false; reason: 'changed-meanwhile'; etag: string };

/**
 * Writes a configuration file if it is still the one that was edited. A symbolic link stays one.
 * @throws the system's error when it cannot be written; the file is then as it was.
 */
export async function saveConfigFile(path: string, text: string, expected: string): Promise<SaveResult> {
  const target = await realpath(path);
  const current = etagOf(decodeText(await readFile(target)) ?? '');
  if (current !== expected) return { saved: false, reason: 'changed-meanwhile', etag: current };
  await writeDurably(target, text);
  return { saved: true, etag: etagOf(text) };
}
