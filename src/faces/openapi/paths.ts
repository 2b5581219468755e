// Which upstream and tool a path means, and which path a tool is shown under. Found by table, never by splitting a
// name: a tool's name may hold slashes (requirements 10.12, 10.26).
import type { Catalog, CatalogView, ToolEntry } from '../../core/catalog.ts';

/** Always `/`, or `/…/`: as mcpo makes it of whatever was given (U-01). */
export function normalPrefix(prefix: string): string {
  const inner = prefix.replace(/^\/+|\/+$/g, '');
  return inner === '' ? '/' : `/${inner}/`;
}

/** `''` or `/…` without a slash at the end. */
export function normalRoot(rootPath: string): string {
  const inner = rootPath.replace(/^\/+|\/+$/g, '');
  return inner === '' ? '' : `/${inner}`;
}

/** Percent-decoded; undefined for what is not legally encoded. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** A tool's name as the end of a path: slashes stay where a URL parser leaves them alone. */
export function toolPath(exposed: string): string {
  const steps = exposed.split('/');
  const plain = steps.every((step) => step !== '' && step !== '.' && step !== '..');
  return plain ? steps.map(encodeURIComponent).join('/') : encodeURIComponent(exposed);
}

/** The tool that a decoded name means in the view of its upstream: by exposed name, else by the upstream's own. */
export function findTool(view: CatalogView, name: string): ToolEntry | undefined {
  const exposed = view.tools.get(name);
  if (exposed !== undefined) return exposed;
  for (const tool of view.tools.values()) if (tool.name === name) return tool;
  return undefined;
}

/** The upstream that a segment names: by its id, else by the name it has in paths. */
export function findUpstream(catalog: Catalog, upstreams: readonly string[], segment: string): string | undefined {
  const name = decoded(segment);
  if (name === undefined) return undefined;
  if (upstreams.includes(name)) return name;
  return upstreams.find((id) => segmentOf(catalog.view(id), id) === name);
}

/** What an upstream is called in paths: its alias, else its id, made to fit. */
export function segmentOf(view: CatalogView | undefined, id: string): string {
  return view?.members[0]?.prefix ?? encodeURIComponent(id);
}
