// What the three raw clients (legacy HTTP, modern HTTP, stdio) have in common: typed requests over any wire.

import { type Id, type Json, type RpcMessage, resultOf, type ToolResult } from './rpc.ts';
import { inTime, waitFor } from './wait.ts';

export interface RequestOptions {
  /** By default the next number; give one to test equal ids. */
  id?: Id;
  /** Asks for progress with this token. */
  progressToken?: Id;
  /** Merged into `_meta`. */
  meta?: Json;
  /** Leaves the exchange when aborted: closes the HTTP request (stdio: `notifications/cancelled`). */
  signal?: AbortSignal;
  headers?: Record<string, string>;
  /** Milliseconds until the answer must have come; 30,000 by default. */
  within?: number;
}

/** An answer and what came before it on its own stream (HTTP) or channel (stdio). */
export interface Answer {
  message: RpcMessage;
  /** Messages before the answer, in order: notifications and requests of the server. */
  before: RpcMessage[];
  /** HTTP only. */
  status?: number;
  headers?: Record<string, string | string[] | undefined>;
}

/** Plays the client's side of elicitation, sampling and roots; what it throws or leaves out is answered -32601. */
export type Responder = (request: RpcMessage) => Json | undefined | Promise<Json | undefined>;

type Listable = 'tools' | 'resources' | 'prompts' | 'resourceTemplates';

export abstract class RawClient {
  /** Every notification that ever came, in order, whatever carried it. */
  readonly notifications: RpcMessage[] = [];
  /** Every request the server made of this client. */
  readonly asked: RpcMessage[] = [];
  responder: Responder | undefined;
  #nextId = 1;

  /** Sends one request and resolves with its answer, whatever it is. */
  abstract exchange(method: string, params?: Json, options?: RequestOptions): Promise<Answer>;
  abstract notify(method: string, params?: Json): Promise<void>;
  /** Sends the client's part of the opening; the modern client discovers instead. */
  abstract initialize(): Promise<Json>;
  abstract close(): Promise<void>;

  /** The result of one request. @throws RpcFailure */
  async request(method: string, params: Json = {}, options: RequestOptions = {}): Promise<Json> {
    const { message, status } = await inTime(
      this.exchange(method, params, options),
      options.within ?? 30_000,
      () => `the answer to ${method} ${JSON.stringify(params).slice(0, 200)}`,
    );
    return resultOf(message, status);
  }

  async call(name: string, args: Json = {}, options?: RequestOptions): Promise<ToolResult> {
    return (await this.request('tools/call', { name, arguments: args }, options)) as ToolResult;
  }

  /** All pages of a list, joined. */
  async list(kind: Listable = 'tools', options?: RequestOptions): Promise<Json[]> {
    const method = kind === 'resourceTemplates' ? 'resources/templates/list' : `${kind}/list`;
    const found: Json[] = [];
    for (let cursor: unknown, first = true; first || cursor !== undefined; first = false) {
      const page = await this.request(method, cursor === undefined ? {} : { cursor }, options);
      found.push(...((page[kind] ?? []) as Json[]));
      cursor = page.nextCursor;
    }
    return found;
  }

  /** Names of all tools. */
  async toolNames(): Promise<string[]> {
    return (await this.list('tools')).map(({ name }) => String(name));
  }

  /** The first notification of `method`, past or to come, that passes `test`. */
  notification(method: string, test: (params: Json) => boolean = () => true, within = 10_000): Promise<RpcMessage> {
    return waitFor(
      () => this.notifications.find((message) => message.method === method && test(message.params ?? {})),
      { within, every: 5, what: () => `${method}; came: ${JSON.stringify(this.notifications).slice(0, 2_000)}` },
    );
  }

  protected nextId(): number {
    return this.#nextId++;
  }

  /** Puts `_meta` together; `base` is what the era itself wants there. */
  protected withMeta(params: Json, { progressToken, meta }: RequestOptions, base: Json = {}): Json {
    const all = {
      ...base,
      ...((params._meta ?? {}) as Json),
      ...meta,
      ...(progressToken !== undefined && { progressToken }),
    };
    return Object.keys(all).length === 0 ? params : { ...params, _meta: all };
  }

  /** Sorts in a message that is not an answer; returns what to send back, if anything. */
  protected async take(message: RpcMessage): Promise<RpcMessage | undefined> {
    if (message.method === undefined) return undefined;
    if (message.id === undefined) {
      this.notifications.push(message);
      return undefined;
    }
    this.asked.push(message);
    const base = { jsonrpc: '2.0', id: message.id };
    if (message.method === 'ping') return { ...base, result: {} };
    const result = await this.responder?.(message);
    if (result !== undefined) return { ...base, result };
    return { ...base, error: { code: -32601, message: `not supported: ${message.method}` } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
