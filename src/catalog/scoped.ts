// The catalogue as it is for one scope: the same views with less in them, built when somebody looks and kept until the
// view they are made from changes.
import type { Catalog, CatalogView, ListKind } from '../core/catalog.ts';
import type { Scope } from '../core/scope.ts';
import { changedLists, type RunningCatalog } from './catalog.ts';
import { buildView } from './view.ts';

export class ScopedCatalog implements Catalog {
  readonly #whole: RunningCatalog;
  readonly #scope: Scope;
  readonly #kept = new Map<string, { from: CatalogView; view: CatalogView }>();
  /** What listeners were last told of, by view. */
  readonly #told = new Map<string, CatalogView>();
  readonly #detach: () => void;
  #listeners: ((view: string, kinds: readonly ListKind[]) => void)[] = [];

  constructor(whole: RunningCatalog, scope: Scope) {
    this.#whole = whole;
    this.#scope = scope;
    this.#detach = whole.onChange((view, kinds) => this.#changed(view, kinds));
  }

  view(name: string): CatalogView | undefined {
    const from = this.#whole.view(name);
    const plan = this.#whole.plan(name);
    if (from === undefined || plan === undefined || !this.#exists(name)) {
      this.#kept.delete(name);
      return undefined;
    }
    const kept = this.#kept.get(name);
    if (kept?.from === from) return kept.view;
    const { shows } = plan;
    const view = buildView(
      {
        ...plan,
        members: plan.members.filter(({ upstream }) => this.#scope.upstream(upstream.name)),
        shows: (upstream, tool) => this.#scope.tool(upstream, tool) && shows?.(upstream, tool) !== false,
      },
      from.revision,
    );
    this.#kept.set(name, { from, view });
    if (!this.#told.has(name)) this.#told.set(name, view);
    return view;
  }

  views(): string[] {
    return this.#whole.views().filter((name) => this.#exists(name));
  }

  onChange(listener: (view: string, kinds: readonly ListKind[]) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  close(): void {
    this.#detach();
    this.#listeners = [];
  }

  /** A view of one upstream is as hidden as the upstream; one that has nothing for this scope is as good as none. */
  #exists(name: string): boolean {
    if (name === 'passthrough') return true;
    const members = this.#whole.plan(name)?.members ?? [];
    return members.some(({ upstream }) => this.#scope.upstream(upstream.name));
  }

  #changed(name: string, kinds: readonly ListKind[]): void {
    const before = this.#told.get(name);
    const after = this.view(name);
    if (after === undefined) {
      this.#told.delete(name);
      return;
    }
    this.#told.set(name, after);
    const changed = before === undefined ? kinds : changedLists(before, after);
    if (changed.length > 0) for (const listener of this.#listeners) listener(name, changed);
  }
}
