// Reads what a model wrote as arguments of a converged tool.
import { GatewayFault } from '../core/fault.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { scanObject } from '../core/json-scan.ts';

/** A text, or undefined where there is none. @throws GatewayFault ARGUMENTS_INVALID */
export function optionalText(args: JsonObject, key: string): string | undefined {
  const value = args[key];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw wrong(key, 'must be a string', {
    path: `/${key}`,
    expected: 'string',
    got: JSON.stringify(value).slice(0, 60),
  });
}

/** @throws GatewayFault ARGUMENTS_INVALID */
export function needText(args: JsonObject, key: string): string {
  const value = optionalText(args, key);
  if (value !== undefined) return value;
  throw wrong(key, 'is missing', { path: `/${key}`, expected: 'string (required)', got: 'nothing' });
}

function wrong(key: string, what: string, problem: JsonObject): GatewayFault {
  return new GatewayFault('ARGUMENTS_INVALID', `Argument validation failed: ${key} ${what}`, {
    data: { problems: [problem] },
  });
}

/** The arguments for the tool behind `exec`; models also write them as a text of JSON. Undefined for what is no object. */
export function innerArguments(value: unknown): JsonObject | undefined {
  if (value === undefined || value === null) return {};
  if (isObject(value)) return value;
  if (typeof value !== 'string') return undefined;
  if (value.trim() === '') return {};
  try {
    const parsed: unknown = JSON.parse(value);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The text of the inner `arguments`, letter by letter, from the text of the outer ones. */
export function exactInner(exact: string | undefined): string | undefined {
  if (exact === undefined) return undefined;
  const bytes = Buffer.from(exact);
  const member = scanObject(bytes)?.members.findLast(({ key }) => key === 'arguments');
  if (member === undefined || bytes[member.valueStart] !== 0x7b) return undefined;
  return bytes.toString('utf8', member.valueStart, member.valueEnd);
}
