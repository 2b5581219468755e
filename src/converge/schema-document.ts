// One JSON Schema as a document: which draft it follows, where its references lead, how much of it there is.
import { isObject, type JsonObject } from '../core/json.ts';

/** A schema document with what has to be known to follow its references; nothing outside of it is ever read. */
export interface SchemaDocument {
  root: unknown;
  /** Draft-07 and older: keywords beside `$ref` do not count (draft-07, section 8.3). */
  refHidesSiblings: boolean;
  /**
   * Where a `$ref` leads inside the document, references of references followed to their end; undefined for one that
   * leads outside, nowhere, or in a circle.
   */
  resolve(ref: string): unknown;
  /** The schema that asks for both; the same object each time, so that recursion through it is seen. */
  both(a: unknown, b: unknown): unknown;
}

const OLD_DRAFT = /draft-0[3467]/;
/** Anchors are looked for in no more than this many values of a document. */
const MAX_VISITED = 50_000;

export function openDocument(root: unknown): SchemaDocument {
  const dialect = isObject(root) && typeof root.$schema === 'string' ? root.$schema : '';
  const refHidesSiblings = OLD_DRAFT.test(dialect);
  const base = isObject(root) && typeof root.$id === 'string' ? root.$id.replace(/#.*$/s, '') : '';
  let anchors: Map<string, unknown> | undefined;
  const pairs = new Map<unknown, Map<unknown, JsonObject>>();

  const once = (ref: string): unknown => {
    const hash = ref.indexOf('#');
    const before = hash === -1 ? ref : ref.slice(0, hash);
    const fragment = hash === -1 ? '' : ref.slice(hash + 1);
    anchors ??= collectAnchors(root);
    if (before !== '' && before !== base) return fragment === '' ? anchors.get(before) : undefined;
    if (fragment === '') return root;
    return fragment.startsWith('/') ? byPointer(root, fragment) : anchors.get(`#${fragment}`);
  };

  return {
    root,
    refHidesSiblings,
    resolve(ref) {
      const seen = new Set<string>();
      for (let next = ref; ; ) {
        if (seen.has(next)) return undefined;
        seen.add(next);
        const target = once(next);
        const further = refOf(target);
        if (further === undefined || !isPureRef(target as JsonObject, refHidesSiblings)) return target;
        next = further;
      }
    },
    both(a, b) {
      if (a === false || b === false) return false;
      if (a === true || a === b) return b;
      if (b === true) return a;
      const known = pairs.get(a) ?? new Map<unknown, JsonObject>();
      pairs.set(a, known);
      const pair = known.get(b) ?? { allOf: [a, b] };
      known.set(b, pair);
      return pair;
    },
  };
}

/** The reference a schema makes, in any of the spellings of the drafts. */
export function refOf(schema: unknown): string | undefined {
  if (!isObject(schema)) return undefined;
  for (const key of ['$ref', '$dynamicRef', '$recursiveRef']) {
    const ref = schema[key];
    if (typeof ref === 'string') return ref;
  }
  return undefined;
}

/** Keywords that say nothing about which values are valid. */
const ANNOTATIONS = new Set([
  '$ref', '$dynamicRef', '$recursiveRef', '$schema', '$id', 'id', '$anchor', '$dynamicAnchor', '$recursiveAnchor',
  '$comment', '$defs', 'definitions', '$vocabulary', 'title', 'description', 'default', 'examples', 'example',
  'deprecated', 'readOnly', 'writeOnly',
]); // biome-ignore format: a list of words

/** Whether nothing but annotations stands beside the reference. */
export function isPureRef(schema: JsonObject, refHidesSiblings: boolean): boolean {
  return refHidesSiblings || Object.keys(schema).every((key) => ANNOTATIONS.has(key) || key.startsWith('x-'));
}

function byPointer(root: unknown, pointer: string): unknown {
  let decoded: string;
  try {
    decoded = decodeURIComponent(pointer);
  } catch {
    decoded = pointer;
  }
  let at = root;
  for (const part of decoded.slice(1).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as JsonObject)[key];
  }
  return isObject(at) || typeof at === 'boolean' ? at : undefined;
}

function collectAnchors(root: unknown): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const open: unknown[] = [root];
  for (let visited = 0; open.length > 0 && visited < MAX_VISITED; visited++) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (!Array.isArray(value)) {
      for (const key of ['$anchor', '$dynamicAnchor']) {
        const name = (value as JsonObject)[key];
        if (typeof name === 'string' && !found.has(`#${name}`)) found.set(`#${name}`, value);
      }
      const id = (value as JsonObject).$id;
      if (typeof id === 'string' && !found.has(id)) found.set(id, value);
    }
    for (const inner of Object.values(value)) open.push(inner);
  }
  return found;
}
