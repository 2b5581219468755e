// What identifies a schema, so that its check is compiled once however often the catalogue is made anew.
import { createHash } from 'node:crypto';

/** Gives the same text for the same schema; computed once for each object. */
export function createSchemaHash(): (schema: unknown) => string {
  const hashes = new WeakMap<object, string>();
  return (schema) => {
    if (typeof schema !== 'object' || schema === null) return String(schema);
    let hash = hashes.get(schema);
    if (hash === undefined) {
      hash = createHash('sha256').update(JSON.stringify(schema)).digest('base64');
      hashes.set(schema, hash);
    }
    return hash;
  };
}
