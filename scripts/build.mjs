// Builds dist/: the program and the library as bundles (one file starts three times faster than fifty).
//   --types        with declarations
//   --out FOLDER   somewhere else than dist/
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';
import { buildDocsPage } from './build-docs-page.mjs';
import { buildUi } from './build-ui.mjs';
import { writeLicences } from './bundled-licences.mjs';
import { chunkGroups } from './chunks.mjs';

const root = new URL('..', import.meta.url).pathname;
const { values: options } = parseArgs({ options: { types: { type: 'boolean' }, out: { type: 'string' } } });
const dist = resolve(options.out ?? `${root}dist`);
const { dependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
rmSync(dist, { recursive: true, force: true });
const input = Object.fromEntries(
  Object.entries({ main: 'src/main.ts', index: 'src/index.ts', demo: 'src/demo.ts' }).filter(([, file]) =>
    existsSync(root + file),
  ),
);
// What every start needs is packed in. Of zod the program uses a tenth: the rest (fifty languages) is then neither read
// nor kept in memory. The others are a file each, which need not be looked for.
const PACKED = new Set(['zod', 'commander', 'jsonc-parser', 'lru-cache']);
const external = Object.keys(dependencies).filter((name) => !PACKED.has(name));
const bundle = await rolldown({
  cwd: root,
  input,
  platform: 'node',
  resolve: { mainFields: ['module', 'main'] },
  external: [/^node:/, ...external.map((name) => new RegExp(`^${name}(/|$)`))],
});
const { output } = await bundle.write({
  dir: dist,
  format: 'esm',
  sourcemap: true,
  // One letter beyond Latin-1, in a comment even, and V8 keeps the whole file with two bytes a letter, and reads it slower.
  charset: 'ascii',
  comments: false,
  codeSplitting: { groups: chunkGroups(root) },
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
});
await bundle.close();
buildDocsPage(dist);
const packed = [...output, ...(await buildUi(dist))].flatMap(({ modules }) => Object.keys(modules ?? {}));
writeLicences(`${dist}/LICENSES.txt`, packed);
if (existsSync(`${dist}/main.js`)) chmodSync(`${dist}/main.js`, 0o755);
if (options.types) {
  const compiler = `${root}node_modules/typescript/bin/tsc`;
  execFileSync(process.execPath, [compiler, '-p', `${root}tsconfig.build.json`, '--outDir', `${dist}/types`], {
    stdio: 'inherit',
  });
  // The compiler rewrites the extensions of imports in programs only.
  for (const name of readdirSync(`${dist}/types`, { recursive: true })) {
    const file = `${dist}/types/${name}`;
    if (!name.endsWith('.d.ts')) continue;
    writeFileSync(file, readFileSync(file, 'utf8').replace(/((?:from |import\()'\.[^']*)\.ts'/g, "$1.js'"));
  }
}
