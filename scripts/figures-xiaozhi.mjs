// Prints the figures of the Xiaozhi face: start, memory, failover, spread, flapping (`--flap SECONDS`, 20 by default;
// 120 is the day of the requirements). Needs a build of the program. Bundles the sources, so that what is measured runs as the product does.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const root = new URL('..', import.meta.url).pathname;
const dir = mkdtempSync(join(root, 'node_modules', '.figures-'));
try {
  const bundle = await rolldown({
    cwd: root,
    input: 'test/xiaozhi/figures.ts',
    platform: 'node',
    external: [/^[^./]/],
  });
  await bundle.write({ dir, format: 'esm', entryFileNames: 'figures.js' });
  await bundle.close();
  const args = ['--expose-gc', join(dir, 'figures.js'), ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
