// What must be known of a schema before anything is left out of it: who refers to what, and what depends on its dialect.
import { isObject, type JsonObject } from '../core/json.ts';

/** Where definitions stand that others refer to: JSON Schema 2020-12, and drafts before 2019-09. */
export const HOLDERS: readonly string[] = ['$defs', 'definitions'];
/** Keywords whose value is a schema for each name. */
export const MAPS: ReadonlySet<string> = new Set([
  ...HOLDERS,
  'properties',
  'patternProperties',
  'dependentSchemas',
  'dependencies',
]);
/** Keywords whose value is a schema, or a list of them. */
export const SCHEMAS: ReadonlySet<string> = new Set([
  'items',
  'prefixItems',
  'additionalItems',
  'additionalProperties',
  'unevaluatedItems',
  'unevaluatedProperties',
  'contains',
  'propertyNames',
  'anyOf',
  'oneOf',
  'allOf',
  'not',
  'if',
  'then',
  'else',
  'contentSchema',
]);
/** Keywords that only tell. */
export const TELLING: ReadonlySet<string> = new Set([
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$comment',
]);
/** What one dialect knows and another does not; with one of these the schema keeps its `$schema`. */
const OF_A_DIALECT = new Set([
  'additionalItems',
  'dependencies',
  'dependentRequired',
  'dependentSchemas',
  'prefixItems',
  'unevaluatedItems',
  'unevaluatedProperties',
  'minContains',
  'maxContains',
  '$recursiveRef',
  '$recursiveAnchor',
  '$dynamicRef',
]);

export interface Survey {
  /** Every text that looks like a pointer into the schema, wherever it stands: rather too many than one too few. */
  pointers: string[];
  /** A reference by anchor, by URL, or one that depends on who follows it. */
  elsewhere: boolean;
  /** Something that other dialects understand differently. */
  dialect: boolean;
  /** Something that asks which members other keywords have looked at. */
  unevaluated: boolean;
}

type Kind = 'schema' | 'map' | 'data';

/** Without recursion: how deep a schema may be is the server's choice. */
export function surveyOf(root: unknown): Survey {
  const found: Survey = { pointers: [], elsewhere: false, dialect: false, unevaluated: false };
  const todo: [unknown, Kind][] = [[root, 'schema']];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const [value, kind] = next;
    if (typeof value === 'string' && value.startsWith('#/')) found.pointers.push(value);
    if (Array.isArray(value)) for (const item of value) todo.push([item, kind]);
    if (!isObject(value)) continue;
    if (kind === 'schema') found.dialect ||= isOfADialect(value);
    for (const [key, inner] of Object.entries(value)) {
      if (typeof inner === 'string') found.elsewhere ||= leadsElsewhere(key, inner, value === root);
      if (kind === 'schema' && key.startsWith('unevaluated')) found.unevaluated = true;
      todo.push([inner, kind === 'schema' ? kindUnder(key) : kind === 'map' ? 'schema' : 'data']);
    }
  }
  return found;
}

function kindUnder(keyword: string): Kind {
  if (SCHEMAS.has(keyword)) return 'schema';
  return MAPS.has(keyword) ? 'map' : 'data';
}

function leadsElsewhere(key: string, value: string, isRoot: boolean): boolean {
  // An `$id` inside makes pointers below it start there.
  if (key === '$id') return !isRoot;
  if (key === '$ref') return value !== '#' && !value.startsWith('#/');
  return key === '$dynamicRef' || key === '$recursiveRef';
}

function isOfADialect(schema: JsonObject): boolean {
  // Drafts before 2019-09 ignore what stands beside a reference.
  if (typeof schema.$ref === 'string' && Object.keys(schema).some((key) => key !== '$ref' && constrains(key)))
    return true;
  // Draft-04 says `exclusiveMinimum: true` and `id`; lists of `items` ended with draft 2019-09.
  if (typeof schema.exclusiveMinimum === 'boolean' || typeof schema.exclusiveMaximum === 'boolean') return true;
  if (typeof schema.id === 'string' || Array.isArray(schema.items)) return true;
  return Object.keys(schema).some((key) => OF_A_DIALECT.has(key));
}

const constrains = (key: string) => !TELLING.has(key) && !HOLDERS.includes(key) && key !== '$schema';

/** The definition at the root that a pointer leads to or into. */
export interface Target {
  holder: string;
  name: string;
  /** To the definition itself, not to a part of it. */
  whole: boolean;
}

/** Undefined for a pointer to something else. */
export function targetOf(pointer: string): Target | undefined {
  const [, holder = '', name, ...rest] = pointer.split('/');
  if (name === undefined || !HOLDERS.includes(holder)) return undefined;
  return { holder, name: unescaped(name), whole: rest.length === 0 };
}

/** A name in a pointer of a URI fragment (RFC 6901, 6). */
function unescaped(name: string): string {
  let text = name;
  try {
    text = decodeURIComponent(name);
  } catch {
    // A stray percent sign is itself.
  }
  return text.replaceAll('~1', '/').replaceAll('~0', '~');
}
