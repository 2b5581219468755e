// The shapes of JSON-RPC 2.0 as MCP uses them.
import type { JsonObject } from './json.ts';

export type RequestId = string | number;

/** The protocol eras of 2026-07-28/basic/versioning: by session (`legacy`) or by request (`modern`). */
export type Era = 'legacy' | 'modern';

export interface RpcRequest {
  id: RequestId;
  method: string;
  params: JsonObject;
}

export interface RpcNotification {
  method: string;
  params?: JsonObject | undefined;
}

export interface RpcError {
  code: number;
  message: string;
  data?: unknown;
}
