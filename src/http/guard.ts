// Who may talk to the listener at all, before anything is read: DNS rebinding and foreign web pages end here
// (reliability §4, Network edge; CVE-2025-66414, CVE-2026-42559).
import type { IncomingMessage } from 'node:http';

export interface GuardOptions {
  /** Whether the listener is bound to loopback: then `Host` must be a loopback name. */
  loopback: boolean;
  /** Further host names (without port) that are ours; where set, `Host` is checked on any binding. */
  allowedHosts: readonly string[];
  /** Further origins (`https://app.example`); `*` allows any. */
  allowedOrigins: readonly string[];
}

/** Names that lead to this machine and nowhere else, as a URL or a Host header writes them. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** The host name of a `Host` header, without port; undefined when it is not one. */
function hostName(header: string): string | undefined {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.exec(header);
  return match?.[1]?.toLowerCase();
}

/** The origin, if the header holds exactly one well-formed http(s) origin without user info. */
function parseOrigin(header: string): URL | undefined {
  try {
    const url = new URL(header);
    return url.origin === header.toLowerCase() && /^https?:$/.test(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

/** The guard of one listener: gives why a request is refused with 403, or undefined. The last good `Host` is known. */
export function createGuard(options: GuardOptions): (request: IncomingMessage) => string | undefined {
  let good: string | undefined;
  return (request) => {
    const { host, origin } = request.headers;
    if (repeatsHost(request)) return 'there is more than one Host header';
    if (host !== undefined && host === good && origin === undefined) return undefined;
    const refused = refusal(request, options);
    if (refused === undefined) good = host;
    return refused;
  };
}

/** Two Host headers mean two things to two servers (RFC 9112, 3.2); Node gives the first and hides the rest. */
function repeatsHost({ rawHeaders }: IncomingMessage): boolean {
  let seen = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') seen++;
  }
  return seen > 1;
}

/** Why a request is refused with 403, or undefined. */
export function refusal(request: IncomingMessage, options: GuardOptions): string | undefined {
  const host = request.headers.host;
  if (options.loopback || options.allowedHosts.length > 0) {
    const name = host === undefined ? undefined : hostName(host);
    const known =
      name !== undefined &&
      ((options.loopback && LOOPBACK.test(name)) || options.allowedHosts.some((one) => one.toLowerCase() === name));
    if (!known)
      return `the Host header ${JSON.stringify(host ?? '')} is not a name of this gateway; add it to server.allowedHosts if it should be`;
  }
  return originAllowed(request, options)
    ? undefined
    : `the Origin ${JSON.stringify(request.headers.origin)} is not allowed; add it to server.allowedOrigins if it should be`;
}

/** Same origin, loopback origins on any port, and what the configuration names. No `Origin` at all is no browser. */
export function originAllowed(request: IncomingMessage, options: GuardOptions): boolean {
  const header = request.headers.origin;
  if (header === undefined) return true;
  if (options.allowedOrigins.includes('*')) return true;
  const origin = parseOrigin(header);
  if (origin === undefined) return false;
  if (LOOPBACK.test(origin.hostname)) return true;
  if (request.headers.host !== undefined && origin.host === request.headers.host.toLowerCase()) return true;
  return options.allowedOrigins.some((one) => one.toLowerCase() === origin.origin);
}
