// What the schema found wrong, told as a person would: key, place, what was expected, which name was meant.
import type * as z from 'zod';
import { didYouMean } from './nearest.ts';
import type { Path } from './problem.ts';

/** A finding of the schema, before it is known where in which file it stands. */
export interface Finding {
  path: Path;
  message: string;
  hint?: string | undefined;
  /** The key itself is wrong, not its value. */
  aboutKey?: boolean;
}

/** Keys of other programs, or of common mistakes, and what to write instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  mcpServers: 'this file has "upstreams"; keys of other programs are read only in their own files',
  servers: 'write "upstreams"',
  type: 'write "transport"',
  transportType: 'write "transport"',
  disabled: 'write "enabled": false',
  timeout: 'write "timeouts": {"call": …}',
  disabledTools: 'write "tools": {"disabled": […]}',
  disabled_tools: 'write "tools": {"disabled": […]}',
};

/** Turns the issues of a parse of `input` into findings. Values are never quoted: they may be secrets. */
export function findingsOf(error: z.ZodError, schema: z.ZodType, input: unknown): Finding[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path as (string | number)[];
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: 'unknown key',
        hint: INSTEAD[key] ?? didYouMean(key, keysAt(schema, path)),
        aboutKey: true,
      }));
    const value = valueAt(input, path);
    if (value === undefined && issue.code !== 'custom') return [{ path, message: `is missing; ${expected(issue)}` }];
    const found = issue.code === 'invalid_type' || issue.code === 'invalid_union' ? `, found ${kindOf(value)}` : '';
    const words = issue.code === 'invalid_value' ? issue.values.filter((word) => typeof word === 'string') : [];
    const hint = typeof value === 'string' ? didYouMean(value, words) : undefined;
    return [{ path, message: `${expected(issue)}${found}`, hint }];
  });
}

function expected(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${NAMES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'too_small':
      if (issue.origin === 'number' || issue.origin === 'int')
        return `must be ${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum}`;
      return 'must not be empty';
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return NAMES[typeof value] ?? typeof value;
}

/** The value at a path, if there is one. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** The keys that the schema knows at a path. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let here: z.core.$ZodType | undefined = schema;
  for (const part of path) {
    const def: z.core.$ZodTypes['_zod']['def'] | undefined = unwrap(here);
    if (def?.type === 'object') here = (def.shape as Record<string, z.core.$ZodType>)[part];
    else if (def?.type === 'record') here = def.valueType;
    else if (def?.type === 'array') here = def.element;
    else return [];
  }
  const def = unwrap(here);
  return def?.type === 'object' ? Object.keys(def.shape) : [];
}

function unwrap(schema: z.core.$ZodType | undefined): z.core.$ZodTypes['_zod']['def'] | undefined {
  let def = (schema as z.core.$ZodTypes | undefined)?._zod.def;
  while (def !== undefined && 'innerType' in def) def = (def.innerType as z.core.$ZodTypes)._zod.def;
  return def;
}
