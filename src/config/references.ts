// Values that a configuration names instead of holding: variables, files, secrets. What cannot be resolved is told by
// name, never by value, and concerns only the upstream that asked for it (F-K9).
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';

/** Whose notation is read: our own, or the several that other programs share. */
export type ReferenceStyle = 'native' | 'foreign' | 'braces';

export interface ReferenceSources {
  env: Readonly<Record<string, string | undefined>>;
  /** Directory of the configuration file. */
  directory: string;
  /** Text of a file; throws when it cannot be read. */
  readText(path: string): string;
  /** A secret by its name, where a store is at hand. */
  secret?: ((name: string) => string | undefined) | undefined;
  style: ReferenceStyle;
}

/** What one text turned into, collected over all texts of an upstream. */
export class Resolver {
  /** References without a value, as written. */
  readonly unresolved = new Set<string>();
  /** Values that references stood for; they are redacted wherever they show up. */
  readonly secrets = new Set<string>();
  readonly #sources: ReferenceSources;

  constructor(sources: ReferenceSources) {
    this.#sources = sources;
  }

  /** Replaces every reference; one that has no value stays as written. `$${` gives a plain `${`. */
  resolve(text: string): string {
    const { style } = this.#sources;
    if (style === 'braces' && BRACES.test(text)) return this.#variable(text, text.slice(1, -1), undefined);
    if (!text.includes('${')) return text;
    return text.replaceAll(REFERENCE, (whole: string, body: string) => {
      if (whole.startsWith('$$')) return whole.slice(1);
      return style === 'native' ? this.#native(whole, body) : this.#foreign(whole, body);
    });
  }

  #native(whole: string, body: string): string {
    const [, kind, rest] = /^(env|file|secret):(.*)$/s.exec(body) ?? [];
    if (kind === undefined || rest === undefined) return whole;
    if (kind === 'env') {
      const [name, fallback] = splitFallback(rest);
      return this.#variable(whole, name, fallback);
    }
    return kind === 'file' ? this.#file(whole, rest) : this.#secret(whole, rest);
  }

  #foreign(whole: string, body: string): string {
    const workspace = workspaceOf(this.#sources.directory);
    if (body === 'workspaceFolder') return workspace;
    if (body === 'workspaceFolderBasename') return workspace.split(/[\\/]/).at(-1) ?? workspace;
    if (body === 'userHome') return homedir();
    if (body === 'pathSeparator' || body === '/') return process.platform === 'win32' ? '\\' : '/';
    if (body.startsWith('input:')) return this.#secret(whole, body.slice('input:'.length));
    const [name, fallback] = splitFallback(body.startsWith('env:') ? body.slice('env:'.length) : body);
    return /^[A-Za-z_]\w*$/.test(name) ? this.#variable(whole, name, fallback) : whole;
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
      return text;
    } catch {
      return this.#missing(whole);
    }
  }

  #secret(whole: string, name: string): string {
    const value = this.#sources.secret?.(name);
    if (value === undefined) return this.#missing(whole);
    this.#keep(value);
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

/** An editor's settings lie in a folder of their own inside the workspace that they speak of. */
function workspaceOf(directory: string): string {
  return /[\\/]\.(vscode|cursor)$/.test(directory) ? dirname(directory) : directory;
}

/** An absolute path: `~` is the home directory, anything relative belongs to `directory`. */
export function resolvePath(path: string, directory: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homedir(), path.slice(1));
  return isAbsolute(path) ? path : resolve(directory, path);
}
