// Reads one JSON-RPC message. A large answer is not parsed: the gateway chose its own numeric id, so it is enough to
// know where the result lies (protocol.md: the envelope trick); whatever has another shape is parsed whole.
import { isUtf8 } from 'node:buffer';
import { ByteList } from '../core/byte-list.ts';
import { CHECK_FROM, PARSE_LIMIT, PLAIN_FIRST } from '../core/fast-paths.ts';
import { isObject, type JsonObject, textOf } from '../core/json.ts';
import { checkObject } from '../core/json-check.ts';
import { type Member, scanObject, skipSpace } from '../core/json-scan.ts';
import { walkObject } from '../core/json-walk.ts';
import { Payload } from '../core/payload.ts';
import type { RequestId, RpcError } from '../core/rpc.ts';

export type Incoming =
  | { kind: 'result'; id: RequestId; result: Payload }
  | { kind: 'error'; id: RequestId | undefined; error: RpcError }
  | { kind: 'request'; id: RequestId; method: string; params: JsonObject }
  | { kind: 'notification'; method: string; params: JsonObject | undefined }
  /** Not a JSON-RPC message; `id` is set when the message at least says whose answer it wanted to be. */
  | { kind: 'invalid'; reason: string; id: RequestId | undefined };

const MAX_DEPTH = 512;
const OPEN_OBJECT = 0x7b;

/** Classifies one complete JSON-RPC message. Never throws. */
export function readMessage(bytes: Buffer): Incoming {
  return bytes.length > PARSE_LIMIT ? readLarge(ByteList.of([bytes])) : readSmall(bytes);
}

/** The same for a message that came in pieces: a large answer stays in them. */
export function readPieces(bytes: ByteList): Incoming {
  return bytes.length > PARSE_LIMIT ? readLarge(bytes) : readSmall(bytes.whole());
}

/**
 * An answer as plain as nearly all are: what its ends leave is checked by itself, so that it is one value and nothing of
 * an upstream's gets into the envelope of a client. Undefined for what has another shape, is not UTF-8 or not JSON:
 * whoever parses it as a whole says what is wrong with it.
 */
function readPlain(bytes: Buffer): Incoming | undefined {
  const start = HEAD.exec(bytes.toString('latin1', 0, EDGE))?.[0].length;
  if (start === undefined || bytes[start] !== OPEN_OBJECT || !isUtf8(bytes)) return undefined;
  try {
    return bytes.length > CHECK_FROM ? readChecked(bytes, start) : readParsed(bytes, start);
  } catch {
    return undefined;
  }
}

/** The result is checked to be JSON, and built when somebody asks for it. */
function readChecked(bytes: Buffer, start: number): Incoming | undefined {
  const object = checkObject(bytes, start, MAX_DEPTH);
  if (object === undefined || bytes.length - object.end > EDGE) return undefined;
  const { members, end } = object;
  const envelope = JSON.parse(`${bytes.toString('utf8', 0, start)}{}${bytes.toString('utf8', end)}`);
  return classify(envelope, () => Payload.raw(bytes.subarray(start, end), undefined, moved(members, start)));
}

/** A short result is built at once, which costs no more. */
function readParsed(bytes: Buffer, start: number): Incoming | undefined {
  const from = Math.max(start, bytes.length - EDGE);
  const last = LAST.exec(bytes.toString('latin1', from));
  if (last === null) return undefined;
  const end = from + last.index + 1;
  const span = bytes.subarray(start, end);
  const result: unknown = JSON.parse(textOf(span));
  const envelope = JSON.parse(`${bytes.toString('utf8', 0, start)}{}${bytes.toString('utf8', end)}`);
  return isObject(result) ? classify(envelope, () => Payload.raw(span, result)) : undefined;
}

function readSmall(given: Buffer): Incoming {
  const plain = PLAIN_FIRST ? readPlain(given) : undefined;
  if (plain !== undefined) return plain;
  let bytes = given;
  let value: unknown;
  try {
    const text = textOf(bytes);
    value = JSON.parse(text);
    // What was no character is replaced in the bytes too: a client never gets them (F-I4).
    if (!isUtf8(bytes)) bytes = Buffer.from(text);
  } catch (error) {
    return { kind: 'invalid', reason: `not JSON: ${(error as Error).message}`, id: undefined };
  }
  return classify(value, (result) => {
    const span = scanObject(bytes, 0, Number.POSITIVE_INFINITY)?.members.findLast((member) => member.key === 'result');
    return span === undefined
      ? Payload.of(result)
      : Payload.raw(bytes.subarray(span.valueStart, span.valueEnd), result);
  });
}

/** What stands before a result and behind it when an answer is as plain as nearly all are. */
const HEAD = /^\s*\{(?:\s*"(?:jsonrpc|id)"\s*:\s*(?:-?\d+|"[^"\\]*")\s*,)*\s*"result"\s*:\s*/;
const TAIL = /^(?:\s*,\s*"(?:jsonrpc|id)"\s*:\s*(?:-?\d+|"[^"\\]*"))*\s*\}\s*$/;
const LAST = /\}(?:\s*,\s*"(?:jsonrpc|id)"\s*:\s*(?:-?\d+|"[^"\\]*"))*\s*\}\s*$/;
/** Envelopes are short: what is longer is not one of the plain ones. */
const EDGE = 256;

function readLarge(list: ByteList): Incoming {
  const start = HEAD.exec(list.slice(0, EDGE).toString('latin1'))?.[0].length;
  if (start === undefined || list.slice(start, start + 1)[0] !== OPEN_OBJECT) return readOdd(list.whole());
  const result = walkObject(list, start, MAX_DEPTH);
  // Anything else than an answer in the plain shape is looked at from the outside.
  if (result === undefined || list.length - result.end > EDGE) return readOdd(list.whole());
  const behind = list.slice(result.end, list.length).toString('latin1');
  if (!TAIL.test(behind)) return readOdd(list.whole());
  const head = list.slice(0, start).toString('latin1');
  let envelope: Incoming;
  try {
    envelope = classify(JSON.parse(`${head}{}${behind}`));
  } catch {
    return readOdd(list.whole()); // plain but for an id as 007, which it says
  }
  return envelope.kind === 'result' ? largeResult(envelope.id, list, start, result) : envelope;
}

/** A large message in another shape: an error, a request, further members, white space in unusual places. */
function readOdd(bytes: Buffer): Incoming {
  const scan = scanObject(bytes, 0, MAX_DEPTH);
  if (scan === undefined || skipSpace(bytes, scan.end) < bytes.length)
    return { kind: 'invalid', reason: 'not a well-formed JSON object, or nested too deep', id: undefined };
  const result = scan.members.filter((member) => member.key === 'result');
  const isAnswer =
    result.length === 1 &&
    scan.members.some(({ key }) => key === 'id') &&
    !scan.members.some(({ key }) => key === 'error' || key === 'method');
  if (!isAnswer) return readSmall(bytes);
  const head: JsonObject = { result: {} };
  for (const { key, valueStart, valueEnd } of scan.members) {
    if (key === 'result') continue;
    try {
      head[key] = JSON.parse(bytes.toString('utf8', valueStart, valueEnd));
    } catch {
      return { kind: 'invalid', reason: `not JSON at "${key}"`, id: undefined };
    }
  }
  const answer = classify(head);
  if (answer.kind !== 'result') return answer;
  const { valueStart } = result[0] as { valueStart: number };
  const parts = scanObject(bytes, valueStart, MAX_DEPTH);
  if (parts === undefined) return { kind: 'invalid', reason: '"result" is not an object', id: answer.id };
  return largeResult(answer.id, ByteList.of([bytes]), valueStart, parts);
}

function largeResult(
  id: RequestId,
  list: ByteList,
  start: number,
  { members, end }: { members: Member[]; end: number },
): Incoming {
  if (!list.isUtf8()) return { kind: 'invalid', reason: 'not UTF-8', id };
  const result = ByteList.of(list.between(start, end), end - start);
  return { kind: 'result', id, result: Payload.pieces(result, moved(members, start)) };
}

/** Where members lie in the result alone. */
function moved(members: readonly Member[], start: number): Member[] {
  return members.map(({ key, keyStart, valueStart, valueEnd }) => ({
    key,
    keyStart: keyStart - start,
    valueStart: valueStart - start,
    valueEnd: valueEnd - start,
  }));
}

/** `payloadOf` makes what is handed on of a result. */
function classify(value: unknown, payloadOf: (result: JsonObject) => Payload = Payload.of): Incoming {
  if (!isObject(value)) return { kind: 'invalid', reason: 'a JSON-RPC message is an object', id: undefined };
  const { id, method } = value;
  const isId = typeof id === 'string' || typeof id === 'number';
  const invalid = (reason: string): Incoming => ({ kind: 'invalid', reason, id: isId ? id : undefined });
  if (value.jsonrpc !== '2.0') return invalid('"jsonrpc" is not "2.0"');
  if (method !== undefined) {
    if (typeof method !== 'string') return invalid('"method" is not a string');
    const params = value.params;
    if (params !== undefined && !isObject(params)) return invalid('"params" is not an object');
    if (id === undefined) return { kind: 'notification', method, params };
    if (!isId) return invalid('"id" is neither a string nor a number');
    return { kind: 'request', id, method, params: params ?? {} };
  }
  if ('result' in value && 'error' in value) return invalid('both "result" and "error"');
  if ('error' in value) {
    const error = value.error;
    if (!isObject(error) || typeof error.code !== 'number') return invalid('"error" is not a JSON-RPC error');
    const message = typeof error.message === 'string' ? error.message : '';
    return {
      kind: 'error',
      id: isId ? id : undefined,
      error: { code: error.code, message, ...('data' in error && { data: error.data }) },
    };
  }
  if (!('result' in value)) return invalid('neither "result" nor "error" nor "method"');
  if (!isId) return invalid('an answer without an id');
  if (!isObject(value.result)) return invalid('"result" is not an object');
  return { kind: 'result', id, result: payloadOf(value.result) };
}

/** The text of a request; `exactArguments` goes in place of `params.arguments` letter by letter. */
export function writeRequest(id: RequestId, method: string, params: JsonObject, exactArguments?: string): string {
  if (exactArguments === undefined)
    return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":${JSON.stringify(method)},"params":${JSON.stringify(params)}}`;
  const { arguments: _, ...rest } = params;
  const others = JSON.stringify(rest).slice(1, -1);
  const inner = others === '' ? '' : `${others},`;
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":${JSON.stringify(method)},"params":{${inner}"arguments":${exactArguments}}}`;
}

export function writeNotification(method: string, params?: JsonObject): string {
  return JSON.stringify({ jsonrpc: '2.0', method, ...(params !== undefined && { params }) });
}

/** An answer in parts that are written one after the other: a large result is not copied once more. */
export function resultParts(id: RequestId, result: Payload): readonly Buffer[] {
  return [Buffer.from(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":`), ...result.parts, CLOSE];
}

/** A short answer as a text whose letters are its bytes (Latin-1): written at once, with the head of its response. */
export function writeResultAsText(id: number, result: Payload): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${result.bytes.toString('latin1')}}`;
}

/** An answer as bytes, the result as it came. */
export function writeResult(id: RequestId, result: Payload): Buffer {
  return Buffer.concat(resultParts(id, result));
}
const CLOSE = Buffer.from('}');

/** `id` is absent where the request's id could not be read (`null` in the legacy revisions). */
export function writeError(id: RequestId | null | undefined, error: RpcError): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...(id !== undefined && { id }), error }));
}
