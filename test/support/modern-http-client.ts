// A 2026-era client on streamable HTTP without any SDK: no session, everything in `_meta` and headers of each request.
import { HttpClient, type HttpClientOptions } from './http-client.ts';
import type { Answer, RequestOptions } from './raw-client.ts';
import type { Json, RpcMessage } from './rpc.ts';

const META = 'io.modelcontextprotocol';

export class ModernHttpClient extends HttpClient {
  constructor(url: string, options: HttpClientOptions = {}) {
    super(url, options);
  }

  get revision(): string {
    return this.options.revision ?? '2026-07-28';
  }

  /** There is no opening in this era; this is `server/discover`. */
  override initialize(): Promise<Json> {
    return this.request('server/discover');
  }

  override exchange(method: string, params: Json = {}, options: RequestOptions = {}): Promise<Answer> {
    const full = this.withMeta(params, options, {
      [`${META}/protocolVersion`]: this.revision,
      [`${META}/clientCapabilities`]: this.options.capabilities ?? {},
      [`${META}/clientInfo`]: { name: this.options.name ?? 'raw-modern-client', version: '1.0.0' },
    });
    return this.send({ jsonrpc: '2.0', id: options.id ?? this.nextId(), method, params: full }, options);
  }

  /**
   * Opens `subscriptions/listen` and keeps it open; notifications are taken as they come.
   * Resolves at the acknowledgement, with a function that closes the stream.
   */
  async listen(filters: Json): Promise<{ acknowledged: RpcMessage; id: number; close: () => void }> {
    const id = this.nextId();
    const stop = new AbortController();
    this.exchange('subscriptions/listen', { notifications: filters }, { id, signal: stop.signal }).catch(() => {});
    const acknowledged = await this.notification(
      'notifications/subscriptions/acknowledged',
      (params) => String((params._meta as Json | undefined)?.[`${META}/subscriptionId`]) === String(id),
    );
    return { acknowledged, id, close: () => stop.abort() };
  }

  protected override headersFor(message: RpcMessage): Record<string, string> {
    const subject = message.params?.name ?? message.params?.uri;
    const named = ['tools/call', 'prompts/get', 'resources/read'].includes(message.method ?? '');
    return {
      'mcp-protocol-version': this.revision,
      ...(message.method !== undefined && { 'mcp-method': message.method }),
      ...(named && typeof subject === 'string' && { 'mcp-name': headerValue(subject) }),
    };
  }
}

/** A header value as the modern revision wants it: what is not plain visible ASCII goes as a Base64 sentinel. */
export function headerValue(text: string): string {
  const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith('=?base64?');
  return plain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}
