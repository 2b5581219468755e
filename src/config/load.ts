// A text in any known format, or a value from a program, to a configuration. Reads nothing but the files that
// `${file:…}` names.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { JsonObject } from '../core/json.ts';
import { type BuildInput, buildConfig } from './build.ts';
import { type ConfigDocument, documentOf, duplicateProblems, parseJson } from './document.ts';
import { applyEnvironment } from './environment.ts';
import type { Draft } from './import/draft.ts';
import { type ConfigFormat, detectFormat, FORMATS } from './import/formats.ts';
import { type Layer, mergeLayers, type Origins } from './layers.ts';
import { didYouMean } from './nearest.ts';
import { type Path, type Problem, writePath } from './problem.ts';
import type { Config, ConfigInput } from './schema.ts';
import { parseToml } from './toml.ts';

export interface LoadOptions {
  /** Variables for references and for the settings of requirements 8.2; usually `process.env`. */
  env: Readonly<Record<string, string | undefined>>;
  /** Native keys laid over a foreign file (requirements 10.16); `null` takes a key away. */
  overlay?: JsonObject | undefined;
  /** What the command line says; wins over everything. */
  flags?: ConfigInput | undefined;
  /** Names of transports that the embedding program brings. */
  transports?: readonly string[] | undefined;
  /** A stored secret by its name. */
  secret?: ((name: string) => string | undefined) | undefined;
  /** For `${file:…}`; throws when a file cannot be read. */
  readText?: ((path: string) => string) | undefined;
}

export interface LoadInput extends LoadOptions {
  text: string;
  /** Path of the file, for messages and for relative paths in it. */
  file: string;
  /** Forces a reader; without it the content decides. */
  format?: ConfigFormat | undefined;
}

export type LoadResult =
  | {
      ok: true;
      config: Config;
      format: ConfigFormat;
      /** File and overlay in native keys, as written: what a native file of both would hold. It may hold secrets. */
      input: JsonObject;
      warnings: Problem[];
      /** Where each value that is no default comes from; read it with `originOf`. */
      origins: Origins;
    }
  | { ok: false; problems: Problem[] };

/** Reads a configuration. Never throws for anything that a file may hold; all problems are told at once. */
export async function loadConfig(load: LoadInput): Promise<LoadResult> {
  const { text, file, format } = load;
  if (format !== undefined && !FORMATS.includes(format)) {
    const message = `there is no format "${format}"; known are ${FORMATS.join(', ')}`;
    return { ok: false, problems: [{ file: '--config-format', path: '', message, hint: didYouMean(format, FORMATS) }] };
  }
  const toml = format === 'codex' || (format === undefined && file.endsWith('.toml'));
  const parsed = toml ? await parseToml(text, file) : parseJson(text, file);
  if (!parsed.ok) return parsed;
  const { document } = parsed;
  const detected = detectFormat(document.value);
  const written = format ?? detected.format;
  const draft =
    written === 'native' ? undefined : (await import('./import/index.ts')).importDocument(document, written);
  return finish({ document, format: written, draft, doubt: format === undefined ? detected.doubt : undefined }, load);
}

/** The same for a value that a program made; native keys only. `directory` is where its relative paths begin. */
export function parseConfig(input: ConfigInput, options: LoadOptions & { directory?: string }): LoadResult {
  const file = resolve(options.directory ?? '.', 'configuration');
  return finish({ document: documentOf(input as JsonObject, file), format: 'native' }, options);
}

/** A document whose writer is known. */
interface Recognised {
  document: ConfigDocument;
  format: ConfigFormat;
  /** What a foreign one says in native keys. */
  draft?: Draft | undefined;
  /** Which other reader would have fitted. */
  doubt?: string | undefined;
}

function finish({ document, format, draft, doubt }: Recognised, options: LoadOptions): LoadResult {
  const { file } = document;
  const warnings: Problem[] = [];
  if (doubt !== undefined)
    warnings.push({
      file,
      ...document.place([]),
      path: '',
      message: `read as ${format}; ${doubt}`,
      hint: 'force a reader with --config-format',
    });
  const source = draft === undefined ? nativeSource(document) : foreignSource(document, draft);
  warnings.push(...source.warnings);
  const environment = applyEnvironment(options.env);
  warnings.push(...environment.warnings);
  const written: Layer[] = [
    { origin: { source: 'file', name: file }, input: source.input },
    ...(options.overlay === undefined ? [] : [{ origin: { source: 'overlay' as const }, input: options.overlay }]),
  ];
  const layers: Layer[] = [
    ...environment.below,
    ...written,
    ...environment.above,
    ...(options.flags === undefined
      ? []
      : [{ origin: { source: 'flag' as const }, input: options.flags as JsonObject }]),
  ];
  const { input } = mergeLayers(written);
  const above = new Set(
    layers.slice(layers.indexOf(written.at(-1) as Layer) + 1).flatMap((one) => Object.keys(one.input)),
  );
  const built = buildConfig({
    file,
    layers,
    hidden: Object.fromEntries(Object.entries(input).filter(([key]) => above.has(key) && !LISTED.has(key))),
    references: {
      env: options.env,
      directory: dirname(resolve(file)),
      readText: options.readText ?? ((path) => readFileSync(path, 'utf8')),
      secret: options.secret,
    },
    transports: options.transports ?? [],
    invalid: source.invalid,
    place: source.place,
  });
  if (!built.ok) return { ok: false, problems: [...source.problems, ...built.problems] };
  if (source.problems.length > 0) return { ok: false, problems: source.problems };
  const { config, origins } = built;
  return { ok: true, config, format, input, warnings: [...warnings, ...built.warnings], origins };
}

/** Variables only add to these, and hide nothing. */
const LISTED: ReadonlySet<string> = new Set(['upstreams', 'endpoints']);

interface SourceOfSettings extends Pick<BuildInput, 'invalid' | 'place'> {
  input: JsonObject;
  warnings: Problem[];
  problems: Problem[];
}

function nativeSource(document: ConfigDocument): SourceOfSettings {
  return {
    input: document.value,
    warnings: [],
    problems: duplicateProblems(document),
    invalid: new Map(),
    place: (path, aboutKey) => (aboutKey ? document.keyPlace(path) : document.place(path)),
  };
}

function foreignSource(document: ConfigDocument, draft: Draft): SourceOfSettings {
  const place = (path: Path) => {
    const source = draft.sourceOf(path);
    return { ...document.place(source), path: writePath(source) };
  };
  return {
    input: draft.input,
    warnings: [...duplicateProblems(document), ...draft.warnings],
    problems: draft.problems,
    invalid: draft.invalid,
    place,
  };
}
