// What the keywords of a JSON Schema hold (2020-12, OpenAPI 3.1 base vocabulary): a value of another kind makes the
// whole document invalid, so it is left out.
import { isObject } from '../../core/json.ts';

/** Hold one schema, a list of schemas, or schemas by name. */
export const ONE: ReadonlySet<string> = new Set([
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'items',
  'contains',
  'not',
  'if',
  'then',
  'else',
  'propertyNames',
  'contentSchema',
]);
export const MANY: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
export const BY_NAME: ReadonlySet<string> = new Set(['properties', 'patternProperties', 'dependentSchemas']);

const TYPES: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string';
const flag: Check = (value) => typeof value === 'boolean';
const number: Check = (value) => typeof value === 'number';
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const list: Check = Array.isArray;
const anything: Check = () => true;
const names: Check = (value) => Array.isArray(value) && value.every(text) && new Set(value).size === value.length;

const VALUES: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['type', isType],
  ['enum', list],
  ['const', anything],
  ['default', anything],
  ['example', anything],
  ['examples', list],
  ['title', text],
  ['description', text],
  ['format', text],
  ['pattern', isPattern],
  ['contentEncoding', text],
  ['contentMediaType', text],
  ['multipleOf', (value) => typeof value === 'number' && value > 0],
  ...['maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum'].map((key): [string, Check] => [key, number]),
  ...[
    'maxLength',
    'minLength',
    'maxItems',
    'minItems',
    'maxContains',
    'minContains',
    'maxProperties',
    'minProperties',
  ].map((key): [string, Check] => [key, count]),
  ...['uniqueItems', 'readOnly', 'writeOnly', 'deprecated'].map((key): [string, Check] => [key, flag]),
  ['required', names],
  ['dependentRequired', (value) => isObject(value) && Object.values(value).every(names)],
  ['externalDocs', (value) => isObject(value) && text(value.url)],
  ['xml', isObject],
]);

/** Whether a keyword that holds a plain value may stay. Unknown ones may not, but for extensions (`x-…`). */
export function keepsValue(keyword: string, value: unknown): boolean {
  const check = VALUES.get(keyword);
  const fits = check === undefined ? keyword.startsWith('x-') : check(value);
  return fits && !holdsReference(value);
}

/** Many readers follow these wherever they stand, also in data, and fail if one leads nowhere or is there twice. */
function holdsReference(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const open: object[] = [value];
  let visits = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (++visits > MAX_VISITS || FOLLOWED.some((key) => Object.hasOwn(next, key))) return true;
    for (const inner of Object.values(next)) if (typeof inner === 'object' && inner !== null) open.push(inner);
  }
  return false;
}

const MAX_VISITS = 10_000;
const FOLLOWED = ['$ref', '$dynamicRef', '$id', '$anchor', '$dynamicAnchor'];

function isType(value: unknown): boolean {
  if (!Array.isArray(value)) return TYPES.has(value);
  return value.length > 0 && value.every((one) => TYPES.has(one)) && new Set(value).size === value.length;
}

function isPattern(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  try {
    new RegExp(value, 'u');
    return true;
  } catch {
    return false;
  }
}
