// A schema without what says nothing: whoever validates with it accepts and refuses the same values, and the words of
// descriptions stay. Model APIs take a part of JSON Schema only, so nothing is written in a form that fewer of them read:
// references go but are not made, `type` stays beside `enum`, and so do empty `properties`.
import { isDeepStrictEqual } from 'node:util';
import { isObject, type JsonObject } from '../core/json.ts';
import { HOLDERS, MAPS, SCHEMAS, surveyOf, TELLING, targetOf } from './lean-survey.ts';

/** Deeper than this a schema is left as it is. */
const MAX_DEPTH = 64;
/** Values of keywords that mean the same as no value. */
const SILENT: Record<string, (value: unknown) => boolean> = {
  required: (value) => Array.isArray(value) && value.length === 0,
  additionalProperties: (value) => value === true || (isObject(value) && Object.keys(value).length === 0),
  uniqueItems: (value) => value === false,
  minItems: (value) => value === 0,
  minLength: (value) => value === 0,
  minProperties: (value) => value === 0,
  deprecated: (value) => value === false,
  readOnly: (value) => value === false,
  writeOnly: (value) => value === false,
};

/** The schema of the tool `name` without what says nothing. */
export function leanSchema(schema: JsonObject, name: string): JsonObject {
  const { elsewhere, dialect, unevaluated, pointers } = surveyOf(schema);
  const plain = dialect ? schema : without(schema, '$schema');
  // A reference that is no pointer may lead anywhere.
  if (elsewhere) return plain;
  const defines = HOLDERS.some((holder) => holder in plain);
  const lean = defines ? withUsedDefinitions(inlined(withUsedDefinitions(plain))) : plain;
  // Here it matters that every member was looked at, or somebody points to what lets them in.
  const open = unevaluated || pointers.some((pointer) => pointer.endsWith('/additionalProperties'));
  return told(lean, open ? without(SILENT, 'additionalProperties') : SILENT, name);
}

/** The words of a text for people, without the blank lines and blanks that nobody sees. */
export function tidy(text: string): string {
  const lines = text.split('\n').map((line) => line.trimEnd());
  return lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** True when a title only repeats a name: `Page Id` for `page_id`. */
export function repeats(title: unknown, name: unknown): boolean {
  return typeof title === 'string' && typeof name === 'string' && letters(title) === letters(name);
}

const letters = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

/** The schema and its parts without silent keywords and titles that repeat their name; descriptions tidied. */
function told(schema: JsonObject, silent: typeof SILENT, name: string | undefined, depth = 0): JsonObject {
  if (depth > MAX_DEPTH) return schema;
  const parts = withParts(schema, (part, partName) => told(part, silent, partName, depth + 1));
  for (const [key, value] of Object.entries(parts)) {
    if (key === 'description' && typeof value === 'string') parts.description = tidy(value);
    const saysNothing = Object.hasOwn(silent, key) && silent[key]?.(value);
    const title = key === 'title' && depth === 0 ? ownTitle(value) : value;
    if (saysNothing || (key === 'title' && repeats(title, name))) delete parts[key];
  }
  return parts;
}

/** FastMCP calls the schemas of `search` `searchArguments` and `searchOutput`. */
function ownTitle(title: unknown): unknown {
  return typeof title === 'string' ? title.replace(/(?:Arguments|(?:Dict)?Output)$/, '') : title;
}

/** With the definitions that are referred to once in the place of their reference. */
function inlined(schema: JsonObject): JsonObject {
  const once = usedOnce(schema);
  if (once.size === 0) return schema;
  const visit = (part: JsonObject, depth: number): JsonObject => {
    if (depth > MAX_DEPTH) return part;
    let whole = part;
    for (let next = replaced(whole, once); next !== undefined; next = replaced(whole, once)) whole = next;
    return withParts(whole, (inner) => visit(inner, depth + 1));
  };
  return withParts(schema, (part) => visit(part, 1));
}

/** What a reference leads to, with what is told beside it; undefined where both would tell different things. */
function replaced(part: JsonObject, once: ReadonlyMap<string, JsonObject>): JsonObject | undefined {
  const { $ref, ...beside } = part;
  const to = typeof $ref === 'string' ? targetOf($ref) : undefined;
  const definition = to && once.get(`${to.holder}/${to.name}`);
  if (definition === undefined) return undefined;
  const fits = Object.entries(beside).every(
    ([key, value]) =>
      TELLING.has(key) && (!Object.hasOwn(definition, key) || isDeepStrictEqual(definition[key], value)),
  );
  return fits ? { ...beside, ...definition } : undefined;
}

/** Definitions that exactly one pointer leads to; none of them can be part of a cycle that the root leads to. */
function usedOnce(schema: JsonObject): Map<string, JsonObject> {
  const uses = new Map<string, number>();
  for (const pointer of surveyOf(schema).pointers) {
    const to = targetOf(pointer);
    // A pointer into a definition needs it where it is.
    if (to) uses.set(`${to.holder}/${to.name}`, (uses.get(`${to.holder}/${to.name}`) ?? 0) + (to.whole ? 1 : 2));
  }
  const once = new Map<string, JsonObject>();
  for (const holder of HOLDERS) {
    for (const [name, definition] of Object.entries(isObject(schema[holder]) ? schema[holder] : {}))
      if (uses.get(`${holder}/${name}`) === 1 && isObject(definition)) once.set(`${holder}/${name}`, definition);
  }
  return once;
}

function withUsedDefinitions(schema: JsonObject): JsonObject {
  const used = usedDefinitions(schema);
  const entries = Object.entries(schema).flatMap(([key, value]): [string, unknown][] => {
    if (!HOLDERS.includes(key) || !isObject(value)) return [[key, value]];
    const kept = Object.entries(value).filter(([name]) => used.has(`${key}/${name}`));
    return kept.length > 0 ? [[key, Object.fromEntries(kept)]] : [];
  });
  return Object.fromEntries(entries);
}

/** Names of the definitions at the root that the rest of the schema leads to, as `$defs/Name`. */
function usedDefinitions(schema: JsonObject): Set<string> {
  const used = new Set<string>();
  const todo: unknown[] = [without(schema, ...HOLDERS)];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    for (const pointer of surveyOf(next).pointers) {
      const to = targetOf(pointer);
      const from = to && schema[to.holder];
      if (!isObject(from) || used.has(`${to?.holder}/${to?.name}`)) continue;
      used.add(`${to?.holder}/${to?.name}`);
      if (to && Object.hasOwn(from, to.name)) todo.push(from[to.name]);
    }
  }
  return used;
}

/** The schema with each schema directly in it changed, which gets its name where it has one. */
function withParts(schema: JsonObject, change: (part: JsonObject, name?: string) => JsonObject): JsonObject {
  const changed = (part: unknown, name?: string) => (isObject(part) ? change(part, name) : part);
  const entries = Object.entries(schema).map(([key, value]) => {
    if (MAPS.has(key) && isObject(value))
      return [key, Object.fromEntries(Object.entries(value).map(([name, part]) => [name, changed(part, name)]))];
    if (!SCHEMAS.has(key)) return [key, value];
    return [key, Array.isArray(value) ? value.map((part) => changed(part)) : changed(value)];
  });
  return Object.fromEntries(entries);
}

function without<T>(object: Record<string, T>, ...keys: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}
