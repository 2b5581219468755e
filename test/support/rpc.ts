// JSON-RPC as the raw test clients see it: parsed, but never checked or changed, so that a test sees what really came.
export type Json = { [key: string]: unknown };
export type Id = string | number;

export interface RpcMessage extends Json {
  id?: Id | null;
  method?: string;
  params?: Json;
  result?: Json;
  error?: { code: number; message: string; data?: Json };
}

/** A JSON-RPC error, or an HTTP answer that held none; thrown by the helpers of the clients. */
export class RpcFailure extends Error {
  readonly code: number;
  readonly data: Json | undefined;
  /** The HTTP status it came with, where there was one. */
  readonly status: number | undefined;

  constructor(code: number, message: string, data?: Json, status?: number) {
    super(`${code} ${message}`);
    this.code = code;
    this.data = data;
    this.status = status;
  }
}

/** The fields of a result that most tests look at. */
export interface ToolResult extends Json {
  content: ({ type: string; text?: string } & Json)[];
  structuredContent?: Json;
  isError?: boolean;
}

/** The text of the first text block. */
export function textOf(result: ToolResult): string {
  const block = result.content.find(({ type }) => type === 'text');
  if (block?.text === undefined) throw new Error(`no text in ${JSON.stringify(result)}`);
  return block.text;
}

/** The result of an answer. @throws RpcFailure */
export function resultOf(message: RpcMessage, status?: number): Json {
  if (message.error !== undefined) {
    throw new RpcFailure(message.error.code, message.error.message, message.error.data, status);
  }
  if (message.result === undefined) throw new RpcFailure(0, `neither result nor error: ${JSON.stringify(message)}`);
  return message.result;
}
