// Tools as a view with `lean` lists them: without what says nothing (performance row 20). What a tool takes and gives
// stays the same; the server's own list and the checks of arguments are not touched.
import { isObject, type JsonObject } from '../core/json.ts';
import { leanSchema, repeats, tidy } from './lean-schema.ts';

/** Hints that mean the same when they are absent (2025-11-25, ToolAnnotations). */
const DEFAULT_HINTS: JsonObject = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
};
/** Hints that mean something only for a tool that changes something (likewise). */
const OF_CHANGES = new Set(['destructiveHint', 'idempotentHint']);

/** The definition without what says nothing; `name` is what the server calls the tool. */
export function leanTool(definition: JsonObject, name: string): JsonObject {
  const lean = { ...definition };
  for (const key of ['inputSchema', 'outputSchema']) {
    const schema = lean[key];
    if (isObject(schema)) lean[key] = leanSchema(schema, name);
  }
  if (typeof lean.description === 'string') lean.description = tidy(lean.description);
  const annotations = isObject(lean.annotations) ? leanAnnotations(lean.annotations, lean.title ?? name) : undefined;
  if (annotations !== undefined) lean.annotations = annotations;
  if (annotations !== undefined && Object.keys(annotations).length === 0) delete lean.annotations;
  // Clients show the title, else that of the annotations, else the name.
  if (repeats(lean.title, name) && annotations?.title === undefined) delete lean.title;
  const { execution } = lean;
  if (isObject(execution) && Object.keys(execution).length === 1 && execution.taskSupport === 'forbidden')
    delete lean.execution;
  return lean;
}

function leanAnnotations(annotations: JsonObject, shown: unknown): JsonObject {
  const told = Object.entries(annotations).filter(([hint, value]) => {
    if (hint === 'title') return !repeats(value, shown);
    return DEFAULT_HINTS[hint] !== value && !(annotations.readOnlyHint === true && OF_CHANGES.has(hint));
  });
  return Object.fromEntries(told);
}
