// The body of a tool call to its arguments.
import { isObject, type JsonObject } from '../../core/json.ts';
import { depthOf } from '../../core/json-scan.ts';
import { Payload } from '../../core/payload.ts';
import { LOSSY_NUMBER } from '../../session/read-request.ts';
import type { Failure } from './failure.ts';

export interface Arguments {
  value: JsonObject;
  /** As they were spelled, where writing them again would change a number. */
  exact: string | undefined;
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
