// Which headers of a caller go on to an upstream (requirements X-28, U-02; MP11), and what of them says who the caller
// is, so that sessions and kept results are never handed to somebody else. Pure.
import { createHash } from 'node:crypto';
import type { UpstreamConfig } from '../config/schema.ts';
import { isHeaderValue, isToken } from '../wire/headers.ts';
import { transportKinds } from './transports/index.ts';

/** Header names in lower case; without a prototype, since a header may be called like anything. */
export type HeaderSet = Readonly<Record<string, string>>;

/** What the rule needs to know of an upstream. */
export type Forwarding = Pick<UpstreamConfig, 'forwardHeaders' | 'headers' | 'transport' | 'command' | 'url'>;

/** They belong to one connection or one message, ours or the caller's: sent on, they would break the other one. */
const NEVER = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const NEVER_PREFIX = 'mcp-param-';

/** Credentials, and what is said to the gateway itself: only an entry of `allow` without a `*` means them. */
const ONLY_BY_NAME = new Set(['authorization', 'cookie', 'origin', 'referer', 'x-api-key', 'x-request-timeout']);
const ONLY_BY_NAME_PREFIX = ['content-', 'mcp-', 'proxy-', 'sec-', 'access-control-'];

/** Other for every request: who sends them is told by the other ones. */
const OF_ONE_REQUEST =
  /^(?:traceparent|tracestate|baggage|b3|x-b3-.*|x-request-id|x-correlation-id|x-trace-id|x-amzn-trace-id|x-cloud-trace-context|x-request-start|x-request-timeout|idempotency-key|date|age|via|cache-control|pragma|priority|if-.*|range)$/;

/** Whether headers are forwarded to this upstream; over stdio and WebSocket there are none to send. */
export function forwards(upstream: Forwarding): boolean {
  if (!upstream.forwardHeaders.enabled) return false;
  return transportKinds(upstream).some((kind) => kind !== 'stdio' && kind !== 'websocket');
}

/**
 * The headers of a caller that go on to this upstream; undefined where none does. `deny` wins over `allow`; an empty
 * `allow` means everything that is not denied. A header that the upstream is configured with is replaced only by one
 * that `allow` names itself.
 */
export function forwardedHeaders(
  upstream: Forwarding,
  sent: ReadonlyMap<string, string> | undefined,
): HeaderSet | undefined {
  if (sent === undefined || sent.size === 0 || !forwards(upstream)) return undefined;
  const allow = upstream.forwardHeaders.allow.map((pattern) => pattern.trim().toLowerCase());
  const deny = upstream.forwardHeaders.deny.map((pattern) => pattern.trim().toLowerCase());
  const configured = new Set(Object.keys(upstream.headers).map((name) => name.toLowerCase()));
  // RFC 9110 §7.6.1: what `Connection` names is for the next hop only.
  const hop = new Set((sent.get('connection') ?? '').split(',').map((name) => name.trim().toLowerCase()));
  const found: Record<string, string> = Object.create(null);
  let any = false;
  for (const [given, value] of sent) {
    const name = given.toLowerCase();
    if (NEVER.has(name) || name.startsWith(NEVER_PREFIX) || hop.has(name)) continue;
    if (!isToken(name) || !isHeaderValue(value)) continue;
    if (deny.some((pattern) => matches(pattern, name))) continue;
    const named = allow.includes(name);
    const guarded =
      ONLY_BY_NAME.has(name) || ONLY_BY_NAME_PREFIX.some((prefix) => name.startsWith(prefix)) || configured.has(name);
    const allowed = named || (!guarded && (allow.length === 0 || allow.some((pattern) => matches(pattern, name))));
    if (!allowed) continue;
    found[name] = value;
    any = true;
  }
  return any ? found : undefined;
}

/** What of forwarded headers is the same in every request of one caller. */
export function identityHeaders(headers: HeaderSet | undefined): HeaderSet | undefined {
  if (headers === undefined) return undefined;
  const found: Record<string, string> = Object.create(null);
  let any = false;
  for (const name in headers) {
    if (OF_ONE_REQUEST.test(name)) continue;
    found[name] = headers[name] as string;
    any = true;
  }
  return any ? found : undefined;
}

/** Tells callers apart by their identity headers without keeping these; empty where there are none. */
export function identityKey(headers: HeaderSet | undefined): string {
  const identity = identityHeaders(headers);
  if (identity === undefined) return '';
  const pairs = Object.keys(identity)
    .sort()
    .map((name) => [name, identity[name]]);
  return createHash('sha256').update(JSON.stringify(pairs)).digest('base64url');
}

/** Configured headers with those of a caller over them, whatever the case of their names. */
export function withHeaders(configured: Readonly<Record<string, string>>, headers: HeaderSet): Record<string, string> {
  const result: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(configured))
    if (!Object.hasOwn(headers, name.toLowerCase())) result[name] = value;
  return Object.assign(result, headers);
}

/** `*` stands for any characters, also none; both in lower case. Linear, whatever the pattern. */
function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*');
  const first = parts.shift() as string;
  const last = parts.pop();
  if (last === undefined) return pattern === name;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
