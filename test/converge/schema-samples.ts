// Random JSON Schemas of the part that TypeScript can express, and random values for any schema.
import fc from 'fast-check';
import { isObject, type JsonObject } from '../../src/core/json.ts';

const NAME = fc.constantFrom('a', 'b', 'c', 'with-dash', '名字', 'type', 'a.b', 'x y', '1st');

/**
 * Schemas without constraints that a type cannot say: for these, valid and assignable mean the same. Objects have
 * properties, as to TypeScript a number fits `{}`.
 */
export const expressible: fc.Arbitrary<JsonObject> = fc.letrec<{ schema: JsonObject; object: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<JsonObject>(
      { type: 'string' },
      { type: 'number' },
      { type: 'boolean' },
      { type: 'null' },
      { type: ['string', 'null'] },
    ),
    fc
      .uniqueArray(fc.constantFrom<unknown>('x', 'y', 'a"b', "it's", 1, 2.5, -3, true, null, '*/'), {
        minLength: 1,
        maxLength: 4,
      })
      .map((values) => ({ enum: values })),
    fc.constantFrom<unknown>('only', 7, false).map((value) => ({ const: value })),
    tie('schema').map((items) => ({ type: 'array', items })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((members) => ({ anyOf: members })),
    tie('schema').map((inner) => ({ type: 'object', additionalProperties: inner })),
    fc
      .array(tie('schema'), { minLength: 1, maxLength: 3 })
      .map((items) => ({ type: 'array', prefixItems: items, minItems: items.length, items: false })),
    tie('object'),
    fc.tuple(tie('object'), tie('object')).map(([a, b]) => ({ allOf: [a, b] })),
  ),
  object: fc
    .uniqueArray(fc.tuple(NAME, tie('schema'), fc.boolean()), {
      selector: ([name]) => name,
      minLength: 1,
      maxLength: 4,
    })
    .map((properties) => ({
      type: 'object',
      properties: Object.fromEntries(properties.map(([name, schema]) => [name, schema])),
      required: properties.filter(([, , required]) => required).map(([name]) => name),
    })),
})).object;

/** A value that tries to be valid under a schema; whether it is has to be checked. */
export function sampleOf(schema: unknown, root: unknown, random: () => number, depth = 0): unknown {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  if (!isObject(schema) || depth > 12) return depth > 12 ? null : 'anything';
  if (typeof schema.$ref === 'string') return sampleOf(pointer(root, schema.$ref), root, random, depth + 1);
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return pick(schema.enum);
  if ('const' in schema) return schema.const;
  const all = Array.isArray(schema.allOf) ? schema.allOf : [];
  const one = Array.isArray(schema.anyOf) ? schema.anyOf : Array.isArray(schema.oneOf) ? schema.oneOf : [];
  const parts = [...all, ...(one.length > 0 ? [pick(one)] : [])].map((part) => sampleOf(part, root, random, depth + 1));
  const plain = samplePlain(schema, root, random, depth);
  const objects = [plain, ...parts].filter(isObject);
  if (objects.length > 0) return Object.fromEntries(objects.flatMap((object) => Object.entries(object)));
  return plain === undefined ? (parts[0] ?? 'anything') : plain;
}

function samplePlain(schema: JsonObject, root: unknown, random: () => number, depth: number): unknown {
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  const type = types[Math.floor(random() * types.length)];
  if (type === 'object' || isObject(schema.properties)) {
    const required = new Set(Array.isArray(schema.required) ? schema.required : []);
    const entries = Object.entries(isObject(schema.properties) ? schema.properties : {})
      .filter(([name]) => required.has(name) || (depth < 4 && random() < 0.6))
      .map(([name, inner]) => [name, sampleOf(inner, root, random, depth + 1)] as const);
    const extra =
      isObject(schema.additionalProperties) && entries.length === 0
        ? [['key', sampleOf(schema.additionalProperties, root, random, depth + 1)] as const]
        : [];
    return Object.fromEntries([...entries, ...extra]);
  }
  if (type === 'array') {
    const prefix = Array.isArray(schema.prefixItems)
      ? schema.prefixItems
      : Array.isArray(schema.items)
        ? schema.items
        : [];
    if (prefix.length > 0) return prefix.map((item) => sampleOf(item, root, random, depth + 1));
    const least = typeof schema.minItems === 'number' ? Math.min(schema.minItems, 20) : 0;
    return Array.from({ length: Math.max(least, depth < 5 ? 1 : 0) }, () =>
      sampleOf(schema.items, root, random, depth + 1),
    );
  }
  if (type === 'integer' || type === 'number') {
    const { minimum, maximum, exclusiveMinimum } = schema;
    if (typeof minimum === 'number') return minimum;
    if (typeof exclusiveMinimum === 'number') return exclusiveMinimum + 1;
    return typeof maximum === 'number' ? maximum : 3;
  }
  if (type === 'boolean') return random() < 0.5;
  if (type === 'null') return null;
  if (type !== 'string') return undefined;
  const formats: JsonObject = {
    date: '2026-01-02',
    'date-time': '2026-01-02T03:04:05Z',
    uri: 'https://example.com/',
    email: 'a@b.cc',
    uuid: '6f6a2b0e-3c5e-4a0e-9c3d-2f0f6a1b2c3d',
  };
  const text = typeof schema.format === 'string' ? formats[schema.format] : undefined;
  return text ?? 'x'.repeat(Math.max(1, Math.min(typeof schema.minLength === 'number' ? schema.minLength : 3, 200)));
}

function pointer(root: unknown, ref: string): unknown {
  let at = root;
  for (const part of ref
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')) {
    at =
      isObject(at) || Array.isArray(at)
        ? (at as JsonObject)[part.replaceAll('~1', '/').replaceAll('~0', '~')]
        : undefined;
  }
  return at;
}

/** A JSON value as the TypeScript type that has only this value. */
export function literalType(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literalType).join(', ')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, inner]) => `${JSON.stringify(key)}: ${literalType(inner)}`)
    .join('; ')}}`;
}
