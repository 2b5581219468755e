// Fetching what an upstream offers, every page, every entry verbatim; what cannot be offered is left out with its
// reason, never silently (reliability §1.10, F-L1, F-L5, F-L14).
import { createHash } from 'node:crypto';
import { GatewayFault } from '../core/fault.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { UpstreamIdentity, UpstreamLists } from '../core/upstream.ts';
import { readParamHeaders } from '../wire/headers.ts';
import { readResult } from './answer-check.ts';
import type { Link } from './link.ts';

const MAX_PAGES = 100;
const MAX_ENTRIES = 20_000;
const METHOD_NOT_FOUND = -32601;

export type ListKind = 'tools' | 'resources' | 'resourceTemplates' | 'prompts';
type Excluded = { kind: string; name: string; reason: string };

interface KindSpec {
  method: string;
  capability: string;
  /** The key that names an entry, and must be a text. */
  naming: string;
}

export const LIST_KINDS: Record<ListKind, KindSpec> = {
  tools: { method: 'tools/list', capability: 'tools', naming: 'name' },
  resources: { method: 'resources/list', capability: 'resources', naming: 'uri' },
  resourceTemplates: { method: 'resources/templates/list', capability: 'resources', naming: 'uriTemplate' },
  prompts: { method: 'prompts/list', capability: 'prompts', naming: 'name' },
};
const KINDS = Object.keys(LIST_KINDS) as ListKind[];

/** One list as it was answered. */
export interface FetchedList {
  kind: ListKind;
  entries: JsonObject[];
  excluded: Excluded[];
  ttlMs?: number | undefined;
  cacheScope?: 'public' | 'private' | undefined;
  /** Over entries and exclusions: equal means nothing changed. */
  digest: string;
}

export interface FetchOptions {
  /** Milliseconds for one page. */
  timeout: number;
  signal: AbortSignal;
}

/** The kinds of list that a server with these capabilities has. */
export function kindsOf(identity: UpstreamIdentity): ListKind[] {
  return KINDS.filter((kind) => isObject(identity.capabilities[LIST_KINDS[kind].capability]));
}

/** All pages of one list. @throws GatewayFault as `Link.request` */
export async function fetchList(
  link: Link,
  kind: ListKind,
  identity: UpstreamIdentity,
  options: FetchOptions,
): Promise<FetchedList> {
  const { method, naming } = LIST_KINDS[kind];
  const raw: unknown[] = [];
  const excluded: Excluded[] = [];
  const cursors = new Set<string>();
  let ttlMs: number | undefined;
  let cacheScope: FetchedList['cacheScope'];
  let cursor: string | undefined;
  for (let page = 0; ; page++) {
    const deadline = performance.now() + options.timeout;
    const params = cursor === undefined ? {} : { cursor };
    const answer = await link.request({ method, params, deadline, length: options.timeout, signal: options.signal });
    if ('error' in answer) {
      const { code, message } = answer.error;
      // A server that announces what it does not have has none of it; any other refusal is told (10.17).
      if (code !== METHOD_NOT_FOUND)
        excluded.push({ kind, name: '*', reason: `${method}: ${code} ${message}`.slice(0, 300) });
      break;
    }
    const result = readResult(method, answer.result);
    const entries = result[kind];
    if (!Array.isArray(entries)) {
      throw new GatewayFault('UPSTREAM_PROTOCOL', `the answer to ${method} has no list "${kind}"`, {
        delivery: 'maybe-sent',
      });
    }
    const cut = raw.length + entries.length > MAX_ENTRIES;
    for (const entry of entries) if (raw.length < MAX_ENTRIES) raw.push(entry);
    if (typeof result.ttlMs === 'number') ttlMs = Math.min(ttlMs ?? Number.POSITIVE_INFINITY, result.ttlMs);
    if (result.cacheScope === 'private' || result.cacheScope === 'public') {
      cacheScope = cacheScope === 'private' ? 'private' : result.cacheScope;
    }
    const next = result.nextCursor;
    const more = typeof next === 'string' && !cursors.has(next);
    if (cut || (more && (page + 1 >= MAX_PAGES || raw.length >= MAX_ENTRIES))) {
      excluded.push({ kind, name: '*', reason: `only the first ${raw.length} entries are read` });
      break;
    }
    if (!more) break;
    cursors.add(next);
    cursor = next;
  }
  const hash = createHash('sha256');
  const entries = select(kind, naming, raw, identity, excluded, (text) => hash.update(text));
  hash.update(JSON.stringify([excluded, ttlMs, cacheScope]));
  return { kind, entries, excluded, ttlMs, cacheScope, digest: hash.digest('base64') };
}

function select(
  kind: ListKind,
  naming: string,
  raw: unknown[],
  identity: UpstreamIdentity,
  excluded: Excluded[],
  taken: (text: string) => void,
): JsonObject[] {
  const seen = new Set<string>();
  const entries: JsonObject[] = [];
  for (const entry of raw) {
    const name = isObject(entry) ? entry[naming] : undefined;
    if (!isObject(entry) || typeof name !== 'string' || name === '') {
      excluded.push({ kind, name: String(name ?? ''), reason: `no text at "${naming}"` });
      continue;
    }
    const reason = seen.has(name)
      ? 'the same name stands above it'
      : kind === 'tools'
        ? unusable(entry, identity)
        : undefined;
    if (reason !== undefined) {
      excluded.push({ kind, name, reason });
      continue;
    }
    const text = written(entry);
    if (text === undefined) {
      excluded.push({ kind, name, reason: 'nested too deep' });
      continue;
    }
    seen.add(name);
    taken(text);
    entries.push(entry);
  }
  return entries;
}

/** Undefined for what can be read but not written again: JSON.stringify gives up long before JSON.parse does. */
function written(entry: JsonObject): string | undefined {
  try {
    return JSON.stringify(entry);
  } catch {
    return undefined;
  }
}

/** Why a tool cannot be offered, if it cannot. */
function unusable(tool: JsonObject, identity: UpstreamIdentity): string | undefined {
  const schema = tool.inputSchema;
  if (!isObject(schema)) return 'inputSchema is not an object';
  if (schema.type !== 'object') return 'inputSchema is not of type "object"';
  if (schema.properties !== undefined && !isObject(schema.properties)) return 'inputSchema.properties is not an object';
  if (schema.required !== undefined && !Array.isArray(schema.required)) return 'inputSchema.required is not a list';
  if (identity.era === 'modern' && identity.transport === 'streamable-http') {
    return readParamHeaders(schema).problem;
  }
  return undefined;
}

/** Puts fetched lists in place of the old ones; the same object comes back when nothing changed. */
export function mergeLists(old: UpstreamLists, digests: Map<ListKind, string>, fetched: FetchedList[]): UpstreamLists {
  const changed = fetched.filter((list) => digests.get(list.kind) !== list.digest);
  if (changed.length === 0 && old.confirmed) return old;
  for (const list of fetched) digests.set(list.kind, list.digest);
  const kinds = new Set<string>(changed.map((list) => list.kind));
  const ttls = fetched.map((list) => list.ttlMs).filter((ttl) => ttl !== undefined);
  const ttlMs = ttls.length > 0 ? Math.min(...ttls) : old.ttlMs;
  const scopes = [...fetched.map((list) => list.cacheScope), fetched.length < 2 ? old.cacheScope : undefined];
  const cacheScope = scopes.includes('private') ? 'private' : scopes.includes('public') ? 'public' : undefined;
  const merged: UpstreamLists = {
    ...old,
    ...Object.fromEntries(changed.map((list) => [list.kind, list.entries])),
    excluded: [...old.excluded.filter((entry) => !kinds.has(entry.kind)), ...changed.flatMap((list) => list.excluded)],
    revision: old.revision + (changed.length > 0 ? 1 : 0),
    confirmed: true,
    ttlMs,
    cacheScope,
  };
  return merged;
}

/** A list that the server does not have. */
export function emptyList(kind: ListKind): FetchedList {
  return { kind, entries: [], excluded: [], digest: 'none' };
}
