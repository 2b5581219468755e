// What things are called in a specification, as mcpo calls them (U-04), so that functions keep their names when
// somebody comes from there.

/** `get_current_time` → `Get Current Time`: every run of letters begins with a capital, the rest is small. */
export function titleCase(name: string): string {
  return name
    .replaceAll('_', ' ')
    .replace(/[\p{L}\p{M}]+/gu, (word) => {
      const [first = '', ...rest] = word;
      return first.toUpperCase() + rest.join('').toLowerCase();
    })
    .trim();
}

/** `tool_<path>_post`, the name of the function that clients make of it. */
export function operationId(path: string): string {
  return `tool_${path.replace(/^\//, '').replace(/[^\p{L}\p{N}_]/gu, '_')}_post`;
}

/** Component names are `[A-Za-z0-9._-]+` (OpenAPI 3.1, Components Object). */
export function componentName(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]/g, '_');
}

/** Gives each name once; the second of two equal ones gets a number. */
export class UniqueNames {
  readonly #taken = new Set<string>();

  take(wanted: string): string {
    let name = wanted;
    for (let count = 2; this.#taken.has(name); count++) name = `${wanted}_${count}`;
    this.#taken.add(name);
    return name;
  }
}
