// What a gateway is made of, and whether it may listen like that (12.1, 12.3).
import { readFileSync } from 'node:fs';
import type { Config } from './config/schema.ts';
import type { CallContext } from './core/context.ts';
import type { EventStream } from './core/events.ts';
import type { Gateway } from './gateway.ts';
import type { Key } from './http/keys.ts';
import { isLoopback, type Route } from './http/listener.ts';
import { configuredKeys } from './keys.ts';
import type { OpenApiSetup } from './openapi.ts';
import type { CreateTransport } from './upstream/transports/index.ts';

export interface GatewaySetup {
  config: Config;
  /** Where state is kept; see `chooseDataDir`. */
  dataDir: string;
  /** Replaces `server.host` and `server.port`. */
  host?: string | undefined;
  port?: number | undefined;
  /** Following ports to try when it is taken; 0 for a port somebody asked for. */
  portTries?: number | undefined;
  /** Replaces `defaultView`. */
  view?: string | undefined;
  /** The default view where neither says: a gateway made for one server shows its tools as they are (10.13). */
  single?: boolean | undefined;
  /** Beside those of the configuration. */
  keys?: readonly Key[] | undefined;
  /** Listen wider than loopback without a key. */
  insecure?: boolean | undefined;
  /** Kinds of transport beside our own, by name. */
  transports?: Readonly<Record<string, CreateTransport>> | undefined;
  events?: EventStream | undefined;
  /** Begins whatever watches and manages the gateway; called once its port is bound. */
  manage?: ((gateway: Gateway) => Promise<Managed>) | undefined;
  /** Title and protection of the OpenAPI documents. */
  openApi?: OpenApiSetup | undefined;
}

/** What manages a gateway, from the gateway's side. */
export interface Managed {
  /** The gateway begins to drain: nothing more is changed, streams end. */
  stopping(): void;
  /** An address of the dashboard that logs in once, within ten minutes (12.3). */
  dashboardLink(): string;
  close(): Promise<void>;
}

/** What is laid over a gateway from outside of it. */
export interface Mounted {
  /** The route of a path of its own. */
  route(path: string): Route | undefined;
  /** What a call has to wait for first, if anything. */
  gate(upstream: string, context: CallContext): Promise<void> | undefined;
  /** Number that the configuration of the start has among those that are kept (12.4). */
  configVersion: number;
}

/** The setup itself is wrong; nothing was started. */
export class SetupRefused extends Error {}

/** Where and for whom a gateway listens, as its setup and its configuration say. */
export interface Listening {
  host: string;
  port: number;
  tries: number;
  tls: { cert: Buffer; key: Buffer } | undefined;
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  keys: readonly Key[];
  /** Nobody is served here without a key, even if the last one goes. */
  closed: boolean;
}

/** @throws SetupRefused where everybody could use the upstreams, and for a certificate that cannot be read */
export function listening(setup: GatewaySetup): Listening {
  const { server } = setup.config;
  const host = setup.host ?? server.host;
  const keys = [...configuredKeys(setup.config), ...(setup.keys ?? [])];
  const isProtected = keys.length > 0 || server.oauth !== undefined;
  if (server.oauth !== undefined && server.publicUrl === undefined && !isLoopback(host)) {
    throw new SetupRefused(
      `server.oauth needs server.publicUrl when listening on ${host}: access tokens are made for that address`,
    );
  }
  if (!isLoopback(host) && !isProtected && setup.insecure !== true) {
    throw new SetupRefused(
      `listening on ${host} without a key would let everybody on the network use your servers: give --api-key-file or keys[], or say --insecure if that is what you want`,
    );
  }
  if (server.allowedOrigins.includes('*') && !isProtected) {
    throw new SetupRefused(
      'server.allowedOrigins "*" is accepted only together with a key: any web page could call your servers',
    );
  }
  return {
    closed:
      server.oauth !== undefined ||
      (setup.insecure !== true && (!isLoopback(host) || server.allowedOrigins.includes('*'))),
    host,
    port: setup.port ?? server.port,
    tries: setup.portTries ?? 0,
    tls: readTls(server.tls),
    allowedHosts: server.allowedHosts,
    allowedOrigins: server.allowedOrigins,
    keys,
  };
}

/** @throws SetupRefused for a certificate or key that cannot be read */
function readTls(tls: Config['server']['tls']): { cert: Buffer; key: Buffer } | undefined {
  if (tls === undefined) return undefined;
  const read = (file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (error) {
      throw new SetupRefused(`server.tls: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  };
  return { cert: read(tls.cert), key: read(tls.key) };
}
