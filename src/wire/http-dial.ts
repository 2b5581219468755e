// One connection to an upstream: TCP, TLS, and a proxy in between where the environment names one.
import { readFile } from 'node:fs/promises';
import type { LookupFunction, Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { GatewayFault } from '../core/fault.ts';
import { writeAsOne } from '../core/one-write.ts';

export interface TlsOptions {
  /** Path of a PEM file, or PEM text. */
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  servername?: string | undefined;
  insecure?: boolean | undefined;
}

/** The connection was not made, so nothing was sent. Its code is none that undici would dial again for by itself. */
export class DialError extends Error {
  override readonly name = 'DialError';
  readonly code: string;
  /** The proxy does not tunnel to this target; it may still take the request itself. */
  readonly tunnelRefused: boolean;

  constructor(message: string, code: string, cause?: unknown, tunnelRefused = false) {
    super(message, { cause });
    this.code = code;
    this.tunnelRefused = tunnelRefused;
  }
}

/** The proxy for a URL by HTTP_PROXY, HTTPS_PROXY and NO_PROXY (lower case first); undefined = none. */
export function proxyFor(url: URL, env: Readonly<Record<string, string | undefined>>): URL | undefined {
  const secure = url.protocol === 'https:';
  const text = secure ? env.https_proxy || env.HTTPS_PROXY : env.http_proxy || env.HTTP_PROXY;
  if (!text || isExempt(url, env.no_proxy || env.NO_PROXY || '')) return undefined;
  const full = text.includes('://') ? text : `http://${text}`;
  return URL.canParse(full) ? new URL(full) : undefined;
}

function isExempt(url: URL, list: string): boolean {
  const host = bare(url.hostname);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '') return false;
      if (entry === '*') return true;
      const match = /^(.*?)(?::(\d+))?$/.exec(/^[^[]*:.*:/.test(entry) ? `[${entry}]` : entry);
      if (match?.[2] !== undefined && match[2] !== port) return false;
      const name = bare(match?.[1] ?? '').replace(/^\*?\./, '');
      return name !== '' && (host === name || host.endsWith(`.${name}`));
    });
}

const bare = (host: string): string => host.toLowerCase().replace(/^\[|\]$/g, '');

/** `Proxy-Authorization` of the credentials in a proxy's URL. */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (proxy.username === '' && proxy.password === '') return undefined;
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

export interface DialOptions {
  /** undici's own, handed in because undici is loaded on first use. */
  build: typeof buildConnector;
  tls: ConnectTls;
  /** Milliseconds for the whole dial. */
  timeout: number;
  proxy?: URL | undefined;
  /** Leave the tunnel out: requests go to the proxy itself (plain HTTP only). */
  absolute?: boolean;
  /** Finds the address of a host in place of the system; a proxy finds it by itself. */
  lookup?: LookupFunction | undefined;
}

export interface ConnectTls {
  ca?: string;
  cert?: string;
  key?: string;
  servername?: string;
  rejectUnauthorized: boolean;
}

/**
 * Reads what `tls` names.
 * @throws GatewayFault UPSTREAM_START_FAILED if a file cannot be read
 */
export async function loadTls(tls: TlsOptions | undefined, upstream: string): Promise<ConnectTls> {
  const loaded: ConnectTls = { rejectUnauthorized: tls?.insecure !== true };
  for (const name of ['ca', 'cert', 'key'] as const) {
    const value = tls?.[name];
    if (value === undefined) continue;
    if (value.includes('-----BEGIN')) {
      loaded[name] = value;
      continue;
    }
    try {
      loaded[name] = await readFile(value, 'utf8');
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? 'unreadable';
      throw new GatewayFault('UPSTREAM_START_FAILED', `tls.${name}: cannot read ${value} (${code})`, {
        upstream,
        cause,
      });
    }
  }
  if (tls?.servername !== undefined) loaded.servername = tls.servername;
  return loaded;
}

/** How undici shall connect; whatever fails becomes a `DialError`. */
export function createDial({ build, tls, timeout, proxy, absolute, lookup }: DialOptions): buildConnector.connector {
  const { servername, ...rest } = tls;
  const direct = build({ ...rest, timeout, ...(lookup !== undefined && { lookup }) });
  const named = (options: buildConnector.Options): buildConnector.Options =>
    servername === undefined ? options : { ...options, servername };
  const settle = (callback: buildConnector.Callback): buildConnector.Callback => {
    return (...[error, socket]) => {
      if (error !== null) callback(asDialError(error), null);
      else {
        writeAsOne(socket as Socket);
        callback(null, socket as Socket);
      }
    };
  };
  if (proxy === undefined) return (options, callback) => direct(named(options), settle(callback));
  const toProxy = build({ timeout });
  const { protocol, hostname, port, host } = proxy;
  if (absolute === true) {
    return (_options, callback) => toProxy({ protocol, hostname: bare(hostname), port, host }, settle(callback));
  }
  return (options, callback) => {
    tunnel(proxy, options, timeout).then(
      (socket) => {
        if (options.protocol !== 'https:') callback(null, socket);
        else direct({ ...named(options), httpSocket: socket }, settle(callback));
      },
      (error: unknown) => callback(asDialError(error), null),
    );
  };
}

function asDialError(error: unknown): DialError {
  if (error instanceof DialError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new DialError(message || String(code), code ?? 'EDIAL', error);
}

/** Statuses that say "I do not tunnel there", as against "the target does not answer". */
const NO_TUNNEL = new Set([400, 403, 404, 405, 501]);

async function tunnel(proxy: URL, target: buildConnector.Options, timeout: number): Promise<Socket> {
  const { request } = proxy.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const port = target.port || (target.protocol === 'https:' ? '443' : '80');
  const name = target.hostname.includes(':') ? `[${bare(target.hostname)}]` : target.hostname;
  const authorization = proxyAuthorization(proxy);
  return new Promise((resolve, reject) => {
    const dial = request({
      method: 'CONNECT',
      host: bare(proxy.hostname),
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      path: `${name}:${port}`,
      headers: {
        host: `${name}:${port}`,
        ...(authorization !== undefined && { 'proxy-authorization': authorization }),
      },
      agent: false,
    });
    const timer = setTimeout(() => {
      dial.destroy(new DialError(`the proxy ${proxy.host} did not answer in ${timeout} ms`, 'ETIMEDOUT'));
    }, timeout);
    dial.once('close', () => clearTimeout(timer));
    dial.on('error', reject);
    dial.once('connect', (answer, socket: Socket, head) => {
      clearTimeout(timer);
      // Whoever takes the socket listens as well; until then, and below TLS, an error must not end the process.
      socket.on('error', () => {});
      const status = answer.statusCode ?? 0;
      if (status >= 200 && status < 300) {
        if (head.length > 0) socket.unshift(head);
        socket.setNoDelay(true);
        resolve(socket);
        return;
      }
      socket.destroy();
      const text = `the proxy ${proxy.host} refused to connect to ${name}:${port} (HTTP ${status})`;
      reject(new DialError(text, 'EPROXY', undefined, NO_TUNNEL.has(status) && target.protocol === 'http:'));
    });
    dial.end();
  });
}
