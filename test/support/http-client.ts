// The part of the two HTTP test clients that is the same in both eras: one POST per request.
import { Agent } from 'node:http';
import { type Exchange, exchange } from './http-exchange.ts';
import { type Answer, RawClient, type RequestOptions } from './raw-client.ts';
import { type Id, type Json, RpcFailure, type RpcMessage } from './rpc.ts';

export interface HttpClientOptions {
  revision?: string;
  capabilities?: Json;
  /** `clientInfo.name`. */
  name?: string;
  /** Sent with every request. */
  headers?: Record<string, string>;
}

export abstract class HttpClient extends RawClient {
  readonly url: string;
  readonly options: HttpClientOptions;
  protected readonly agent = new Agent({ keepAlive: true });

  constructor(url: string, options: HttpClientOptions = {}) {
    super();
    this.url = url;
    this.options = options;
  }

  /** Headers that the era wants for this message. */
  protected abstract headersFor(message: RpcMessage): Record<string, string>;

  /** Any POST at all; the body goes out as it is. For wrong input. */
  post(
    body: string,
    options: { headers?: Record<string, string>; onMessage?: (message: RpcMessage) => void; signal?: AbortSignal } = {},
  ): Promise<Exchange> {
    return exchange(this.url, {
      body,
      agent: this.agent,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...this.options.headers,
        ...options.headers,
      },
      ...(options.signal !== undefined && { signal: options.signal }),
      ...(options.onMessage !== undefined && { onMessage: options.onMessage }),
    });
  }

  /** Posts one message and resolves at the answer of id `id`, or at the end of the exchange when there was none. */
  protected async send(message: RpcMessage, options: RequestOptions = {}): Promise<Answer> {
    const before: RpcMessage[] = [];
    let answered: (message: RpcMessage) => void = () => {};
    const answer = new Promise<RpcMessage>((resolve) => {
      answered = resolve;
    });
    const reply = await this.post(JSON.stringify(message), {
      headers: { ...this.headersFor(message), ...options.headers },
      ...(options.signal !== undefined && { signal: options.signal }),
      onMessage: (incoming) => {
        // An error that knows no id belongs to the only request there is on this stream.
        if (
          incoming.method === undefined &&
          (incoming.id === message.id || incoming.id === null || incoming.id === undefined)
        ) {
          answered(incoming);
          return;
        }
        before.push(incoming);
        void this.take(incoming).then(
          (back) => (back === undefined ? undefined : this.sendBack(back)),
          () => {},
        );
      },
    });
    const nothing = reply.body.then((text): RpcMessage => {
      throw new RpcFailure(0, `HTTP ${reply.status} without an answer: ${text.slice(0, 300)}`, undefined, reply.status);
    });
    nothing.catch(() => {});
    const got = await Promise.race([answer, nothing]);
    return { message: got, before, status: reply.status, headers: reply.headers };
  }

  /** Posts an answer to a request of the server. */
  protected async sendBack(message: RpcMessage): Promise<void> {
    const reply = await this.post(JSON.stringify(message), { headers: this.headersFor(message) });
    await reply.body;
  }

  override async notify(method: string, params?: Json): Promise<void> {
    const message: RpcMessage = { jsonrpc: '2.0', method, ...(params !== undefined && { params }) };
    const reply = await this.post(JSON.stringify(message), { headers: this.headersFor(message) });
    const text = await reply.body;
    if (reply.status >= 400) throw new RpcFailure(0, `HTTP ${reply.status}: ${text}`, undefined, reply.status);
  }

  /** Legacy: tells the server that the request with this id is not wanted any more. */
  cancel(requestId: Id, reason?: string): Promise<void> {
    return this.notify('notifications/cancelled', { requestId, ...(reason !== undefined && { reason }) });
  }

  override async close(): Promise<void> {
    this.agent.destroy();
  }
}
