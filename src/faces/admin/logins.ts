// Browser logins: a one-time code or a key is exchanged for a cookie that scripts cannot read (requirements 12.3).
import { createHash, randomBytes } from 'node:crypto';
import type { Principal } from '../../core/context.ts';

const CODE_LIFE = 10 * 60_000;
const LOGIN_LIFE = 12 * 3_600_000;
const MOST_CODES = 20;
const MOST_LOGINS = 200;

interface Login {
  principal: Principal;
  until: number;
}

/** Kept in memory as digests only: a restart asks for the key again. */
export class Logins {
  /** Cookies do not know ports: two gateways on one host need two names. */
  readonly cookieName = `holdfast_${randomBytes(4).toString('hex')}`;
  readonly #codes = new Map<string, number>();
  readonly #logins = new Map<string, Login>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** A code that is good once and for ten minutes. */
  code(): string {
    const code = randomBytes(24).toString('base64url');
    this.#codes.set(digest(code), this.#now() + CODE_LIFE);
    trim(this.#codes, MOST_CODES);
    return code;
  }

  /** Whether the code was good; it is used up. */
  redeem(code: string): boolean {
    const key = digest(code);
    const until = this.#codes.get(key);
    this.#codes.delete(key);
    return until !== undefined && until > this.#now();
  }

  /** The value of the cookie. */
  begin(principal: Principal): { token: string; seconds: number } {
    const token = randomBytes(32).toString('base64url');
    this.#logins.set(digest(token), { principal, until: this.#now() + LOGIN_LIFE });
    trim(this.#logins, MOST_LOGINS);
    return { token, seconds: LOGIN_LIFE / 1000 };
  }

  find(token: string): Principal | undefined {
    const login = this.#logins.get(digest(token));
    if (login === undefined) return undefined;
    if (login.until > this.#now()) return login.principal;
    this.#logins.delete(digest(token));
    return undefined;
  }

  end(token: string): void {
    this.#logins.delete(digest(token));
  }

  /** Who logged in with one of these keys is out. */
  endOf(names: readonly string[]): void {
    for (const [token, { principal }] of this.#logins) if (names.includes(principal.id)) this.#logins.delete(token);
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** The oldest go first. */
function trim(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}
