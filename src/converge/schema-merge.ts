// Lays the members of an `allOf`, and what stands beside a `$ref`, into one flat schema, so that the signature shows
// one object and not a chain of conditions.
import { isObject, type JsonObject } from '../core/json.ts';
import { isPureRef, refOf, type SchemaDocument } from './schema-document.ts';

/** A schema without `$ref` and `allOf`; every `anyOf`/`oneOf` it has to satisfy is one group of `unions`. */
export interface FlatSchema {
  keywords: JsonObject;
  unions: unknown[][];
  /** True when the parts contradict each other: no value is valid. */
  never: boolean;
}

/** How many schemas one `allOf` may pull together before the rest is ignored. */
const MAX_PARTS = 200;

/** Flattens one schema. Parts that lead back to themselves are left out, as they add nothing. */
export function flatten(schema: JsonObject, document: SchemaDocument): FlatSchema {
  const flat: FlatSchema = { keywords: {}, unions: [], never: false };
  const seen = new Set<unknown>();
  const add = (part: unknown) => {
    if (part === false) flat.never = true;
    if (!isObject(part) || seen.has(part) || seen.size > MAX_PARTS) return;
    seen.add(part);
    const ref = refOf(part);
    if (ref === undefined || !document.refHidesSiblings) {
      for (const [key, value] of Object.entries(part)) mergeKeyword(flat, key, value, document);
      if (Array.isArray(part.anyOf) && part.anyOf.length > 0) flat.unions.push(part.anyOf);
      if (Array.isArray(part.oneOf) && part.oneOf.length > 0) flat.unions.push(part.oneOf);
      if (Array.isArray(part.allOf)) for (const member of part.allOf) add(member);
    }
    if (ref !== undefined) add(document.resolve(ref));
  };
  add(schema);
  return flat;
}

/**
 * What a schema only passes on: the target of its lone `$ref`, the only member of its lone `allOf`. Following these
 * keeps the identity of a definition, so that a recursive one is seen to be recursive.
 */
export function passesTo(schema: JsonObject, document: SchemaDocument): { to: unknown; ref?: string } | undefined {
  const ref = refOf(schema);
  if (ref !== undefined) {
    if (!isPureRef(schema, document.refHidesSiblings)) return undefined;
    const to = document.resolve(ref);
    return to === undefined ? undefined : { to, ref };
  }
  if (Array.isArray(schema.allOf) && schema.allOf.length === 1) {
    const { allOf, ...rest } = schema;
    if (isPureRef(rest, false)) return { to: schema.allOf[0] };
  }
  return undefined;
}

const LARGER = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties']);
const SMALLER = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']);
const BOTH = new Set(['additionalProperties', 'items', 'additionalItems', 'unevaluatedProperties', 'contains']);
const HANDLED = new Set(['allOf', 'anyOf', 'oneOf', '$ref', '$dynamicRef', '$recursiveRef', '$defs', 'definitions']);

function mergeKeyword(flat: FlatSchema, key: string, value: unknown, document: SchemaDocument): void {
  if (HANDLED.has(key)) return;
  const { keywords } = flat;
  if (!Object.hasOwn(keywords, key)) {
    if (key === 'const') mergeEnum(flat, [value]);
    else if (key === 'enum') mergeEnum(flat, value);
    else if (key !== '__proto__') keywords[key] = value;
    return;
  }
  const before = keywords[key];
  if (key === 'type') {
    const types = commonTypes(before, value);
    if (types.length === 0) flat.never = true;
    else keywords.type = types.length === 1 ? types[0] : types;
  } else if (key === 'const') mergeEnum(flat, [value]);
  else if (key === 'enum') mergeEnum(flat, value);
  else if (key === 'required') {
    if (Array.isArray(before) && Array.isArray(value)) keywords.required = [...new Set([...before, ...value])];
  } else if (key === 'properties' || key === 'patternProperties') {
    if (isObject(before) && isObject(value)) keywords[key] = mergeMaps(before, value, document);
  } else if (LARGER.has(key)) keywords[key] = pick(before, value, Math.max);
  else if (SMALLER.has(key)) keywords[key] = pick(before, value, Math.min);
  else if (BOTH.has(key)) keywords[key] = document.both(before, value);
}

function mergeEnum(flat: FlatSchema, value: unknown): void {
  if (!Array.isArray(value)) return;
  const before = flat.keywords.enum;
  if (!Array.isArray(before)) {
    flat.keywords.enum = value;
    return;
  }
  const allowed = new Set(value.map((item) => JSON.stringify(item)));
  const left = before.filter((item) => allowed.has(JSON.stringify(item)));
  flat.keywords.enum = left;
  if (left.length === 0) flat.never = true;
}

function mergeMaps(a: JsonObject, b: JsonObject, document: SchemaDocument): JsonObject {
  const merged = new Map(Object.entries(a));
  for (const [name, schema] of Object.entries(b)) {
    merged.set(name, merged.has(name) ? document.both(merged.get(name), schema) : schema);
  }
  return Object.fromEntries(merged);
}

function pick(a: unknown, b: unknown, choose: (a: number, b: number) => number): unknown {
  if (typeof a !== 'number') return b;
  return typeof b === 'number' ? choose(a, b) : a;
}

function commonTypes(a: unknown, b: unknown): unknown[] {
  const left = Array.isArray(a) ? a : [a];
  const right = Array.isArray(b) ? b : [b];
  const common = left.filter((type) => right.includes(type) || (type === 'integer' && right.includes('number')));
  if (left.includes('number') && right.includes('integer') && !common.includes('integer')) common.push('integer');
  return common;
}
