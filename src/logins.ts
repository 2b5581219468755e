// The gateway's logins at protected upstreams: which upstreams have one, where they are kept, and the two addresses
// that a browser and an authorization server ask (issue: OAuth; requirements 8.2, 10.9).
import { join } from 'node:path';
import type { UpstreamConfig } from './config/schema.ts';
import type { RequestCredentials } from './core/credentials.ts';
import type { EventStream } from './core/events.ts';
import { sendDetail, sendJson } from './http/body.ts';
import type { HttpExchange, Route } from './http/listener.ts';
import { CALLBACK_PATH, isLoopbackUrl, listenForCallback, loginPage, PAGE_HEADERS } from './identity/callback.ts';
import { clientMetadata } from './identity/clients.ts';
import { Logins } from './identity/logins.ts';
import type { ProtectedUpstream } from './identity/settings.ts';
import type { LoginStatus } from './identity/upstream-login.ts';
import { SecretFiles } from './store/secret-files.ts';

const CLIENT_PATH = '/oauth/client.json';

export interface UpstreamLoginsOptions {
  /** The data directory. */
  dataDir: string;
  events: EventStream;
  /** Where clients and authorization servers reach the gateway (`server.publicUrl`), without a slash at the end. */
  publicUrl: string | undefined;
  /** Where it listens. */
  address(): string;
  /** A login has ended well, or was given up. */
  changed(upstream: string): void;
}

export class UpstreamLogins {
  readonly #options: UpstreamLoginsOptions;
  readonly #logins: Logins;
  readonly #configs = new Map<string, ProtectedUpstream>();

  constructor(options: UpstreamLoginsOptions) {
    this.#options = options;
    const { dataDir, events, changed } = options;
    const log = (level: 'info' | 'warn', text: string, upstream?: string) =>
      events.emit({ type: 'log', level, text, ...(upstream !== undefined && { upstream }) });
    this.#logins = new Logins({
      files: new SecretFiles(join(dataDir, 'logins'), (text) => log('warn', text)),
      memory: new SecretFiles(),
      log,
      loggedIn: changed,
    });
  }

  /** The login of one upstream; undefined where it has its own credentials, or there is nothing to log in to. */
  credentials(name: string, config: UpstreamConfig): RequestCredentials | undefined {
    const upstream = protectedUpstream(name, config, this.#options.publicUrl);
    if (upstream === undefined) {
      this.#configs.delete(name);
      return undefined;
    }
    this.#configs.set(name, upstream);
    return this.#logins.register(upstream);
  }

  status(name: string): LoginStatus | undefined {
    return this.#configs.has(name) ? this.#logins.status(name) : undefined;
  }

  secrets(): string[] {
    return this.#logins.secrets();
  }

  /** Begins a login; what comes back ends it. @throws GatewayFault */
  async begin(name: string, options: { force?: boolean }): Promise<{ url: string; expires: string }> {
    const { publicUrl, address } = this.#options;
    const own = (publicUrl ?? address()) + CALLBACK_PATH;
    const wanted = this.#configs.get(name)?.oauth.redirectUrl ?? own;
    const url = new URL(wanted);
    // An address on this machine that is not the gateway's own is listened on until the login is over.
    const away = isLoopbackUrl(url) && url.host !== new URL(own).host;
    const listener = away ? await listenForCallback(name, url, (found) => this.#logins.finish(found)) : undefined;
    try {
      const begun = await this.#logins.begin(name, listener?.url ?? wanted, options);
      void begun.done.then(() => listener?.close());
      return { url: begun.url, expires: new Date(begun.expires).toISOString() };
    } catch (error) {
      await listener?.close();
      throw error;
    }
  }

  /** False: there was no login. @throws GatewayFault UPSTREAM_UNKNOWN */
  async logout(name: string): Promise<boolean> {
    const was = await this.#logins.logout(name);
    this.#options.changed(name);
    return was;
  }

  route(path: string): Route | undefined {
    if (path === CALLBACK_PATH)
      return { access: 'open', face: 'admin', handle: (exchange) => this.#callback(exchange) };
    if (path !== CLIENT_PATH) return undefined;
    return { access: 'open', face: 'admin', handle: (exchange) => this.#client(exchange) };
  }

  async #callback({ request, response, query }: HttpExchange): Promise<void> {
    request.resume();
    if (request.method !== 'GET') return sendDetail(response, 405, 'Method Not Allowed', { allow: 'GET' });
    const { status, html } = loginPage(await this.#logins.finish(query));
    response.writeHead(status, PAGE_HEADERS).end(html);
  }

  /** The gateway as a client, for authorization servers that know clients by such an address (CIMD). */
  #client({ request, response }: HttpExchange): void {
    request.resume();
    const base = this.#options.publicUrl;
    if (base === undefined) return sendDetail(response, 404, 'server.publicUrl is not set');
    const metadata = clientMetadata('Holdfast', [base + CALLBACK_PATH], 'none');
    sendJson(response, 200, JSON.stringify({ client_id: base + CLIENT_PATH, ...metadata }));
  }

  close(): void {
    this.#logins.close();
  }
}

/** What a login needs of an upstream; undefined where the gateway has none to make there. */
export function protectedUpstream(
  name: string,
  { url: address, headers, oauth, tls, replicas }: UpstreamConfig,
  publicUrl: string | undefined,
): ProtectedUpstream | undefined {
  if (!oauth.enabled || address === undefined || replicas.length > 0) return undefined;
  // A WebSocket is asked for over HTTP: there its metadata are, and that address is its resource.
  const url = address.replace(/^ws(?=s?:)/i, 'http');
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol) || new URL(url).username !== '') return undefined;
  if (Object.keys(headers).some((header) => header.toLowerCase() === 'authorization')) return undefined;
  const own = oauth.redirectUrl === undefined && publicUrl?.startsWith('https://') === true;
  const clientMetadataUrl = oauth.clientMetadataUrl ?? (own ? publicUrl + CLIENT_PATH : undefined);
  return { name, url, oauth: { ...oauth, clientMetadataUrl }, ca: tls?.ca };
}
