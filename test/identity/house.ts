// A gateway process in front of a protected upstream, and a browser without a person.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuthorizationServer, type Habits } from '../support/authorization-server.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type ProtectedUpstream, startProtectedUpstream } from '../support/protected-upstream.ts';
import { makeTempDir, removeDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait.ts';

export interface Auth {
  state: string;
  issuer?: string;
  scopes?: string[];
  missing?: string[];
  [key: string]: unknown;
}

/** What the management API answers, as far as these tests read it. */
export interface ApiBody {
  auth?: Auth;
  url: string;
  expires: string;
  detail: { message: string; hint: string };
}

export class House {
  readonly server: AuthorizationServer;
  readonly upstream: ProtectedUpstream;
  readonly dataDir: string;
  readonly config: Record<string, unknown>;
  gateway: Gateway;

  private constructor(
    server: AuthorizationServer,
    upstream: ProtectedUpstream,
    dataDir: string,
    config: object,
    gateway: Gateway,
  ) {
    this.server = server;
    this.upstream = upstream;
    this.dataDir = dataDir;
    this.config = { ...config };
    this.gateway = gateway;
  }

  /** `settings` of the upstream; `oauth` of it. */
  static async build(
    habits: Partial<Habits> = {},
    oauth: Record<string, unknown> = {},
    settings: Record<string, unknown> = {},
  ): Promise<House> {
    const server = await AuthorizationServer.start(habits);
    const upstream = await startProtectedUpstream(server, {
      sse: settings.transport === 'sse',
      websocket: settings.transport === 'websocket',
    });
    const dataDir = await makeTempDir('oauth');
    const up = {
      url: upstream.url,
      transport: 'streamable-http',
      oauth: { allowLoopback: true, ...oauth },
      ...settings,
    };
    const config = { upstreams: { up } };
    const gateway = await startGateway({ config, dataDir });
    const house = new House(server, upstream, dataDir, config, gateway);
    return house;
  }

  async api(method: string, path: string, body?: object): Promise<{ status: number; body: ApiBody }> {
    const token = readFileSync(join(this.dataDir, 'admin-token'), 'utf8').trim();
    const response = await fetch(`${this.gateway.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as ApiBody };
  }

  async auth(): Promise<Auth | undefined> {
    return (await this.api('GET', '/upstreams/up')).body.auth;
  }

  /** Begins a login and gives the address that the browser would come back to, which is not asked yet. */
  async agree(query = ''): Promise<URL> {
    const { status, body } = await this.api('POST', `/upstreams/up/login${query}`);
    if (status !== 200) throw new Error(JSON.stringify(body));
    return await redirectOf(body.url);
  }

  /** A whole login; the text of the page that the person sees. */
  async logIn(): Promise<string> {
    return await visit(await this.agree());
  }

  async call(tool = 'echo', headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.gateway.url}/up/${tool}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{}',
    });
    return { status: response.status, text: await response.text() };
  }

  async reach(state: string): Promise<void> {
    await this.gateway.upstreamsIn(['up'], state);
  }

  async restart(): Promise<void> {
    await this.gateway.stop();
    this.gateway = await startGateway({ config: this.config, dataDir: this.dataDir });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway.stop();
    await this.upstream.close();
    await this.server.close();
    await removeDir(this.dataDir);
  }
}

/** Where the authorization server sends a browser that agrees. */
export async function redirectOf(url: string): Promise<URL> {
  const response = await fetch(url, { redirect: 'manual' });
  const location = response.headers.get('location');
  if (location === null) throw new Error(`no redirect: ${response.status} ${await response.text()}`);
  return new URL(location);
}

export async function visit(url: URL): Promise<string> {
  const page = await (await fetch(url)).text();
  return /<p>(.*?)<\/p>/.exec(page)?.[1] ?? page;
}

export async function until(look: () => boolean | Promise<boolean>): Promise<void> {
  await waitFor(async () => await look(), { within: 10_000, every: 25 });
}
