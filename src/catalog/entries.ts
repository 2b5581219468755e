// What of an upstream's lists is shown at all: the one policy point for switched-off tools, overrides, safety.
import { globMatches } from '../core/glob.ts';
import type { HeldTools } from '../core/held.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { Destructive, Safety, Upstream } from '../core/upstream.ts';

export interface ToolOverride {
  name?: string | undefined;
  description?: string | undefined;
  /** Milliseconds. */
  timeout?: number | undefined;
}

/** One upstream as the catalogue needs it: the running thing and the part of its configuration that shapes lists. */
export interface CatalogMember {
  upstream: Upstream;
  alias?: string | undefined;
  tools: { allow: readonly string[]; disabled: readonly string[]; overrides: Readonly<Record<string, ToolOverride>> };
  /** Tools and the rest that wait for approval (10.21); absent: none. */
  held?: (() => HeldTools) | undefined;
  /** False: the upstream's annotations do not count as promises (requirements 10.11). */
  trustAnnotations: boolean;
}

/** What the configuration says of one tool; a tool may be called `constructor`. */
export function overrideOf({ overrides }: CatalogMember['tools'], name: string): ToolOverride | undefined {
  return Object.hasOwn(overrides, name) ? overrides[name] : undefined;
}

/** Whether a tool of this upstream may be listed and called, by its own name. */
export function toolAllowed(tools: CatalogMember['tools'], name: string): boolean {
  if (tools.disabled.length === 0 && tools.allow.length === 1 && tools.allow[0] === '*') return true;
  if (tools.allow.length > 0 && !tools.allow.some((glob) => globMatches(glob, name))) return false;
  return !tools.disabled.some((glob) => globMatches(glob, name));
}

/** What a tool promises about running it twice; absent hints mean a write (reliability §2). */
export function safetyOf(definition: JsonObject, trusted: boolean): Safety {
  const hints = definition.annotations;
  if (!trusted || !isObject(hints)) return 'write';
  if (hints.readOnlyHint === true) return 'read';
  return hints.idempotentHint === true && hints.destructiveHint === false ? 'idempotent' : 'write';
}

/** Whether a tool may destroy something, as its hints say it; good news counts only from who is trusted. */
export function destructiveOf({ annotations: hints }: JsonObject, trusted: boolean): Destructive {
  if (!isObject(hints)) return 'unsaid';
  if (trusted && (hints.readOnlyHint === true || hints.destructiveHint === false)) return 'no';
  return hints.destructiveHint === true ? 'yes' : 'unsaid';
}

/** States in which the last confirmed lists stay listed (requirements 10.17). */
export function staysListed(upstream: Upstream): boolean {
  switch (upstream.state.state) {
    case 'disabled':
    case 'failed':
    case 'quarantined':
      return false;
    case 'stopped':
      return upstream.state.reason === 'idle' || upstream.state.reason === 'never-started';
    default:
      return true;
  }
}
