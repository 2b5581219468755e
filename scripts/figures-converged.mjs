// Prints the figures of the converged view from test/corpus (docs/explanation/converged.md). Bundles the sources, so
// that what is measured runs as the product does.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const root = new URL('..', import.meta.url).pathname;
const dir = mkdtempSync(join(root, 'node_modules', '.figures-'));
try {
  const bundle = await rolldown({
    cwd: root,
    input: 'test/converge/figures.ts',
    platform: 'node',
    external: [/^[^./]/],
  });
  await bundle.write({ dir, format: 'esm', entryFileNames: 'figures.js' });
  await bundle.close();
  process.exitCode =
    spawnSync(process.execPath, [join(dir, 'figures.js')], { cwd: root, stdio: 'inherit' }).status ?? 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
