// The surfaces of a gateway by view: built when somebody asks for one, dropped when the configuration changes them.
import { TaskOwners } from './bridge/tasks.ts';
import type { RunningCatalog } from './catalog/catalog.ts';
import type { Config } from './config/schema.ts';
import { type Converged, createConverged } from './converge/converge.ts';
import { ResultStore } from './converge/results.ts';
import type { Validator } from './converge/validate.ts';
import type { CatalogView } from './core/catalog.ts';
import type { EventStream } from './core/events.ts';
import { nearest } from './core/nearest.ts';
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

export class Surfaces {
  readonly #deps: SurfacesDeps;
  readonly #built = new Map<string, Surface>();
  readonly #converged = new Map<string, { base: string; converged: Converged }>();
  readonly #tasks = new TaskOwners();
  readonly #results = new ResultStore();
  #config: Config;

  constructor(deps: SurfacesDeps) {
    this.#deps = deps;
    this.#config = deps.config;
    deps.catalog.onChange((view) => {
      for (const { base, converged } of this.#converged.values()) if (base === view) void converged.prepare();
    });
  }

  /** Names of all views. */
  names(): string[] {
    return ['converged', ...this.#deps.catalog.views()];
  }

  /** The surface of a view by its name, or by an upstream's id or prefix; undefined where there is none. */
  get(view: string): Surface | undefined {
    const known = this.#built.get(view);
    if (known !== undefined) return known;
    const id = this.names().includes(view) ? view : this.#deps.fleet.byPrefix(view);
    if (id === undefined) return undefined;
    const surface = this.#built.get(id) ?? this.#build(id);
    this.#built.set(id, surface);
    return surface;
  }

  /** Takes another configuration; what shows something else under it is built anew when next asked for. */
  apply(config: Config): void {
    const shape = (one: Config) => JSON.stringify([one.views, one.converged, one.compression, one.limits.inline]);
    if (shape(config) !== shape(this.#config)) this.#drop();
    this.#config = config;
    for (const name of this.#built.keys()) if (!this.names().includes(name)) this.#built.delete(name);
  }

  /** What was kept of an upstream's resources, or of one of them, is old. */
  forget(upstream: string, uri: string | undefined): void {
    for (const { converged } of this.#converged.values()) converged.forget(upstream, uri);
  }

  close(): void {
    this.#drop();
    this.#results.close();
  }

  #drop(): void {
    for (const { converged } of this.#converged.values()) converged.close();
    this.#converged.clear();
    this.#built.clear();
  }

  #build(id: string): Surface {
    const { catalog, fleet, dispatch, validator, events } = this.#deps;
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
    this.#converged.set(id, { base: below.name, converged });
    void converged.prepare();
    return new ConvergedSurface(id, below, converged);
  }
}
