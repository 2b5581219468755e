import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeDir } from '../../test/support/temp-dir.ts';
import { diffConfigs } from './diff.ts';
import { ConfigHistory, NewerHistory } from './history.ts';
import { parseConfig } from './load.ts';
import type { Config, ConfigInput } from './schema.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-history-'));
});
afterEach(() => removeDir(root));

const open = (keep = 50) => ConfigHistory.open({ directory: join(root, 'config'), keep, now: () => 1000 });
const note = { by: 'ann', reason: 'a test' };

describe('ConfigHistory (C-60, C-63)', () => {
  it('keeps who, when, why and the text, also for the next process', async () => {
    const history = await open();
    const first = await history.record('{"a":1}', { ...note, file: '/etc/a.json', format: 'native' });
    expect(first).toMatchObject({ version: 1, at: 1000, by: 'ann', reason: 'a test', file: '/etc/a.json' });
    await history.record('{"a":2}', note);
    const again = await open();
    expect(again.list().map(({ version }) => version)).toEqual([1, 2]);
    expect([await again.read(1), await again.read(2), await again.read(3)]).toEqual(['{"a":1}', '{"a":2}', undefined]);
    expect((await again.record('{"a":3}', note)).version).toBe(3);
  });

  it('keeps 50 versions and only their texts; one text once', async () => {
    const history = await open();
    for (let number = 1; number <= 60; number++) await history.record(`text ${number % 55}`, note);
    expect(history.list()).toHaveLength(50);
    expect(history.list()[0]?.version).toBe(11);
    // 55 texts were seen, some of them twice; what the kept versions need is there and nothing else.
    const needed = new Set(history.list().map(({ hash }) => hash));
    expect(new Set(await readdir(join(root, 'config/texts')))).toEqual(needed);
    for (const { version } of history.list()) expect(await history.read(version)).toBe(`text ${version % 55}`);
  });

  it('takes away texts that no version names', async () => {
    const { hash } = await (await open()).record('a', note);
    await writeFile(join(root, 'config/texts', 'f'.repeat(64)), 'left by a killed writer');
    await open();
    expect(await readdir(join(root, 'config/texts'))).toEqual([hash]);
  });

  it('gives each of many records at once a number of its own', async () => {
    const history = await open();
    const all = await Promise.all(Array.from({ length: 20 }, (_, index) => history.record(`t${index}`, note)));
    expect(new Set(all.map(({ version }) => version)).size).toBe(20);
    expect((await open()).list()).toHaveLength(20);
  });

  it('is readable by its owner only', async () => {
    const history = await open();
    const { hash } = await history.record('secret', note);
    const mode = async (...path: string[]) => (await stat(join(root, 'config', ...path))).mode & 0o777;
    expect([await mode(), await mode('index.json'), await mode('texts', hash)]).toEqual([0o700, 0o600, 0o600]);
  });

  it('moves a corrupt index aside, says so, and still has the texts (F-D2)', async () => {
    await (await open()).record('{"a":1}', note);
    await writeFile(join(root, 'config/index.json'), '{"format":1,"next":');
    const notices: string[] = [];
    const history = await ConfigHistory.open({ directory: join(root, 'config'), keep: 50 }, (text) =>
      notices.push(text),
    );
    expect(notices).toHaveLength(1);
    expect(await history.read(history.list()[0]?.version as number)).toBe('{"a":1}');
    expect((await readdir(join(root, 'config'))).some((name) => name.includes('corrupt'))).toBe(true);
  });

  it('refuses an index of a newer gateway and leaves it alone (F-D2)', async () => {
    await mkdir(join(root, 'config'));
    const newer = '{"format":2,"somethingElse":true}';
    await writeFile(join(root, 'config/index.json'), newer);
    await expect(open()).rejects.toBeInstanceOf(NewerHistory);
    expect(await readFile(join(root, 'config/index.json'), 'utf8')).toBe(newer);
  });

  it('does not hand out a text that was tampered with', async () => {
    const history = await open();
    const { hash, version } = await history.record('{"a":1}', note);
    await writeFile(join(root, 'config/texts', hash), '{"a":2}');
    expect(await history.read(version)).toBeUndefined();
  });

  it('loses no acknowledged version to SIGKILL, and is never corrupt', async () => {
    // Node 20 runs no TypeScript: the writer is bundled for its process.
    const writer = join(root, 'writer.mjs');
    const bundle = await rolldown({ input: join(import.meta.dirname, 'history.ts'), platform: 'node' });
    await bundle.write({ file: join(root, 'history.mjs'), format: 'esm' });
    await bundle.close();
    await writeFile(
      writer,
      `import { ConfigHistory } from './history.mjs';
       const history = await ConfigHistory.open({ directory: process.argv[2], keep: 50 });
       for (let n = 0; ; n++) {
         const { version } = await history.record('text ' + process.pid + ' ' + n, { by: 'w', reason: 'r' });
         process.send({ version, text: 'text ' + process.pid + ' ' + n });
       }`,
    );
    const directory = join(root, 'killed');
    for (let round = 0; round < 12; round++) {
      let last: { version: number; text: string } | undefined;
      const child = fork(writer, [directory], { stdio: 'ignore' });
      let after = 1 + ((round * 5) % 13);
      child.on('message', (told) => {
        last = told as typeof last;
        if (--after === 0) child.kill('SIGKILL');
      });
      await once(child, 'exit');
      const history = await ConfigHistory.open({ directory, keep: 50 }, (text) => expect.fail(text));
      expect(last).toBeDefined();
      expect(await history.read(last?.version as number)).toBe(last?.text);
      expect((await readdir(directory)).sort()).toEqual(['index.json', 'texts']);
    }
  });
});

describe('diffConfigs (C-62)', () => {
  const config = (input: ConfigInput): Config => {
    const result = parseConfig(input, { env: {} });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    return result.config;
  };

  it('tells what was added, removed, modified, and what must restart', () => {
    const old = config({ upstreams: { a: { command: 'x' }, b: { command: 'y' } }, log: { level: 'info' } });
    const next = config({
      upstreams: { b: { command: 'z', timeouts: { call: 5 } }, c: { command: 'x' } },
      log: { level: 'warn' },
    });
    expect(diffConfigs(old, next)).toEqual({
      added: ['c'],
      removed: ['a'],
      modified: {
        b: {
          command: { old_value: 'y', new_value: 'z' },
          'timeouts.call': { old_value: 60_000, new_value: 5000 },
        },
      },
      settings: { 'log.level': { old_value: 'info', new_value: 'warn' } },
      restarts: ['b'],
    });
  });

  it('hides secrets, old and new', () => {
    const old = config({ upstreams: { a: { command: 'x', env: { API_TOKEN: 'old-secret' } } } });
    const next = config({ upstreams: { a: { command: 'x', env: { API_TOKEN: 'new-secret' } } } });
    const shown = JSON.stringify(diffConfigs(old, next));
    expect(shown).toContain('***');
    expect(shown).not.toContain('secret');
  });
});
