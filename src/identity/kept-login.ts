// What is kept of a login, in the data directory and nowhere else (requirements 10.9). Registrations and tokens belong
// to the issuer that gave them, and are never shown to another one (2026-07-28 basic/authorization).

export interface KeptClient {
  clientId: string;
  clientSecret?: string | undefined;
  /** Seconds since 1970; 0 = never. */
  secretExpiresAt?: number | undefined;
  authMethod: string;
  redirectUris: readonly string[];
}

export interface KeptTokens {
  issuer: string;
  resource: string;
  clientId: string;
  access: string;
  refresh?: string | undefined;
  /** When it was given; milliseconds since 1970, as the next. */
  at: number;
  expiresAt?: number | undefined;
  scopes: readonly string[];
}

/** What of an authorization server's metadata is needed to renew tokens without asking for it again. */
export interface KeptServer {
  issuer: string;
  tokenEndpoint: string;
  revocationEndpoint?: string | undefined;
  authMethods?: readonly string[] | undefined;
}

/** One upstream and resource. */
export interface KeptLogin {
  upstream: string;
  resource: string;
  /** The issuer that a configured secret was first shown to; it goes to no other one by itself. */
  pinned?: string | undefined;
  server?: KeptServer | undefined;
  /** By issuer. */
  clients: Readonly<Record<string, KeptClient>>;
  tokens?: KeptTokens | undefined;
}

/** Documents that hold secrets and that several programs may change at once (store/secret-files.ts). */
export interface SecretDocuments {
  read<T>(name: string): T | undefined;
  /**
   * Changes a document while nobody else does, in this program or another one; undefined takes it away. What `change`
   * gives is on disk before this is over.
   */
  update<T>(
    name: string,
    change: (now: T | undefined) => T | undefined | Promise<T | undefined>,
  ): Promise<T | undefined>;
}
