// The body of a tool call to its arguments, and what is wrong with them, told as FastAPI tells it (requirements 12.4).
import { isObject, type JsonObject } from '../../core/json.ts';
import { depthOf } from '../../core/json-scan.ts';
import { Payload } from '../../core/payload.ts';
import { LOSSY_NUMBER } from '../../session/read-request.ts';
import type { Failure, ValidationDetail } from './failure.ts';

export interface Arguments {
  value: JsonObject;
  /** As they were spelled, where writing them again would change a number. */
  exact: string | undefined;
}

/** A place that does not fit its schema; `path` is a JSON pointer. */
export interface Violation {
  path: string;
  expected: string;
  got: string;
}

/** Reads the arguments; an empty body is `{}`, and a null of an optional argument is as good as absent (U-05). */
export function readArguments(bytes: Buffer, maxDepth: number, schema: unknown): Arguments | { failure: Failure } {
  if (bytes.length === 0) return { value: {}, exact: undefined };
  if (depthOf(bytes, maxDepth) > maxDepth) {
    return { failure: { status: 400, detail: `the body is nested deeper than ${maxDepth} levels (limits.depth)` } };
  }
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return text.trim() === '' ? { value: {}, exact: undefined } : invalidJson(error as SyntaxError);
  }
  if (value === null) return { value: {}, exact: undefined };
  if (!isObject(value)) {
    const msg = 'Input should be a valid dictionary or object';
    return { failure: { status: 422, detail: [{ loc: ['body'], msg, type: 'model_attributes_type' }] } };
  }
  const dropped = nullsOf(value, schema);
  const exact = LOSSY_NUMBER.test(text);
  if (dropped.length === 0) return { value, exact: exact ? text : undefined };
  const edited = Payload.raw(bytes, value).edit({ remove: dropped });
  return {
    value: JSON.parse(edited.bytes.toString()) as JsonObject,
    exact: exact ? edited.bytes.toString() : undefined,
  };
}

/** Names of arguments that are null without having to be there. */
function nullsOf(value: JsonObject, schema: unknown): string[] {
  const required = isObject(schema) && Array.isArray(schema.required) ? schema.required : [];
  return Object.keys(value).filter((name) => value[name] === null && !required.includes(name));
}

function invalidJson(error: SyntaxError): { failure: Failure } {
  const at = Number(/position (\d+)/.exec(error.message)?.[1] ?? 0);
  return { failure: { status: 422, detail: [{ loc: ['body', at], msg: 'JSON decode error', type: 'json_invalid' }] } };
}

/** `/a/0/b` → `["body", "a", 0, "b"]`; what is missing is told as FastAPI does. */
export function validationDetails(violations: readonly Violation[]): ValidationDetail[] {
  return violations.map(({ path, expected, got }) => {
    const steps = path
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const loc = ['body', ...steps.map((step) => (/^(?:0|[1-9]\d{0,8})$/.test(step) ? Number(step) : step))];
    if (got === 'nothing') return { loc, msg: 'Field required', type: 'missing' };
    return { loc, msg: `expected ${expected}, got ${got}`, type: typeOf(expected) };
  });
}

function typeOf(expected: string): string {
  if (expected === 'no such property') return 'extra_forbidden';
  const [first = ''] = expected.split(/[\s,]/, 1);
  return ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'].includes(first)
    ? `${first}_type`
    : 'value_error';
}
