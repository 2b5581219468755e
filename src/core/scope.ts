// What of the catalogue one principal may see and use. Outside of it nothing exists: a hidden tool is an unknown tool
// (reliability §4: allow and deny per key, enforced in list and call on every face).
import { globMatches, toolMatches } from './glob.ts';

/** Globs as in `views`; what is absent allows everything. */
export interface ScopeRule {
  /** Over ids of upstreams. */
  upstreams?: readonly string[] | undefined;
  /** Over `upstream/tool`, or a tool's own name where there is no `/`. */
  tools?: { allow?: readonly string[] | undefined; deny?: readonly string[] | undefined } | undefined;
}

export interface Scope {
  /** Equal for equal scopes: what is made for one serves all principals that have it. */
  readonly id: string;
  /** Whether the upstream, its resources and its prompts exist for the principal. */
  upstream(id: string): boolean;
  /** Whether a tool exists for the principal, by its own name. */
  tool(upstream: string, name: string): boolean;
}

/**
 * The scope that `rule` leaves of what `views` show together; without `views` of everything. Undefined where that is
 * all there is.
 */
export function createScope(rule: ScopeRule, views?: readonly ScopeRule[]): Scope | undefined {
  if (rule.upstreams === undefined && rule.tools === undefined && views === undefined) return undefined;
  return {
    id: JSON.stringify([told(rule), views?.map(told)]),
    upstream: (id) => reaches(rule, id) && (views?.some((view) => reaches(view, id)) ?? true),
    tool: (upstream, name) =>
      shows(rule, upstream, name) && (views?.some((view) => shows(view, upstream, name)) ?? true),
  };
}

function told({ upstreams, tools }: ScopeRule): unknown[] {
  return [upstreams, tools?.allow, tools?.deny];
}

/** Patterns that all name an upstream (`files/*`) also say which upstreams there are. */
function reaches({ upstreams, tools }: ScopeRule, id: string): boolean {
  if (upstreams?.some((glob) => globMatches(glob, id)) === false) return false;
  const allow = tools?.allow;
  if (allow === undefined) return true;
  return allow.some((glob) => !glob.includes('/') || globMatches(glob.slice(0, glob.indexOf('/')), id));
}

function shows(rule: ScopeRule, upstream: string, name: string): boolean {
  if (!reaches(rule, upstream)) return false;
  const { allow, deny = [] } = rule.tools ?? {};
  return (allow === undefined || toolMatches(allow, upstream, name)) && !toolMatches(deny, upstream, name);
}
