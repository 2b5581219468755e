// Legacy session ids that hold their session: a restart of the gateway ends none, and an idle one costs nothing
// (requirements 10.18).
import { createHash, createHmac, randomFillSync, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { isObject, type JsonObject } from '../../core/json.ts';
import type { SigningKeys } from '../../core/ports.ts';

/** What a session is, as its id says it. */
export interface SessionClaims {
  nonce: string;
  /** Seconds since 1970. */
  issuedAt: number;
  revision: string;
  capabilities: JsonObject;
  info: JsonObject;
  principal: string;
  view: string;
}

export const SESSION_MAX_AGE = 30 * 24 * 3600;
const MAX_LENGTH = 1024;
/** Of that, what the MAC and its dot leave. */
const MAX_TEXT = MAX_LENGTH - 50;
/** Verified ids that are in use right now; bounded, so that idle sessions cost nothing. */
const KEPT = 256;
/** Bytes of one nonce, and of those made at once. */
const NONCE = 16;
const CHANCE = 256 * NONCE;

/** A principal or view as an id holds it: long ones by their hash. */
export function claimed(name: string): string {
  return name.length <= 20 || JSON.stringify(name).length <= 60 ? name : `#${sha256(name)}`;
}

export class SessionIds {
  readonly #keys: SigningKeys;
  readonly #verified = new LRUCache<string, SessionClaims>({ max: KEPT });
  readonly #capabilities: Map<string, JsonObject>;
  readonly #chance = Buffer.alloc(CHANCE);
  #chanceUsed = CHANCE;
  readonly #now: () => number;

  /** `capabilities` keeps, by hash, those too long for an id; the caller stores the map. */
  constructor(keys: SigningKeys, capabilities: Map<string, JsonObject> = new Map(), now: () => number = Date.now) {
    this.#keys = keys;
    this.#capabilities = capabilities;
    this.#now = now;
  }

  issue(session: Omit<SessionClaims, 'nonce' | 'issuedAt'>): { id: string; claims: SessionClaims } {
    const { revision, capabilities, info } = session;
    const principal = claimed(session.principal);
    const view = claimed(session.view);
    const nonce = this.#nonce();
    const issuedAt = Math.floor(this.#now() / 1000);
    const claims: SessionClaims = { nonce, issuedAt, revision, capabilities, info, principal, view };
    const name = typeof claims.info.name === 'string' ? claims.info.name.slice(0, 100) : '';
    const version = typeof claims.info.version === 'string' ? claims.info.version.slice(0, 40) : '';
    const write = (capabilities: unknown, ...client: [string, string]) => {
      return Buffer.from(
        JSON.stringify([nonce, issuedAt, revision, capabilities, ...client, principal, view]),
      ).toString('base64url');
    };
    let text = write(claims.capabilities, name, version);
    if (text.length > MAX_TEXT) {
      const hash = sha256(JSON.stringify(claims.capabilities));
      this.#capabilities.set(hash, claims.capabilities);
      text = write(hash, name, version);
      // A name may be nothing but escapes.
      if (text.length > MAX_TEXT) text = write(hash, '', '');
    }
    const id = `${text}.${mac(this.#keys.signing, text)}`;
    this.#verified.set(id, claims);
    return { id, claims };
  }

  /** Chance is cheaper by the page than by the id. */
  #nonce(): string {
    if (this.#chanceUsed === CHANCE) {
      randomFillSync(this.#chance);
      this.#chanceUsed = 0;
    }
    const from = this.#chanceUsed;
    this.#chanceUsed += NONCE;
    return this.#chance.toString('base64url', from, from + NONCE);
  }

  /** The session of an id that this gateway (or one with its keys) issued and that is not too old; else undefined. */
  verify(id: string): SessionClaims | undefined {
    const known = this.#verified.get(id);
    const claims = known ?? this.#read(id);
    if (claims === undefined || this.#now() / 1000 - claims.issuedAt > SESSION_MAX_AGE) return undefined;
    if (known === undefined) this.#verified.set(id, claims);
    return claims;
  }

  #read(id: string): SessionClaims | undefined {
    if (id.length > MAX_LENGTH) return undefined;
    const dot = id.lastIndexOf('.');
    const text = id.slice(0, dot);
    const given = Buffer.from(id.slice(dot + 1));
    const genuine = this.#keys.all.some((key) => {
      const right = Buffer.from(mac(key, text));
      return right.length === given.length && timingSafeEqual(right, given);
    });
    if (dot === -1 || !genuine) return undefined;
    const [nonce, issuedAt, revision, kept, name, version, principal, view] = JSON.parse(
      Buffer.from(text, 'base64url').toString('utf8'),
    ) as [string, number, string, JsonObject | string, string, string, string, string];
    const capabilities = isObject(kept) ? kept : (this.#capabilities.get(kept) ?? {});
    return { nonce, issuedAt, revision, capabilities, info: { name, version }, principal, view };
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

function mac(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}
