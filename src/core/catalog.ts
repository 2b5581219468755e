// What a client is shown: the merged lists of the upstreams behind one view. Snapshots are replaced whole, never changed.
import type { HeldWhy } from './held.ts';
import type { JsonObject } from './json.ts';
import type { Payload } from './payload.ts';
import type { Era } from './rpc.ts';
import type { Safety, UpstreamIdentity, UpstreamState } from './upstream.ts';

export type ListKind = 'tools' | 'resources' | 'resourceTemplates' | 'prompts';

/** One tool or prompt: the pair (upstream, name) is its id, however it is shown. */
export interface NamedEntry {
  upstream: string;
  /** The upstream's own name, which goes upstream. */
  name: string;
  /** What clients of this view call it. */
  exposed: string;
  /** As the upstream gave it, but for the exposed name and configured overrides; everything else verbatim. */
  definition: JsonObject;
}

export interface ToolEntry extends NamedEntry {
  /** Its name where the upstream stands beside it: its own, or the one configured for it (tools.overrides). */
  shown: string;
  /** How safe a repeat is, by annotations (requirements 10.11) or configuration. */
  safety: Safety;
  /** Replaces `timeouts.call`, in milliseconds (tools.overrides.<tool>.timeout). */
  timeout?: number | undefined;
}

/** A tool that waits for approval; what it says of itself is shown to nobody but operators. */
export interface HeldEntry {
  upstream: string;
  /** The upstream's own name. */
  name: string;
  /** Its name where the upstream stands beside it. */
  shown: string;
  why: HeldWhy;
}

export interface ResourceEntry {
  upstream: string;
  uri: string;
  definition: JsonObject;
}

export interface TemplateEntry {
  upstream: string;
  uriTemplate: string;
  definition: JsonObject;
}

/** An upstream as a view sees it. */
export interface ViewMember {
  /** Its id in the configuration. */
  name: string;
  /** Its id where only `[A-Za-z0-9_-]` is allowed: alias, else the sanitised id (requirements 10.12). */
  prefix: string;
  state: UpstreamState;
  identity: UpstreamIdentity | undefined;
  confirmed: boolean;
}

export interface CatalogView {
  readonly name: string;
  /** Grows whenever anything listed changes; the snapshot of a revision never changes. */
  readonly revision: number;
  /** By exposed name, in listed order. */
  readonly tools: ReadonlyMap<string, ToolEntry>;
  readonly prompts: ReadonlyMap<string, NamedEntry>;
  /** Tools that are not listed because they wait for approval (10.21), by the name they would be exposed under. */
  readonly held: ReadonlyMap<string, HeldEntry>;
  /** What else is not listed for that reason, by label: prompts by the name they would be exposed under, resources. */
  readonly heldReads: ReadonlyMap<string, Pick<HeldEntry, 'upstream' | 'name' | 'why'>>;
  /** By URI; on a clash the order of configuration decides (requirements 10.12). */
  readonly resources: ReadonlyMap<string, ResourceEntry>;
  readonly templates: readonly TemplateEntry[];
  readonly members: readonly ViewMember[];
  /** Names that could not be shown as they are, and why; for the status page. */
  readonly remarks: readonly string[];
  /**
   * One page of a list as a client of this era wants it, serialised once per snapshot: up to 1,000 entries, then
   * `nextCursor`. Undefined for a cursor that is none of ours.
   */
  page(kind: ListKind, cursor: string | undefined, era: Era): Payload | undefined;
  /** The upstream that owns a resource URI: by list, else by template, else the only one that lists its scheme. */
  ownerOf(uri: string): string | undefined;
}

/** The running catalogue. */
export interface Catalog {
  /** The snapshot of a view as it is now; undefined for a view that does not exist. */
  view(name: string): CatalogView | undefined;
  /** Names of all views: passthrough, every upstream, configured ones. */
  views(): string[];
  /** Called when the listed bytes of a view changed, with the lists that did. */
  onChange(listener: (view: string, kinds: readonly ListKind[]) => void): () => void;
}
