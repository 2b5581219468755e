// What may be written at a place of a JSON document, from the JSON Schema of the whole.
import type { Completion, CompletionContext, CompletionResult, CompletionSource } from '@codemirror/autocomplete';
import { ensureSyntaxTree, syntaxTree } from '@codemirror/language';
import type { SyntaxNode } from '@lezer/common';
import type { JsonObject } from '../api/types.ts';
import { isObject } from '../schema.ts';

/** Milliseconds that may be spent on reading a long text up to the cursor. */
const PARSING = 300;

type Path = readonly (string | number)[];

export function completeFrom(root: JsonObject): CompletionSource {
  return (context) => complete(context, root);
}

function complete(context: CompletionContext, root: JsonObject): CompletionResult | null {
  const { state, pos } = context;
  const node = (ensureSyntaxTree(state, pos, PARSING) ?? syntaxTree(state)).resolveInner(pos, -1);
  const text = (one: SyntaxNode): string => state.sliceDoc(one.from, one.to).replace(/^"|"$/g, '');
  const inName = node.name === 'PropertyName';
  const inString = node.name === 'String';
  const word = context.matchBefore(/[\w-]*/);
  const from = inName || inString ? node.from : (word?.from ?? pos);
  const to = inName || inString ? node.to : pos;
  // Behind a colon, a value; else a name.
  const behindColon = /:\s*[\w"-]*$/.test(state.sliceDoc(state.doc.lineAt(pos).from, pos));
  if (!inName && (behindColon || (inString && node.parent?.name === 'Property'))) {
    const owner = nearest(node, 'Property');
    const name = owner?.getChild('PropertyName');
    if (owner == null || name == null) return null;
    const options = schemasAt(root, [...pathOf(owner.parent, text), text(name)]).flatMap(values);
    return options.length === 0 ? null : { from, to, options: unique(options) };
  }
  if (!context.explicit && !inName && !inString && (word === null || word.from === word.to)) return null;
  const object = nearest(node, 'Object');
  if (object === null) return null;
  const others = object
    .getChildren('Property')
    .map((one) => one.getChild('PropertyName'))
    .filter((one) => one !== null && !(inName && one.from === node.from));
  const given = new Set(others.map((one) => text(one as SyntaxNode)));
  const followed = /^\s*:/.test(state.sliceDoc(to, to + 20));
  const options = schemasAt(root, pathOf(object, text)).flatMap((schema) => names(schema, root, given, followed));
  return options.length === 0 ? null : { from, to, options: unique(options) };
}

function nearest(node: SyntaxNode, name: string): SyntaxNode | null {
  let at: SyntaxNode | null = node;
  while (at !== null && at.name !== name) at = at.parent;
  return at;
}

/** Where an object stands in the document. */
function pathOf(node: SyntaxNode | null, text: (node: SyntaxNode) => string): Path {
  const path: (string | number)[] = [];
  for (let at = node; at !== null; at = at.parent) {
    if (at.name === 'Property') {
      const name = at.getChild('PropertyName');
      if (name !== null) path.unshift(text(name));
    } else if (at.parent?.name === 'Array') path.unshift(0);
  }
  return path;
}

/** Every schema that a value at this path may follow. */
function schemasAt(root: JsonObject, path: Path): JsonObject[] {
  let now = ways(root, root);
  for (const step of path)
    now = now.flatMap(({ properties, additionalProperties, items }) => {
      const named = isObject(properties) && Object.hasOwn(properties, step) ? properties[step] : additionalProperties;
      const next = typeof step === 'number' ? items : named;
      return isObject(next) ? ways(next, root) : [];
    });
  return now;
}

/** A schema and all that it is made of. */
function ways(schema: JsonObject, root: JsonObject, depth = 0): JsonObject[] {
  if (depth > 8) return [];
  if (typeof schema.$ref === 'string') {
    let target: unknown = root;
    for (const key of schema.$ref.replace(/^#\/?/, '').split('/').filter(Boolean))
      target = isObject(target) ? target[key] : undefined;
    if (!isObject(target)) return [];
    const { description } = schema;
    return ways({ ...target, ...(description !== undefined && { description }) }, root, depth + 1);
  }
  const more = [schema.anyOf, schema.oneOf, schema.allOf].flatMap((list) =>
    Array.isArray(list) ? list.filter(isObject) : [],
  );
  return [schema, ...more.flatMap((one) => ways(one, root, depth + 1))];
}

function names(
  { properties }: JsonObject,
  root: JsonObject,
  given: ReadonlySet<string>,
  followed: boolean,
): Completion[] {
  if (!isObject(properties)) return [];
  return Object.entries(properties)
    .filter(([name]) => !given.has(name))
    .map(([name, value]) => {
      const about = ways(isObject(value) ? value : {}, root).find(({ description }) => typeof description === 'string');
      return {
        label: name,
        apply: followed ? `"${name}"` : `"${name}": `,
        type: 'property',
        ...(about !== undefined && { info: String(about.description) }),
      };
    });
}

function values({ enum: choices, const: only, type, default: initial }: JsonObject): Completion[] {
  const all = [
    ...(Array.isArray(choices) ? choices : []),
    ...(only === undefined ? [] : [only]),
    ...(type === 'boolean' ? [true, false] : []),
    ...(initial === undefined || isObject(initial) ? [] : [initial]),
  ];
  return all.map((value) => ({ label: JSON.stringify(value), type: 'constant' }));
}

function unique(options: readonly Completion[]): Completion[] {
  return [...new Map(options.map((one) => [one.label, one])).values()];
}
