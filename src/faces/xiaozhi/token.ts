// What an endpoint's address says about its agent, and how it is shown: never the token itself (X-67, D-20).
import { isObject, type JsonObject } from '../../core/json.ts';

export interface TokenFacts {
  /** Agent and endpoint as the platform calls them; absent where the token is not a readable JWT (a relay's is not). */
  agent?: string | undefined;
  endpointId?: string | undefined;
  /** Milliseconds since 1970. */
  expiresAt?: number | undefined;
}

/** Reads the payload of the JWT in `?token=`. Nothing is verified: it is for showing only. */
export function readToken(url: string): TokenFacts {
  if (!URL.canParse(url)) return {};
  const token = new URL(url).searchParams.get('token') ?? '';
  const payload = payloadOf(token);
  if (payload === undefined) return {};
  return {
    agent: plain(payload.agentId),
    endpointId: plain(payload.endpointId),
    expiresAt: typeof payload.exp === 'number' && payload.exp > 0 ? payload.exp * 1000 : undefined,
  };
}

function payloadOf(token: string): JsonObject | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(parts[1] as string, 'base64url').toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** An id as a short word; a token is made by strangers. */
function plain(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value).replace(/[^\w.-]/g, '');
  return text === '' || text.length > 64 ? undefined : text;
}

/** The address without anything secret: no user, no query values, no fragment. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return '(not a URL)';
  const { protocol, host, pathname, searchParams } = new URL(url);
  const query = [...new Set(searchParams.keys())].map((key) => `${key}=***`).join('&');
  return `${protocol}//${host}${pathname}${query === '' ? '' : `?${query}`}`;
}

/** A text of a peer or of a library, fit to be shown: without the address and its token, short, on one line. */
export function shownText(text: string, url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const written =
    parsed?.search
      .slice(1)
      .split('&')
      .map((pair) => pair.slice(pair.indexOf('=') + 1)) ?? [];
  const secrets = [url, parsed?.href ?? '', parsed?.search ?? '', ...(parsed?.searchParams.values() ?? []), ...written];
  let clean = text;
  for (const secret of secrets.sort((a, b) => b.length - a.length))
    if (secret.length >= 4) clean = clean.replaceAll(secret, '***');
  // A peer may quote a part of it only.
  const address = parsed?.search ?? '';
  clean = clean.replace(/[\w.%+/=-]{8,}/g, (word) => (address.includes(word) ? '***' : word));
  clean = clean.replace(/\p{Cc}+/gu, ' ').trim();
  return clean.length > 200 ? `${clean.slice(0, 200)}…` : clean;
}
