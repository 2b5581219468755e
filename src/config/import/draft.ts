// A native configuration in the making, while a file of another program is read: every value remembers the place it
// came from, and everything that found no home is kept under `extensions`.
import { isObject, type JsonObject } from '../../core/json.ts';
import { type ConfigDocument, freeName } from '../document.ts';
import { put } from '../layers.ts';
import { type Path, type Problem, writePath } from '../problem.ts';
import { isReserved } from '../reserved.ts';

export class Draft {
  readonly input: JsonObject = {};
  readonly warnings: Problem[] = [];
  /** Shape errors: they refuse the whole file (requirements 12.1). */
  readonly problems: Problem[] = [];
  /** Per upstream, why it cannot be started as it is written. */
  readonly invalid = new Map<string, string[]>();
  /** Ids of the file to ids given here, in file order. */
  readonly ids = new Map<string, string>();
  readonly #document: ConfigDocument;
  readonly #places = new Map<string, Path>();
  readonly #format: string;

  constructor(document: ConfigDocument, format: string) {
    this.#document = document;
    this.#format = format;
  }

  get document(): ConfigDocument {
    return this.#document;
  }

  /** Sets a native key; `from` is where the file says so. */
  set(path: Path, value: unknown, from: Path): void {
    let target = this.input;
    for (const key of path.slice(0, -1)) {
      const next = Object.hasOwn(target, String(key)) ? target[String(key)] : undefined;
      if (isObject(next)) target = next;
      else {
        const made: JsonObject = {};
        put(target, String(key), made);
        target = made;
      }
    }
    put(target, String(path.at(-1)), value);
    this.#places.set(writePath(path), from);
  }

  /** Says where in the file a native path comes from, for what lies inside a value that is set as a whole. */
  place(path: Path, from: Path): void {
    this.#places.set(writePath(path), from);
  }

  /** The value set so far, if any. */
  get(path: Path): unknown {
    let value: unknown = this.input;
    for (const key of path) {
      if (!isObject(value) || !Object.hasOwn(value, String(key))) return undefined;
      value = value[String(key)];
    }
    return value;
  }

  /** Rewrites every text that was set; what is kept for others stays as it is. */
  translate(rewrite: (text: string) => string): void {
    const walk = (value: unknown): unknown => {
      if (typeof value === 'string') return rewrite(value);
      if (Array.isArray(value)) return value.map(walk);
      if (!isObject(value)) return value;
      for (const key of Object.keys(value)) put(value, key, walk(value[key]));
      return value;
    };
    for (const key of Object.keys(this.input)) if (key !== 'extensions') put(this.input, key, walk(this.input[key]));
  }

  /** Appends to a native list. */
  add(path: Path, value: unknown, from: Path): void {
    const old = this.get(path);
    this.set(path, [...(Array.isArray(old) ? old : []), value], from);
  }

  /** Keeps what has no meaning here, for whoever writes the file again (E-05). */
  keep(path: Path, value: unknown): void {
    this.set(['extensions', this.#format, ...path], value, path);
  }

  warn(path: Path, message: string, hint?: string): void {
    this.warnings.push(this.#problem(path, message, hint));
  }

  refuse(path: Path, message: string, hint?: string): void {
    this.problems.push(this.#problem(path, message, hint));
  }

  /** Concerns this one upstream only: it is configured, shown, and not started. */
  fail(id: string, path: Path, message: string): void {
    this.invalid.set(id, [...(this.invalid.get(id) ?? []), message]);
    this.warn(path, message, `upstream "${id}" is not started`);
  }

  /** An id for a server of the file; a reserved or used one gets a number (requirements 10.12, F-K11). */
  id(wanted: string, from: Path): string {
    const taken = (id: string) => isReserved(id) || this.get(['upstreams', id]) !== undefined;
    const id = taken(wanted) ? freeName(wanted, taken) : wanted;
    if (id !== wanted) {
      const why = isReserved(wanted) ? 'this id is reserved' : 'this id is used twice';
      this.warn(from, why, `the upstream is called "${id}"`);
    }
    this.ids.set(wanted, this.ids.get(wanted) ?? id);
    return id;
  }

  /** Where in the file a native path was said, or the nearest thing around it. */
  sourceOf(path: Path): Path {
    for (let length = path.length; length > 0; length--) {
      const source = this.#places.get(writePath(path.slice(0, length)));
      if (source !== undefined) return [...source, ...path.slice(length)];
    }
    return [];
  }

  #problem(path: Path, message: string, hint: string | undefined): Problem {
    const { file } = this.#document;
    return { file, ...this.#document.place(path), path: writePath(path), message, ...(hint !== undefined && { hint }) };
  }
}

/** An object of the file from which known keys are taken, so that the rest can be kept. */
export class Source {
  readonly path: Path;
  readonly #value: JsonObject;
  readonly #taken = new Set<string>();
  readonly #draft: Draft;

  constructor(draft: Draft, value: JsonObject, path: Path) {
    this.#draft = draft;
    this.#value = value;
    this.path = path;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#value, key) && this.#value[key] !== null;
  }

  at(key: string): Path {
    return [...this.path, key];
  }

  /** The value of a key, now spoken for; undefined for null as well, as several programs write null for absent. */
  take(key: string): unknown {
    this.#taken.add(key);
    return this.has(key) ? this.#value[key] : undefined;
  }

  /** A value of the right kind; another kind refuses the file (`strict`) or is told and ignored. */
  #typed<T>(key: string, is: (value: unknown) => value is T, kind: string, strict: boolean): T | undefined {
    const value = this.take(key);
    if (value === undefined || is(value)) return value;
    if (strict) this.#draft.refuse(this.at(key), `expected ${kind}`);
    else this.#draft.warn(this.at(key), `expected ${kind}; ignored`);
    return undefined;
  }

  text(key: string, strict = false): string | undefined {
    return this.#typed(key, (value): value is string => typeof value === 'string', 'a text', strict);
  }

  flag(key: string, strict = false): boolean | undefined {
    return this.#typed(key, (value): value is boolean => typeof value === 'boolean', 'true or false', strict);
  }

  number(key: string): number | undefined {
    return this.#typed(
      key,
      (value): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0,
      'a number',
      false,
    );
  }

  object(key: string, strict = false): Source | undefined {
    const value = this.#typed(key, isObject, 'an object', strict);
    return value === undefined ? undefined : new Source(this.#draft, value, this.at(key));
  }

  list(key: string, strict = false): unknown[] | undefined {
    return this.#typed(key, (value): value is unknown[] => Array.isArray(value), 'a list', strict);
  }

  /** The texts of a list; entries of another kind are told and left out. */
  texts(key: string): string[] | undefined {
    return this.list(key)?.filter((value, index): value is string => {
      if (typeof value === 'string') return true;
      this.#draft.warn([...this.at(key), index], 'expected a text; ignored');
      return false;
    });
  }

  entries(): [key: string, value: unknown][] {
    for (const key of Object.keys(this.#value)) this.#taken.add(key);
    return Object.entries(this.#value);
  }

  /** Keeps a known key that has no effect yet, and says so. */
  keep(key: string, reason?: string): void {
    if (!this.has(key)) return;
    const value = this.take(key);
    this.#draft.keep(this.at(key), value);
    if (reason !== undefined) this.#draft.warn(this.at(key), `${reason}; kept under "extensions"`);
  }

  /** Keeps everything that nobody took. */
  keepRest(): void {
    for (const [key, value] of Object.entries(this.#value))
      if (!this.#taken.has(key)) this.#draft.keep(this.at(key), value);
  }
}
