// The surfaces of a gateway by view: built when somebody asks for one, dropped when the configuration changes them.
import { LRUCache } from 'lru-cache';
import { TaskOwners } from './bridge/tasks.ts';
import type { RunningCatalog } from './catalog/catalog.ts';
import { ScopedCatalog } from './catalog/scoped.ts';
import type { Config } from './config/schema.ts';
import { type Converged, createConverged } from './converge/converge.ts';
import { ResultStore } from './converge/results.ts';
import type { Validator } from './converge/validate.ts';
import type { Catalog, CatalogView } from './core/catalog.ts';
import type { EventStream } from './core/events.ts';
import { nearest } from './core/nearest.ts';
import type { Scope } from './core/scope.ts';
import type { Dispatch } from './dispatch/dispatch.ts';
import type { Fleet } from './fleet.ts';
import { ConvergedSurface } from './session/converged.ts';
import { PassthroughSurface } from './session/passthrough.ts';
import { settled } from './session/settled.ts';
import type { Surface } from './session/surface.ts';
import { readParamHeaders } from './wire/headers.ts';

export interface SurfacesDeps {
  config: Config;
  catalog: RunningCatalog;
  fleet: Fleet;
  dispatch: Dispatch;
  validator: Validator;
  events: EventStream;
}

/** What is shown under one scope: a catalogue, and the surfaces that were made of it. */
interface Shelf {
  catalog: Catalog;
  surfaces: Map<string, Surface>;
  converged: Map<string, { base: string; converged: Converged }>;
}

/** Scopes of principals that are kept at once: equal ones share theirs, so more than this would be odd. */
const SCOPES = 500;

export class Surfaces {
  readonly #deps: SurfacesDeps;
  readonly #whole: Shelf;
  readonly #scoped = new LRUCache<string, Shelf>({ max: SCOPES, dispose: (shelf) => this.#clear(shelf, true) });
  readonly #tasks = new TaskOwners();
  readonly #results = new ResultStore();
  #config: Config;

  constructor(deps: SurfacesDeps) {
    this.#deps = deps;
    this.#config = deps.config;
    this.#whole = { catalog: deps.catalog, surfaces: new Map(), converged: new Map() };
    deps.catalog.onChange((view) => {
      for (const shelf of this.#shelves())
        for (const { base, converged } of shelf.converged.values()) if (base === view) void converged.prepare();
    });
  }

  /** The catalogue as it is for a scope. */
  catalog(scope: Scope | undefined): Catalog {
    return this.#shelf(scope).catalog;
  }

  /** Names of all views that exist for a scope. */
  names(scope?: Scope): string[] {
    return namesOn(this.#shelf(scope));
  }

  /** The surface of a view by its name, or by an upstream's id or prefix; undefined where there is none. */
  get(view: string, scope?: Scope): Surface | undefined {
    const shelf = this.#shelf(scope);
    const known = shelf.surfaces.get(view);
    if (known !== undefined) return known;
    const names = namesOn(shelf);
    const id = names.includes(view) ? view : this.#deps.fleet.byPrefix(view);
    if (id === undefined || !names.includes(id)) return undefined;
    const surface = shelf.surfaces.get(id) ?? this.#build(id, shelf);
    shelf.surfaces.set(id, surface);
    return surface;
  }

  /** Takes another configuration; what shows something else under it is built anew when next asked for. */
  apply(config: Config): void {
    const shape = (one: Config) => JSON.stringify([one.views, one.converged, one.compression, one.limits.inline]);
    const changed = shape(config) !== shape(this.#config);
    this.#config = config;
    for (const shelf of this.#shelves()) {
      if (changed) this.#clear(shelf);
      const names = namesOn(shelf);
      for (const name of shelf.surfaces.keys()) if (!names.includes(name)) shelf.surfaces.delete(name);
    }
  }

  /** What was kept of an upstream's resources, or of one of them, is old. */
  forget(upstream: string, uri: string | undefined): void {
    for (const { converged } of this.#shelves().flatMap((shelf) => [...shelf.converged.values()]))
      converged.forget(upstream, uri);
  }

  close(): void {
    this.#scoped.clear();
    this.#clear(this.#whole);
    this.#results.close();
  }

  #shelf(scope: Scope | undefined): Shelf {
    if (scope === undefined) return this.#whole;
    const known = this.#scoped.get(scope.id);
    if (known !== undefined) return known;
    const catalog = new ScopedCatalog(this.#deps.catalog, scope);
    const shelf: Shelf = { catalog, surfaces: new Map(), converged: new Map() };
    this.#scoped.set(scope.id, shelf);
    return shelf;
  }

  #shelves(): Shelf[] {
    return [this.#whole, ...this.#scoped.values()];
  }

  #clear({ catalog, surfaces, converged }: Shelf, forGood = false): void {
    for (const { converged: one } of converged.values()) one.close();
    converged.clear();
    surfaces.clear();
    if (forGood && catalog instanceof ScopedCatalog) catalog.close();
  }

  #build(id: string, { catalog, converged: kept }: Shelf): Surface {
    const { fleet, dispatch, validator, events } = this.#deps;
    const only = fleet.get(id) === undefined ? undefined : id;
    const below = new PassthroughSurface(id === 'converged' ? 'passthrough' : id, only, {
      catalog,
      dispatch,
      upstream: (upstream) => fleet.get(upstream),
      onNotification: (listener) => fleet.onNotification(listener),
      nearest: (wanted, candidates) => nearest(wanted, candidates),
      tasks: this.#tasks,
      readHeaderParams: (schema) => readParamHeaders(schema).map,
    });
    if (id !== 'converged' && this.#config.views[id]?.style !== 'converged') return below;
    const converged = createConverged({
      view: () => catalog.view(below.name) as CatalogView,
      dispatch,
      config: this.#config,
      validator,
      results: this.#results,
      identity: (upstream, context) => fleet.identityOf(upstream, context),
      validates: (upstream) => fleet.config(upstream)?.validate !== 'never',
      saved: ({ upstream, tool, tokens }, call) =>
        events.emit({ type: 'tokens.saved', id: call.id, upstream, tool, tokens }),
      settled: (upstream, context) => {
        const meant = upstream === undefined ? fleet.upstreams() : [fleet.get(upstream)].flatMap((one) => one ?? []);
        return settled(meant, context);
      },
    });
    kept.set(id, { base: below.name, converged });
    void converged.prepare();
    return new ConvergedSurface(id, below, converged);
  }
}

function namesOn({ catalog }: Shelf): string[] {
  return ['converged', ...catalog.views()];
}
