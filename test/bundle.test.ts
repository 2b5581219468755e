// What is packed into dist/ is cheap to start (performance row 12) and can be traced back to its sources.
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const DIST = new URL('../dist/', import.meta.url).pathname;
const text = (file: string): string => readFileSync(join(DIST, file), 'utf8');

/** The files that Node reads before the first line of `file` runs. */
function readWith(file: string): Set<string> {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const [, imported] of text(name).matchAll(/^(?:import|export) (?:.* from )?"\.\/([^"]+)"/gm))
      visit(imported as string);
  };
  visit(file);
  return found;
}

describe('dist/ (performance row 12)', () => {
  const program = /"\.\/(program-[^"]+)"/.exec(text('main.js'))?.[1] as string;
  const commands = [...readWith(program)].map(text).join('');
  const command = (name: string): string =>
    new RegExp(`import\\("\\./(${name}-[^"]+)"\\)`).exec(commands)?.[1] as string;
  const serve = command('serve');

  it('serve reads a handful of files, which V8 keeps with one byte a letter', () => {
    const files = readWith(serve);
    expect(files.size).toBeLessThan(8);
    const wide = [...files].filter((file) => readFileSync(join(DIST, file)).some((byte) => byte > 0x7f));
    expect(wide).toEqual([]);
  });

  it('serve reads no package beside its own files', () => {
    const packages = [...readWith(serve), ...readWith(program)].flatMap((file) =>
      [...text(file).matchAll(/^import (?:.* from )?"([^".][^"]*)"/gm)].map(([, name]) => name as string),
    );
    expect(packages.length).toBeGreaterThan(10);
    expect(packages.filter((name) => !name.startsWith('node:'))).toEqual([]);
  });

  it('what a start does not need is in files of their own, which are read later', () => {
    const sources = [...readWith(serve), ...readWith(program)]
      .filter((file) => existsSync(join(DIST, `${file}.map`)))
      .flatMap((file) => (JSON.parse(text(`${file}.map`)) as { sources: string[] }).sources);
    const later = [
      ...['faces/admin/management-api', 'faces/openapi/handlers', 'custom/handlers', 'converge/find'],
      ...['config/import/index', 'operations/families', 'wire/http-client', 'language/said-zh'],
    ];
    expect(sources.filter((one) => one.endsWith('src/gateway.ts'))).toHaveLength(1);
    expect(later.filter((name) => sources.some((one) => one.endsWith(`src/${name}.ts`)))).toEqual([]);
    for (const name of later) expect(existsSync(new URL(`../src/${name}.ts`, import.meta.url)), name).toBe(true);
  });

  it('a short command reads neither the gateway nor the schema of its configuration', () => {
    for (const file of readWith(command('status'))) expect(file).not.toMatch(/^(gateway|config)-/);
  });

  it('a place in it leads to the source', () => {
    const [file] = [...readWith(serve)].filter((name) => name.startsWith('gateway-'));
    const lines = text(file as string).split('\n');
    const line = lines.findIndex((one) => one.startsWith('var StartSlots = class'));
    const map = new SourceMap(JSON.parse(text(`${file}.map`)));
    const found = map.findEntry(line, 0) as { originalSource: string; originalLine: number };
    expect(found.originalSource).toMatch(/src\/resilience\/start-slots\.ts$/);
    const source = readFileSync(new URL('../src/resilience/start-slots.ts', import.meta.url), 'utf8').split('\n');
    expect(source[found.originalLine]).toContain('class StartSlots');
  });
});
