// `holdfast export <format>`: the configuration in the form of another program (requirements 8.2, E-05).
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { writeDurably } from '../../config/durable.ts';
import { exportConfig } from '../../config/export/index.ts';
import { type ConfigFormat, FORMATS, type ForeignFormat } from '../../config/import/formats.ts';
import { secretsOf } from '../../config/secrets.ts';
import type { JsonObject } from '../../core/json.ts';
import { nearest } from '../../core/nearest.ts';
import { createRedactor, redactValue } from '../../core/redact.ts';
import { readLive } from '../../live-source.ts';
import { EXIT } from '../exit.ts';
import { type PlaceOptions, placeOf } from '../place.ts';
import { saidProblem } from '../problems.ts';
import { Refused } from '../refused.ts';
import { t } from '../words.ts';

export interface ExportOptions extends PlaceOptions {
  configFormat?: string;
  write?: string;
}

/** Programs that have no format of their own. */
const ALIASES: Readonly<Record<string, ForeignFormat>> = {
  'claude-desktop': 'mcp-servers',
  cursor: 'mcp-servers',
  'gemini-cli': 'gemini',
  'xiaozhi-client': 'xiaozhi',
};

export const EXPORTED: readonly string[] = [...FORMATS.filter((name) => name !== 'native'), ...Object.keys(ALIASES)];

/** On stdout with `***` for every secret; whole into a new file. */
export async function exportTo(wanted: string, options: ExportOptions): Promise<number> {
  if (!EXPORTED.includes(wanted)) {
    const near = nearest(wanted, EXPORTED);
    const hint = near.length > 0 ? t`did you mean ${near.join(t` or `)}?` : t`there are ${EXPORTED.join(', ')}`;
    throw new Refused(t`there is no format ${JSON.stringify(wanted)}; ${hint}`);
  }
  const format = ALIASES[wanted] ?? (wanted as ForeignFormat);
  const { file, dataDir } = placeOf(options);
  if (file === undefined) throw new Refused(t`no configuration is found; name one with --config`, EXIT.failure);
  const source = { file, format: options.configFormat as ConfigFormat | undefined, env: process.env };
  const { result } = await readLive(source, dataDir);
  if (!result.ok)
    throw new Refused([t`${file} has problems; nothing was written`, ...result.problems.map(saidProblem)].join('\n  '));
  const { value, lost } = exportConfig(result.input, format);
  if (lost.length > 0) process.stderr.write(`holdfast: ${t`${format} has no place for ${lost.join(', ')}`}\n`);
  if (options.write === undefined) {
    const redact = createRedactor(() => secretsOf(result.config));
    const shown = redactValue(value, redact) as JsonObject;
    process.stdout.write(await written(shown, format));
    if (JSON.stringify(shown) !== JSON.stringify(value))
      process.stderr.write(`holdfast: ${t`secrets are shown as ***; --write puts them whole into a file`}\n`);
    return EXIT.ok;
  }
  const path = resolve(options.write);
  if (existsSync(path)) throw new Refused(t`${path} exists already and stays as it is; name another file`);
  await mkdir(dirname(path), { recursive: true });
  await writeDurably(path, await written(value, format));
  process.stdout.write(`${t`written: ${path}`}\n`);
  return EXIT.ok;
}

async function written(value: JsonObject, format: ForeignFormat): Promise<string> {
  if (format !== 'codex') return `${JSON.stringify(value, null, 2)}\n`;
  const { stringify } = await import('smol-toml');
  return `${stringify(value)}\n`;
}
