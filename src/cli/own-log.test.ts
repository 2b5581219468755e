import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';
import { withTempDir } from '../../test/support/temp-dir.ts';

it('the log in the background is put aside when it has grown, without losing a line', async () => {
  await withTempDir(async (folder) => {
    const bundle = await rolldown({ input: join(import.meta.dirname, 'own-log.ts'), platform: 'node' });
    const module = join(folder, 'own-log.mjs');
    await bundle.write({ file: module, format: 'esm' });
    await bundle.close();
    const path = join(folder, 'gateway.log');
    const output = openSync(path, 'a', 0o600);
    const code = `import(${JSON.stringify(pathToFileURL(module).href)}).then(({ toOwnLog }) => {
      const write = toOwnLog(${JSON.stringify(path)}, 1000);
      for (let number = 100; number < 400; number++) write('line ' + number + '\\n');
    });`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'inherit', output] });
    closeSync(output);
    await once(child, 'exit');
    const texts = await Promise.all(
      ['.2', '.1', ''].map((end) => readFile(path + end, 'utf8').catch(() => 'missing\n')),
    );
    const lines = texts.join('').trimEnd().split('\n');
    expect(texts[0]?.length).toBe(1008);
    expect(lines).toHaveLength(300);
    expect([lines[0], lines.at(-1)]).toEqual(['line 100', 'line 399']);
    expect(new Set(lines).size).toBe(300);
  });
});
