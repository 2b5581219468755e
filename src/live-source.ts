// Reads the configuration of a gateway the way it was started: file, overlay, flags, and what they refer to.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ParseError, parse } from 'jsonc-parser';
import { readConfigFile } from './config/find.ts';
import type { ConfigFormat } from './config/import/formats.ts';
import { type LoadOptions, type LoadResult, loadConfig, parseConfig } from './config/load.ts';
import type { Problem } from './config/problem.ts';
import type { ConfigInput } from './config/schema.ts';
import { isObject, type JsonObject } from './core/json.ts';
import { SECRETS_FILE, SecretStore } from './store/secret-store.ts';

export interface LiveConfigSource {
  /** The file; absent for a command line or the demo. */
  file?: string | undefined;
  /** A file that is not there is an empty one, which a change makes. */
  create?: boolean | undefined;
  format?: ConfigFormat | undefined;
  /** What the command line says beside the file. */
  flags?: ConfigInput | undefined;
  /** Native keys where there is no file. */
  input?: ConfigInput | undefined;
  env: Readonly<Record<string, string | undefined>>;
  /** What a gateway was started with; whoever follows it takes this, and reads the next state itself. */
  first?: ReadLive | undefined;
}

/** What is laid over a file of another program, in the data directory. */
export const OVERLAY = 'overlay.json';

export type Writes = 'file' | 'overlay' | 'memory';

export interface ReadLive {
  result: LoadResult;
  /** What an operator may change of it. */
  document: string;
  writes: Writes;
  fileText: string | undefined;
  /** Files that references were looked for in. */
  files: ReadonlySet<string>;
  /** What is wrong with stored secrets. */
  notes: readonly string[];
}

/** Reads a configuration the way this gateway was started; `document` is what an operator may change of it. */
export async function readLive(
  source: LiveConfigSource,
  dataDir: string,
  changed?: { document: string },
): Promise<ReadLive> {
  const { file, format, flags } = source;
  const files = new Set<string>();
  const notes: string[] = [];
  const options = { ...referencesOf(source, dataDir, files, notes), flags };
  if (file === undefined) {
    const document = changed?.document ?? JSON.stringify(source.input ?? {}, null, 2);
    const parsed = parseDocument(document, 'the configuration');
    const result = 'problem' in parsed ? failed(parsed.problem) : parseConfig(parsed.value as ConfigInput, options);
    return { result, document, writes: 'memory', fileText: undefined, files, notes };
  }
  const missing = source.create === true && !existsSync(file);
  const read = missing ? { ok: true as const, text: '{}\n' } : await readConfigFile(file);
  if (!read.ok) return { result: read, document: '', writes: 'file', fileText: undefined, files, notes };
  const first = await loadConfig({ text: read.text, file, format, ...options });
  if (first.ok && first.format !== 'native') {
    const path = join(dataDir, OVERLAY);
    const document = changed?.document ?? (existsSync(path) ? readFileSync(path, 'utf8') : '{}\n');
    const parsed = parseDocument(document, path);
    const result =
      'problem' in parsed
        ? failed(parsed.problem)
        : await loadConfig({ text: read.text, file, format, ...options, overlay: parsed.value });
    return { result, document, writes: 'overlay', fileText: read.text, files, notes };
  }
  if (changed === undefined)
    return { result: first, document: read.text, writes: 'file', fileText: read.text, files, notes };
  const result = await loadConfig({ text: changed.document, file, format, ...options });
  return { result, document: changed.document, writes: 'file', fileText: read.text, files, notes };
}

function parseDocument(text: string, file: string): { value: JsonObject } | { problem: Problem } {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  if (errors.length === 0 && isObject(value)) return { value };
  return { problem: { file, path: '', message: 'this is not a JSON object' } };
}

function failed(problem: Problem): LoadResult {
  return { ok: false, problems: [problem] };
}

/** What references stand for; the files they are read from are noted in `files`. */
function referencesOf(
  { env }: LiveConfigSource,
  dataDir: string,
  files: Set<string>,
  notes: string[],
): Required<Pick<LoadOptions, 'env' | 'readText' | 'secret'>> {
  let store: SecretStore | undefined;
  return {
    env,
    readText: (path) => {
      files.add(path);
      return readFileSync(path, 'utf8');
    },
    secret: (name) => {
      if (dataDir === '') return undefined;
      files.add(resolve(dataDir, SECRETS_FILE));
      store ??= new SecretStore(dataDir, env);
      try {
        return store.get(name);
      } catch (error) {
        notes.push((error as Error).message);
        return undefined;
      }
    },
  };
}
