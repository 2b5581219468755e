// `holdfast config path | check | show | schema`: which configuration counts, what is wrong with it, what it says.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ConfigFormat } from '../../config/import/formats.ts';
import type { LoadResult } from '../../config/load.ts';
import { secretsOf } from '../../config/secrets.ts';
import { createRedactor, redactValue } from '../../core/redact.ts';
import { OVERLAY, readLive } from '../../live-source.ts';
import { EXIT } from '../exit.ts';
import { type PlaceOptions, placeOf } from '../place.ts';
import { saidProblem } from '../problems.ts';
import { Refused } from '../refused.ts';
import { t } from '../words.ts';

export interface ConfigOptions extends PlaceOptions {
  configFormat?: string;
  json?: boolean;
}

export async function path(options: ConfigOptions): Promise<number> {
  const { file, by, dataDir } = placeOf(options);
  const overlay = join(dataDir, OVERLAY);
  const facts = {
    file: file ?? null,
    by: by ?? null,
    exists: file !== undefined && existsSync(file),
    dataDir,
    overlay: existsSync(overlay) ? overlay : null,
  };
  if (options.json) return say(`${JSON.stringify(facts)}\n`);
  // The path alone on stdout, for scripts; the rest for people.
  if (file === undefined) {
    process.stderr.write(`${t`no configuration is found: the demo would be served`}\n`);
    return EXIT.failure;
  }
  const named = by === 'search' ? t`found` : t`named by ${by}`;
  const missing = facts.exists ? '' : t`, does not exist`;
  const changes = facts.overlay === null ? '' : t`; changes in ${overlay}`;
  process.stderr.write(`${named}${missing}${t`; state in ${dataDir}`}${changes}\n`);
  return say(`${file}\n`);
}

/** All problems with their places; exit code 2 where there is one, as `serve` has it. */
export async function check(given: string | undefined, options: ConfigOptions): Promise<number> {
  const { file, result } = await read(given, options);
  const problems = result.ok ? [] : result.problems;
  const warnings = result.ok ? result.warnings : [];
  const broken = result.ok
    ? Object.entries(result.config.upstreams).flatMap(([name, one]) => [
        ...one.invalid.map((text) => t`upstreams.${name}: ${text}; it is not started`),
        ...one.unresolved.map((reference) => t`upstreams.${name}: ${reference} has no value; it is not started`),
      ])
    : [];
  if (options.json) {
    const format = result.ok ? result.format : null;
    say(`${JSON.stringify({ ok: result.ok, file, format, problems, warnings, upstreams: broken })}\n`);
  } else {
    for (const problem of [...problems, ...warnings]) process.stderr.write(`${saidProblem(problem)}\n`);
    for (const text of broken) process.stderr.write(`${text}\n`);
    if (result.ok)
      say(`${t`${file} is valid (${result.format}, ${Object.keys(result.config.upstreams).length} upstreams)`}\n`);
    else
      process.stderr.write(
        `${problems.length === 1 ? t`a problem in ${file}` : t`${problems.length} problems in ${file}`}\n`,
      );
  }
  return result.ok ? EXIT.ok : EXIT.usage;
}

/** What file and overlay say in native keys, or with every default; secrets are `***`. */
export async function show(options: ConfigOptions & { effective?: boolean }): Promise<number> {
  const { file, result } = await read(undefined, options);
  if (!result.ok) throw new Refused([t`${file} has problems`, ...result.problems.map(saidProblem)].join('\n  '));
  const redact = createRedactor(() => secretsOf(result.config));
  const { upstreams, ...rest } = result.config;
  const effective = {
    ...rest,
    upstreams: Object.fromEntries(Object.entries(upstreams).map(([name, { secrets: _, ...one }]) => [name, one])),
  };
  return say(`${JSON.stringify(redactValue(options.effective ? effective : result.input, redact), null, 2)}\n`);
}

export function schema(): number {
  return say(readFileSync(new URL('../schema/holdfast.schema.json', import.meta.url), 'utf8'));
}

async function read(given: string | undefined, options: ConfigOptions): Promise<{ file: string; result: LoadResult }> {
  const place = placeOf({ ...options, ...(given !== undefined && { config: resolve(given) }) });
  if (place.file === undefined)
    throw new Refused(t`no configuration is found; name one, or make one with holdfast init`, EXIT.failure);
  const source = { file: place.file, format: options.configFormat as ConfigFormat | undefined, env: process.env };
  return { file: place.file, result: (await readLive(source, place.dataDir)).result };
}

function say(text: string): number {
  process.stdout.write(text);
  return EXIT.ok;
}
