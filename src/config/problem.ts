// What is wrong with a configuration, and where: the one shape in which every part of the reader says so.

/** Keys and indexes from the root of a document. */
export type Path = readonly (string | number)[];

/** One finding. It never holds a value of the file, which may be a secret; only keys, places and kinds. */
export interface Problem {
  /** The file as it was named to the reader, or the variable or flag the value came from. */
  file: string;
  /** From 1; absent where the finding has no place in a text. */
  line?: number | undefined;
  /** From 1, in UTF-16 units as editors count. */
  column?: number | undefined;
  /** As a person would write it: `upstreams.files.args[0]`; empty for the whole document. */
  path: string;
  message: string;
  /** What to do about it. */
  hint?: string | undefined;
}

/** `upstreams.files.args[0]`; keys that are no plain word are quoted. */
export function writePath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\p{L}\p{N}_$-]+$/u.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** The other way round; undefined for a text that is no path. */
export function readPath(text: string): Path | undefined {
  const path: (string | number)[] = [];
  let rest = text;
  while (rest !== '') {
    const [whole, index, quoted, word] = /^(?:\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]|\.?([^.[\]]+))/.exec(rest) ?? [];
    if (whole === undefined || (path.length === 0 && whole.startsWith('.'))) return undefined;
    if (index !== undefined) path.push(Number(index));
    else if (word !== undefined) path.push(word);
    else {
      try {
        path.push(JSON.parse(quoted as string) as string);
      } catch {
        return undefined;
      }
    }
    rest = rest.slice(whole.length);
  }
  return path.length === 0 ? undefined : path;
}

/** One line for people: `file:3:7: upstreams.a.port: expected a number (hint)`. */
export function formatProblem(problem: Problem): string {
  const place = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}:${problem.column ?? 1}`;
  const path = problem.path === '' ? '' : `${problem.path}: `;
  const hint = problem.hint === undefined ? '' : ` (${problem.hint})`;
  return `${place}: ${path}${problem.message}${hint}`;
}
