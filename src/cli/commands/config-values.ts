// `holdfast config get | set | unset`: one value of the configuration. A change goes to the running gateway, or into the
// file, with its comments kept; where the file is another program's, into the overlay (requirements 10.16, D-50).
import { parse } from 'jsonc-parser';
import { type Path, readPath, writePath } from '../../config/problem.ts';
import { secretsOf } from '../../config/secrets.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import { nearest } from '../../core/nearest.ts';
import { createRedactor, redactValue } from '../../core/redact.ts';
import { readLive } from '../../live-source.ts';
import { type ChangeOptions, changeConfig, type Target, targetOf, tellChange } from '../change.ts';
import { callApi, type RemoteOptions } from '../client.ts';
import { EXIT } from '../exit.ts';
import { readInput } from '../input.ts';
import { placeOf } from '../place.ts';
import { Refused } from '../refused.ts';
import { t } from '../words.ts';

/** What the reader keeps for itself in a checked configuration. */
const INNER: ReadonlySet<string> = new Set(['unresolved', 'invalid', 'secrets']);

/** Prints the value as it is written, or what is in force where nothing is written. @throws Refused where there is none */
export async function get(text: string, options: RemoteOptions): Promise<number> {
  const path = pathOf(text);
  const target = await targetOf(options);
  const { written, effective, exact } = await bothOf(target, options);
  const found = valueAt(written, path);
  const value = found ?? valueAt(effective, path);
  if (value === undefined || path.some((part) => INNER.has(String(part)))) throw nothingAt(path, [written, effective]);
  const isWritten = found !== undefined;
  if (options.json) process.stdout.write(`${JSON.stringify({ path: writePath(path), value, written: isWritten })}\n`);
  else {
    if (!isWritten || !exact) process.stderr.write(`${t`as it is in force: times in milliseconds, sizes in bytes`}\n`);
    process.stdout.write(`${typeof value === 'string' ? value : JSON.stringify(value, null, 2)}\n`);
  }
  return EXIT.ok;
}

/** JSON where it is JSON, else a text; `-` reads it from stdin. @throws Refused where it is not taken */
export async function set(text: string, given: string, options: ChangeOptions & { text?: boolean }): Promise<number> {
  const path = pathOf(text);
  const value = meant(given === '-' ? await readInput(`${writePath(path)}: `) : given, options.text === true);
  if (value === null) throw new Refused(t`null is no value here; holdfast config unset ${text} takes it away`);
  const done = `set ${writePath(path)}`;
  const change = await changeConfig(await targetOf(options), [{ path, value }], done, options);
  return tellChange(change, options, t`set ${writePath(path)}`);
}

/** @throws Refused where nothing is written there, or the configuration is not valid without it */
export async function unset(text: string, options: ChangeOptions): Promise<number> {
  const path = pathOf(text);
  const target = await targetOf(options);
  const { written } = await bothOf(target, options);
  if (valueAt(written, path) === undefined) throw nothingAt(path, [written]);
  const done = `unset ${writePath(path)}`;
  const change = await changeConfig(target, [{ path, value: null }], done, options);
  return tellChange(change, options, t`unset ${writePath(path)}`);
}

function pathOf(text: string): Path {
  const path = readPath(text);
  if (path !== undefined) return path;
  throw new Refused(
    t`${JSON.stringify(text)} is no path; write it as upstreams.files.args[0], and a name with dots as upstreams["my.server"]`,
  );
}

function meant(text: string, plain: boolean): unknown {
  if (plain) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (!/^\s*[{["]/.test(text)) return text;
    throw new Refused(t`${JSON.stringify(text)} is neither JSON nor a plain text; --text takes it as it is`);
  }
}

interface Both {
  /** What file and overlay say. */
  written: JsonObject;
  /** What follows from it, with every default. */
  effective: JsonObject;
  /** Whether `written` is as a person wrote it. */
  exact: boolean;
}

/** Both without secrets. */
async function bothOf(target: Target, options: RemoteOptions): Promise<Both> {
  if (target.kind === 'file') {
    const redact = createRedactor(() => secretsOf(target.config));
    const shown = (value: unknown) => redactValue(value, redact) as JsonObject;
    return { written: shown(target.input), effective: shown(target.config), exact: true };
  }
  const [{ text, writes }, effective] = await Promise.all([
    callApi(target.remote, 'GET', '/config'),
    callApi(target.remote, 'GET', '/config/effective'),
  ]);
  const shown = (value: unknown) => redactValue(value, (plain) => plain) as JsonObject;
  const document: unknown = parse(String(text), [], { allowTrailingComma: true });
  const own = isObject(document) ? document : {};
  const written = writes === 'overlay' ? ((await mergedHere(options)) ?? { ...effective, ...own }) : own;
  return {
    written: shown(written),
    effective: shown(effective),
    exact: writes !== 'overlay' || options.url === undefined,
  };
}

/** What the other program's file and the overlay over it say, where both lie on this machine. */
async function mergedHere(options: RemoteOptions): Promise<JsonObject | undefined> {
  const { file, dataDir } = placeOf(options);
  if (file === undefined || options.url !== undefined) return undefined;
  const { result } = await readLive({ file, env: process.env }, dataDir);
  if (!result.ok) return undefined;
  const redact = createRedactor(() => secretsOf(result.config));
  return redactValue(result.input, redact) as JsonObject;
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, part) => {
    if (Array.isArray(at) && typeof part === 'number') return at[part];
    return isObject(at) && Object.hasOwn(at, part) ? at[part] : undefined;
  }, root);
}

function nothingAt(path: Path, roots: readonly JsonObject[]): Refused {
  const deep = roots.map((root) => path.findIndex((_, index) => valueAt(root, path.slice(0, index + 1)) === undefined));
  const depth = Math.max(...deep, 0);
  const above = path.slice(0, depth);
  const names = [...new Set(roots.flatMap((root) => Object.keys((valueAt(root, above) ?? {}) as object)))].filter(
    (name) => !INNER.has(name),
  );
  const near = nearest(String(path[depth]), names);
  const hint =
    near.length > 0
      ? t`did you mean ${near.map((name) => writePath([...above, name])).join(t` or `)}?`
      : above.length === 0
        ? t`there are ${names.join(', ') || t`none`}`
        : t`${writePath(above)} has ${names.join(', ') || t`none`}`;
  return new Refused(t`there is nothing at ${writePath(path)}; ${hint}`, EXIT.failure);
}
