// A gateway that is alone has nothing to do with a store.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const dist = new URL('../../dist/', import.meta.url).pathname;

/** What a file of the bundle imports before it runs. */
const staticImports = (file: string): string[] =>
  [...readFileSync(join(dist, file), 'utf8').matchAll(/^import\s[^"'()]*["']([^"']+)["'];?$/gm)].map(
    ([, to]) => to ?? '',
  );

describe('a gateway that is alone', () => {
  it('does not load the library of the store at its start (F-R4)', () => {
    const seen = new Set<string>();
    const packages = new Set<string>();
    const follow = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const to of staticImports(file)) to.startsWith('./') ? follow(to.slice(2)) : packages.add(to);
    };
    follow('main.js');
    follow('index.js');
    expect(packages).toContain('node:http');
    expect([...packages, ...seen].filter((name) => /redis/.test(name))).toEqual([]);
  });
});
