// The documents as they are served: made when somebody asks, kept as bytes until the catalogue changes.
import type { Catalog, CatalogView } from '../../core/catalog.ts';
import { segmentOf, toolPath } from './paths.ts';
import { buildSpec, infoOf, type SpecInfo, type SpecTool, toolsOf } from './spec.ts';

/** What the configuration says about this face. */
export interface OpenApiSettings {
  /** What a proxy in front strips (requirements 10.26): `''` or `/…`. */
  root: string;
  /** `/` or `/…/`. */
  prefix: string;
  /** Whether calls need a key. */
  secured: boolean;
  /** Documents and pages need a key as well. */
  strictAuth: boolean;
  /** Embedded resources are mcpo's sentence in place of themselves (X-30). */
  legacyResources: boolean;
  /** Made for one server given on the command line: its tools stand at the root, as in mcpo. */
  single: boolean;
  /** Of the document over all upstreams. */
  info: SpecInfo;
}

/** What exists for a caller: its catalogue and the upstreams in it, in the order of the configuration. */
export interface Seen {
  /** Equal where the same exists. */
  scope: string;
  catalog: Catalog;
  upstreams: readonly string[];
}

interface Kept {
  stamp: string;
  bytes: Buffer;
}

export class Documents {
  readonly #settings: () => OpenApiSettings;
  readonly #isReserved: (segment: string) => boolean;
  readonly #kept = new Map<string, Kept>();

  constructor(settings: () => OpenApiSettings, isReserved: (segment: string) => boolean) {
    this.#settings = settings;
    this.#isReserved = isReserved;
  }

  /** The document of one upstream; it is there, and legal, before the upstream is. */
  ofUpstream(id: string, { scope, catalog }: Seen): Buffer {
    const view = catalog.view(id);
    const { root, prefix, secured } = this.#settings();
    const server = `${root}${prefix}${encodeURIComponent(segmentOf(view, id))}`;
    return this.#keep(`upstream ${id} ${scope}`, `${view?.revision} ${server} ${secured}`, () =>
      buildSpec({
        info: infoOf(view, id, `${root}/docs`),
        server,
        tools: view === undefined ? [] : toolsOf(view),
        secured,
      }),
    );
  }

  /** The document over all upstreams; of a single server's tools at the root where it was started for one. */
  ofAll({ scope, catalog, upstreams }: Seen): Buffer {
    const settings = this.#settings();
    const views = upstreams.map((id): [string, CatalogView | undefined] => [id, catalog.view(id)]);
    const stamp = `${JSON.stringify(settings)} ${views.map(([id, view]) => `${id} ${view?.revision}`).join()}`;
    return this.#keep(`all ${scope}`, stamp, () => {
      const [only] = views;
      if (settings.single && views.length === 1 && only !== undefined) return this.#atRoot(...only, settings);
      const listed = views.map(([id, view]) => {
        const segment = encodeURIComponent(segmentOf(view, id));
        return `\n    - [${id}](${settings.root}${settings.prefix}${segment}/docs)`;
      });
      const about = listed.length === 0 ? '' : `\n\n- **available tools**:${listed.join('')}`;
      return buildSpec({
        info: { ...settings.info, description: settings.info.description + about },
        server: settings.root + settings.prefix.slice(0, -1),
        tools: views.flatMap(([id, view]) => (view === undefined ? [] : below(id, view))),
        secured: settings.secured,
      });
    });
  }

  #atRoot(id: string, view: CatalogView | undefined, settings: OpenApiSettings): object {
    const tools = view === undefined ? [] : toolsOf(view);
    const info = infoOf(view, id, `${settings.root}/docs`);
    return buildSpec({
      info: view?.members[0]?.identity === undefined ? settings.info : info,
      server: settings.root + settings.prefix.slice(0, -1),
      tools: tools.map((item) => (this.#hidden(id, view, item) ? (below(id, view, item)[0] as SpecTool) : item)),
      secured: settings.secured,
    });
  }

  /** Whether a path at the root belongs to somebody else: then the tool answers only below its upstream (10.26). */
  #hidden(id: string, view: CatalogView | undefined, { path }: SpecTool): boolean {
    const first = path.slice(1).split('/', 1)[0] as string;
    const below = path.length > first.length + 1;
    return this.#isReserved(first) || (below && (first === id || first === segmentOf(view, id)));
  }

  #keep(key: string, stamp: string, build: () => object): Buffer {
    const kept = this.#kept.get(key);
    if (kept?.stamp === stamp) return kept.bytes;
    const bytes = Buffer.from(JSON.stringify(build()));
    this.#kept.set(key, { stamp, bytes });
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value as string);
    return bytes;
  }
}

/** More upstreams than this at once would be odd; those of removed ones go this way. */
const MAX_KEPT = 1000;

/** Tools under their upstream's path, named after both, so that names of different upstreams never meet. */
function below(id: string, view: CatalogView | undefined, only?: SpecTool): SpecTool[] {
  const segment = segmentOf(view, id);
  const tools = only === undefined ? [...(view?.tools.values() ?? [])] : [only.tool];
  return tools.map((tool) => ({
    tool,
    path: `/${encodeURIComponent(segment)}/${toolPath(tool.exposed)}`,
    label: only === undefined ? `${segment}_${tool.exposed}` : only.label,
    tag: only === undefined ? id : undefined,
  }));
}
