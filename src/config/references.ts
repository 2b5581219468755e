// Values that a configuration names instead of holding: variables, files, secrets. What cannot be resolved is told by
// name, never by value, and concerns only the upstream that asked for it (F-K9).
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { homeFolder } from '../core/home.ts';

export interface ReferenceSources {
  env: Readonly<Record<string, string | undefined>>;
  /** Directory of the configuration file. */
  directory: string;
  /** Text of a file; throws when it cannot be read. */
  readText(path: string): string;
  /** A secret by its name, where a store is at hand. */
  secret?: ((name: string) => string | undefined) | undefined;
}

/** What one text turned into, collected over all texts of an upstream. */
export class Resolver {
  /** References without a value, as written. */
  readonly unresolved = new Set<string>();
  /** Values that references stood for; they are redacted wherever they show up. */
  readonly secrets = new Set<string>();
  /** Those of them that a file or the store of secrets gave. */
  readonly stored = new Set<string>();
  readonly #sources: ReferenceSources;

  constructor(sources: ReferenceSources) {
    this.#sources = sources;
  }

  /** Replaces every reference; one that has no value stays as written. `$${` gives a plain `${`. */
  resolve(text: string): string {
    if (!text.includes('${')) return text;
    return text.replaceAll(REFERENCE, (whole: string, body: string) => {
      if (whole.startsWith('$$')) return whole.slice(1);
      const [, kind, rest] = /^(env|file|secret):(.*)$/s.exec(body) ?? [];
      if (kind === undefined || rest === undefined) return whole;
      if (kind === 'env') {
        const [name, fallback] = splitFallback(rest);
        return this.#variable(whole, name, fallback);
      }
      return kind === 'file' ? this.#file(whole, rest) : this.#secret(whole, rest);
    });
  }

  #variable(whole: string, name: string, fallback: string | undefined): string {
    const value = this.#sources.env[name];
    // As in a shell, `:-` also stands in for an empty value.
    const result = fallback !== undefined && (value === undefined || value === '') ? fallback : value;
    if (result === undefined) return this.#missing(whole);
    if (value !== undefined && result === value && !PLAIN_VARIABLES.has(name)) this.#keep(value);
    return result;
  }

  #file(whole: string, path: string): string {
    try {
      const text = this.#sources.readText(resolvePath(path, this.#sources.directory)).replace(/\r?\n$/, '');
      this.#keep(text);
      this.stored.add(text);
      return text;
    } catch {
      return this.#missing(whole);
    }
  }

  #secret(whole: string, name: string): string {
    const value = this.#sources.secret?.(name);
    if (value === undefined) return this.#missing(whole);
    this.#keep(value);
    this.stored.add(value);
    return value;
  }

  #missing(whole: string): string {
    this.unresolved.add(whole);
    return whole;
  }

  #keep(value: string): void {
    this.secrets.add(value);
  }
}

const REFERENCE = /\$?\$\{([^{}]*)\}/g;
const BRACES = /^\{[A-Z_][A-Z0-9_]*\}$/;

/** Variables that describe the machine; redacting their values would blot out every path. */
const PLAIN_VARIABLES: ReadonlySet<string> = new Set(
  'HOME USER LOGNAME PATH PWD SHELL LANG TERM TZ TMPDIR HOSTNAME USERPROFILE APPDATA LOCALAPPDATA'.split(' '),
);

function splitFallback(body: string): [name: string, fallback: string | undefined] {
  const at = body.indexOf(':-');
  return at === -1 ? [body, undefined] : [body.slice(0, at), body.slice(at + 2)];
}

/**
 * The references of other programs in our notation: `${VAR}`, `${VAR:-default}`, `${env:VAR}`, `${input:id}` (a secret),
 * folders as plain paths; with `braces` also `{VAR}` as a whole value (C-22). What nobody knows stays.
 */
export function toNativeReferences(text: string, directory: string, braces: boolean): string {
  if (braces && BRACES.test(text)) return `\${env:${text.slice(1, -1)}}`;
  if (!text.includes('${')) return text;
  return text.replaceAll(REFERENCE, (whole: string, body: string) => {
    if (body === 'workspaceFolder') return workspaceOf(directory);
    if (body === 'workspaceFolderBasename') return basename(workspaceOf(directory));
    if (body === 'userHome') return homeFolder();
    if (body === 'pathSeparator' || body === '/') return sep;
    if (body.startsWith('input:')) return `\${secret:${body.slice('input:'.length)}}`;
    return /^[A-Za-z_]\w*(:-|$)/.test(body) ? `\${env:${body}}` : whole;
  });
}

/** An editor's settings lie in a folder of their own inside the workspace that they speak of. */
function workspaceOf(directory: string): string {
  return /[\\/]\.(vscode|cursor)$/.test(directory) ? dirname(directory) : directory;
}

/** An absolute path: `~` is the home directory, anything relative belongs to `directory`. */
export function resolvePath(path: string, directory: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homeFolder(), path.slice(1));
  return isAbsolute(path) ? path : resolve(directory, path);
}
