// Names that every client accepts, stable whatever else is configured, and found again by table, never by splitting
// (requirements 10.12, protocol.md MP24).
import { createHash } from 'node:crypto';

export type PrefixMode = 'always' | 'collision' | 'never';

/** Separates upstream and tool in an exposed name. */
export const SEPARATOR = '__';

const MAX = 64;
const OWN_MAX = 128;

function sixHex(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 6);
}

/** `[A-Za-z0-9_-]{1,64}`: anything else becomes `_`, what is cut ends in `_` and 6 hex of the full name's SHA-256. */
export function fitted(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9_-]/gu, '_');
  if (safe.length === 0) return `_${sixHex(name)}`;
  return safe.length <= MAX ? safe : `${safe.slice(0, MAX - 7)}_${sixHex(name)}`;
}

/** The id of an upstream inside exposed names and paths: its alias, else its id made to fit; a Chinese id is `u_` and 6 hex. */
export function prefixOf(id: string, alias?: string | undefined): string {
  const name = alias ?? id;
  if (/^[A-Za-z0-9_-]{1,64}$/.test(name)) return name;
  return /[A-Za-z0-9]/.test(name) ? fitted(name) : `u_${sixHex(name)}`;
}

/** A name in the upstream's own view: untouched unless it would be dangerous on the way (reliability F-L3). */
export function ownName(name: string): string {
  if (/^[A-Za-z0-9_./-]{1,128}$/.test(name) && !name.includes('..')) return name;
  const safe = name.replace(/[^A-Za-z0-9_.-]/gu, '_').replace(/\.\.+/g, '_');
  return `${safe.slice(0, OWN_MAX - 7)}_${sixHex(name)}`;
}

export interface Nameable {
  prefix: string;
  name: string;
}

/**
 * Exposed names for all items, in their order, each unique.
 * A clash that is left after prefixing (two names that become one when made to fit, two ids with one prefix) gets 6 hex
 * of the full pair.
 */
export function exposedNames(items: readonly Nameable[], mode: PrefixMode): string[] {
  const counts = new Map<string, number>();
  if (mode === 'collision') {
    for (const item of items) {
      const plain = fitted(item.name);
      counts.set(plain, (counts.get(plain) ?? 0) + 1);
    }
  }
  const taken = new Set<string>();
  return items.map(({ prefix, name }) => {
    const full = `${prefix}${SEPARATOR}${name}`;
    const bare = mode === 'never' || (mode === 'collision' && counts.get(fitted(name)) === 1);
    let exposed = fitted(bare ? name : full);
    const short = exposed.slice(0, MAX - 7);
    for (let more = ''; taken.has(exposed); more += '\0') exposed = `${short}_${sixHex(`${prefix}\0${name}${more}`)}`;
    taken.add(exposed);
    return exposed;
  });
}

/** Unique names in an upstream's own view: the second of two equal names is dropped by the caller (undefined). */
export function ownNames(names: readonly string[]): (string | undefined)[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const own = ownName(name);
    if (taken.has(own)) return undefined;
    taken.add(own);
    return own;
  });
}
