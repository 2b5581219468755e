// Looks a stranger's schema over before it is compiled: how large it is, whether it can make a check slow, and what in
// it nobody can check.
import { isObject, type JsonObject } from '../core/json.ts';
import { openDocument, refOf } from './schema-document.ts';

/** Larger schemas are not compiled. */
const MAX_CHARS = 512 * 1024;
const MAX_SUBSCHEMAS = 2_000;
const MAX_DEPTH = 64;

export interface Survey {
  /** The schema without what cannot be checked: references that lead outside or nowhere, patterns that are none. */
  schema: JsonObject;
  /** True when a check may take long: a pattern can repeat a repetition, references can double the work at each step. */
  slow: boolean;
}

/** Keys whose values are schemas by name. */
const MAPS = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);
/** Keys whose values are data. */
const DATA = new Set(['const', 'enum', 'default', 'examples', 'example', 'required', 'dependentRequired']);
const TYPES = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);

/** Undefined for a schema that is too large or too deep. */
export function surveySchema(root: JsonObject): Survey | undefined {
  const document = openDocument(root);
  let slow = false;
  let schemas = 0;
  let chars = 0;
  let tooLarge = false;

  const copy = (value: unknown, isMap: boolean, depth: number): unknown => {
    if (typeof value === 'string') chars += value.length;
    if (typeof value !== 'object' || value === null || tooLarge) return value;
    if (depth > MAX_DEPTH || chars > MAX_CHARS || ++schemas > MAX_SUBSCHEMAS * 2) {
      tooLarge = true;
      return value;
    }
    if (Array.isArray(value)) return value.map((item) => copy(item, false, depth + 1));
    const entries: [string, unknown][] = [];
    for (const [key, inner] of Object.entries(value)) {
      chars += key.length;
      if (isMap) entries.push([key, copy(inner, false, depth + 1)]);
      else if (DATA.has(key)) entries.push([key, inner]);
      else if (key === 'patternProperties' && isObject(inner)) {
        slow = true;
        const usable = Object.fromEntries(Object.entries(inner).filter(([pattern]) => toRegExp(pattern) !== undefined));
        entries.push([key, copy(usable, true, depth + 1)]);
      } else if (isCheckable(key, inner, value as JsonObject)) {
        if (key === 'pattern' || key.endsWith('Ref') || key === '$ref') slow = true;
        entries.push([key, copy(inner, MAPS.has(key), depth + 1)]);
      }
    }
    return Object.fromEntries(entries);
  };

  const isCheckable = (key: string, value: unknown, schema: JsonObject): boolean => {
    if (key === 'pattern') return typeof value === 'string' && toRegExp(value) !== undefined;
    if (key === 'type') return (Array.isArray(value) ? value : [value]).every((type) => TYPES.has(type as string));
    if (key === '$ref' || key === '$dynamicRef' || key === '$recursiveRef') {
      const ref = refOf(schema);
      return ref !== undefined && document.resolve(ref) !== undefined;
    }
    return key !== '$schema';
  };

  const schema = copy(root, false, 0) as JsonObject;
  return tooLarge ? undefined : { schema, slow };
}

/** A pattern as a regular expression, with Unicode where it allows that; undefined where JavaScript cannot read it. */
export function toRegExp(pattern: string): RegExp | undefined {
  for (const flags of ['u', '']) {
    try {
      return new RegExp(pattern, flags);
    } catch {}
  }
  return undefined;
}
