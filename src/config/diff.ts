// The difference between two configurations in the shape that people know from the process manager (C-62). Values of
// secrets are shown as such, never themselves.
import { isObject, type JsonObject } from '../core/json.ts';
import { planChange } from './plan.ts';
import type { Config } from './schema.ts';
import { secretsOf } from './secrets.ts';

export interface ConfigDiff {
  added: string[];
  removed: string[];
  /** Per upstream and key, as written (`timeouts.call`). */
  modified: Record<string, Record<string, { old_value: unknown; new_value: unknown }>>;
  /** The same for keys outside the upstreams. */
  settings: Record<string, { old_value: unknown; new_value: unknown }>;
  /** Upstreams whose process or connection would be replaced. */
  restarts: string[];
}

const HIDDEN = '***';

/** Compares two parsed configurations. */
export function diffConfigs(old: Config, next: Config): ConfigDiff {
  const plan = planChange(old, next);
  const secrets = [...new Set([...secretsOf(old), ...secretsOf(next)])];
  const change = (from: unknown, to: unknown, key: string) => ({
    old_value: redacted(at(from, key), secrets),
    new_value: redacted(at(to, key), secrets),
  });
  const diff: ConfigDiff = { added: [], removed: [], modified: {}, settings: {}, restarts: [] };
  for (const { upstream, action, changed } of plan.steps) {
    if (action === 'add') diff.added.push(upstream);
    if (action === 'remove') diff.removed.push(upstream);
    if (action === 'restart') diff.restarts.push(upstream);
    if (changed.length === 0) continue;
    const [before, after] = [old.upstreams[upstream], next.upstreams[upstream]];
    diff.modified[upstream] = Object.fromEntries(changed.map((key) => [key, change(before, after, key)]));
  }
  for (const key of plan.settings) diff.settings[key] = change(old, next, key);
  return diff;
}

function at(root: unknown, key: string): unknown {
  let value = root;
  for (const part of key.split('.')) value = isObject(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  return value;
}

function redacted(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return secrets.reduce((text, secret) => text.replaceAll(secret, HIDDEN), value);
  if (Array.isArray(value)) return value.map((entry) => redacted(entry, secrets));
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const [key, inner] of Object.entries(value)) result[key] = redacted(inner, secrets);
  return result;
}
