// The frame of the management API: one table of operations drives the routing and the OpenAPI document (12.6).
import type { OutgoingHttpHeaders } from 'node:http';
import type * as z from 'zod';
import type { Principal } from '../../core/context.ts';
import type { JsonObject } from '../../core/json.ts';
import type { HttpExchange } from '../../http/listener.ts';
import type { Needs } from './access.ts';

export interface ApiCall<Body = unknown> {
  /** Parts of the path, decoded. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** As the schema of the operation left it. */
  body: Body;
  principal: Principal;
  /** Aborted when the client goes away. */
  signal: AbortSignal;
  exchange: HttpExchange;
}

/** An answer that is not simply 200 with JSON. */
export class Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers: OutgoingHttpHeaders;
  constructor(status: number, body?: unknown, headers: OutgoingHttpHeaders = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** The request is wrong in itself: `{"detail": …}` with this status. */
export class Refusal extends Error {
  readonly status: number;
  readonly detail: unknown;
  constructor(status: number, detail: unknown) {
    super(typeof detail === 'string' ? detail : 'refused');
    this.status = status;
    this.detail = detail;
  }
}

export interface ApiOperation {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api/v1`, `{name}` for a part. */
  path: string;
  needs: Needs;
  tag: string;
  summary: string;
  /** Query parameters and what they mean. */
  query?: Readonly<Record<string, string>>;
  body?: z.ZodType;
  /** Example or short words for the answer. */
  answer?: string;
  /** What is written into the log when it is done, for operations that change something. */
  audited?: (call: ApiCall) => { action: string; subject: string };
  /** Gives JSON or a Reply; undefined when the exchange was answered already. */
  handle(call: ApiCall): unknown;
}

/** Gives the body its type where a schema is named. */
export function operation<S extends z.ZodType>(
  given: Omit<ApiOperation, 'handle' | 'body' | 'audited'> & {
    body: S;
    audited?: (call: ApiCall<z.output<S>>) => { action: string; subject: string };
    handle(call: ApiCall<z.output<S>>): unknown;
  },
): ApiOperation {
  return given as unknown as ApiOperation;
}

export const ok = { ok: true } as const satisfies JsonObject;

/** A whole number from a query parameter. @throws Refusal */
export function whole(query: URLSearchParams, name: string, fallback: number, most: number): number {
  const text = query.get(name);
  if (text === null || text === '') return fallback;
  if (!/^\d{1,9}$/.test(text)) throw new Refusal(422, `${name} must be a whole number`);
  return Math.min(Number(text), most);
}

/** `true`, `1` or nothing behind the name. */
export function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  return text !== null && text !== 'false' && text !== '0';
}
