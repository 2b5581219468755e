// One table of a TOML file put in, replaced or taken out; every other line stays as it is, comments included. What
// comes out is read again, and refused unless exactly this table differs.
import { isDeepStrictEqual } from 'node:util';
import { isObject, type JsonObject } from '../core/json.ts';
import { Refused } from './refused.ts';
import { t } from './words.ts';

/** @throws Refused where the table is written in a way that cannot be changed line by line */
export async function editToml(text: string, path: readonly string[], value: JsonObject | undefined): Promise<string> {
  const { parse, stringify } = await import('smol-toml');
  const lines = text.split('\n');
  const kept: string[] = [];
  let inside = false;
  for (const line of lines) {
    const header = headerOf(line);
    if (header !== undefined) inside = path.every((part, index) => header[index] === part);
    if (!inside) kept.push(line);
  }
  let result = kept.join('\n');
  if (value !== undefined) {
    const nested = path.reduceRight<JsonObject>((inner, part) => ({ [part]: inner }), value);
    // Tables above ours hold nothing here and need no line of their own.
    const table = stringify(nested).trim();
    result = `${result.trimEnd()}${result.trim() === '' ? '' : '\n\n'}${table}\n`;
  } else if (result.trim() !== '') result = `${result.trimEnd()}\n`;
  const wanted = parse(text) as JsonObject;
  put(wanted, path, value);
  let made: unknown;
  try {
    made = parse(result);
  } catch {
    made = undefined;
  }
  if (!isDeepStrictEqual(plain(made), plain(wanted)))
    throw new Refused(
      t`[${path.join('.')}] is written in a way that cannot be changed without changing other lines; change it by hand`,
    );
  return result;
}

/** `[a.b."c"]` as its parts; undefined for any other line. */
function headerOf(line: string): string[] | undefined {
  const inner = /^\s*\[\[?\s*(.*?)\s*\]\]?\s*(#.*)?$/.exec(line)?.[1];
  if (inner === undefined) return undefined;
  return [...inner.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([\w-]+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');
}

function put(target: JsonObject, path: readonly string[], value: unknown): void {
  const [first, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) {
    if (value === undefined) delete target[first];
    else target[first] = value;
    return;
  }
  if (!isObject(target[first])) target[first] = {};
  const inner = target[first] as JsonObject;
  put(inner, rest, value);
  if (Object.keys(inner).length === 0) delete target[first];
}

/** Without prototypes and empty tables, which lines cannot tell from absent ones. */
function plain(value: unknown): unknown {
  return value === undefined
    ? undefined
    : JSON.parse(
        JSON.stringify(value, (_, one: unknown) => (isObject(one) && Object.keys(one).length === 0 ? undefined : one)),
      );
}
