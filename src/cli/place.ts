// Which configuration a command is about and where the state of its gateway lies, without reading all of it: a file
// that is broken must not keep anybody from stopping the gateway that runs on an older state of it.
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parse } from 'jsonc-parser';
import { decodeText, findConfig } from '../config/find.ts';
import { Resolver, resolvePath } from '../config/references.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import { chooseDataDir } from '../store/data-dir.ts';

export interface PlaceOptions {
  config?: string | undefined;
  dataDir?: string | undefined;
}

export interface CommandPlace {
  /** The configuration file; absent where none is found. */
  file: string | undefined;
  /** What named it: `--config`, a variable, or `search`. */
  by: string | undefined;
  dataDir: string;
}

export function placeOf({ config, dataDir }: PlaceOptions): CommandPlace {
  const { env } = process;
  const found = findConfig({ argument: config, env, cwd: process.cwd() });
  const configured = found === undefined ? undefined : storageDirOf(found.path);
  return {
    file: found?.path,
    by: found?.by,
    dataDir: chooseDataDir({ flag: dataDir, configured, configFile: found?.path, env }),
  };
}

/** `locale` of the configuration that a command is about, as it is written there. */
export function localeOf({ config }: PlaceOptions): string | undefined {
  const found = findConfig({ argument: config, env: process.env, cwd: process.cwd() });
  const locale = found === undefined ? undefined : nativeKeys(found.path)?.locale;
  return locale === 'en' || locale === 'zh' ? locale : undefined;
}

/** What a native file says at its top, if it can be read. */
function nativeKeys(file: string): JsonObject | undefined {
  let value: unknown;
  try {
    value = parse(decodeText(readFileSync(file)) ?? '', [], { allowTrailingComma: true });
  } catch {
    return undefined;
  }
  return isObject(value) && isObject(value.upstreams) ? value : undefined;
}

/** `storage.dir` of a native file, if it can be read. */
function storageDirOf(file: string): string | undefined {
  const storage = nativeKeys(file)?.storage;
  if (!isObject(storage)) return undefined;
  const { dir } = storage;
  if (typeof dir !== 'string') return undefined;
  const directory = dirname(file);
  const resolver = new Resolver({ env: process.env, directory, readText: (path) => readFileSync(path, 'utf8') });
  return resolvePath(resolver.resolve(dir), directory);
}
