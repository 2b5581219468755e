// Who may import whom, no cycle, no module-level mutable state: checked from the source text.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = resolve(import.meta.dirname, '../src');
const WEB = resolve(import.meta.dirname, '../web');

/** What each folder may import beside itself; `types:x` allows `import type` only. */
const ALLOWED: Record<string, readonly string[]> = {
  core: [],
  config: ['core'],
  wire: ['core'],
  bridge: ['core', 'wire'],
  resilience: ['core'],
  catalog: ['core'],
  upstream: ['core', 'types:config', 'resilience', 'wire', 'bridge'],
  dispatch: ['core', 'catalog', 'resilience'],
  converge: ['core', 'catalog', 'types:dispatch', 'types:session'],
  session: ['core', 'bridge', 'wire', 'catalog', 'converge', 'types:dispatch'],
  security: ['core', 'config'],
  custom: ['core', 'types:config', 'resilience', 'wire', 'types:dispatch'],
  identity: ['core', 'wire'],
  http: ['core'],
  language: [],
  store: ['core'],
  cluster: ['core', 'types:http'],
  operations: ['core', 'types:config'],
  'faces/mcp': ['core', 'types:catalog', 'session', 'wire', 'http'],
  'faces/openapi': ['core', 'types:catalog', 'types:dispatch', 'session', 'wire', 'http'],
  'faces/xiaozhi': ['core', 'types:catalog', 'session', 'wire', 'http', 'resilience', 'types:config'],
  'faces/admin': ['core', 'types:catalog', 'session', 'wire', 'http', 'types:config'],
};
/** Composition: may import everything. */
const ROOT = new Set([
  'gateway.ts',
  'setup.ts',
  'routes.ts',
  'fleet.ts',
  'surfaces.ts',
  'policy.ts',
  'scale-out.ts',
  'keys.ts',
  'key-control.ts',
  'openapi.ts',
  'result-cache.ts',
  'index.ts',
  'main.ts',
  'demo.ts',
  'version.ts',
]);

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

function sources(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found = [...text.matchAll(/^(import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"](\.[^'"]+)['"]/gm)].map(
    (match) => {
      const [statement, , type, to] = match;
      const names = /\{([^}]*)\}/.exec(statement)?.[1];
      const allTypes = names?.split(',').every((name) => name.trim() === '' || /^type\s/.test(name.trim()));
      return {
        from: file,
        to: resolve(dirname(file), to as string),
        typeOnly: type !== undefined || allTypes === true,
      };
    },
  );
  const dynamic = [...text.matchAll(/import\(\s*['"](\.[^'"]+)['"]\s*\)/g)].map((match) => ({
    from: file,
    to: resolve(dirname(file), match[1] as string),
    typeOnly: false,
  }));
  return [...found, ...dynamic];
}

function folderOf(file: string): string {
  const parts = relative(SRC, file).split('/');
  if (parts.length === 1) return '';
  return parts[0] === 'faces' ? `faces/${parts[1]}` : (parts[0] as string);
}

const files = sources(SRC);
const imports = files.flatMap(importsOf).filter(({ to }) => to.startsWith(SRC));

describe('the dashboard', () => {
  const web = readdirSync(WEB, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(WEB, name));

  it('takes nothing but types and sentences from the gateway', () => {
    const taken = web
      .flatMap(importsOf)
      .filter(({ to, typeOnly }) => to.startsWith(SRC) && !typeOnly && folderOf(to) !== 'language')
      .map(({ from, to }) => `${relative(WEB, from)} imports ${relative(SRC, to)}`);
    expect(web.length).toBeGreaterThan(50);
    expect(taken).toEqual([]);
  });

  it('keeps every file below 500 lines, but for the tables of words', () => {
    expect(
      web.filter((file) => !file.includes('/i18n/') && readFileSync(file, 'utf8').split('\n').length > 500),
    ).toEqual([]);
  });
});

describe('architecture', () => {
  it('keeps to the import rules', () => {
    const broken = imports.flatMap(({ from, to, typeOnly }) => {
      const own = folderOf(from);
      const other = folderOf(to);
      if (own === other || own === '' || own === 'cli' || ROOT.has(relative(SRC, from))) return [];
      // Two numbers that everybody may know.
      if (relative(SRC, to) === 'version.ts') return [];
      const allowed = ALLOWED[own] ?? [];
      if (allowed.includes(other) || (typeOnly && allowed.includes(`types:${other}`))) return [];
      return [`${relative(SRC, from)} imports ${relative(SRC, to)}`];
    });
    expect(broken).toEqual([]);
  });

  it('has a rule for every folder', () => {
    const folders = new Set(files.map(folderOf).filter((folder) => folder !== '' && folder !== 'cli'));
    expect([...folders].filter((folder) => ALLOWED[folder] === undefined)).toEqual([]);
  });

  it('has no cycle between files', () => {
    const graph = new Map<string, string[]>();
    for (const { from, to, typeOnly } of imports) if (!typeOnly) graph.set(from, [...(graph.get(from) ?? []), to]);
    const done = new Set<string>();
    const cycles: string[] = [];
    const walk = (file: string, path: string[]): void => {
      const at = path.indexOf(file);
      if (at !== -1) {
        cycles.push([...path.slice(at), file].map((one) => relative(SRC, one)).join(' → '));
        return;
      }
      if (done.has(file)) return;
      for (const next of graph.get(file) ?? []) walk(next, [...path, file]);
      done.add(file);
    };
    for (const file of files) walk(file, []);
    expect(cycles).toEqual([]);
  });

  it('has no module-level mutable state', () => {
    const mutable = files.flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, index) => {
          const isMutable =
            /^(export\s+)?(let|var)\s/.test(line) ||
            /^(export\s+)?const\s+\w+\s*=\s*new\s+(Map|LRUCache|WeakMap|EventEmitter)\b.*\(\)\s*;/.test(line);
          return isMutable ? [`${relative(SRC, file)}:${index + 1}: ${line.trim()}`] : [];
        }),
    );
    expect(mutable).toEqual([]);
  });

  it('keeps every file below 500 lines', () => {
    const long = files
      .filter((file) => readFileSync(file, 'utf8').split('\n').length > 500)
      .map((file) => relative(SRC, file));
    expect(long).toEqual([]);
  });

  it('writes to the console nowhere but in the command line', () => {
    const noisy = files.filter(
      (file) => folderOf(file) !== 'cli' && /\bconsole\.|process\.std(out|err)\.write/.test(readFileSync(file, 'utf8')),
    );
    expect(noisy.map((file) => relative(SRC, file)).filter((file) => file !== 'demo.ts')).toEqual([]);
  });
});
