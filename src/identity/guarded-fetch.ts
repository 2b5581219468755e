// Every request to an address that a server named: https only, no address of the gateway's own network, the address
// that was checked is the one that is connected to, redirects checked again, size and time bounded (reliability §4).
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { GatewayFault } from '../core/fault.ts';
import { part } from '../core/part.ts';
import type { ResponseHeaders } from '../wire/http-client.ts';
import { kindOf } from './addresses.ts';

export interface FetchPolicy {
  /** Named in faults. */
  upstream: string;
  /** The key of the configuration that holds the two settings below, for hints. */
  setting: string;
  /** Loopback addresses, and plain HTTP to them. */
  allowLoopback: boolean;
  /** Hosts that may have an address of a private network. */
  trustedHosts: readonly string[];
  /** PEM text or path of an authority to trust beside the system's. */
  ca?: string | undefined;
  /** In place of the system's name lookup. */
  lookup?: LookupFunction | undefined;
  /** Milliseconds for one request, redirects included. */
  timeout?: number | undefined;
}

export interface GuardedRequest {
  method?: string | undefined;
  headers?: Readonly<Record<string, string>> | Headers | undefined;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** Redirects are followed for GET alone. @throws GatewayFault where it is not allowed or nobody answers */
export type GuardedFetch = (url: string | URL, request?: GuardedRequest) => Promise<Response>;

const readHttpClient = part('HTTP client', () => import('../wire/http-client.ts'));
const TIMEOUT = 10_000;
const DIAL = 5_000;
/** Metadata, key sets and token answers are small. */
const LARGEST = 256 * 1024;
const MAX_REDIRECTS = 3;

export function createGuardedFetch(policy: FetchPolicy): GuardedFetch {
  return async (url, request = {}) => {
    const end = performance.now() + (policy.timeout ?? TIMEOUT);
    let target = new URL(url);
    for (let hops = 0; ; hops++) {
      checkUrl(target, policy);
      const answer = await hop(target, request, policy, Math.max(1, end - performance.now()));
      const location = answer.headers.get('location');
      const moved = answer.status >= 301 && answer.status <= 308 && location !== null;
      if (!moved || (request.method ?? 'GET') !== 'GET') return answer;
      if (hops >= MAX_REDIRECTS || !URL.canParse(location, target.href)) {
        throw refused(policy, `${target.origin} redirects too often or to no address`);
      }
      target = new URL(location, target);
    }
  };
}

/** Checks what can be seen of a URL before it is asked. @throws GatewayFault UPSTREAM_UNAUTHORIZED */
export function checkUrl(url: URL, policy: FetchPolicy): void {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isLocal = host === 'localhost' || host.endsWith('.localhost') || literalKind(host) === 'loopback';
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal && policy.allowLoopback)) {
    throw refused(policy, `${shown(url)} is not an https address`, isLocal ? loopbackHint(policy) : undefined);
  }
  if (url.username !== '' || url.password !== '') throw refused(policy, `${url.origin} came with a user name in it`);
  const kind = literalKind(host);
  if (kind !== undefined) checkAddress(host, host, policy);
}

const literalKind = (host: string) => (/^[\d.]+$|:/.test(host) ? kindOf(host) : undefined);

/** @throws GatewayFault where this address of this host may not be asked */
function checkAddress(host: string, address: string, policy: FetchPolicy): void {
  const kind = kindOf(address);
  if (kind === 'public' || (kind === 'loopback' && policy.allowLoopback)) return;
  if (kind === 'private' && policy.trustedHosts.includes(host)) return;
  const what = host === address ? host : `${host} (${address})`;
  const where = kind === 'forbidden' ? 'reserved' : `${kind}`;
  const hint =
    kind === 'loopback'
      ? loopbackHint(policy)
      : kind === 'private'
        ? `If this is your own authorization server, add ${JSON.stringify(host)} to ${policy.setting}.trustedHosts.`
        : undefined;
  throw refused(policy, `${what} is a ${where} address`, hint);
}

const loopbackHint = ({ setting }: FetchPolicy) =>
  `If the authorization server really runs on this machine, set ${setting}.allowLoopback to true.`;

function refused({ upstream, setting }: FetchPolicy, what: string, hint?: string): GatewayFault {
  return new GatewayFault('UPSTREAM_UNAUTHORIZED', `an address that the login would ask is refused: ${what}`, {
    upstream,
    hint: hint ?? `Only public https addresses are asked (${setting}); report it to whoever runs the server.`,
    data: { blocked: true },
  });
}

/** A URL without what may be secret in it. */
const shown = (url: URL): string =>
  url.protocol === 'data:' ? 'data:' : `${url.protocol}//${url.host}${url.pathname}`;

/** The checked address is the one that is dialled: there is no second lookup that could say something else. */
function guardedLookup(policy: FetchPolicy): LookupFunction {
  const lookup: LookupFunction = policy.lookup ?? (systemLookup as unknown as LookupFunction);
  return (host, options, callback) => {
    lookup(host, options, (error, found, family) => {
      if (error !== null) return callback(error, found, family);
      try {
        const all = typeof found === 'string' ? [found] : found.map(({ address }) => address);
        for (const address of all) checkAddress(host, address, policy);
      } catch (thrown) {
        return callback(thrown as NodeJS.ErrnoException, '', 0);
      }
      callback(null, found, family);
    });
  };
}

async function hop(url: URL, request: GuardedRequest, policy: FetchPolicy, timeout: number): Promise<Response> {
  const { upstream, ca } = policy;
  const { HttpClient } = await readHttpClient();
  const client = await HttpClient.open({
    upstream,
    url,
    dialTimeout: DIAL,
    redirects: false,
    lookup: guardedLookup(policy),
    ...(ca !== undefined && { tls: { ca } }),
  });
  const fail = (text: string) =>
    new GatewayFault('UPSTREAM_UNREACHABLE', `${url.origin} ${text}`, { upstream, delivery: 'maybe-sent' });
  let timer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  try {
    return await new Promise<Response>((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      let head: { status: number; headers: ResponseHeaders } | undefined;
      const method = (request.method ?? 'GET') as 'GET' | 'POST';
      const body = request.body === undefined || request.body === null ? undefined : String(request.body);
      const exchange = client.send(
        { method, path: url.pathname + url.search, headers: headerList(request), body },
        {
          head: (status, headers) => {
            head = { status, headers };
          },
          data: (chunk) => {
            size += chunk.length;
            if (size <= LARGEST) chunks.push(chunk);
            else {
              exchange.abort();
              reject(fail(`sent more than ${LARGEST} bytes`));
            }
          },
          end: () => resolve(responseOf(head, Buffer.concat(chunks))),
          failed: (fault) => reject(blockedOr(fault)),
        },
      );
      stop = () => {
        exchange.abort();
        reject(fail('did not answer in time'));
      };
      timer = setTimeout(stop, timeout);
      request.signal?.addEventListener('abort', stop, { once: true });
    });
  } finally {
    clearTimeout(timer);
    if (stop !== undefined) request.signal?.removeEventListener('abort', stop);
    await client.close();
  }
}

/** A refusal of the lookup comes back wrapped in what the dial says. */
function blockedOr(fault: GatewayFault): GatewayFault {
  for (let cause: unknown = fault.cause; cause instanceof Error; cause = cause.cause)
    if (cause instanceof GatewayFault && cause.data?.blocked === true) return cause;
  return fault;
}

function headerList({ headers }: GuardedRequest): string[] {
  const entries = headers instanceof Headers ? [...headers.entries()] : Object.entries(headers ?? {});
  const list = entries.flatMap(([name, value]) => [name.toLowerCase(), value]);
  return list.includes('accept-encoding') ? list : [...list, 'accept-encoding', 'identity'];
}

/** Statuses whose answer has no body. */
const EMPTY = new Set([204, 205, 304]);

function responseOf(head: { status: number; headers: ResponseHeaders } | undefined, body: Buffer): Response {
  const headers = new Headers();
  for (const name of ['content-type', 'location', 'www-authenticate', 'cache-control', 'retry-after', 'dpop-nonce']) {
    const value = head?.headers.get(name);
    if (value !== undefined) headers.set(name, value);
  }
  const status = head?.status ?? 502;
  return new Response(EMPTY.has(status) ? null : new Uint8Array(body), { status, headers });
}
