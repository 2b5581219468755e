// The resources of a view: listed, read, and the kept parts of large results (A-06, A-26, requirements 10.27).

import { LRUCache } from 'lru-cache';
import { platformSignal } from '../core/call-signal.ts';
import type { CatalogView, ResourceEntry } from '../core/catalog.ts';
import type { CallContext } from '../core/context.ts';
import { GatewayFault } from '../core/fault.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { nearest } from '../core/nearest.ts';
import type { Operation } from '../core/operation.ts';
import type { UpstreamAnswer } from '../core/outcome.ts';
import { needServer, type ServerTable } from './lookup.ts';
import { RESULT_SCHEME, type ResultStore } from './results.ts';
import { shorten } from './signature-text.ts';

/** A resource without a description is described by its beginning; so many are read for one list, this long. */
const MAX_DESCRIBED = 20;
const DESCRIBE_TIME = 2_000;
const DESCRIBE_AT_ONCE = 4;
const MAX_DESCRIBED_BYTES = 1024 * 1024;
const DESCRIPTION = 100;

const CACHE_ENTRIES = 200;
const CACHE_BYTES = 8 * 1024 * 1024;

export interface ReadDeps {
  dispatch(operation: Operation, context: CallContext): Promise<UpstreamAnswer>;
  store: ResultStore;
  inline: number;
  /** In whose name an upstream is asked, where that is the caller's. */
  identity?: ((upstream: string, context: CallContext) => string) | undefined;
}

/** `passed`: an answer that is not finished (input required), for the client as it is. */
export type ReadAnswer =
  | { text: string }
  | { passed: UpstreamAnswer }
  | { refused: UpstreamAnswer & { error: unknown }; server: string };

export class ResourceReading {
  readonly #deps: ReadDeps;
  readonly #descriptions = new LRUCache<string, string>({ max: 1_000 });
  readonly #cache = new LRUCache<string, JsonObject>({
    max: CACHE_ENTRIES,
    maxSize: CACHE_BYTES,
    sizeCalculation: (value) => Math.max(1, JSON.stringify(value).length),
  });

  constructor(deps: ReadDeps) {
    this.#deps = deps;
  }

  /** Forgets what was read of an upstream, or of one of its resources: it said that they changed. */
  forget(upstream: string, uri?: string): void {
    for (const cache of [this.#cache, this.#descriptions]) {
      for (const key of cache.keys()) {
        const [, owner, resource] = key.split('\0');
        if (owner === upstream && (uri === undefined || resource === uri)) cache.delete(key);
      }
    }
  }

  /** All resources and templates, or those of one server. */
  async list(
    view: CatalogView,
    table: ServerTable,
    serverName: string | undefined,
    context: CallContext,
  ): Promise<string> {
    const server = serverName === undefined ? undefined : needServer(table, serverName).member.name;
    const mine = [...view.resources.values()].filter(({ upstream }) => server === undefined || upstream === server);
    await this.#describe(mine, table, context);
    const resources = mine.map(({ upstream, uri, definition }) => ({
      server_name: upstream,
      uri,
      ...(typeof definition.name === 'string' && { name: definition.name }),
      ...described(definition.description ?? this.#descriptions.get(keyOf(upstream, uri))),
      ...(typeof definition.mimeType === 'string' && { mime_type: definition.mimeType }),
      ...(typeof definition.size === 'number' && { size: definition.size }),
    }));
    const templates = view.templates
      .filter(({ upstream }) => server === undefined || upstream === server)
      .map(({ upstream, uriTemplate, definition }) => ({
        server_name: upstream,
        uri_template: uriTemplate,
        ...(typeof definition.name === 'string' && { name: definition.name }),
        ...described(definition.description),
        ...(typeof definition.mimeType === 'string' && { mime_type: definition.mimeType }),
      }));
    if (resources.length === 0 && templates.length === 0) return 'No resources available.';
    return JSON.stringify({ resources, ...(templates.length > 0 && { templates }) });
  }

  /** One resource, in MCPX's shapes. @throws GatewayFault */
  async read(
    view: CatalogView,
    table: ServerTable,
    serverName: string | undefined,
    uri: string,
    params: JsonObject,
    context: CallContext,
  ): Promise<ReadAnswer> {
    if (uri.startsWith(RESULT_SCHEME)) return { text: this.#page(uri, context) };
    const server =
      serverName === undefined || serverName === '' ? view.ownerOf(uri) : needServer(table, serverName).member.name;
    if (server === undefined) throw unknownResource(view, uri);
    const key = `${context.principal.id}${this.#deps.identity?.(server, context) ?? ''}\0${server}\0${uri}`;
    const shared = `\0${server}\0${uri}`;
    const known = this.#cache.get(key) ?? this.#cache.get(shared);
    if (known !== undefined) return { text: contentsText(known) };
    const answer = await this.#deps.dispatch(
      { kind: 'read-resource', upstream: server, uri, params: { ...params, uri } },
      context,
    );
    if ('error' in answer) return { refused: answer, server };
    const result = answer.result.value;
    if (result.resultType !== undefined && result.resultType !== 'complete') return { passed: answer };
    const ttl = typeof result.ttlMs === 'number' ? Math.min(result.ttlMs, 3_600_000) : 0;
    if (ttl > 0) this.#cache.set(result.cacheScope === 'public' ? shared : key, result, { ttl });
    return { text: contentsText(result) };
  }

  #page(uri: string, context: CallContext): string {
    const { text, from, to, total, next } = this.#deps.store.read(uri, context.principal.id, this.#deps.inline);
    const more = next === undefined ? '' : ` Next: "${next}".`;
    return `${text}\n\n[Bytes ${from} to ${to} of ${total}.${more}]`;
  }

  /** Learns the beginnings of text resources that say nothing about themselves; what fails is left out. */
  async #describe(entries: readonly ResourceEntry[], table: ServerTable, context: CallContext): Promise<void> {
    const wanted = entries
      .filter(({ upstream, uri, definition }) => {
        const isReady = table.servers.get(upstream)?.member.state.state === 'ready';
        const isSmall = typeof definition.size !== 'number' || definition.size <= MAX_DESCRIBED_BYTES;
        return (
          isReady &&
          isSmall &&
          !definition.description &&
          isTextType(definition.mimeType) &&
          !this.#descriptions.has(keyOf(upstream, uri))
        );
      })
      .slice(0, MAX_DESCRIBED);
    if (wanted.length === 0) return;
    const signal = AbortSignal.any([platformSignal(context.signal), AbortSignal.timeout(DESCRIBE_TIME)]);
    const quiet: CallContext = {
      ...context,
      headers: undefined, // what all shall be told is read in nobody's name
      signal,
      deadline: Math.min(context.deadline, performance.now() + DESCRIBE_TIME),
      notify: () => undefined,
    };
    const worker = async () => {
      for (let entry = wanted.shift(); entry !== undefined && !signal.aborted; entry = wanted.shift()) {
        const { upstream, uri } = entry;
        try {
          const answer = await this.#deps.dispatch({ kind: 'read-resource', upstream, uri, params: { uri } }, quiet);
          const first =
            'result' in answer && Array.isArray(answer.result.value.contents)
              ? answer.result.value.contents[0]
              : undefined;
          const text = isObject(first) && typeof first.text === 'string' ? first.text : '';
          this.#descriptions.set(
            keyOf(upstream, uri),
            text.length > DESCRIPTION ? `${text.slice(0, DESCRIPTION)}...` : text,
          );
        } catch {
          this.#descriptions.set(keyOf(upstream, uri), '', { ttl: 60_000 });
        }
      }
    };
    await Promise.all(Array.from({ length: DESCRIBE_AT_ONCE }, worker));
  }
}

function keyOf(upstream: string, uri: string): string {
  return `\0${upstream}\0${uri}`;
}

function described(description: unknown): JsonObject {
  return typeof description === 'string' && description !== '' ? { description: shorten(description, 300) } : {};
}

function unknownResource(view: CatalogView, uri: string): GatewayFault {
  const uris = [...view.resources.keys()];
  const near = nearest(uri, uris, 5);
  return new GatewayFault('RESOURCE_UNKNOWN', `Resource '${uri.slice(0, 200)}' not found`, {
    data: {
      ...(near.length > 0 && { did_you_mean: near }),
      available_resources: [...new Set([...near, ...uris])].slice(0, 40),
    },
  });
}

/** One text is the raw string, one blob an object, several a list. */
function contentsText(result: JsonObject): string {
  const contents = (Array.isArray(result.contents) ? result.contents : []).filter(isObject);
  const only = contents[0];
  if (contents.length === 1 && only !== undefined)
    return typeof only.text === 'string' ? only.text : JSON.stringify(blobOf(only));
  return JSON.stringify(
    contents.map((item) => (typeof item.text === 'string' ? { uri: item.uri, text: item.text } : blobOf(item))),
  );
}

function blobOf({ uri, mimeType, blob }: JsonObject): JsonObject {
  return { uri, ...(mimeType !== undefined && { mime_type: mimeType }), blob };
}

/** MIME types of text. */
export function isTextType(mime: unknown): boolean {
  if (typeof mime !== 'string') return false;
  const type = mime.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type.startsWith('text/')) return true;
  return /^application\/((x-)?(json|xml|javascript|yaml|sh|python|toml)|[\w.-]+\+(json|xml)|[\w.-]*(json|xml)\+[\w.-]+)$/.test(
    type,
  );
}
