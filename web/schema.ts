// JSON Schemas as a form needs them: what a property is, and what may be entered.
import type { JsonObject } from './api/types.ts';

export interface Part {
  name: string;
  kind: 'text' | 'long-text' | 'number' | 'integer' | 'boolean' | 'choice' | 'group' | 'json';
  title: string;
  description: string;
  required: boolean;
  choices: readonly unknown[];
  parts: readonly Part[];
  initial: unknown;
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Deeper ones are entered as JSON. */
const DEEPEST = 2;

/** The properties of an object's schema, in its order. */
export function partsOf(schema: JsonObject, root: JsonObject = schema, depth = 0): Part[] {
  const { properties, required } = resolved(schema, root);
  if (!isObject(properties)) return [];
  const needed = new Set(Array.isArray(required) ? required.map(String) : []);
  return Object.entries(properties).map(([name, value]) =>
    partOf(name, isObject(value) ? value : {}, root, depth, needed.has(name)),
  );
}

function partOf(name: string, given: JsonObject, root: JsonObject, depth: number, required: boolean): Part {
  const schema = settled(resolved(given, root), root);
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const part = {
    name,
    title: text(given.title) || text(schema.title) || name,
    description: text(given.description) || text(schema.description),
    required,
    choices: [],
    parts: [],
    initial: given.default ?? schema.default,
  };
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type;
  const choices = Array.isArray(schema.enum) ? schema.enum : schema.const === undefined ? undefined : [schema.const];
  if (choices !== undefined) return { ...part, kind: 'choice', choices };
  if (type === 'boolean' || type === 'number' || type === 'integer') return { ...part, kind: type };
  if (type === 'string')
    return {
      ...part,
      kind: Number(schema.maxLength ?? 0) > 200 || /text|content|body|code|query/i.test(name) ? 'long-text' : 'text',
    };
  if (type === 'object' && depth < DEEPEST && isObject(schema.properties))
    return { ...part, kind: 'group', parts: partsOf(schema, root, depth + 1) };
  return { ...part, kind: 'json' };
}

/** Follows `$ref` within the document. */
function resolved(schema: JsonObject, root: JsonObject): JsonObject {
  let now = schema;
  for (let steps = 0; steps < 20; steps++) {
    const { $ref } = now;
    if (typeof $ref !== 'string' || !$ref.startsWith('#')) return now;
    let target: unknown = root;
    for (const raw of $ref.slice(1).split('/').filter(Boolean)) {
      const key = decodeURIComponent(raw).replaceAll('~1', '/').replaceAll('~0', '~');
      target = isObject(target) && Object.hasOwn(target, key) ? target[key] : undefined;
    }
    if (!isObject(target)) return now;
    now = target;
  }
  return now;
}

/** "This or null" is this. */
function settled(schema: JsonObject, root: JsonObject): JsonObject {
  const ways = [schema.anyOf, schema.oneOf].find(Array.isArray);
  if (schema.type !== undefined || ways === undefined) return schema;
  const real = ways
    .filter(isObject)
    .map((one) => resolved(one, root))
    .filter((one) => one.type !== 'null');
  return real.length === 1 ? { ...schema, ...real[0] } : schema;
}

/** What the form holds, as arguments: what was left empty is not sent. @throws Error with the name of what is wrong */
export function argumentsOf(parts: readonly Part[], values: Readonly<Record<string, unknown>>): JsonObject {
  const result: JsonObject = {};
  for (const part of parts) {
    const value = entered(part, values[part.name]);
    if (value !== undefined) result[part.name] = value;
  }
  return result;
}

function entered(part: Part, value: unknown): unknown {
  if (part.kind === 'group') {
    const inner = argumentsOf(part.parts, isObject(value) ? value : {});
    return Object.keys(inner).length === 0 && !part.required ? undefined : inner;
  }
  if (part.kind === 'boolean') return value;
  if (value === undefined || value === '') return undefined;
  if (part.kind === 'choice') return part.choices[Number(value)];
  if (part.kind === 'number' || part.kind === 'integer') return Number(value);
  if (part.kind !== 'json') return value;
  try {
    return JSON.parse(String(value));
  } catch {
    throw new Error(part.name);
  }
}
