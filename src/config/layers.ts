// Several sources of settings laid over each other, each value remembering where it came from (requirements 8.2).
import { isObject, type JsonObject } from '../core/json.ts';
import { type Path, writePath } from './problem.ts';

export type OriginSource = 'default' | 'environment' | 'file' | 'overlay' | 'flag';

export interface Origin {
  source: OriginSource;
  /** The variable or flag. */
  name?: string | undefined;
}

/** Origins of every value that somebody set, by path as written (`server.port`). */
export type Origins = ReadonlyMap<string, Origin>;

export interface Layer {
  origin: Origin;
  /** Native keys. A `null` takes away what the layers below said. */
  input: JsonObject;
}

/** Sets a key as data, whatever it is called. */
export function put(target: JsonObject, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Objects are merged key by key; anything else of `above` replaces what `below` has. Neither is changed. */
export function laidOver(below: JsonObject, above: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const key of Object.keys(below)) put(result, key, below[key]);
  for (const key of Object.keys(above)) {
    const value = above[key];
    const lower = Object.hasOwn(result, key) ? result[key] : undefined;
    put(result, key, isObject(value) && isObject(lower) ? laidOver(lower, value) : value);
  }
  return result;
}

/** Merges layers, the strongest last, and records whose word counts for each value. */
export function mergeLayers(layers: readonly Layer[]): { input: JsonObject; origins: Map<string, Origin> } {
  const origins = new Map<string, Origin>();
  const input: JsonObject = {};
  const lay = (target: JsonObject, source: JsonObject, path: Path, origin: Origin, removes: boolean): void => {
    for (const key of Object.keys(source)) {
      const value = source[key];
      const here = [...path, key];
      const lower = Object.hasOwn(target, key) ? target[key] : undefined;
      if (value === null && removes) {
        delete target[key];
        continue;
      }
      if (isObject(value) && Object.keys(value).length > 0) {
        const next: JsonObject = isObject(lower) ? lower : {};
        if (next !== lower) put(target, key, next);
        lay(next, value, here, origin, removes);
        continue;
      }
      // A variable adds an endpoint to those of the file (requirements 8.2, MCP_ENDPOINT).
      const adds = origin.source === 'environment' && path.length === 0 && key === 'endpoints';
      const laid = adds && lower !== undefined ? [lower, value].flat() : value;
      if (!(isObject(value) && isObject(lower))) put(target, key, laid);
      origins.set(writePath(here), origin);
    }
  };
  for (const { origin, input: source } of layers) lay(input, source, [], origin, origin.source === 'overlay');
  return { input, origins };
}

/** Where the value at `path` comes from; a key of an upstream may come from `defaults`. */
export function originOf(origins: Origins, path: Path): Origin {
  const own = origins.get(writePath(path));
  if (own !== undefined) return own;
  if (path[0] === 'upstreams' && path.length > 2) {
    const shared = origins.get(writePath(['defaults', ...path.slice(2)]));
    if (shared !== undefined) return shared;
  }
  return { source: 'default' };
}
