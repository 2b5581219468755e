// Which tools an endpoint is shown, under which names, and how many: filter, platform names, budget (X-66, 10.12).
// One list serves all endpoints that are shaped alike.
import { createHash } from 'node:crypto';
import type { ToolEntry } from '../../core/catalog.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import { Payload } from '../../core/payload.ts';
import type { Era } from '../../core/rpc.ts';
import type { Surface } from '../../session/surface.ts';
import type { Messages } from './messages.ts';

export interface ToolListOptions {
  view: string;
  tools: { allow: readonly string[]; disabled: readonly string[] };
  maxTools?: number | undefined;
  maxBytes?: number | undefined;
  pageSize?: number | undefined;
  /** Whether the tool that gets late results is listed. */
  longTool: boolean;
  messages: Messages;
}

export interface ToolListDeps {
  surface(view: string): Surface | undefined;
  /** The tool behind an exposed name of a view; undefined for tools that are the view's own. */
  tool(view: string, exposed: string): ToolEntry | undefined;
  /** Whether a text matches a glob. */
  matches(glob: string, text: string): boolean;
}

export interface ShapedTool {
  /** Its name in the view. */
  exposed: string;
  entry: ToolEntry | undefined;
  definition: JsonObject;
}

export interface ToolTable {
  /** Every tool the endpoint may call, by the name it knows. */
  byName: ReadonlyMap<string, ShapedTool>;
  /** What is listed: at most what the budget allows, the fetch tool last. */
  listed: readonly JsonObject[];
  bytes: number;
  /** Names left out for the budget. */
  leftOut: readonly string[];
  fetchTool: string | undefined;
  /** Changes when the listed bytes do. */
  digest: string;
}

/** The upstream of configured tools; its names need no prefix here (D-40). */
const CUSTOM = 'custom';

export class ToolList {
  readonly #options: ToolListOptions;
  readonly #deps: ToolListDeps;
  #made: { from: Payload | undefined; table: ToolTable } | undefined;
  readonly #pages = new Map<string, Payload>();

  constructor(options: ToolListOptions, deps: ToolListDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** As the catalogue is now; made again only when the view's own list is another one. */
  table(): ToolTable {
    const surface = this.#deps.surface(this.#options.view);
    const first = surface && firstPage(surface);
    if (this.#made === undefined || this.#made.from !== first) {
      const table = this.#shape(surface, first);
      if (table.digest !== this.#made?.table.digest) this.#pages.clear();
      this.#made = { from: first, table };
    }
    return this.#made.table;
  }

  /** One page; undefined for a cursor that is none of ours. `hidden`: the list of a standby, which is empty. */
  page(cursor: string | undefined, era: Era, hidden: boolean): Payload | undefined {
    const { listed } = this.table();
    const shown = hidden ? [] : listed;
    const size = this.#options.pageSize ?? Math.max(1, shown.length);
    const start = cursor === undefined || cursor === '' ? 0 : offsetOf(cursor);
    if (start === undefined || start % size !== 0 || (start > 0 && start >= shown.length)) return undefined;
    const key = `${era} ${hidden} ${start}`;
    let page = this.#pages.get(key);
    if (page === undefined) {
      const next = start + size < shown.length ? { nextCursor: cursorOf(start + size) } : {};
      page = Payload.of({
        ...(era === 'modern' && { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }),
        tools: shown.slice(start, start + size),
        ...next,
      });
      this.#pages.set(key, page);
    }
    return page;
  }

  #shape(surface: Surface | undefined, first: Payload | undefined): ToolTable {
    const allowed: { exposed: string; entry: ToolEntry | undefined; definition: JsonObject }[] = [];
    // Configured tools are always there, tools of other upstreams come and go: so that no name changes hands, the
    // configured ones have theirs first.
    const bare = new Map<string, string>();
    for (const definition of definitionsOf(surface, first)) {
      const exposed = String(definition.name);
      // By the view's own name: the configured one may be an alias.
      const entry = this.#deps.tool(surface?.name ?? this.#options.view, exposed);
      if (!this.#allowed(exposed, entry)) continue;
      allowed.push({ exposed, entry, definition });
      const own = entry?.upstream === CUSTOM ? platformName(entry.shown) : undefined;
      if (own !== undefined && !bare.has(own)) bare.set(own, exposed);
    }
    const byName = new Map<string, ShapedTool>();
    for (const { exposed, entry, definition } of allowed) {
      const own = entry?.upstream === CUSTOM ? platformName(entry.shown) : undefined;
      const shown = own !== undefined && bare.get(own) === exposed ? own : platformName(exposed);
      // Two names that became one: the first stays what it is.
      const taken = byName.has(shown) || (bare.has(shown) && bare.get(shown) !== exposed);
      const name = taken ? withHash(shown, exposed) : shown;
      byName.set(name, { exposed, entry, definition: name === exposed ? definition : { ...definition, name } });
    }
    return this.#budgeted(byName);
  }

  #allowed(exposed: string, entry: ToolEntry | undefined): boolean {
    const { allow, disabled } = this.#options.tools;
    const name = entry?.name ?? exposed;
    const full = entry === undefined ? exposed : `${entry.upstream}/${entry.name}`;
    const some = (globs: readonly string[]) =>
      globs.some((glob) => this.#deps.matches(glob, glob.includes('/') ? full : name));
    return some(allow) && !some(disabled);
  }

  #budgeted(byName: ReadonlyMap<string, ShapedTool>): ToolTable {
    const { maxTools = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY, longTool } = this.#options;
    const fetchTool = longTool && byName.size > 0 ? freeName(byName) : undefined;
    const own = fetchTool === undefined ? [] : [fetchDefinition(fetchTool, this.#options.messages)];
    const listed: JsonObject[] = [];
    const leftOut: string[] = [];
    let bytes = EMPTY + own.reduce((sum, tool) => sum + sizeOf(tool), 0);
    for (const [name, { definition }] of byName) {
      const size = sizeOf(definition);
      // A tool too large for what is left does not keep smaller ones behind it out.
      if (listed.length + own.length >= maxTools || bytes + size > maxBytes) leftOut.push(name);
      else {
        listed.push(definition);
        bytes += size;
      }
    }
    const all = [...listed, ...own];
    const digest = createHash('sha256').update(JSON.stringify(all)).digest('base64url');
    return { byName, listed: all, bytes, leftOut, fetchTool, digest };
  }
}

/** Undefined for a view that has just been removed. */
function firstPage(surface: Surface): Payload | undefined {
  try {
    return surface.list('tools', undefined, 'legacy');
  } catch {
    return undefined;
  }
}

/** `{"tools":[]}`. */
const EMPTY = 12;

/** Bytes in a list, with the comma. */
function sizeOf(definition: JsonObject): number {
  return Buffer.byteLength(JSON.stringify(definition)) + 1;
}

function* definitionsOf(surface: Surface | undefined, first: Payload | undefined): Generator<JsonObject> {
  for (let page = first; page !== undefined; ) {
    const { tools, nextCursor } = page.value;
    if (Array.isArray(tools)) yield* tools.filter(isObject);
    page = typeof nextCursor === 'string' ? surface?.list('tools', nextCursor, 'legacy') : undefined;
  }
}

const MAX = 64;

/** `[A-Za-z0-9_-]{1,64}`, as the catalogue names tools of several upstreams; one upstream's own view may be freer. */
function platformName(name: string): string {
  const safe = name.replace(/[^A-Za-z0-9_-]/gu, '_');
  return safe.length >= 1 && safe.length <= MAX ? safe : withHash(safe, name);
}

function withHash(shown: string, of: string): string {
  return `${shown.slice(0, MAX - 7)}_${createHash('sha256').update(of).digest('hex').slice(0, 6)}`;
}

/** The name of the tool that gets late results; another one where a tool has it already. */
function freeName(taken: ReadonlyMap<string, unknown>): string {
  return ['get_result', 'holdfast_get_result'].find((name) => !taken.has(name)) ?? 'holdfast_get_late_result';
}

function fetchDefinition(name: string, messages: Messages): JsonObject {
  return {
    name,
    description: messages.fetchDescription,
    inputSchema: {
      type: 'object',
      properties: { task: { type: 'string', description: messages.fetchParameter } },
      required: ['task'],
    },
    annotations: { readOnlyHint: true },
  };
}

function cursorOf(offset: number): string {
  return Buffer.from(`page ${offset}`).toString('base64url');
}

function offsetOf(cursor: string): number | undefined {
  const [, digits] = /^page (\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
