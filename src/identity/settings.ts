// What the configuration says about logging in to one upstream (`upstreams.X.oauth`, requirements 8.2).

export interface OAuthSettings {
  enabled: boolean;
  grant: 'authorization_code' | 'client_credentials';
  clientId?: string | undefined;
  clientSecret?: string | undefined;
  /** PEM text. */
  privateKey?: string | undefined;
  signingAlgorithm?: string | undefined;
  tokenEndpointAuthMethod?: string | undefined;
  clientMetadataUrl?: string | undefined;
  clientName: string;
  issuer?: string | undefined;
  scopes?: readonly string[] | undefined;
  redirectUrl?: string | undefined;
  storage: 'file' | 'memory';
  allowLoopback: boolean;
  trustedHosts: readonly string[];
}

/** One upstream as the login needs it. */
export interface ProtectedUpstream {
  name: string;
  url: string;
  oauth: OAuthSettings;
  /** PEM text or path of an authority to trust. */
  ca?: string | undefined;
}
