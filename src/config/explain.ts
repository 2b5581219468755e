// Each value of a configuration and where it comes from: flag, environment, file, overlay or default (requirements 8.2).
import { isObject } from '../core/json.ts';
import type { ConfigExplained } from '../core/ports.ts';
import { redactValue } from '../core/redact.ts';
import { type Origins, originOf } from './layers.ts';
import { type Path, writePath } from './problem.ts';
import type { Config } from './schema.ts';

/** What the reader keeps for itself. */
const INNER: ReadonlySet<string> = new Set(['unresolved', 'invalid', 'secrets']);

/** The values at and below `path` (all, if it is empty), in the order of the schema; lists count as one value. */
export function explainConfig(
  config: Config,
  origins: Origins,
  path: string,
  redact: (text: string) => string,
): ConfigExplained[] {
  const found: ConfigExplained[] = [];
  const walk = (value: unknown, at: Path): void => {
    if (isObject(value) && Object.keys(value).length > 0) {
      for (const [key, inner] of Object.entries(value)) if (!INNER.has(key)) walk(inner, [...at, key]);
      return;
    }
    if (value === undefined) return;
    const written = writePath(at);
    if (path !== '' && written !== path && !written.startsWith(`${path}.`) && !written.startsWith(`${path}[`)) return;
    const { source, name } = originOf(origins, at);
    const key = String(at.at(-1));
    const shown = redactValue({ [key]: value }, redact) as Record<string, unknown>;
    found.push({ path: written, value: shown[redact(key)] ?? null, source, ...(name !== undefined && { name }) });
  };
  walk(config, []);
  return found;
}
