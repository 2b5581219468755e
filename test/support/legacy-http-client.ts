// A 2025-era client on streamable HTTP without any SDK: sessions, GET stream, resumption, all in plain sight.

import { HttpClient, type HttpClientOptions } from './http-client.ts';
import { type Exchange, exchange, type SseEvent } from './http-exchange.ts';
import type { Answer, RequestOptions } from './raw-client.ts';
import { type Json, type RpcMessage, resultOf } from './rpc.ts';

export class LegacyHttpClient extends HttpClient {
  sessionId: string | undefined;
  /** The revision that was agreed; undefined before `initialize`. */
  revision: string | undefined;
  readonly #streams = new Set<Exchange>();

  constructor(url: string, options: HttpClientOptions = {}) {
    super(url, options);
  }

  /** Opens a session and sends `notifications/initialized`. Resolves with the server's result. */
  override async initialize(): Promise<Json> {
    const { message, headers, status } = await this.exchange('initialize', {
      protocolVersion: this.options.revision ?? '2025-11-25',
      capabilities: this.options.capabilities ?? {},
      clientInfo: { name: this.options.name ?? 'raw-legacy-client', version: '1.0.0' },
    });
    const result = resultOf(message, status);
    const session = headers?.['mcp-session-id'];
    this.sessionId = typeof session === 'string' ? session : undefined;
    this.revision = String(result.protocolVersion);
    await this.notify('notifications/initialized');
    return result;
  }

  override exchange(method: string, params: Json = {}, options: RequestOptions = {}): Promise<Answer> {
    const message = { jsonrpc: '2.0', id: options.id ?? this.nextId(), method, params: this.withMeta(params, options) };
    return this.send(message, options);
  }

  /** Opens the GET stream; its messages are taken like all others. `lastEventId` resumes. */
  async openStream({
    lastEventId,
    onEvent,
  }: {
    lastEventId?: string;
    onEvent?: (event: SseEvent) => void;
  } = {}): Promise<Exchange> {
    const stream = await exchange(this.url, {
      method: 'GET',
      headers: {
        accept: 'text/event-stream',
        ...this.options.headers,
        ...this.headersFor({}),
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      },
      ...(onEvent !== undefined && { onEvent }),
      onMessage: (message) => {
        void this.take(message).then(
          (back) => (back === undefined ? undefined : this.sendBack(back)),
          () => {},
        );
      },
    });
    this.#streams.add(stream);
    return stream;
  }

  /** Ends the session with DELETE; resolves with the status. */
  async endSession(): Promise<number> {
    const reply = await exchange(this.url, {
      method: 'DELETE',
      headers: { ...this.options.headers, ...this.headersFor({}) },
    });
    await reply.body;
    return reply.status;
  }

  /** Closes the connections; the session lives on, as it does when a client just goes away. */
  override async close(): Promise<void> {
    for (const stream of this.#streams) stream.leave();
    await super.close();
  }

  protected override headersFor(message: RpcMessage): Record<string, string> {
    if (message.method === 'initialize') return {};
    return {
      ...(this.sessionId !== undefined && { 'mcp-session-id': this.sessionId }),
      // The header came with 2025-06-18.
      ...(this.revision !== undefined && this.revision >= '2025-06-18' && { 'mcp-protocol-version': this.revision }),
    };
  }
}
