// Whether an answer is one at all: a result with a shape that MCP does not know is a fault of the upstream, never a
// success (F-I18, F-I19).
import { GatewayFault } from '../core/fault.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { Payload } from '../core/payload.ts';
import type { Era } from '../core/rpc.ts';

const TASKS = 'io.modelcontextprotocol/tasks';

/** What is wrong with a result, or undefined. `capabilities` are those that the request told the upstream. */
export function checkResult(
  method: string,
  result: Payload,
  era: Era,
  capabilities: () => JsonObject,
): string | undefined {
  if (era === 'modern') {
    const type = member(result, 'resultType');
    if (type !== undefined && type !== 'complete' && type !== 'input_required' && !allowed(type, capabilities()))
      return `result of unknown type ${JSON.stringify(type).slice(0, 60)}`;
    if (type === 'input_required') return undefined;
  }
  if (method === 'tools/call') {
    const content = member(result, 'content');
    if (content !== undefined && !Array.isArray(content)) return '"content" of the result is not a list';
  }
  return undefined;
}

/** The value of a result that we read ourselves. @throws GatewayFault UPSTREAM_PROTOCOL where it is no JSON */
export function readResult(method: string, result: Payload): JsonObject {
  try {
    return result.value;
  } catch (cause) {
    const text = `the answer to ${method} is not JSON`;
    throw new GatewayFault('UPSTREAM_PROTOCOL', text, { delivery: 'maybe-sent', cause });
  }
}

function allowed(type: unknown, capabilities: JsonObject): boolean {
  const { extensions } = capabilities;
  return type === 'task' && isObject(extensions) && TASKS in extensions;
}

/** One top-level member; of a list or an object only that it is one. */
function member(result: Payload, key: string): unknown {
  const kind = result.kindOf(key);
  if (kind === undefined) return undefined;
  if (kind === 'array') return [];
  if (kind === 'object') return {};
  try {
    return result.get(key);
  } catch {
    return null; // no JSON value at all, and so none of those that are looked for
  }
}
