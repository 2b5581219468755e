// What identifies a value that came from an upstream, so that what was made of it once is found again.
import { createHash } from 'node:crypto';

/** Gives the same text for values that are written the same; computed once for each object, which must not change. */
export function createValueHash(): (value: unknown) => string {
  const hashes = new WeakMap<object, string>();
  return (value) => {
    if (typeof value !== 'object' || value === null) return String(value);
    let hash = hashes.get(value);
    if (hash === undefined) {
      hash = createHash('sha256').update(JSON.stringify(value)).digest('base64');
      hashes.set(value, hash);
    }
    return hash;
  };
}
