// What is wrong with the arguments of a call, told so that a model can put it right: where, what was expected, what came.
import { isObject, type JsonObject } from '../core/json.ts';
import { nearest } from '../core/nearest.ts';

export interface Violation {
  /** JSON pointer of the argument; '' for the arguments as a whole. */
  path: string;
  /** What the schema wants, in a few words. */
  expected: string;
  /** What was there, shortened. */
  got: string;
}

/** One error of ajv, as far as it is read here. */
export interface SchemaError {
  keyword: string;
  instancePath: string;
  params: Record<string, unknown>;
  message?: string;
  parentSchema?: unknown;
}

const MAX_VIOLATIONS = 20;

/** The check of old: required names that are missing, names that are not allowed. */
export function checkNames(schema: JsonObject, value: unknown): Violation[] {
  if (!isObject(value)) return [{ path: '', expected: 'object', got: describe(value) }];
  const required = Array.isArray(schema.required) ? schema.required : [];
  const missing = required
    .filter((name) => typeof name === 'string' && !Object.hasOwn(value, name))
    .map((name) => missingAt('', name, value, schema));
  const { properties } = schema;
  if (schema.additionalProperties !== false || !isObject(properties)) return missing.slice(0, MAX_VIOLATIONS);
  const unknown = Object.keys(value).filter((name) => !Object.hasOwn(properties, name));
  return [...missing, ...unknown.map((name) => unknownAt('', name, value, schema))].slice(0, MAX_VIOLATIONS);
}

function missingAt(path: string, name: unknown, value: unknown, schema: unknown): Violation {
  const properties = isObject(schema) && isObject(schema.properties) ? schema.properties : {};
  const property = Object.hasOwn(properties, String(name)) ? properties[String(name)] : undefined;
  const type = isObject(property) && typeof property.type === 'string' ? property.type : 'a value';
  // Where the schema does not forbid what it does not know, a misspelt name shows only here.
  const told = isObject(schema) && schema.additionalProperties === false;
  const others = isObject(value) && !told ? Object.keys(value).filter((key) => !Object.hasOwn(properties, key)) : [];
  const near = nearest(String(name), others.slice(0, 200), 1)[0];
  const got = near === undefined ? 'nothing' : `nothing, but an unknown ${JSON.stringify(near)}`;
  return { path: `${path}/${pointer(String(name))}`, expected: `${type} (required)`, got };
}

function unknownAt(path: string, name: string, value: JsonObject | undefined, schema: unknown): Violation {
  const known = isObject(schema) && isObject(schema.properties) ? Object.keys(schema.properties) : [];
  const near = nearest(name, known.slice(0, 200), 1)[0];
  const meant = near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`;
  return {
    path: `${path}/${pointer(name)}`,
    expected: `no property of this name${meant}`,
    got: describe(value?.[name]),
  };
}

export function violationsOf(errors: readonly SchemaError[], value: unknown): Violation[] {
  const found = new Map<string, Violation>();
  const unions = errors
    .filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')
    .map((error) => error.instancePath);
  for (const error of errors) {
    const { keyword, instancePath: path, params } = error;
    if (keyword === 'if' || keyword === 'allOf' || (keyword === 'not' && errors.length > 1)) continue;
    const at = valueAt(value, path);
    let violation: Violation;
    if (keyword === 'required') violation = missingAt(path, params.missingProperty, at, error.parentSchema);
    else if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') {
      const name = String(params.additionalProperty ?? params.unevaluatedProperty);
      violation = unknownAt(path, name, isObject(at) ? at : undefined, error.parentSchema);
    } else violation = { path, expected: expectedBy(error), got: describe(at) };
    const key = violation.path;
    const before = found.get(key);
    if (before === undefined) {
      if (found.size >= MAX_VIOLATIONS) break;
      found.set(key, violation);
    } else if (before.got === violation.got && before.expected !== violation.expected && before.expected.length < 200) {
      // Alternatives of one place are told together.
      const between = unions.includes(path) ? ' or ' : ', ';
      if (keyword !== 'anyOf' && keyword !== 'oneOf' && !before.expected.includes(violation.expected)) {
        found.set(key, { ...before, expected: `${before.expected}${between}${violation.expected}` });
      }
    }
  }
  return [...found.values()];
}

function expectedBy({ keyword, params, message }: SchemaError): string {
  switch (keyword) {
    case 'type':
      return Array.isArray(params.type) ? params.type.join(' or ') : String(params.type).replaceAll(',', ' or ');
    case 'enum':
      return `one of ${shortJson(params.allowedValues, 200)}`;
    case 'const':
      return shortJson(params.allowedValue, 80);
    case 'format':
      return `format ${params.format}`;
    case 'pattern':
      return `text that matches /${String(params.pattern).slice(0, 80)}/`;
    case 'uniqueItems':
      return 'items that all differ';
    case 'anyOf':
    case 'oneOf':
      return 'one of the alternatives of the schema';
    default:
      return (message ?? keyword)
        .replace(/^must (be|have|NOT have)/, (_, verb) => (verb === 'NOT have' ? 'not' : ''))
        .trim()
        .slice(0, 160);
  }
}

function valueAt(value: unknown, path: string): unknown {
  let at = value;
  for (const part of path.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as JsonObject)[key];
  }
  return at;
}

/** A value in a few characters: its kind and its beginning. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (typeof value === 'string') return shortJson(value.slice(0, 80), 60);
  return `${Array.isArray(value) ? 'array' : 'object'} ${shortJson(value, 60)}`;
}

function shortJson(value: unknown, most: number): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= most ? text : `${text.slice(0, most - 3)}...`;
}

function pointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
