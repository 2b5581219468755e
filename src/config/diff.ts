// The difference between two configurations in the shape that people know from the process manager (C-62). Values of
// secrets are shown as such, never themselves.
import { isObject } from '../core/json.ts';
import type { ConfigDiff } from '../core/ports.ts';
import { createRedactor, redactValue } from '../core/redact.ts';
import { planChange } from './plan.ts';
import type { Config } from './schema.ts';
import { secretsOf } from './secrets.ts';

/** Compares two parsed configurations. */
export function diffConfigs(old: Config, next: Config): ConfigDiff {
  const plan = planChange(old, next);
  const secrets = [...new Set([...secretsOf(old), ...secretsOf(next)])];
  const redact = createRedactor(() => secrets);
  const shown = (root: unknown, key: string) => {
    const name = key.split('.').at(-1) as string;
    return Object.values(redactValue({ [name]: at(root, key) }, redact) as object)[0] as unknown;
  };
  const change = (from: unknown, to: unknown, key: string) => ({
    old_value: shown(from, key),
    new_value: shown(to, key),
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
