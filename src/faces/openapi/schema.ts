// JSON Schemas of strangers to components of an OpenAPI 3.1 document: nearly as they are, for 3.1 speaks 2020-12, but
// with every `$ref` pointing into the document, none outside, and no keyword that would make the document invalid.
import { isObject, type JsonObject } from '../../core/json.ts';
import { BY_NAME, keepsValue, MANY, ONE } from './keywords.ts';
import { componentName, UniqueNames } from './names.ts';
import { indexOf, type SchemaIndex } from './schema-index.ts';

/** Deeper parts of a schema, and what is left after so many nodes of one tool, allow anything (F-L6). */
const MAX_DEPTH = 60;
const MAX_NODES = 20_000;

const PREFIX = '#/components/schemas/';

/** Sets a key as data, whatever it is called (F-L13). */
export function put(target: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else target[key] = value;
}

/** The schemas of one document, by component name. */
export class Components {
  readonly schemas: JsonObject = {};
  readonly #names = new UniqueNames();

  /** Adds a schema that is known to be good under exactly this name. */
  fixed(name: string, schema: JsonObject): void {
    this.#names.take(name);
    this.schemas[name] = schema;
  }

  /** Adds a schema of a tool, with everything it refers to; gives a reference to it. */
  add(wanted: string, schema: JsonObject): { $ref: string } {
    const name = this.#names.take(componentName(wanted));
    const model = new Model(schema, name, (part) => this.#names.take(componentName(part)), this.schemas);
    model.takeOver();
    const added = this.schemas[name] as JsonObject;
    nameProperties(added);
    added.title = wanted;
    return { $ref: PREFIX + name };
  }
}

/** FastAPI gives every field a title; clients show it. */
function nameProperties(model: JsonObject): void {
  if (!isObject(model.properties)) return;
  for (const [name, property] of Object.entries(model.properties)) {
    if (!isObject(property) || property.title !== undefined || property.$ref !== undefined) continue;
    property.title = name
      .replaceAll('_', ' ')
      .trim()
      .replace(/[\p{L}\p{M}]+/gu, (word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase());
  }
}

/** One schema of a tool while it is taken over: its references are local to it. */
class Model {
  readonly #root: JsonObject;
  readonly #name: string;
  readonly #take: (wanted: string) => string;
  readonly #schemas: JsonObject;
  /** Component names by JSON pointer within the root. */
  readonly #hoisted = new Map<string, string>();
  readonly #pending: [schema: unknown, name: string][] = [];
  #index: SchemaIndex | undefined;
  #nodes = 0;

  constructor(root: JsonObject, name: string, take: (wanted: string) => string, schemas: JsonObject) {
    this.#root = root;
    this.#name = name;
    this.#take = take;
    this.#schemas = schemas;
  }

  /** Takes over the root and, one after the other, whatever it refers to. */
  takeOver(): void {
    this.#hoisted.set('', this.#name);
    this.#pending.push([this.#root, this.#name]);
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      const [schema, name] = next;
      const converted = this.#convert(schema, 0);
      this.#schemas[name] = typeof converted === 'boolean' ? (converted ? {} : { not: {} }) : converted;
    }
    this.#untangle();
  }

  /** A reference that only leads back to itself means nothing, and ends many a program that follows it. */
  #untangle(): void {
    for (const name of this.#hoisted.values()) {
      const seen = new Set<string>();
      for (let at: string | undefined = name; at !== undefined; at = this.#alias(at)) {
        if (seen.has(at)) {
          this.#schemas[name] = {};
          break;
        }
        seen.add(at);
      }
    }
  }

  #alias(name: string): string | undefined {
    const { $ref } = this.#schemas[name] as JsonObject;
    return typeof $ref === 'string' ? $ref.slice(PREFIX.length) : undefined;
  }

  #convert(schema: unknown, depth: number): JsonObject | boolean {
    if (typeof schema === 'boolean') return schema;
    if (!isObject(schema) || depth > MAX_DEPTH || ++this.#nodes > MAX_NODES) return {};
    const result: JsonObject = {};
    for (const key of Object.keys(schema)) this.#keyword(result, schema, key, depth);
    if (schema.nullable === true && typeof result.type === 'string') result.type = [result.type, 'null'];
    return result;
  }

  #keyword(result: JsonObject, schema: JsonObject, key: string, depth: number): void {
    const value = schema[key];
    if (key === '$ref' || key === '$dynamicRef' || key === '$recursiveRef') {
      const target = typeof value === 'string' ? this.#reference(value) : undefined;
      if (target !== undefined) result.$ref = target;
    } else if (key === 'items' && Array.isArray(value)) {
      // Up to 2019-09 a list of items was written so.
      this.#list(result, 'prefixItems', value, depth);
      if (isSchema(schema.additionalItems)) result.items = this.#convert(schema.additionalItems, depth + 1);
    } else if (ONE.has(key)) {
      if (isSchema(value)) result[key] = this.#convert(value, depth + 1);
    } else if (MANY.has(key)) this.#list(result, key, value, depth);
    else if (BY_NAME.has(key)) this.#byName(result, key, value, depth);
    else if (key === 'dependencies') this.#dependencies(result, value, depth);
    else if ((key === 'exclusiveMaximum' || key === 'exclusiveMinimum') && value === true) {
      const limit = schema[key === 'exclusiveMaximum' ? 'maximum' : 'minimum'];
      if (typeof limit === 'number') result[key] = limit;
    } else if (key === 'discriminator') this.#discriminator(result, value);
    else if (keepsValue(key, value)) result[key] = value;
  }

  #list(result: JsonObject, key: string, value: unknown, depth: number): void {
    if (!Array.isArray(value) || value.length === 0) return;
    result[key] = value.map((one) => this.#convert(one, depth + 1));
  }

  #byName(result: JsonObject, key: string, value: unknown, depth: number): void {
    if (!isObject(value)) return;
    const into: JsonObject = isObject(result[key]) ? result[key] : {};
    for (const name of Object.keys(value)) put(into, name, this.#convert(value[name], depth + 1));
    result[key] = into;
  }

  #dependencies(result: JsonObject, value: unknown, depth: number): void {
    if (!isObject(value)) return;
    const required: JsonObject = {};
    for (const [name, one] of Object.entries(value)) {
      if (Array.isArray(one)) put(required, name, one);
      else this.#byName(result, 'dependentSchemas', { [name]: one }, depth);
    }
    if (keepsValue('dependentRequired', required) && Object.keys(required).length > 0) {
      result.dependentRequired = required;
    }
  }

  #discriminator(result: JsonObject, value: unknown): void {
    if (!isObject(value) || typeof value.propertyName !== 'string') return;
    const mapping: JsonObject = {};
    for (const [name, one] of Object.entries(isObject(value.mapping) ? value.mapping : {})) {
      const target = typeof one === 'string' ? this.#reference(one) : undefined;
      if (target !== undefined) put(mapping, name, target);
    }
    const given = Object.keys(mapping).length > 0 ? { mapping } : {};
    result.discriminator = { propertyName: value.propertyName, ...given };
  }

  /** Where a reference leads in the document; undefined when it leads nowhere, or out of the schema (F-L7). */
  #reference(ref: string): string | undefined {
    this.#index ??= indexOf(this.#root);
    const pointer = this.#index.pointerOf(ref);
    if (pointer === undefined) return undefined;
    const known = this.#hoisted.get(pointer);
    if (known !== undefined) return PREFIX + known;
    const target = this.#index.at(pointer);
    if (!isSchema(target)) return undefined;
    const name = this.#take(`${this.#name}_${pointer.slice(pointer.lastIndexOf('/') + 1).slice(0, 100)}`);
    this.#hoisted.set(pointer, name);
    this.#pending.push([target, name]);
    return PREFIX + name;
  }
}

function isSchema(value: unknown): value is JsonObject | boolean {
  return typeof value === 'boolean' || isObject(value);
}
