// Writes every generated file of the documentation. `--check` writes nothing and fails when one of them is stale.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const root = new URL('..', import.meta.url).pathname;
/** Programs that export functions named `…Docs`, from nothing to `{ path: text }`. */
const SOURCES = ['config', 'faults', 'events', 'cli'].map((name) => `scripts/docs/${name}.ts`);

// Node 20 runs no TypeScript, so each program is bundled first; inside the checkout, where it finds its packages.
const scratch = join(root, 'node_modules/.docs');
const check = process.argv.includes('--check');
const stale = [];
try {
  for (const source of SOURCES) {
    const bundle = await rolldown({ cwd: root, input: source, platform: 'node', external: [/^[^./]/] });
    const file = join(scratch, `${source.replaceAll('/', '-')}.mjs`);
    await bundle.write({ file, format: 'esm', codeSplitting: false });
    await bundle.close();
    const made = Object.entries(await import(pathToFileURL(file).href)).filter(([name]) => name.endsWith('Docs'));
    for (const [, make] of made) {
      for (const [path, text] of Object.entries(make())) {
        const target = join(root, path);
        let old;
        try {
          old = readFileSync(target, 'utf8');
        } catch {
          old = undefined;
        }
        if (old === text) continue;
        stale.push(path);
        if (check) continue;
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, text);
      }
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const path of stale) process.stdout.write(`${check ? 'stale' : 'written'}: ${path}\n`);
if (check && stale.length > 0) process.exitCode = 1;
