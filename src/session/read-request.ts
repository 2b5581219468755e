// What a POST body says: one message, several, or nothing sensible; every refusal is a JSON-RPC error with its status.

import { isObject, type JsonObject, textOf } from '../core/json.ts';
import { depthOf, scanObject } from '../core/json-scan.ts';
import type { RequestId, RpcError } from '../core/rpc.ts';

export type ClientSays =
  | { kind: 'request'; id: RequestId; method: string; params: JsonObject; exactArguments?: string | undefined }
  | { kind: 'notification'; method: string; params: JsonObject }
  | { kind: 'response'; id: RequestId; answer: { result: JsonObject } | { error: RpcError } }
  | { kind: 'invalid'; id: RequestId | null; error: RpcError };

/** A whole body: its message, or the members of a batch. */
export type Body = { single: ClientSays } | { batch: ClientSays[] };

const invalid = (code: number, message: string, id: RequestId | null = null): ClientSays => ({
  kind: 'invalid',
  id,
  error: { code, message },
});

/** A number that JSON.parse and JSON.stringify may not give back as it was written: long, tiny, padded or with exponent. */
export const LOSSY_NUMBER =
  /[:[,\s]-?(?:\d{16,}|(?=[\d.]{17})\d+\.\d|\d+\.\d*0(?!\d)|0\.000000|\d+(?:\.\d+)?[eE])|-0(?![.\d])/;

/** Reads a body as far as JSON-RPC goes. Never throws. `maxDepth` bounds its nesting (MP5). */
export function readBody(bytes: Buffer, maxDepth: number): Body {
  if (depthOf(bytes, maxDepth) > maxDepth) {
    return { single: invalid(-32600, `the message is nested deeper than ${maxDepth} levels (limits.depth)`) };
  }
  const text = textOf(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { single: invalid(-32700, `Parse error: ${(error as Error).message}`) };
  }
  if (Array.isArray(value)) return { batch: value.map((item) => readValue(item)) };
  const says = readValue(value);
  if (says.kind === 'request' && says.params.arguments !== undefined && LOSSY_NUMBER.test(text))
    says.exactArguments = exactArguments(bytes);
  return { single: says };
}

function readValue(value: unknown): ClientSays {
  if (!isObject(value)) return invalid(-32600, 'Invalid Request: a JSON-RPC message is an object');
  const { id, method, params } = value;
  const isId = typeof id === 'string' || (typeof id === 'number' && Number.isInteger(id));
  const ownId = isId ? id : null;
  if (value.jsonrpc !== '2.0') return invalid(-32600, 'Invalid Request: "jsonrpc" must be "2.0"', ownId);
  if (method === undefined && isId) {
    if (isObject(value.result)) return { kind: 'response', id, answer: { result: value.result } };
    if (isObject(value.error) && typeof value.error.code === 'number') {
      return { kind: 'response', id, answer: { error: value.error as unknown as RpcError } };
    }
  }
  if (typeof method !== 'string') return invalid(-32600, 'Invalid Request: "method" must be a string', ownId);
  if (params !== undefined && !isObject(params))
    return invalid(-32602, 'Invalid params: "params" must be an object', ownId);
  if (!('id' in value)) return { kind: 'notification', method, params: params ?? {} };
  if (!isId) return invalid(-32600, 'Invalid Request: "id" must be a string or an integer');
  return { kind: 'request', id, method, params: params ?? {} };
}

/** `params.arguments` as the client spelled it, on one line: line breaks can only be white space here. */
function exactArguments(bytes: Buffer): string | undefined {
  const params = scanObject(bytes)?.members.findLast(({ key }) => key === 'params');
  if (params === undefined) return undefined;
  const args = scanObject(bytes, params.valueStart)?.members.findLast(({ key }) => key === 'arguments');
  return args && bytes.toString('utf8', args.valueStart, args.valueEnd).replace(/[\r\n]+/g, ' ');
}
