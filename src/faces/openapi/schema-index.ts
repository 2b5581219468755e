// Finds what a `$ref` inside one schema means: by JSON pointer, by anchor, by the `$id` of an embedded schema.
import { isObject, type JsonObject } from '../../core/json.ts';

const MAX_VISITS = 50_000;

export interface SchemaIndex {
  /** The JSON pointer a reference means, in one spelling; undefined when it leads out of the schema. */
  pointerOf(ref: string): string | undefined;
  /** What stands at a pointer; undefined when nothing does. */
  at(pointer: string): unknown;
}

export function indexOf(root: JsonObject): SchemaIndex {
  let named: Map<string, string> | undefined;
  const names = () => {
    named ??= namesIn(root);
    return named;
  };
  return {
    pointerOf(ref) {
      const mark = ref.indexOf('#');
      const base = mark === -1 ? ref : ref.slice(0, mark);
      const fragment = mark === -1 ? '' : unescapeUri(ref.slice(mark + 1));
      const from = base === '' ? '' : names().get(base);
      if (from === undefined || fragment === undefined) return undefined;
      if (fragment === '') return from;
      return fragment.startsWith('/') ? from + fragment : names().get(`#${fragment}`);
    },
    at(pointer) {
      let value: unknown = root;
      for (const step of pointer.split('/').slice(1)) {
        const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
        if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
        value = (value as JsonObject)[key];
      }
      return value;
    },
  };
}

/** Pointers by `$id` and, after a `#`, by anchor. The first of two equal names counts. */
function namesIn(root: JsonObject): Map<string, string> {
  const names = new Map<string, string>();
  const add = (name: string, pointer: string) => {
    if (!names.has(name)) names.set(name, pointer);
  };
  const open: [unknown, string][] = [[root, '']];
  for (let visits = 0; open.length > 0 && visits < MAX_VISITS; visits++) {
    const [value, pointer] = open.shift() as [unknown, string];
    if (typeof value !== 'object' || value === null) continue;
    if (isObject(value)) {
      if (typeof value.$id === 'string') add(value.$id.replace(/#$/, ''), pointer);
      if (typeof value.$anchor === 'string') add(`#${value.$anchor}`, pointer);
      if (typeof value.$dynamicAnchor === 'string') add(`#${value.$dynamicAnchor}`, pointer);
    }
    for (const [key, inner] of Object.entries(value)) {
      open.push([inner, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`]);
    }
  }
  return names;
}

function unescapeUri(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
