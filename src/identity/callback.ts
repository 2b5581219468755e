// Where a browser comes back to after a login: what it is shown, and a listener of its own for as long as one login
// takes, where the address is not one of the gateway's.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { wrong } from './discovery.ts';
import type { LoginEnd } from './logins.ts';

/** How long the last page may take, in milliseconds. */
const LAST_PAGE = 1_000;

export const CALLBACK_PATH = '/oauth/callback';

/** Nothing in it runs or is fetched, and it tells nobody where it came from: the address held a code. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
} as const;

export function loginPage(end: LoginEnd): { status: number; html: string } {
  const title = end.ok ? 'Logged in' : 'Not logged in';
  const text = end.ok
    ? `Holdfast is logged in to ${escaped(end.upstream)}. You may close this window.`
    : `The login${end.upstream === undefined ? '' : ` to ${escaped(end.upstream)}`} failed: ${escaped(end.reason)}.`;
  const style = 'body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}';
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><style>${style}</style><h1>${title}</h1><p>${text}</p></html>\n`;
  return { status: end.ok ? 200 : 400, html };
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);

export interface CallbackListener {
  /** The address to give to the authorization server. */
  url: string;
  /** Ends when whoever is there has got his page. */
  close(): Promise<void>;
}

/**
 * Listens on this machine for one login. Port 0 takes any free one.
 * @throws GatewayFault where the port is taken
 */
export async function listenForCallback(
  upstream: string,
  wanted: URL,
  finish: (parameters: URLSearchParams) => Promise<LoginEnd>,
): Promise<CallbackListener> {
  const server = createServer((request, response) => {
    request.resume();
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (request.method !== 'GET' || url.pathname !== wanted.pathname) return void response.writeHead(404).end();
    finish(url.searchParams).then(
      (end) => {
        const { status, html } = loginPage(end);
        response.writeHead(status, { ...PAGE_HEADERS, connection: 'close' }).end(html);
      },
      () => response.writeHead(500).end(),
    );
  });
  const host = wanted.hostname === 'localhost' ? '127.0.0.1' : wanted.hostname.replace(/^\[|\]$/g, '');
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(wrong(upstream, `${wanted.host} cannot be listened on (${error.code})`, 'Change oauth.redirectUrl.')),
    );
    server.listen(Number(wanted.port || 80), host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = new URL(wanted.href);
  url.port = String(port);
  return {
    url: url.href,
    close: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), LAST_PAGE);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

/** Whether an address is one of this machine that can be listened on without being asked. */
export function isLoopbackUrl({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && /^(?:127(?:\.\d{1,3}){3}|localhost|\[::1\])$/.test(hostname);
}
