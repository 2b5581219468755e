// A configuration text as a value whose every part knows its line and column. JSON as people write it: byte order
// mark, comments and trailing commas are no fault.
import { type Node, type ParseError, parseTree } from 'jsonc-parser';
import { isObject, type JsonObject } from '../core/json.ts';
import { type Path, type Problem, writePath } from './problem.ts';

export interface Place {
  line: number;
  column: number;
}

/** A key that stands twice in one object. */
export interface Duplicate {
  /** Path of the object and the key. */
  path: Path;
  first: Place;
  second: Place;
  /** The name under which the second one was kept, where it was not simply overwritten. */
  keptAs?: string;
}

export interface ConfigDocument {
  file: string;
  value: JsonObject;
  duplicates: readonly Duplicate[];
  /** Place of the value at `path`, or of the nearest thing around it that exists. */
  place(path: Path): Place;
  /** Place of the key itself. */
  keyPlace(path: Path): Place;
}

export type ParsedDocument = { ok: true; document: ConfigDocument } | { ok: false; problems: Problem[] };

/** Keys below which every entry is a server of its own: a second one of a name is kept under another name (F-K11). */
const SERVER_MAPS: ReadonlySet<string> = new Set(['mcpServers', 'servers', 'mcp_servers']);

/** More would only hide the first one. */
const MOST_SYNTAX_PROBLEMS = 20;

const MESSAGES: Readonly<Record<number, string>> = {
  1: 'this is not JSON',
  2: 'not a valid number',
  3: 'expected a key in double quotes',
  4: 'expected a value',
  5: 'expected a colon',
  6: 'expected a comma',
  7: 'expected a closing brace',
  8: 'expected a closing bracket',
  9: 'nothing may follow the end of the document',
  10: 'not a valid comment',
  11: 'this comment is never closed',
  12: 'this text is never closed',
  13: 'this number is cut off',
  14: 'not a valid Unicode escape',
  15: 'not a valid escape sequence',
  16: 'a control character must be written as an escape sequence',
};

/** Finds line and column of an offset; lines are counted once. */
export function lineIndex(text: string): (offset: number) => Place {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] as number) + 1 };
  };
}

function syntaxProblems(text: string, file: string, errors: ParseError[], at: (offset: number) => Place): Problem[] {
  const problems: Problem[] = [];
  const end = text.trimEnd().length;
  let lastOffset = -1;
  for (const { error, offset } of errors) {
    if (offset === lastOffset) continue;
    lastOffset = offset;
    const cut = offset >= end && [4, 5, 6, 7, 8].includes(error);
    const place = at(Math.min(offset, text.length));
    const message = MESSAGES[error] ?? 'this is not JSON';
    problems.push({ file, ...place, path: '', message: cut ? `the file ends too early: ${message}` : message });
    if (problems.length === MOST_SYNTAX_PROBLEMS) break;
  }
  return problems;
}

/** Says what stands where an object was expected. */
function rootProblem(node: Node | undefined, text: string): string {
  if (text.trim() === '') return 'the file is empty; expected a JSON object';
  if (node === undefined) return 'the file holds no JSON object, only comments';
  return `expected a JSON object, found ${node.type === 'array' ? 'an array' : `a ${node.type}`}`;
}

/** Builds values from the tree, once, without ever writing to a prototype. */
class Builder {
  readonly duplicates: Duplicate[] = [];
  readonly renamed = new Map<Node, string>();
  readonly #at: (offset: number) => Place;

  constructor(at: (offset: number) => Place) {
    this.#at = at;
  }

  value(node: Node, path: Path): unknown {
    if (node.type === 'array') return (node.children ?? []).map((child, index) => this.value(child, [...path, index]));
    if (node.type !== 'object') return node.value as unknown;
    const seen = new Map<string, Node>();
    const result: JsonObject = {};
    for (const property of node.children ?? []) {
      const [key, child] = property.children ?? [];
      if (key === undefined || child === undefined) continue;
      let name = key.value as string;
      const earlier = seen.get(name);
      const value = this.value(child, [...path, name]);
      if (earlier !== undefined) {
        const duplicate: Duplicate = {
          path: [...path, name],
          first: this.#at(earlier.offset),
          second: this.#at(key.offset),
        };
        if (isServerMap(path, value)) {
          name = freeName(name, (other) => seen.has(other));
          duplicate.keptAs = name;
          this.renamed.set(property, name);
        }
        this.duplicates.push(duplicate);
      }
      seen.set(name, key);
      Object.defineProperty(result, name, { value, writable: true, enumerable: true, configurable: true });
    }
    return result;
  }
}

function isServerMap(path: Path, value: unknown): boolean {
  const last = path.at(-1);
  if (typeof last === 'string' && SERVER_MAPS.has(last)) return true;
  return path.length === 0 && isObject(value) && ('command' in value || 'url' in value);
}

/** `name`-1, or the first number that is free. */
export function freeName(name: string, taken: (name: string) => boolean): string {
  for (let number = 1; ; number++) if (!taken(`${name}-${number}`)) return `${name}-${number}`;
}

/** Reads JSON with comments. All syntax errors are told; nothing is thrown. */
export function parseJson(source: string, file: string): ParsedDocument {
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source;
  const at = lineIndex(text);
  const fail = (message: string, offset = 0, hint?: string): ParsedDocument => ({
    ok: false,
    problems: [{ file, ...at(offset), path: '', message, ...(hint !== undefined && { hint }) }],
  });
  const binary = text.indexOf('\0');
  if (binary !== -1) return fail('this is not a text file in UTF-8', binary);
  const errors: ParseError[] = [];
  let root: Node | undefined;
  const builder = new Builder(at);
  let value: unknown;
  try {
    root = parseTree(text, errors, { allowTrailingComma: true });
    if (text.trim() === '') return fail(rootProblem(root, text));
    if (errors.length > 0) return { ok: false, problems: syntaxProblems(text, file, errors, at) };
    if (root?.type !== 'object') return fail(rootProblem(root, text), root?.offset);
    value = builder.value(root, []);
  } catch (error) {
    // The parser and the builder recurse; only nesting of thousands of levels brings them to their end.
    if (error instanceof RangeError) return fail('the file is nested too deeply');
    throw error;
  }
  const tree = root;
  const find = (path: Path): { node: Node; key: Node | undefined } => {
    let node = tree;
    let key: Node | undefined;
    for (const part of path) {
      const next = step(node, part, builder.renamed);
      if (next === undefined) break;
      ({ node, key } = next);
    }
    return { node, key };
  };
  const document: ConfigDocument = {
    file,
    value: value as JsonObject,
    duplicates: builder.duplicates,
    place: (path) => at(find(path).node.offset),
    keyPlace: (path) => {
      const { node, key } = find(path);
      return at((key ?? node).offset);
    },
  };
  return { ok: true, document };
}

function step(node: Node, part: string | number, renamed: ReadonlyMap<Node, string>) {
  if (node.type === 'array') {
    const child = node.children?.[part as number];
    return child === undefined ? undefined : { node: child, key: undefined };
  }
  if (node.type !== 'object') return undefined;
  // From the end: of two equal keys the last one counts.
  for (const property of [...(node.children ?? [])].reverse()) {
    const [key, child] = property.children ?? [];
    if (key === undefined || child === undefined) continue;
    if ((renamed.get(property) ?? key.value) === part) return { node: child, key };
  }
  return undefined;
}

/** A problem per duplicate key, naming both places (F-K11). */
export function duplicateProblems(document: ConfigDocument): Problem[] {
  return document.duplicates.map(({ path, first, second, keptAs }) => ({
    file: document.file,
    ...second,
    path: writePath(path),
    message: `this key stands twice; first in line ${first.line}, column ${first.column}`,
    ...(keptAs !== undefined && { hint: `the second one is kept as "${keptAs}"` }),
  }));
}

/** A document that came from a program, not from a text: it has no places. */
export function documentOf(value: JsonObject, file: string): ConfigDocument {
  const nowhere = () => ({ line: 1, column: 1 });
  return { file, value, duplicates: [], place: nowhere, keyPlace: nowhere };
}
