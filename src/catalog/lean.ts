// Tools as a view with `lean` lists them: without what says nothing (performance row 20). What a tool takes and gives
// stays the same; the server's own list and the checks of arguments are not touched.
import { isObject, type JsonObject } from '../core/json.ts';

/** Where definitions stand that others refer to: JSON Schema 2020-12, and drafts before 2019-09. */
const HOLDERS = ['$defs', 'definitions'];
/** What other dialects understand differently; with one of these the schema keeps its `$schema`. */
const OF_A_DIALECT = new Set([
  'additionalItems',
  'dependencies',
  '$recursiveRef',
  '$recursiveAnchor',
  '$dynamicRef',
  'id',
]);
/** Hints that mean the same when they are absent (2025-11-25, ToolAnnotations). */
const DEFAULT_HINTS: JsonObject = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
};

/** The definition without unused schema definitions, `$schema`, and members that equal their default. */
export function leanTool(definition: JsonObject): JsonObject {
  const lean = { ...definition };
  for (const key of ['inputSchema', 'outputSchema']) {
    const schema = lean[key];
    if (isObject(schema)) lean[key] = leanSchema(schema);
  }
  const { annotations, execution } = lean;
  if (isObject(annotations)) {
    const told = Object.entries(annotations).filter(([hint, value]) => DEFAULT_HINTS[hint] !== value);
    if (told.length > 0) lean.annotations = Object.fromEntries(told);
    else delete lean.annotations;
  }
  if (isObject(execution) && Object.keys(execution).length === 1 && execution.taskSupport === 'forbidden')
    delete lean.execution;
  return lean;
}

function leanSchema(schema: JsonObject): JsonObject {
  const found = survey(schema);
  const lean = { ...schema };
  if (!found.dialect) delete lean.$schema;
  // A reference that is no pointer may lead anywhere.
  if (found.elsewhere) return lean;
  const used = usedDefinitions(schema);
  for (const holder of HOLDERS) {
    const all = schema[holder];
    if (!isObject(all)) continue;
    const kept = Object.entries(all).filter(([name]) => used.has(`${holder}/${name}`));
    if (kept.length > 0) lean[holder] = Object.fromEntries(kept);
    else delete lean[holder];
  }
  return lean;
}

/** Names of the definitions at the root that the rest of the schema leads to, as `$defs/Name`. */
function usedDefinitions(schema: JsonObject): Set<string> {
  const rest = Object.fromEntries(Object.entries(schema).filter(([key]) => !HOLDERS.includes(key)));
  const used = new Set<string>();
  const todo: unknown[] = [rest];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    for (const pointer of survey(next).pointers) {
      const [, holder = '', name = ''] = pointer.split('/');
      const from = schema[holder];
      const key = unescaped(name);
      if (!HOLDERS.includes(holder) || !isObject(from) || used.has(`${holder}/${key}`)) continue;
      used.add(`${holder}/${key}`);
      if (Object.hasOwn(from, key)) todo.push(from[key]);
    }
  }
  return used;
}

interface Survey {
  /** Every text that looks like a pointer into the schema, wherever it stands: rather too many than one too few. */
  pointers: string[];
  /** A reference by anchor, by URL, or one that depends on who follows it. */
  elsewhere: boolean;
  /** Something that other dialects understand differently. */
  dialect: boolean;
}

function survey(value: unknown): Survey {
  const found: Survey = { pointers: [], elsewhere: false, dialect: false };
  const todo: unknown[] = [value];
  while (todo.length > 0) {
    const next = todo.pop();
    if (typeof next === 'string' && next.startsWith('#/')) found.pointers.push(next);
    if (Array.isArray(next)) todo.push(...next);
    if (!isObject(next)) continue;
    for (const [key, inner] of Object.entries(next)) {
      if (/^\$(?:ref|dynamicRef|recursiveRef)$/.test(key) && typeof inner === 'string')
        found.elsewhere ||= key !== '$ref' || (inner !== '#' && !inner.startsWith('#/'));
      // An `$id` inside makes pointers below it start there.
      if (key === '$id' && next !== value) found.elsewhere = true;
      if (OF_A_DIALECT.has(key) || (key === 'items' && Array.isArray(inner)) || isOldBound(key, inner))
        found.dialect = true;
      todo.push(inner);
    }
  }
  return found;
}

/** Draft-04 says `exclusiveMinimum: true`. */
function isOldBound(key: string, value: unknown): boolean {
  return (key === 'exclusiveMinimum' || key === 'exclusiveMaximum') && typeof value === 'boolean';
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
