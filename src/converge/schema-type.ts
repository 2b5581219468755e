// JSON Schema → a small tree of TypeScript types. What TypeScript cannot say (bounds, formats, defaults) goes along as
// facts, which become comments where there is room for them.
import { isObject, type JsonObject } from '../core/json.ts';
import { openDocument, type SchemaDocument } from './schema-document.ts';
import { factsOf } from './schema-facts.ts';
import { type FlatSchema, flatten, passesTo } from './schema-merge.ts';

export type Type = (
  | { kind: 'text'; text: string }
  | { kind: 'literals'; values: string[] }
  | { kind: 'array'; of: Type }
  | { kind: 'tuple'; items: Type[]; required: number; rest: Type | undefined }
  | { kind: 'record'; of: Type }
  | { kind: 'object'; members: TypeMember[]; others: Type | undefined }
  | { kind: 'union'; of: Type[] }
  | { kind: 'both'; of: Type[] }
  | { kind: 'named'; to: NamedType }
) & { facts?: string[] };

export interface TypeMember {
  name: string;
  optional: boolean;
  type: Type;
  /** Facts about the property itself. */
  facts: string[];
  description: string;
}

/** A schema that was met; one that is met more than once, or inside itself, may become a named type. */
export interface NamedType {
  hint: string;
  type: Type | undefined;
  uses: number;
  recursive: boolean;
  description: string;
}

export const UNKNOWN: Type = { kind: 'text', text: 'unknown' };
const NEVER: Type = { kind: 'text', text: 'never' };
const NULL: Type = { kind: 'text', text: 'null' };

/** A schema deeper or larger than this ends in `unknown`; names of properties are still all there. */
const MAX_DEPTH = 40;
const MAX_SCHEMAS = 20_000;

/** The type of a whole schema document. Never throws, whatever the document is; bounded in time. */
export function typeOfSchema(root: unknown): Type {
  const builder = new TypeBuilder(openDocument(root));
  return builder.typeOf(root, 0, 'Root');
}

class TypeBuilder {
  readonly #document: SchemaDocument;
  readonly #met = new Map<object, NamedType>();
  #left = MAX_SCHEMAS;

  constructor(document: SchemaDocument) {
    this.#document = document;
  }

  typeOf(schema: unknown, depth: number, hint: string): Type {
    if (schema === false) return NEVER;
    if (!isObject(schema)) return UNKNOWN;
    let target: JsonObject = schema;
    let name = hint;
    for (let hops = 0; hops < MAX_DEPTH; hops++) {
      const next = passesTo(target, this.#document);
      if (next === undefined) break;
      if (next.ref !== undefined) name = lastSegment(next.ref) ?? name;
      if (next.to === false) return NEVER;
      if (!isObject(next.to)) return UNKNOWN;
      if (next.to === target) return UNKNOWN;
      target = next.to;
    }
    const known = this.#met.get(target);
    if (known !== undefined) {
      known.uses++;
      if (known.type === undefined) known.recursive = true;
      return { kind: 'named', to: known };
    }
    if (depth > MAX_DEPTH || this.#left-- <= 0) return UNKNOWN;
    const description = typeof target.description === 'string' ? target.description : '';
    const named: NamedType = { hint: name, type: undefined, uses: 1, recursive: false, description };
    this.#met.set(target, named);
    named.type = this.#build(target, depth, name);
    return { kind: 'named', to: named };
  }

  #build(schema: JsonObject, depth: number, hint: string): Type {
    const flat = flatten(schema, this.#document);
    const ref = typeof schema.$ref === 'string' ? schema.$ref : undefined;
    if (ref !== undefined && this.#document.resolve(ref) === undefined && Object.keys(flat.keywords).length === 0) {
      return { kind: 'text', text: identifier(lastSegment(ref) ?? '') ?? 'unknown' };
    }
    const { keywords } = flat;
    if (flat.never || isEverything(keywords.not)) return NEVER;
    const type = this.#constrained(flat, depth, hint);
    const facts = factsOf(keywords);
    const nullable = keywords.nullable === true && !flat.never ? unionOf([type, NULL]) : type;
    return facts.length === 0 ? nullable : { ...nullable, facts: [...(nullable.facts ?? []), ...facts] };
  }

  #constrained(flat: FlatSchema, depth: number, hint: string): Type {
    const { keywords, unions } = flat;
    if (Array.isArray(keywords.enum)) return literals(keywords.enum, keywords.type);
    if (unions.length === 0) return this.#plain(keywords, depth, hint) ?? UNKNOWN;
    const structured = ['properties', 'required', 'items', 'prefixItems', 'additionalProperties', 'patternProperties'];
    const hasBase = structured.some((key) => key in keywords);
    const parts: Type[] = [];
    if (hasBase) parts.push(this.#plain(keywords, depth, hint) ?? UNKNOWN);
    for (const members of unions) {
      // A type that stands beside the alternatives holds for each of them.
      const narrowed =
        hasBase || keywords.type === undefined ? members : members.map((m) => this.#narrow(m, keywords.type));
      const types = narrowed.map((member) => this.typeOf(member, depth + 1, hint));
      const union = unionOf(types);
      if (!(union.kind === 'text' && union.text === 'unknown')) parts.push(union);
    }
    if (parts.length === 0) return this.#plain(keywords, depth, hint) ?? UNKNOWN;
    return parts.length === 1 ? (parts[0] as Type) : { kind: 'both', of: parts };
  }

  #narrow(member: unknown, type: unknown): unknown {
    const resolved = isObject(member) ? flatten(member, this.#document).keywords : undefined;
    if (resolved === undefined || resolved.type !== undefined || resolved.enum !== undefined) return member;
    return this.#document.both(member, this.#typeOnly(type));
  }

  #typeSchemas = new Map<string, JsonObject>();
  #typeOnly(type: unknown): JsonObject {
    const key = JSON.stringify(type);
    const known = this.#typeSchemas.get(key) ?? { type };
    this.#typeSchemas.set(key, known);
    return known;
  }

  /** The type by `type` and the keywords that belong to it; undefined where nothing says which it is. */
  #plain(keywords: JsonObject, depth: number, hint: string): Type | undefined {
    const listed = Array.isArray(keywords.type) ? keywords.type : [keywords.type];
    const names = listed.filter((name): name is string => typeof name === 'string');
    if (names.length === 0) {
      const inferred = inferType(keywords);
      return inferred === undefined ? undefined : this.#ofType(inferred, keywords, depth, hint);
    }
    return unionOf(names.map((name) => this.#ofType(name, keywords, depth, hint)));
  }

  #ofType(name: string, keywords: JsonObject, depth: number, hint: string): Type {
    if (name === 'object') return this.#object(keywords, depth, hint);
    if (name === 'array') return this.#array(keywords, depth, hint);
    if (name === 'integer' || name === 'number') return { kind: 'text', text: 'number' };
    return name === 'string' || name === 'boolean' || name === 'null' ? { kind: 'text', text: name } : UNKNOWN;
  }

  #array(keywords: JsonObject, depth: number, hint: string): Type {
    const old = Array.isArray(keywords.items);
    const prefix = old ? keywords.items : keywords.prefixItems;
    const rest = old ? keywords.additionalItems : keywords.items;
    if (!Array.isArray(prefix) || prefix.length === 0) {
      return { kind: 'array', of: rest === undefined || old ? UNKNOWN : this.typeOf(rest, depth + 1, singular(hint)) };
    }
    const items = prefix.map((item) => this.typeOf(item, depth + 1, singular(hint)));
    const least = typeof keywords.minItems === 'number' ? keywords.minItems : 0;
    const closed = rest === false || (typeof keywords.maxItems === 'number' && keywords.maxItems <= items.length);
    return {
      kind: 'tuple',
      items,
      required: Math.min(least, items.length),
      rest: closed ? undefined : rest === undefined ? UNKNOWN : this.typeOf(rest, depth + 1, singular(hint)),
    };
  }

  #object(keywords: JsonObject, depth: number, hint: string): Type {
    const required = new Set(
      Array.isArray(keywords.required) ? keywords.required.filter((name) => typeof name === 'string') : [],
    );
    const properties = new Map(isObject(keywords.properties) ? Object.entries(keywords.properties) : []);
    const extra =
      isObject(keywords.additionalProperties) || typeof keywords.additionalProperties === 'boolean'
        ? keywords.additionalProperties
        : isObject(keywords.unevaluatedProperties)
          ? keywords.unevaluatedProperties
          : undefined;
    for (const name of required) if (!properties.has(name)) properties.set(name, isObject(extra) ? extra : true);
    for (const [name, schema] of conditional(keywords)) if (!properties.has(name)) properties.set(name, schema);
    const patterns = isObject(keywords.patternProperties) ? Object.values(keywords.patternProperties) : [];

    if (properties.size === 0) {
      if (patterns.length > 0) {
        const others = extra === undefined || extra === false ? [] : [extra];
        return { kind: 'record', of: unionOf([...patterns, ...others].map((p) => this.typeOf(p, depth + 1, hint))) };
      }
      if (isObject(extra)) return { kind: 'record', of: this.typeOf(extra, depth + 1, singular(hint)) };
      const bare = extra === true || (extra === undefined && depth > 0 && keywords.properties === undefined);
      return bare ? { kind: 'record', of: UNKNOWN } : { kind: 'object', members: [], others: undefined };
    }
    const members: TypeMember[] = [];
    for (const [name, schema] of properties) {
      // A property that is forbidden is no property.
      if (schema === false && !required.has(name)) continue;
      const type = this.typeOf(schema, depth + 1, name);
      members.push({ name, optional: !required.has(name), type, ...this.#remarks(schema, type) });
    }
    const open = extra === true || (isObject(extra) && Object.keys(extra).length === 0);
    let others: Type | undefined = open ? UNKNOWN : undefined;
    if (!open && isObject(extra)) others = this.typeOf(extra, depth + 1, singular(hint));
    if (others === undefined && patterns.length > 0)
      others = unionOf(patterns.map((p) => this.typeOf(p, depth + 1, hint)));
    return { kind: 'object', members, others };
  }

  /** What the schema of a property says in words: its own description, else that of what it refers to. */
  #remarks(schema: unknown, type: Type): { facts: string[]; description: string } {
    const own = isObject(schema) && typeof schema.description === 'string' ? schema.description : '';
    const hidden = isObject(schema) && passesTo(schema, this.#document) !== undefined;
    const facts = hidden
      ? factsOf({ default: (schema as JsonObject).default, deprecated: (schema as JsonObject).deprecated })
      : [];
    return { facts, description: own !== '' ? own : type.kind === 'named' ? type.to.description : '' };
  }
}

/** Properties that only apply under a condition; listed as optional so that a model learns of them. */
function conditional(keywords: JsonObject): [string, unknown][] {
  const dependent = isObject(keywords.dependentSchemas) ? Object.values(keywords.dependentSchemas) : [];
  return [keywords.then, keywords.else, ...dependent].flatMap((part) =>
    isObject(part) && isObject(part.properties) ? Object.entries(part.properties).filter(([, s]) => s !== true) : [],
  );
}

export function unionOf(types: Type[]): Type {
  const flat: Type[] = [];
  for (const type of types) {
    const inner = type.kind === 'named' && !type.to.recursive && type.to.uses === 1 ? type.to.type : undefined;
    if (inner?.kind === 'union' || inner?.kind === 'literals')
      flat.push(...(inner.kind === 'union' ? inner.of : [inner]));
    else if (inner?.kind === 'text') flat.push(inner);
    else if (type.kind === 'union') flat.push(...type.of);
    else flat.push(type);
  }
  const texts = new Set<string>();
  const values: string[] = [];
  const kept: Type[] = [];
  let hasLiterals: Type | undefined;
  const facts: string[] = [];
  for (const type of flat) {
    if (type.kind === 'text') {
      facts.push(...(type.facts ?? []));
      if (type.text === 'unknown') return UNKNOWN;
      if (type.text === 'never' || texts.has(type.text)) continue;
      texts.add(type.text);
      kept.push(type.facts === undefined ? type : { kind: 'text', text: type.text });
    } else if (type.kind === 'literals') {
      for (const value of type.values) if (!values.includes(value)) values.push(value);
      if (hasLiterals === undefined) {
        hasLiterals = { kind: 'literals', values };
        kept.push(hasLiterals);
      }
    } else kept.push(type);
  }
  const single =
    kept.length === 1 ? (kept[0] as Type) : kept.length === 0 ? NEVER : ({ kind: 'union', of: kept } as Type);
  return facts.length === 0 ? single : { ...single, facts: [...new Set([...(single.facts ?? []), ...facts])] };
}

function literals(values: unknown[], type: unknown): Type {
  const types = type === undefined ? undefined : Array.isArray(type) ? type : [type];
  const fitting = types === undefined ? values : values.filter((value) => types.some((name) => isOfType(value, name)));
  if (fitting.length === 0) return NEVER;
  return { kind: 'literals', values: [...new Set(fitting.map((value) => JSON.stringify(value)))] };
}

function isOfType(value: unknown, type: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

function inferType(keywords: JsonObject): string | undefined {
  const has = (...keys: string[]) => keys.some((key) => key in keywords);
  if (has('properties', 'required', 'additionalProperties', 'patternProperties', 'dependentSchemas', 'propertyNames'))
    return 'object';
  if (has('items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains')) return 'array';
  if (has('pattern', 'minLength', 'maxLength', 'format', 'contentEncoding')) return 'string';
  if (has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf')) return 'number';
  return undefined;
}

function isEverything(schema: unknown): boolean {
  return schema === true || (isObject(schema) && Object.keys(schema).length === 0);
}

function lastSegment(ref: string): string | undefined {
  const last = ref.split(/[/#]/).findLast((part) => part !== '');
  return last?.replaceAll('~1', '/').replaceAll('~0', '~');
}

function singular(name: string): string {
  return /[^s]s$/.test(name) ? name.slice(0, -1) : name;
}

const RESERVED = new Set(
  (
    'string number boolean null unknown never any object void undefined symbol bigint true false Record type interface ' +
    'enum class function const var let new delete typeof in of is infer keyof readonly unique this extends'
  ).split(' '),
);

/** A name that TypeScript accepts for a type; undefined where nothing of it is left. */
export function identifier(name: string): string | undefined {
  const safe = name
    .replace(/[^\p{ID_Continue}$]+/gu, '_')
    .replace(/^(?=\p{Nd})/u, '_')
    .slice(0, 40);
  if (safe === '' || /^_*$/.test(safe) || !/^[\p{ID_Start}$_]/u.test(safe)) return undefined;
  return RESERVED.has(safe) ? `${safe}_` : safe;
}
