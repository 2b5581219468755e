// One connection to an upstream: TCP, TLS, and a proxy in between where the environment names one.
import { readFile } from 'node:fs/promises';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect, isIP, type LookupFunction, type OnReadOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, createSecureContext } from 'node:tls';
import { GatewayFault } from '../core/fault.ts';

export interface TlsOptions {
  /** Path of a PEM file, or PEM text. */
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  servername?: string | undefined;
  insecure?: boolean | undefined;
}

/** The connection was not made, so nothing was sent. */
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
  /** Where the upstream is. */
  url: URL;
  tls: ConnectTls;
  /** Milliseconds for the whole dial. */
  timeout: number;
  proxy?: URL | undefined;
  /** Leave the tunnel out: requests go to the proxy itself (plain HTTP only). */
  absolute?: boolean;
  /** Finds the address of a host in place of the system; a proxy finds it by itself. */
  lookup?: LookupFunction | undefined;
}

/**
 * Opens one connection; `done` is called once, unless the dial is given up by the function that is returned.
 * Where it leads to the upstream itself without TLS, what comes is read as `onread` says, else it is the socket's data.
 */
export type Dial = (onread: OnReadOpts, done: (...result: [DialError] | [null, Socket]) => void) => () => void;

export interface ConnectTls {
  ca?: string;
  cert?: string;
  key?: string;
  servername?: string;
  rejectUnauthorized: boolean;
}

/**
 * Reads what `tls` names.
 * @throws GatewayFault UPSTREAM_START_FAILED if a file cannot be read, or what it holds is no certificate or key
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
  if (loaded.ca !== undefined || loaded.cert !== undefined || loaded.key !== undefined) {
    try {
      createSecureContext(loaded);
    } catch (cause) {
      throw new GatewayFault('UPSTREAM_START_FAILED', `tls: ${(cause as Error).message}`, { upstream, cause });
    }
  }
  if (tls?.servername !== undefined) loaded.servername = tls.servername;
  return loaded;
}

/** How to connect; whatever fails is a `DialError`. */
export function createDial({ url, tls, timeout, proxy, absolute, lookup }: DialOptions): Dial {
  const isSecure = url.protocol === 'https:';
  const found = lookup === undefined ? {} : { lookup };
  const secure = secureDial(url, tls, timeout);
  if (proxy === undefined) {
    if (isSecure) return (_, done) => secure(found, done);
    const to = { host: bare(url.hostname), port: portOf(url), ...found };
    return (onread, done) => opened(connect({ ...to, ...OPTIONS, onread }), 'connect', timeout, done);
  }
  if (absolute === true) {
    if (proxy.protocol === 'https:') {
      const secureProxy = secureDial(proxy, { rejectUnauthorized: true }, timeout);
      return (_, done) => secureProxy({}, done);
    }
    const to = { host: bare(proxy.hostname), port: portOf(proxy) };
    return (_, done) => opened(connect({ ...to, ...OPTIONS }), 'connect', timeout, done);
  }
  return (_, done) => {
    let giveUp = tunnel(proxy, url, timeout, (...[error, socket]) => {
      if (error !== null) done(error);
      else if (isSecure) giveUp = secure({ socket }, done);
      else done(null, socket);
    });
    return () => giveUp();
  };
}

/** As undici and Node's agents have them: no waiting for more to send, and the system looks whether the other side lives. */
const OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 } as const;

const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === 'https:' ? 443 : 80);

/** TLS to a host, over a socket where one is given; the session of one connection is gone on with by the next. */
function secureDial(url: URL, { servername, ...tls }: ConnectTls, timeout: number) {
  const host = bare(url.hostname);
  const name = servername ?? (isIP(host) === 0 ? host : undefined);
  let session: Buffer | undefined;
  return (more: ConnectionOptions, done: Parameters<Dial>[1]): (() => void) => {
    const named = name === undefined ? {} : { servername: name };
    const resumed = session === undefined ? {} : { session };
    const to = { host, port: portOf(url), ALPNProtocols: ['http/1.1'] };
    const socket = connectTls({ ...to, ...tls, ...named, ...resumed, ...more });
    socket.setNoDelay(true).setKeepAlive(true, OPTIONS.keepAliveInitialDelay);
    socket.on('session', (fresh) => {
      session = fresh;
    });
    return opened(socket, 'secureConnect', timeout, done);
  };
}

/** Waits until a socket is connected, for so many milliseconds at most. */
function opened(socket: Socket, event: string, timeout: number, done: Parameters<Dial>[1]): () => void {
  const timer = setTimeout(() => socket.destroy(new DialError(`no connection in ${timeout} ms`, 'ETIMEDOUT')), timeout);
  const failed = (error: Error): void => {
    clearTimeout(timer);
    done(asDialError(error));
  };
  socket.once('error', failed);
  socket.once(event, () => {
    clearTimeout(timer);
    socket.off('error', failed);
    done(null, socket);
  });
  return () => {
    clearTimeout(timer);
    socket.off('error', failed);
    socket.on('error', ignore).destroy();
  };
}

function ignore(): void {}

function asDialError(error: unknown): DialError {
  if (error instanceof DialError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new DialError(message || String(code), code ?? 'EDIAL', error);
}

/** Statuses that say "I do not tunnel there", as against "the target does not answer". */
const NO_TUNNEL = new Set([400, 403, 404, 405, 501]);

/** A connection to the target through a proxy (RFC 9110, 9.3.6). */
function tunnel(proxy: URL, target: URL, timeout: number, done: Parameters<Dial>[1]): () => void {
  const name = `${target.hostname}:${portOf(target)}`;
  const authorization = proxyAuthorization(proxy);
  const request = proxy.protocol === 'https:' ? secureRequest : plainRequest;
  const dial = request({
    method: 'CONNECT',
    host: bare(proxy.hostname),
    port: portOf(proxy),
    path: name,
    headers: { host: name, ...(authorization !== undefined && { 'proxy-authorization': authorization }) },
    agent: false,
  });
  const timer = setTimeout(() => {
    dial.destroy(new DialError(`the proxy ${proxy.host} did not answer in ${timeout} ms`, 'ETIMEDOUT'));
  }, timeout);
  const failed = (error: Error): void => done(asDialError(error));
  dial.once('close', () => clearTimeout(timer));
  dial.once('error', failed);
  dial.once('connect', (answer, socket: Socket, head) => {
    clearTimeout(timer);
    // Whoever takes the socket listens as well; until then, and below TLS, an error must not end the process.
    socket.on('error', ignore);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) {
      if (head.length > 0) socket.unshift(head);
      socket.setNoDelay(true);
      done(null, socket);
      return;
    }
    socket.destroy();
    const text = `the proxy ${proxy.host} refused to connect to ${name} (HTTP ${status})`;
    done(new DialError(text, 'EPROXY', undefined, NO_TUNNEL.has(status) && target.protocol === 'http:'));
  });
  dial.end();
  return () => {
    dial.off('error', failed);
    dial.on('error', ignore).destroy();
  };
}
