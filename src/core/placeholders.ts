// Placeholders in configured texts: `{{argument}}` everywhere, `{argument}` as well where braces mean nothing else.
// Configuration checks them and custom tools fill them, so both read them here.
import { isObject } from './json.ts';

/** `double`: only `{{name}}`; `both`: `{name}` too (URLs). */
export type PlaceholderStyle = 'double' | 'both';

const NAME = String.raw`[\p{L}_][\p{L}\p{N}_-]*(?:\.[\p{L}\p{N}_-]+|\[\d+\])*`;
const DOUBLE = String.raw`\{\{\s*(${NAME})\s*\}\}`;
const SINGLE = String.raw`(?<![\{$])\{(${NAME})\}(?!\})`;

function pattern(style: PlaceholderStyle): RegExp {
  return new RegExp(style === 'double' ? DOUBLE : `${DOUBLE}|${SINGLE}`, 'gu');
}

/** Paths of all placeholders, in order. */
export function placeholdersOf(text: string, style: PlaceholderStyle): string[][] {
  return [...text.matchAll(pattern(style))].map((match) => pathOf((match[1] ?? match[2]) as string));
}

/** The text with each placeholder replaced; `at` is where it begins. What is put in is not looked at again. */
export function fillText(
  text: string,
  style: PlaceholderStyle,
  replacement: (path: readonly string[], at: number) => string,
): string {
  let filled = '';
  let end = 0;
  for (const match of text.matchAll(pattern(style))) {
    const path = pathOf((match[1] ?? match[2]) as string);
    filled += text.slice(end, match.index) + replacement(path, match.index);
    end = match.index + match[0].length;
  }
  return filled + text.slice(end);
}

/** The placeholder that is the whole text, if it is nothing else. */
export function solePlaceholder(text: string): string[] | undefined {
  const match = new RegExp(`^\\s*${DOUBLE}\\s*$`, 'u').exec(text);
  return match?.[1] === undefined ? undefined : pathOf(match[1]);
}

/** `a.b[0].c`, with or without `$.` in front, as its parts. */
export function pathOf(text: string): string[] {
  return text
    .replace(/^\$\.?/, '')
    .replace(/\[(\d+)\]/g, '.$1')
    .split('.')
    .filter((part) => part !== '');
}

/** What stands at a path: own members of objects and entries of lists only. */
export function lookUp(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const part of path) {
    if (Array.isArray(value)) value = /^\d+$/.test(part) ? (value as unknown[])[Number(part)] : undefined;
    else if (isObject(value) && Object.hasOwn(value, part)) value = value[part];
    else return undefined;
  }
  return value;
}
