// Holds the last lists of one upstream and keeps them true: read at every start, read again when the server says they
// changed, told onwards only when they really did.
import { GatewayFault } from '../core/fault.ts';
import type { JsonObject } from '../core/json.ts';
import { NO_LISTS, type UpstreamIdentity, type UpstreamLists } from '../core/upstream.ts';
import { type ParamHeaders, paramHeaders, readParamHeaders } from '../wire/headers.ts';
import type { Link } from './link.ts';
import { emptyList, type FetchedList, fetchList, kindsOf, LIST_KINDS, type ListKind, mergeLists } from './lists.ts';

export interface ListKeeperOptions {
  /** Lists of an earlier run, shown until this run has confirmed its own. */
  kept?: UpstreamLists | undefined;
  /** Milliseconds for one page. */
  timeout: number;
  changed(): void;
  log(level: 'debug' | 'info' | 'warn' | 'error', text: string, data?: Record<string, unknown>): void;
}

/** Servers tell a change per tool; one reading serves a burst. */
const SETTLE = 50;

const CHANGED: Record<string, readonly ListKind[]> = {
  'notifications/tools/list_changed': ['tools'],
  'notifications/prompts/list_changed': ['prompts'],
  'notifications/resources/list_changed': ['resources', 'resourceTemplates'],
};

/** The server could not give this one list; the way to it is as good as before. */
function concernsOneList(thrown: unknown): thrown is GatewayFault {
  if (!(thrown instanceof GatewayFault)) return false;
  const { fault, data } = thrown;
  if (fault === 'UPSTREAM_FAILED') return data?.httpStatus === 500 || data?.httpStatus === 501;
  return fault === 'UPSTREAM_TIMEOUT' || fault === 'UPSTREAM_PROTOCOL' || fault === 'RESULT_TOO_LARGE';
}

export class ListKeeper {
  readonly #options: ListKeeperOptions;
  readonly #digests = new Map<ListKind, string>();
  readonly #dirty = new Set<ListKind>();
  readonly #headers = new WeakMap<JsonObject, ParamHeaders>();
  #lists: UpstreamLists;
  #byName: { of: UpstreamLists; tools: Map<string, JsonObject> } | undefined;
  #current: { link: Link; identity: UpstreamIdentity; stop: AbortController } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reading: Promise<void> | undefined;

  constructor(options: ListKeeperOptions) {
    this.#options = options;
    this.#lists = options.kept === undefined ? NO_LISTS : { ...options.kept, confirmed: false };
  }

  get lists(): UpstreamLists {
    return this.#lists;
  }

  /** Reads everything over a new link and follows it from then on. @throws GatewayFault as `Link.request` */
  async attach(link: Link, identity: UpstreamIdentity, signal: AbortSignal): Promise<void> {
    this.detach();
    const stop = new AbortController();
    this.#current = { link, identity, stop };
    const wanted = kindsOf(identity);
    const read = async (kind: ListKind): Promise<FetchedList> => {
      if (!wanted.includes(kind)) return emptyList(kind);
      try {
        return await fetchList(link, kind, identity, { timeout: this.#options.timeout, signal });
      } catch (fault) {
        // A server is used for its tools; a list of something else that fails must not take them away.
        if (kind === 'tools' || link.ended !== undefined || !concernsOneList(fault)) throw fault;
        const why = fault.fault === 'UPSTREAM_TIMEOUT' ? 'was not answered in time' : `failed: ${fault.message}`;
        const reason = `${LIST_KINDS[kind].method} ${why}`.slice(0, 300);
        return { ...emptyList(kind), excluded: [{ kind, name: '*', reason }], digest: reason };
      }
    };
    const fetched = await Promise.all((Object.keys(LIST_KINDS) as ListKind[]).map(read));
    if (this.#current?.link === link) this.#take(fetched);
  }

  /** The link is gone: what is known stays, nothing is asked any more. */
  detach(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dirty.clear();
    this.#current?.stop.abort();
    this.#current = undefined;
  }

  /** Takes a notification if it is about lists. */
  notified(method: string): boolean {
    const kinds = Object.hasOwn(CHANGED, method) ? CHANGED[method] : undefined;
    if (kinds === undefined) return false;
    this.#mark(kinds);
    return true;
  }

  /** Reads everything again soon: the server may have been another one in the meantime. */
  refresh(): void {
    this.#mark(Object.keys(LIST_KINDS) as ListKind[]);
  }

  /** Reads the tools now, for a server that refused our headers (MP9). */
  async refreshTools(): Promise<void> {
    await this.#reading;
    this.#dirty.add('tools');
    await this.#read();
  }

  /** The `Mcp-Param-*` headers of a call to a tool, if it declares any. */
  headersFor(name: string | undefined, args: unknown): Record<string, string> | undefined {
    const tool = name === undefined ? undefined : this.#tools().get(name);
    if (tool === undefined) return undefined;
    let map = this.#headers.get(tool);
    if (map === undefined) {
      map = readParamHeaders(tool.inputSchema).map;
      this.#headers.set(tool, map);
    }
    return map.size === 0 ? undefined : paramHeaders(map, args as JsonObject | undefined);
  }

  #tools(): Map<string, JsonObject> {
    if (this.#byName?.of !== this.#lists) {
      const tools = new Map(this.#lists.tools.map((tool) => [String(tool.name), tool]));
      this.#byName = { of: this.#lists, tools };
    }
    return this.#byName.tools;
  }

  #mark(kinds: readonly ListKind[]): void {
    const current = this.#current;
    if (current === undefined) return;
    const offered = kindsOf(current.identity);
    for (const kind of kinds) if (offered.includes(kind)) this.#dirty.add(kind);
    if (this.#dirty.size === 0) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // A reading that is under way began before the change was told; another follows it.
      this.#reading = (this.#reading ?? Promise.resolve()).then(() => this.#read());
    }, SETTLE);
  }

  /** Never rejects: a list that cannot be read now stays as it was. */
  async #read(): Promise<void> {
    const current = this.#current;
    const kinds = [...this.#dirty];
    this.#dirty.clear();
    if (current === undefined || kinds.length === 0) return;
    const options = { timeout: this.#options.timeout, signal: current.stop.signal };
    try {
      const fetched = await Promise.all(kinds.map((kind) => fetchList(current.link, kind, current.identity, options)));
      if (this.#current === current) this.#take(fetched);
    } catch (fault) {
      if (!current.stop.signal.aborted)
        this.#options.log('warn', 'changed lists could not be read', { kinds, error: String(fault) });
    }
  }

  #take(fetched: FetchedList[]): void {
    const merged = mergeLists(this.#lists, this.#digests, fetched);
    if (merged === this.#lists) return;
    this.#lists = merged;
    this.#options.changed();
  }
}
