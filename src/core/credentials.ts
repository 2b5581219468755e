// How whoever sends requests to an upstream asks for credentials, without knowing where they come from.

/** What a server refused (2025-11-25 basic/authorization, Error Handling). */
export interface CredentialRefusal {
  status: 401 | 403;
  /** `WWW-Authenticate`, as it came. */
  challenge: string | undefined;
  /** The value of `Authorization` that the refused request carried. */
  sent: string | undefined;
}

/** The gateway's own login at one upstream. A caller's token is never among these (MP11). */
export interface RequestCredentials {
  /**
   * `Authorization` of the next request, at once while it is good; undefined: there is no login.
   * @throws GatewayFault (as rejection) where a login exists and could not be renewed
   */
  header(): string | undefined | Promise<string | undefined>;
  /** Takes a refusal; true: the request may be sent once more, `header` gives something else now. Never rejects. */
  refused(refusal: CredentialRefusal): boolean | Promise<boolean>;
  /** What somebody has to do where no login helps any more; undefined: nothing that is known here. */
  readonly hint: string | undefined;
}
