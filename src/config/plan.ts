// What has to happen for one configuration to become another: a pure comparison that `--dry-run` shows and that the
// gateway then carries out.
import { createHash } from 'node:crypto';
import { canonicalJson, isObject } from '../core/json.ts';
import type { Config, UpstreamConfig } from './schema.ts';

/** `restart`: another process or connection; `update`: the running one takes the new settings over. */
export type PlanAction = 'add' | 'remove' | 'restart' | 'update' | 'keep';

export interface PlanStep {
  upstream: string;
  action: PlanAction;
  /** Keys that differ, as written: `timeouts.call`. Never their values. */
  changed: readonly string[];
}

export interface Plan {
  /** Every upstream of either configuration: first in the order of the new one, then those that go. */
  steps: readonly PlanStep[];
  /** Keys outside the upstreams that differ. */
  settings: readonly string[];
  /** The listener must be opened anew: address, port or TLS differ. */
  rebind: boolean;
  /** The same upstreams in another order, which changes the order of the lists. */
  reordered: boolean;
  /** Nothing at all differs. */
  empty: boolean;
}

/** Keys that belong to a process or connection from its start to its end. */
const BOUND_AT_START: ReadonlySet<string> = new Set([
  'command',
  'args',
  'cwd',
  'env',
  'requiredEnv',
  'inheritEnv',
  'url',
  'headers',
  'tls',
  'oauth',
  'transport',
  'enabled',
  'session',
  'replicas',
  'unresolved',
  'invalid',
]);

/** Compares by meaning: the order of keys, white space and the way a duration is written make no difference (F-K8). */
export function planChange(old: Config, next: Config): Plan {
  const steps: PlanStep[] = [];
  for (const [upstream, config] of Object.entries(next.upstreams)) {
    const before = Object.hasOwn(old.upstreams, upstream) ? old.upstreams[upstream] : undefined;
    if (before === undefined) steps.push({ upstream, action: 'add', changed: [] });
    else steps.push(compare(upstream, before, config));
  }
  for (const upstream of Object.keys(old.upstreams))
    if (!Object.hasOwn(next.upstreams, upstream)) steps.push({ upstream, action: 'remove', changed: [] });
  const { upstreams: _, ...oldSettings } = old;
  const { upstreams: __, ...nextSettings } = next;
  const settings = differences(oldSettings, nextSettings);
  const kept = (config: Config, other: Config) =>
    Object.keys(config.upstreams).filter((id) => Object.hasOwn(other.upstreams, id));
  const reordered = kept(old, next).join('\0') !== kept(next, old).join('\0');
  return {
    steps,
    settings,
    rebind: settings.some((key) => /^server\.(host|port|tls)(\.|$)/.test(key)),
    reordered,
    empty: settings.length === 0 && !reordered && steps.every(({ action }) => action === 'keep'),
  };
}

function compare(upstream: string, before: UpstreamConfig, after: UpstreamConfig): PlanStep {
  const { secrets: _, ...old } = before;
  const { secrets: __, ...next } = after;
  const changed = differences(old, next);
  if (changed.length === 0) return { upstream, action: 'keep', changed };
  const bound = changed.some(
    (key) => BOUND_AT_START.has(key.split('.')[0] as string) || /^supervisor\.(?:nice|limits)/.test(key),
  );
  return { upstream, action: bound ? 'restart' : 'update', changed };
}

/** Paths of the values that differ; lists and the maps of a person's own keys count as one value. */
function differences(old: object, next: object, prefix = ''): string[] {
  const found: string[] = [];
  const a = old as Record<string, unknown>;
  const b = next as Record<string, unknown>;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    const [left, right] = [a[key], b[key]];
    if (isObject(left) && isObject(right) && !OWN_KEYS.has(path)) found.push(...differences(left, right, path));
    else if (canonicalJson(left) !== canonicalJson(right)) found.push(path);
  }
  return found;
}

const OWN_KEYS: ReadonlySet<string> = new Set(['env', 'headers', 'tools.overrides', 'views', 'extensions']);

/**
 * Identity of what an upstream starts or dials: lists kept for one fingerprint are never used for another
 * (requirements 10.14). Environment and headers go in hashed; their order makes no difference.
 */
export function fingerprint(upstream: UpstreamConfig): string {
  const headers = Object.fromEntries(
    Object.entries(upstream.headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const { command, args, cwd, url, env } = upstream;
  const replicas = upstream.replicas.length === 0 ? undefined : sha256(canonicalJson(upstream.replicas));
  const hashed = { env: sha256(canonicalJson(env)), headers: sha256(canonicalJson(headers)) };
  return sha256(canonicalJson({ command, args, cwd, url, ...hashed, replicas }));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
