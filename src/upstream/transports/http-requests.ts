// What every HTTP request to an upstream has in common: where it goes and which headers it has. Of the downstream caller's
// own headers only those get here that `forwardHeaders` lets through (MP11, X-28).
import { GatewayFault } from '../../core/fault.ts';
import { isObject } from '../../core/json.ts';
import type { Era } from '../../core/rpc.ts';
import { encodeHeaderValue, isHeaderValue, isToken } from '../../wire/headers.ts';
import type { OutgoingRequest } from '../transport.ts';

/** The part of an upstream's configuration that HTTP needs; sizes in bytes, times in milliseconds. */
export interface HttpUpstreamConfig {
  url?: string | undefined;
  headers: Readonly<Record<string, string>>;
  tls?:
    | {
        ca?: string | undefined;
        cert?: string | undefined;
        key?: string | undefined;
        servername?: string | undefined;
        insecure?: boolean | undefined;
      }
    | undefined;
  limits: { message: number };
  timeouts: { dial: number; connect: number };
}

/** Headers that are the protocol's or the connection's own; a configuration cannot set them. */
const RESERVED = new Set([
  'accept',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'keep-alive',
  'last-event-id',
  'mcp-protocol-version',
  'mcp-session-id',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The first revision whose requests carry `MCP-Protocol-Version`. */
const VERSION_HEADER_SINCE = '2025-06-18';

/**
 * The address of an upstream.
 * @throws GatewayFault UPSTREAM_START_FAILED if it is no http or https URL
 */
export function upstreamUrl(upstream: string, url: string | undefined): URL {
  const parsed = url !== undefined && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol)) {
    throw new GatewayFault('UPSTREAM_START_FAILED', 'url: expected an http:// or https:// URL', { upstream });
  }
  return parsed;
}

/** Builds the header lists of one upstream's requests. */
export class RequestHeaders {
  readonly #base: readonly string[];
  readonly #post: readonly string[];
  /** Headers of a legacy request: the same for all of a session, so they are put together once. */
  #legacy: string[] | undefined;
  #session: string | undefined;
  #era: Era | undefined;
  #revision: string | undefined;

  /** @throws GatewayFault UPSTREAM_START_FAILED if a configured header is none */
  constructor(upstream: string, url: URL, configured: Readonly<Record<string, string>>) {
    const base: string[] = [];
    let encoding = false;
    let authorization = false;
    for (const [name, value] of Object.entries(configured)) {
      if (!isToken(name) || !isHeaderValue(value)) {
        throw new GatewayFault('UPSTREAM_START_FAILED', `headers.${name}: not a legal header`, { upstream });
      }
      const lower = name.toLowerCase();
      if (RESERVED.has(lower)) continue;
      encoding ||= lower === 'accept-encoding';
      authorization ||= lower === 'authorization';
      base.push(lower, value);
    }
    if (!encoding) base.push('accept-encoding', 'identity');
    if (!authorization && url.username !== '') {
      const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      base.push('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
    }
    this.#base = base;
    this.#post = [...base, 'accept', 'application/json, text/event-stream', 'content-type', 'application/json'];
  }

  get session(): string | undefined {
    return this.#session;
  }

  /** Takes the session id of an `initialize` answer; false if it is not visible ASCII (2025-03-26/basic/transports). */
  takeSession(id: string | undefined): boolean {
    this.#legacy = undefined;
    this.#session = id !== undefined && /^[\x21-\x7e]+$/.test(id) ? id : undefined;
    return id === undefined || this.#session !== undefined;
  }

  settle(era: Era, revision: string): void {
    this.#legacy = undefined;
    this.#era = era;
    this.#revision = revision;
    if (era === 'modern') this.#session = undefined;
  }

  /** Headers of a POST that carries a request; not to be changed. */
  forRequest(request: OutgoingRequest): readonly string[] {
    if (this.#era === 'legacy' && request.headers === undefined && request.method !== 'initialize') {
      if (this.#legacy === undefined) {
        this.#legacy = [...this.#post];
        this.#common(this.#legacy, this.#revision);
      }
      return this.#legacy;
    }
    const headers = request.headers === undefined ? [...this.#post] : without(this.#post, request.headers);
    if (request.method === 'initialize') return headers;
    const revision = this.#era === undefined ? revisionIn(request.text) : this.#revision;
    this.#common(headers, revision);
    if (this.#era === 'modern' || (this.#era === undefined && revision !== undefined)) {
      headers.push('mcp-method', encodeHeaderValue(request.method));
      if (request.subject !== undefined) headers.push('mcp-name', encodeHeaderValue(request.subject));
    }
    for (const name in request.headers) headers.push(name, request.headers[name] as string);
    return headers;
  }

  /** Headers of a POST that carries a notification or an answer. */
  forPost(text: string): string[] {
    const headers = [...this.#post];
    this.#common(headers, this.#revision);
    if (this.#era === 'modern') {
      const method = messageIn(text)?.method;
      if (typeof method === 'string') headers.push('mcp-method', encodeHeaderValue(method));
    }
    return headers;
  }

  /** Headers of a GET that opens an event stream; of a DELETE too. */
  forStream(lastEventId?: string): string[] {
    const headers = [...this.#base, 'accept', 'text/event-stream', 'cache-control', 'no-cache'];
    this.#common(headers, this.#revision);
    if (lastEventId !== undefined && lastEventId !== '') {
      headers.push('last-event-id', Buffer.from(lastEventId, 'utf8').toString('latin1'));
    }
    return headers;
  }

  #common(headers: string[], revision: string | undefined): void {
    if (revision !== undefined && revision >= VERSION_HEADER_SINCE) headers.push('mcp-protocol-version', revision);
    if (this.#session !== undefined) headers.push('mcp-session-id', this.#session);
  }
}

/** A header list without those that the request brings itself: a header that stands twice means nobody knows what. */
function without(list: readonly string[], own: Readonly<Record<string, string>>): string[] {
  const kept: string[] = [];
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at] as string;
    if (!Object.hasOwn(own, name)) kept.push(name, list[at + 1] as string);
  }
  return kept;
}

const REVISION_KEY = 'io.modelcontextprotocol/protocolVersion';

function messageIn(text: string): Record<string, unknown> | undefined {
  const message: unknown = JSON.parse(text);
  return isObject(message) ? message : undefined;
}

/** The revision that a request names in its `_meta`; only looked for until the handshake is over. */
function revisionIn(text: string): string | undefined {
  const params = messageIn(text)?.params;
  const meta = isObject(params) ? params._meta : undefined;
  const revision = isObject(meta) ? meta[REVISION_KEY] : undefined;
  return typeof revision === 'string' ? revision : undefined;
}
