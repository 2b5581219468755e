import type { Catalog, CatalogView, ListKind } from '../core/catalog.ts';
import type { EventStream } from '../core/events.ts';
import { toolMatches } from '../core/glob.ts';
import type { CatalogMember } from './entries.ts';
import type { PrefixMode } from './naming.ts';
import { buildView, type ViewPlan } from './view.ts';

/** Changes that come together are told once: 50 upstreams that start are a handful of notifications, not 50. */
const SETTLE_MS = 20;
const KINDS: readonly ListKind[] = ['tools', 'resources', 'resourceTemplates', 'prompts'];

export interface CatalogShape {
  members: readonly CatalogMember[];
  prefix: PrefixMode;
  /** Configured views (requirements 10.29): which upstreams, and globs over `upstream/tool` or a tool's own name. */
  views?: Readonly<Record<string, ViewFilter>> | undefined;
}

export interface ViewFilter {
  upstreams?: readonly string[] | undefined;
  tools: { allow: readonly string[]; deny: readonly string[] };
  lean?: boolean | undefined;
}

/** Whether a view's globs let a tool through. */
function shows({ tools }: ViewFilter): (upstream: string, tool: string) => boolean {
  return (upstream, tool) => toolMatches(tools.allow, upstream, tool) && !toolMatches(tools.deny, upstream, tool);
}

interface Slot {
  plan: ViewPlan;
  view: CatalogView | undefined;
  dirty: boolean;
}

/**
 * The running catalogue: one snapshot per view, built when somebody looks, told when the listed bytes changed
 * (requirements 10.17, X-05).
 */
export class RunningCatalog implements Catalog {
  readonly #events: EventStream;
  #slots = new Map<string, Slot>();
  #detach: (() => void)[] = [];
  #listeners: ((view: string, kinds: readonly ListKind[]) => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #revision = 0;

  constructor(shape: CatalogShape, events: EventStream) {
    this.#events = events;
    this.reshape(shape);
  }

  /** Takes another set of upstreams; views that stay keep their listeners, and are told if their lists changed. */
  reshape(shape: CatalogShape): void {
    for (const detach of this.#detach) detach();
    const old = this.#slots;
    this.#slots = new Map();
    const plan = (name: string, members: readonly CatalogMember[], naming: ViewPlan['naming'], filter?: ViewFilter) => {
      const next = { name, members, naming, shows: filter && shows(filter), lean: filter?.lean };
      this.#slots.set(name, { plan: next, view: old.get(name)?.view, dirty: true });
    };
    plan('passthrough', shape.members, shape.prefix);
    for (const member of shape.members) plan(member.upstream.name, [member], 'own');
    for (const [name, filter] of Object.entries(shape.views ?? {})) {
      const { upstreams } = filter;
      const members = shape.members.filter(
        ({ upstream }) => upstreams === undefined || upstreams.includes(upstream.name),
      );
      plan(name, members, shape.prefix, filter);
    }
    this.#detach = shape.members.map(({ upstream }) => upstream.onChange(() => this.#changed(upstream.name)));
    this.#schedule();
  }

  view(name: string): CatalogView | undefined {
    const slot = this.#slots.get(name);
    return slot === undefined ? undefined : this.#current(slot);
  }

  views(): string[] {
    return [...this.#slots.keys()];
  }

  /** What a view is made from, for one that shows less of it. */
  plan(name: string): ViewPlan | undefined {
    return this.#slots.get(name)?.plan;
  }

  onChange(listener: (view: string, kinds: readonly ListKind[]) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  /** The lists of an upstream have changed for the clients of another gateway, who may come here next (F-R7). */
  changedElsewhere(upstream: string, kinds: readonly ListKind[]): void {
    for (const { plan } of this.#slots.values()) {
      if (!plan.members.some((member) => member.upstream.name === upstream)) continue;
      for (const listener of this.#listeners) listener(plan.name, kinds);
    }
  }

  close(): void {
    for (const detach of this.#detach) detach();
    clearTimeout(this.#timer);
    this.#listeners = [];
  }

  #changed(upstream: string): void {
    for (const slot of this.#slots.values()) {
      if (slot.plan.members.some((member) => member.upstream.name === upstream)) slot.dirty = true;
    }
    this.#schedule();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const slot of this.#slots.values()) if (slot.dirty) this.#current(slot);
    }, SETTLE_MS);
  }

  /** The snapshot, built anew if something may have changed; kept, with its bytes, if nothing listed did. */
  #current(slot: Slot): CatalogView {
    if (slot.view !== undefined && !slot.dirty) return slot.view;
    const next = buildView(slot.plan, ++this.#revision);
    const previous = slot.view;
    slot.view = next;
    slot.dirty = false;
    if (previous !== undefined) {
      const kinds = changedLists(previous, next);
      if (kinds.length > 0) queueMicrotask(() => this.#tell(slot.plan.name, kinds));
    }
    return next;
  }

  #tell(view: string, kinds: readonly ListKind[]): void {
    this.#events.emit({
      type: 'catalog.changed',
      view,
      kinds: [...new Set(kinds.map((kind) => (kind === 'resourceTemplates' ? 'resources' : kind)))],
    });
    for (const listener of this.#listeners) listener(view, kinds);
  }
}

/** The lists of two snapshots that differ. */
export function changedLists(before: CatalogView, after: CatalogView): ListKind[] {
  return KINDS.filter((kind) => !sameList(before, after, kind));
}

/** Whether two snapshots list the same bytes; definitions that are the same objects need no comparison. */
function sameList(a: CatalogView, b: CatalogView, kind: ListKind): boolean {
  let cursor: string | undefined;
  do {
    const before = a.page(kind, cursor, 'legacy');
    const after = b.page(kind, cursor, 'legacy');
    if (before === undefined || after === undefined || !before.bytes.equals(after.bytes)) return before === after;
    cursor = after.value.nextCursor as string | undefined;
  } while (cursor !== undefined);
  return true;
}
