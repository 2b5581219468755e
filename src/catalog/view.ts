// Builds one immutable snapshot of what a view shows, with its lists serialised once.
import type {
  CatalogView,
  HeldEntry,
  ListKind,
  NamedEntry,
  ResourceEntry,
  TemplateEntry,
  ToolEntry,
  ViewMember,
} from '../core/catalog.ts';
import { type HeldKind, type HeldWhy, INSTRUCTIONS, labelOf } from '../core/held.ts';
import type { JsonObject } from '../core/json.ts';
import { Payload } from '../core/payload.ts';
import type { UpstreamIdentity } from '../core/upstream.ts';
import { type CatalogMember, overrideOf, safetyOf, staysListed, toolAllowed } from './entries.ts';
import { leanTool } from './lean.ts';
import { exposedNames, ownNames, type PrefixMode, prefixOf } from './naming.ts';
import { matchTemplate } from './template.ts';

/** Entries on one page (requirements 10.17). */
const PAGE = 1000;
/** `_meta` key that names the upstreams whose entries come from an earlier run. */
const UNCONFIRMED = 'io.github.holdfast/unconfirmed';

/** What a view shows: which upstreams, and how tools are named. */
export interface ViewPlan {
  name: string;
  members: readonly CatalogMember[];
  /** `own`: the upstream's own names (a view of one upstream). */
  naming: PrefixMode | 'own';
  /** A configured view's further filter, by upstream and the tool's own name. */
  shows?: ((upstream: string, tool: string) => boolean) | undefined;
  /** Tools are listed without what says nothing. */
  lean?: boolean | undefined;
}

interface Found {
  upstream: string;
  prefix: string;
  name: string;
  definition: JsonObject;
  member: CatalogMember;
}

export function buildView(plan: ViewPlan, revision: number): CatalogView {
  const remarks: string[] = [];
  const members: ViewMember[] = plan.members.map((member) => ({
    name: member.upstream.name,
    prefix: prefixOf(member.upstream.name, member.alias),
    state: member.upstream.state,
    identity: identityOf(member),
    confirmed: member.upstream.lists.confirmed,
  }));
  const listed = plan.members.filter(({ upstream }) => staysListed(upstream));
  const unconfirmed = listed.filter(({ upstream }) => !upstream.lists.confirmed && upstream.lists.revision > 0);

  const tools = new Map<string, ToolEntry>();
  const held = new Map<string, HeldEntry>();
  for (const [exposed, found] of named(plan, listed, 'tools', remarks)) {
    const override = overrideOf(found.member.tools, found.name);
    const why = found.member.held?.().get(found.name);
    if (why !== undefined) {
      const { upstream, name } = found;
      held.set(exposed, { upstream, name, shown: override?.name ?? name, why });
      continue;
    }
    tools.set(exposed, {
      upstream: found.upstream,
      name: found.name,
      shown: override?.name ?? found.name,
      exposed,
      definition: {
        ...found.definition,
        name: exposed,
        ...(override?.description !== undefined && { description: override.description }),
      },
      safety: safetyOf(found.definition, found.member.trustAnnotations),
      timeout: override?.timeout,
    });
  }
  const heldReads = new Map<string, { upstream: string; name: string; why: HeldWhy }>();
  /** Whether something waits; `exposed` is what clients would ask for it by. */
  const waits = ({ held: all, upstream }: CatalogMember, kind: HeldKind, own: string, exposed = own): boolean => {
    const why = all?.().get(labelOf(kind, own));
    if (why !== undefined) heldReads.set(labelOf(kind, exposed), { upstream: upstream.name, name: own, why });
    return why !== undefined;
  };
  const prompts = new Map<string, NamedEntry>();
  for (const [exposed, { upstream, name, definition, member }] of named(plan, listed, 'prompts', remarks)) {
    if (waits(member, 'prompt', name, exposed)) continue;
    prompts.set(exposed, { upstream, name, exposed, definition: { ...definition, name: exposed } });
  }
  const resources = new Map<string, ResourceEntry>();
  const templates: TemplateEntry[] = [];
  const schemes = new Map<string, Set<string>>();
  const claimScheme = (uri: string, upstream: string) => {
    const scheme = uri.slice(0, Math.max(0, uri.indexOf(':')));
    if (scheme !== '') schemes.set(scheme, (schemes.get(scheme) ?? new Set()).add(upstream));
  };
  for (const member of listed) {
    const { upstream } = member;
    for (const definition of upstream.lists.resources) {
      const uri = definition.uri;
      if (typeof uri !== 'string' || waits(member, 'resource', uri)) continue;
      claimScheme(uri, upstream.name);
      const other = resources.get(uri);
      if (other === undefined) resources.set(uri, { upstream: upstream.name, uri, definition });
      else if (other.upstream !== upstream.name)
        remarks.push(`resource ${uri} of ${upstream.name} is hidden by ${other.upstream}`);
    }
    for (const definition of upstream.lists.resourceTemplates) {
      const { uriTemplate } = definition;
      if (typeof uriTemplate !== 'string' || waits(member, 'template', uriTemplate)) continue;
      claimScheme(uriTemplate, upstream.name);
      templates.push({ upstream: upstream.name, uriTemplate, definition });
    }
  }

  const entries: Record<ListKind, JsonObject[]> = {
    tools: [...tools.values()].map(({ definition, shown }) =>
      plan.lean === true ? leanTool(definition, shown) : definition,
    ),
    prompts: [...prompts.values()].map((prompt) => prompt.definition),
    resources: [...resources.values()].map((resource) => resource.definition),
    resourceTemplates: templates.map((template) => template.definition),
  };
  const meta =
    unconfirmed.length > 0 ? { _meta: { [UNCONFIRMED]: unconfirmed.map(({ upstream }) => upstream.name) } } : {};
  const caching = cachingOf(listed);
  const pages = new Map<string, Payload>();

  return {
    name: plan.name,
    revision,
    tools,
    prompts,
    held,
    heldReads,
    resources,
    templates,
    members,
    remarks,
    page(kind, cursor, era) {
      const from = cursor === undefined || cursor === '' ? 0 : readCursor(cursor);
      const all = entries[kind];
      if (from === undefined || (from > 0 && from >= all.length)) return undefined;
      const key = `${kind} ${era} ${from}`;
      let page = pages.get(key);
      if (page === undefined) {
        const slice = all.slice(from, from + PAGE);
        const next = from + PAGE < all.length ? { nextCursor: writeCursor(from + PAGE) } : {};
        page = Payload.of({
          ...(era === 'modern' && { resultType: 'complete', ...caching }),
          [kind]: kind !== 'tools' ? slice : slice.map(era === 'legacy' ? legacyTool : modernTool),
          ...next,
          ...meta,
        });
        pages.set(key, page);
      }
      return page;
    },
    ownerOf(uri) {
      const exact = resources.get(uri);
      if (exact !== undefined) return exact.upstream;
      let best: TemplateEntry | undefined;
      let score = -1;
      for (const template of templates) {
        const fits = matchTemplate(template.uriTemplate, uri);
        if (fits > score) {
          best = template;
          score = fits;
        }
      }
      if (best !== undefined) return best.upstream;
      const owners = schemes.get(uri.slice(0, Math.max(0, uri.indexOf(':'))));
      return owners?.size === 1 ? [...owners][0] : undefined;
    },
  };
}

/** What an upstream says of itself; without instructions that wait for approval. */
function identityOf({ upstream: { identity }, held }: CatalogMember): UpstreamIdentity | undefined {
  if (identity?.instructions === undefined || held?.().has(INSTRUCTIONS) !== true) return identity;
  const { instructions: _, ...rest } = identity;
  return rest;
}

/** Tools or prompts of all members in listed order under their exposed names. */
function named(
  plan: ViewPlan,
  listed: readonly CatalogMember[],
  kind: 'tools' | 'prompts',
  remarks: string[],
): [string, Found][] {
  const found: Found[] = [];
  for (const member of listed) {
    const { upstream } = member;
    const prefix = prefixOf(upstream.name, member.alias);
    const seen = new Set<string>();
    for (const definition of upstream.lists[kind]) {
      const name = definition.name;
      if (typeof name !== 'string') continue;
      if (kind === 'tools' && !toolAllowed(member.tools, name)) continue;
      if (kind === 'tools' && plan.shows !== undefined && !plan.shows(upstream.name, name)) continue;
      if (seen.has(name)) {
        remarks.push(`${upstream.name} lists ${JSON.stringify(name)} twice; the second is hidden`);
        continue;
      }
      seen.add(name);
      found.push({ upstream: upstream.name, prefix, name, definition, member });
    }
  }
  const shown = found.map(({ prefix, name, member }) => ({
    prefix,
    name: (kind === 'tools' ? overrideOf(member.tools, name)?.name : undefined) ?? name,
  }));
  const exposed = plan.naming === 'own' ? ownNames(shown.map(({ name }) => name)) : exposedNames(shown, plan.naming);
  return found.flatMap((item, index) => {
    const name = exposed[index];
    if (name !== undefined) return [[name, item] as [string, Found]];
    remarks.push(`${item.upstream}: ${JSON.stringify(item.name)} is hidden by another name that looks the same`);
    return [];
  });
}

/** Revisions before 2026-07-28 know output schemas of type object only (protocol.md MP14). */
function legacyTool(definition: JsonObject): JsonObject {
  const schema = definition.outputSchema as JsonObject | undefined;
  if (schema === undefined || schema.type === 'object') return definition;
  const { outputSchema: _, ...rest } = definition;
  return rest;
}

/** `execution` belongs to the tasks of 2025-11-25, which 2026-07-28 does not have (MP27). */
function modernTool(definition: JsonObject): JsonObject {
  if (!('execution' in definition)) return definition;
  const { execution: _, ...rest } = definition;
  return rest;
}

/** A merged list may be kept as long as, and by as many as, its strictest part allows (2026-07-28 caching). */
function cachingOf(listed: readonly CatalogMember[]): { ttlMs: number; cacheScope: 'public' | 'private' } {
  const lists = listed.map(({ upstream }) => upstream.lists);
  return {
    ttlMs: lists.length === 0 ? 0 : Math.min(...lists.map((list) => list.ttlMs ?? 0)),
    cacheScope: lists.length > 0 && lists.every((list) => list.cacheScope === 'public') ? 'public' : 'private',
  };
}

function writeCursor(from: number): string {
  return Buffer.from(`p${from}`).toString('base64url');
}

function readCursor(cursor: string): number | undefined {
  const match = /^p(\d{1,9})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  return match === null ? undefined : Number(match[1]);
}
